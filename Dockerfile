# The server and its command line on Debian 12. docs/operations.md says how to run it.
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN ./dev setup && ./dev build release --target varved varve \
    && strip build/release/bin/varved build/release/bin/varve

FROM debian:12-slim
LABEL org.opencontainers.image.title="Varve" \
      org.opencontainers.image.description="Time-series database server for clients of InfluxDB 1.x" \
      org.opencontainers.image.version="0.1.0"
# What the two programs load; scripts/check_runtime_packages.py compares.
RUN apt-get update && apt-get install -y --no-install-recommends \
      libabsl20220623 libbrotli1 libcpp-httplib0.11 libfmt9 libhwy1 libmimalloc2.0 libre2-9 libroaring0 \
      libsimdjson14 libsnappy1v5 libspdlog1.10 libssl3 libtomlplusplus3 libxxhash0 libzstd1 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 999 varve \
    && useradd --system --uid 999 --gid varve --home-dir /data --no-create-home --shell /usr/sbin/nologin varve \
    && install -d -o varve -g varve -m 0750 /data
COPY --from=build /src/build/release/bin/varved /src/build/release/bin/varve /usr/local/bin/
# Any key of the configuration is VARVE_SECTION_KEY here.
ENV VARVE_ROOT_DIR=/data \
    VARVE_HTTP_BIND_ADDRESS=0.0.0.0:8086
USER varve
VOLUME /data
EXPOSE 8086
# Asks VARVE_HOST, 127.0.0.1:8086 if that is not set.
HEALTHCHECK --interval=30s --timeout=5s --start-period=1m --retries=3 CMD ["varve", "health"]
ENTRYPOINT ["varved"]
