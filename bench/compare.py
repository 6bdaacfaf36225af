#!/usr/bin/env python3
"""Loads the same bodies into Varve and InfluxDB in interleaved rounds and prints a table.

    bench/compare.py --build build/release --rounds 3

Every round starts each server on an empty folder, loads the devops workload with varve-bench, lets
it settle, counts its files, checks that the number of values agrees, and stops it. What is printed
are medians, with the spread of the rounds.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

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
  cache-snapshot-write-cold-duration = "5s"
  compact-full-write-cold-duration = "10s"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=60) as answer:
        return answer.read()


def query(port, text):
    path = "/query?" + urllib.parse.urlencode({"db": "bench", "q": text})
    return json.loads(ask(port, path))["results"][0]


def start(name, folder, port, build):
    """Start a server; return its process once it answers."""
    if name == "varve":
        argv = [os.path.join(build, "bin", "varved"), "--data-dir", folder,
                "--http-bind-address", "127.0.0.1:%d" % port]
        extra = {"VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "5s",
                 "VARVE_DATA_COMPACT_FULL_WRITE_COLD_DURATION": "10s"}
    else:
        config = os.path.join(folder, "influxdb.conf")
        with open(config, "w", encoding="utf-8") as handle:
            handle.write(INFLUX_CONFIG.format(folder=folder, port=port, rpc=free_port()))
        argv, extra = ["influxd", "-config", config], {}
    server = subprocess.Popen(argv, env=dict(os.environ, **extra), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            ask(port, "/ping")
            return server
        except OSError:
            if server.poll() is not None:
                sys.exit("%s did not start" % name)
            time.sleep(0.1)
    sys.exit("%s does not answer" % name)


def folder_bytes(folder):
    """What the files take on disk: InfluxDB makes some of them longer than what is in them."""
    return sum(os.stat(os.path.join(where, name)).st_blocks * 512
               for where, _, names in os.walk(folder) for name in names)


def run_round(name, options):
    """One server, one load; return the figures."""
    folder = tempfile.mkdtemp(prefix="compare-%s-" % name, dir=options.scratch)
    port = free_port()
    server = start(name, folder, port, options.build)
    try:
        argv = [os.path.join(options.build, "bin", "varve-bench"), "load", "--port", str(port),
                "--pid", str(server.pid), "--series", str(options.hosts),
                "--rows", str(options.rows), "--connections", str(options.connections),
                "--quiet-seconds", str(options.quiet), "--idle-limit", str(options.settle)]
        if options.two_decimals:
            argv.append("--two-decimals")
        figures = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
        rows = query(port, "SELECT count(usage_user) FROM cpu")["series"][0]["values"][0][1]
        if rows * 10 != figures["values"]:
            sys.exit("%s holds %d rows of %d" % (name, rows, figures["values"] / 10))
        figures["bytes_per_value"] = folder_bytes(folder) / figures["values"]
        return figures
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--settle", type=float, default=180,
                        help="seconds to wait, at most, until nothing is left to flush or merge")
    parser.add_argument("--quiet", type=int, default=20, help="idle seconds that mean settled")
    parser.add_argument("--two-decimals", action="store_true")
    parser.add_argument("--scratch", default=None, help="folder for the servers' data")
    parser.add_argument("--servers", default="varve,influxdb")
    parser.add_argument("--json", help="file for the figures of every round, for chart.py")
    options = parser.parse_args()
    names = options.servers.split(",")
    rounds = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            rounds[name].append(run_round(name, options))
            print("round %d %-9s %s" % (number + 1, name, json.dumps(rounds[name][-1])))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as handle:
            json.dump(rounds, handle, indent=1)
    keys = ["values_per_s", "cpu_s_per_million", "bytes_per_value", "peak_memory_mb", "p99_ms"]
    print("\n%-20s" % "median (min-max)" + "".join("%34s" % name for name in names))
    for key in keys:
        cells = []
        for name in names:
            values = [figures[key] for figures in rounds[name]]
            cells.append("%34s" % ("%.4g (%.4g-%.4g)" % (
                statistics.median(values), min(values), max(values))))
        print("%-20s" % key + "".join(cells))


if __name__ == "__main__":
    main()
