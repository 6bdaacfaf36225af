"""The servers that are measured: how each is started on an empty or used folder, and stopped.

All listen on free ports of the loopback address and keep what they acknowledge as their defaults have
it: Varve and InfluxDB sync their log before they answer; VictoriaMetrics has no log and writes what it
holds to disk every few seconds. What is changed is the same for all: waits before cold data are merged
are short, so that a server settles soon, and limits on the number of series are lifted.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
  cache-snapshot-write-cold-duration = "{flush}s"
  compact-full-write-cold-duration = "{merge}s"
  max-series-per-database = 0
  max-values-per-tag = 0
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


class ServerError(Exception):
    """A server does not do what it was asked for."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server on one folder; start() again after stop() or kill()."""

    name = label = ""
    speaks_influxql = True

    def __init__(self, folder, build, flush_s=5, merge_s=10):
        self.folder, self.build = folder, build
        self.flush_s, self.merge_s = flush_s, merge_s
        self.port, self.process, self.started = 0, None, 0

    def command(self):
        """The command line, and what is added to the environment."""
        raise NotImplementedError

    def start(self):
        """Start the process; wait_until_up() says when it answers."""
        self.port = free_port()
        argv, extra = self.command()
        with open(self.folder + ".log", "ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(argv, env=dict(os.environ, **extra), stdout=log,
                                            stderr=log)

    def wait_until(self, what, condition, limit_s=300, step_s=0.001):
        """Ask until `condition` holds; return the seconds since the start of the process."""
        while True:
            try:
                if condition():
                    return time.monotonic() - self.started
            except (OSError, http.client.HTTPException, ServerError):
                pass
            if self.process.poll() is not None:
                with open(self.folder + ".log", encoding="utf-8", errors="replace") as log:
                    raise ServerError("%s ended: %s" % (self.name, log.read()[-2000:]))
            if time.monotonic() - self.started > limit_s:
                raise ServerError("%s: gave up waiting for %s" % (self.name, what))
            time.sleep(step_s)

    def wait_until_up(self):
        return self.wait_until("an answer", lambda: self.get("/ping") is not None)

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def get(self, path, method="GET"):
        """The body of the answer; ServerError if its status is not 2xx."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status // 100 != 2:
            raise ServerError("%s %s: status %d %s" % (self.name, path, answer.status, body[:500]))
        return body

    def query(self, text, database="bench"):
        path = "/query?" + urllib.parse.urlencode({"db": database, "q": text})
        return json.loads(self.get(path))["results"][0]

    def rows(self, shape):
        """How many rows of the workload the server holds."""
        answer = self.query("SELECT count(%s) FROM %s" % (shape["field"], shape["measurement"]))
        return answer["series"][0]["values"][0][1] if "series" in answer else 0

    def finish_merging(self):
        """Asks for what the server would do only much later."""

    def cpu_seconds(self):
        # The clock of all threads of another process, as clock_getcpuclockid() makes its number.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def peak_memory_bytes(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise ServerError("no VmHWM")

    def settle(self, quiet_s, limit_s):
        """Wait until it used less than 2 % of a core for `quiet_s` seconds on end."""
        self.finish_merging()
        before, quiet = self.cpu_seconds(), 0
        end = time.monotonic() + limit_s
        while quiet < quiet_s and time.monotonic() < end:
            time.sleep(1)
            now = self.cpu_seconds()
            quiet = quiet + 1 if now - before < 0.02 else 0
            before = now
        return quiet >= quiet_s

    def disk_bytes(self):
        """What the files take: InfluxDB makes some of them longer than what is in them."""
        return sum(os.stat(os.path.join(where, name)).st_blocks * 512
                   for where, _, names in os.walk(self.folder) for name in names)


class Varve(Server):
    name, label = "varve", "Varve"

    def command(self):
        return ([os.path.join(self.build, "bin", "varved"), "--data-dir", self.folder,
                 "--http-bind-address", "127.0.0.1:%d" % self.port],
                {"VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "%ds" % self.flush_s,
                 "VARVE_DATA_COMPACT_FULL_WRITE_COLD_DURATION": "%ds" % self.merge_s,
                 "VARVE_HTTP_LOG_ENABLED": "false",
                 "VARVE_MONITOR_STORE_ENABLED": "false"})  # as the others


class InfluxDB(Server):
    name, label = "influxdb", "InfluxDB 1.6.7"

    def command(self):
        config = self.folder + ".conf"
        with open(config, "w", encoding="utf-8") as handle:
            handle.write(INFLUX_CONFIG.format(folder=self.folder, port=self.port, rpc=free_port(),
                                              flush=self.flush_s, merge=self.merge_s))
        return ["influxd", "-config", config], {}


class VictoriaMetrics(Server):
    name, label = "victoria", "VictoriaMetrics 1.79.5"
    speaks_influxql = False

    def command(self):
        return (["victoria-metrics", "-storageDataPath=" + self.folder,
                 "-httpListenAddr=127.0.0.1:%d" % self.port, "-retentionPeriod=100y",
                 "-search.maxUniqueTimeseries=100000000",
                 "-search.maxPointsPerTimeseries=10000000", "-search.maxQueryDuration=600s",
                 "-search.logSlowQueryDuration=0", "-loggerLevel=ERROR"], {})

    def rows(self, shape):
        text = "sum(count_over_time(%s_%s[%ds]))" % (
            shape["measurement"], shape["field"], (shape["end_ns"] - shape["start_ns"]) // 10**9)
        path = "/api/v1/query?" + urllib.parse.urlencode(
            {"query": text, "nocache": 1, "time": "%.3f" % (shape["end_ns"] / 1e9 - 0.001)})
        result = json.loads(self.get(path))["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def wait_until_up(self):
        return self.wait_until("an answer", lambda: self.get("/health") is not None)

    def finish_merging(self):
        self.get("/internal/force_flush")
        self.get("/internal/force_merge")


SERVERS = {server.name: server for server in (Varve, InfluxDB, VictoriaMetrics)}
