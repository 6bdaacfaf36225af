#!/usr/bin/env python3
"""Loads the real measurements of ../shared/data into varved and counts them in every storage state.

    real_data_test.py --varved build/release/bin/varved --data ../shared/data/nab-real.lp.gz

The file is written once in batches and once as a single gzip body. After the load, after the flush,
after full compaction, after kill -9 and after a clean restart, the number of points of every
measurement must equal that counted from the file itself. Prints bytes per value on disk.
"""

import argparse
import collections
import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


class Server:
    """A varved on a folder of its own, with short waits so that it flushes and compacts soon."""

    def __init__(self, varved, folder):
        self.varved, self.folder = varved, folder
        self.process, self.port = None, None

    def start(self, **settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [self.varved, "--data-dir", self.folder, "--http-bind-address",
             "127.0.0.1:%d" % self.port],
            env=dict(os.environ, VARVE_MONITOR_STORE_ENABLED="false", **settings),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.request("GET", "/ping")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("varved did not start: %s" % self.process.stderr.read().decode())
                time.sleep(0.05)

    def stop(self, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        self.process.wait()
        self.process.stderr.close()

    def request(self, method, path, body=None, headers=None):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), data=body,
                                         headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            sys.exit("%s %s: status %d %s" % (method, path, error.code, error.read().decode()))

    def write(self, database, body, headers=None):
        self.request("POST", "/write?precision=s&db=" + database, body, headers)

    def query(self, text, database="", method="GET"):
        path = "/query?" + urllib.parse.urlencode({"db": database, "q": text})
        return json.loads(self.request(method, path, b"" if method == "POST" else None))

    def counts(self, database):
        answer = self.query("SELECT count(value) FROM /.*/", database)
        return {series["name"]: series["values"][0][1]
                for series in answer["results"][0].get("series", [])}


def expected_counts(lines):
    """Points by measurement after the last of equal (series, timestamp) wins."""
    points = set()
    for line in lines:
        key, _, stamp = line.rsplit(" ", 2)  # a key may hold escaped spaces
        points.add((key, stamp))
    return collections.Counter(key.split(",")[0] for key, _ in points)


def files_below(folder, ending):
    return [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names
            if name.endswith(ending)]


def stats_below(folder, ending):
    """What stat() says of the files; the server may remove one between the listing and the look."""
    stats = []
    for path in files_below(folder, ending):
        try:
            stats.append(os.stat(path))
        except FileNotFoundError:
            pass
    return stats


def bytes_below(folder, ending):
    return sum(stat.st_size for stat in stats_below(folder, ending))


def wait_for(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("gave up waiting for " + what)
        time.sleep(0.2)


def check(server, expected, state):
    for database in ("batches", "whole"):
        found = server.counts(database)
        if found != expected:
            sys.exit("%s: counts of %s differ: %s, expected %s" % (state, database, found, expected))
    answer = server.query("SELECT count(value), mean(value), min(value), max(value) FROM temperature "
                          "WHERE component = 'machine'", "whole")
    row = answer["results"][0]["series"][0]["values"][0][1:]
    facts = [22683, 85.92215856573033, 2.0847212059999998, 108.51054280000001]
    if row[0] != facts[0] or any(abs(a - b) > 1e-9 * b for a, b in zip(row[1:], facts[1:])):
        sys.exit("%s: temperature of the machine: %s, expected %s" % (state, row, facts))
    print("%-22s %d points in %d measurements, twice" % (state, sum(expected.values()),
                                                         len(expected)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--varved", required=True)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()
    with open(options.data, "rb") as handle:
        packed = handle.read()
    text = gzip.decompress(packed)
    lines = text.decode().splitlines()
    expected = expected_counts(lines)

    folder = tempfile.mkdtemp(prefix="varve-real-data-")
    server = Server(options.varved, folder)
    try:
        server.start(VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION="1h")
        for database in ("batches", "whole"):
            server.query("CREATE DATABASE " + database, method="POST")
        for first in range(0, len(lines), 5000):
            server.write("batches", "\n".join(lines[first:first + 5000]).encode())
        server.write("whole", packed, {"Content-Encoding": "gzip"})
        check(server, expected, "in the cache")

        server.stop(signal.SIGKILL)
        server.start(VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION="1h")
        check(server, expected, "replayed after kill -9")

        server.stop()
        server.start(VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION="1s",
                     VARVE_DATA_COMPACT_FULL_WRITE_COLD_DURATION="1h")
        # The log is cut once everything in it is in files.
        wait_for("the flush", lambda: bytes_below(folder, ".wal") < 1000)
        check(server, expected, "flushed")

        server.stop()
        shards = set(map(os.path.dirname, files_below(folder, ".tsm")))
        server.start(VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION="1s",
                     VARVE_DATA_COMPACT_FULL_WRITE_COLD_DURATION="1s")
        wait_for("full compaction", lambda: compacted(folder))
        check(server, expected, "fully compacted")
        values = 2 * sum(expected.values())
        size = bytes_below(folder, ".tsm")
        whole = bytes_below(folder, "")
        print("%-22s %.3f bytes per value in TSM files, %.3f in all (%d shards)" % (
            "on disk", size / values, whole / values, len(shards)))

        server.stop(signal.SIGKILL)
        server.start()
        check(server, expected, "after kill -9")
        server.stop()
        server.start()
        check(server, expected, "after a restart")
    finally:
        if server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder)
    print("7 passed, 0 failed")


def compacted(folder):
    """True when no shard's folder has changed for a while and each holds one file."""
    folders = collections.Counter(map(os.path.dirname, files_below(folder, ".tsm")))
    if any(count != 1 for count in folders.values()):
        return False
    newest = max(stat.st_mtime for stat in stats_below(folder, ".tsm"))
    return time.time() - newest > 5


if __name__ == "__main__":
    main()
