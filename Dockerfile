FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN ./dev setup && ./dev build release --target varved varve

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      libabsl20220623 libfmt9 libmimalloc2.0 libre2-9 libroaring0 libsimdjson14 libsnappy1v5 \
      libspdlog1.10 libssl3 libxxhash0 libzstd1 tzdata zlib1g && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/bin/varved /src/build/release/bin/varve /usr/local/bin/
VOLUME /data
EXPOSE 8086
ENTRYPOINT ["varved", "--data-dir", "/data", "--http-bind-address", "0.0.0.0:8086"]
