#!/usr/bin/env python3
"""Kills a real varved with SIGKILL again and again while it takes writes, and checks after each
restart that every acknowledged point is there.

    tests/crash/kill9.py --varved build/release/bin/varved --rounds 10 --seed 1

Caches are flushed at 64 KiB, so kills hit flushes and merges too. Needs Python 3.9 only.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

CONFIG = """
[data]
cache-snapshot-memory-size = "64k"
compact-throughput = "0"
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.config = os.path.join(folder, "varved.toml")
        with open(self.config, "w") as f:
            f.write(CONFIG)
        self.port = free_port()

    def start(self):
        log = open(os.path.join(self.folder, "varved.log"), "ab")
        self.process = subprocess.Popen(
            [self.program, "--config", self.config, "--data-dir",
             os.path.join(self.folder, "data"), "--http-bind-address",
             f"127.0.0.1:{self.port}"], stdout=log, stderr=log,
            env=dict(os.environ, VARVE_MONITOR_STORE_ENABLED="false"))
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"varved ended with {self.process.returncode}; see {log.name}")
            try:
                self.request("/ping")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("varved does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def request(self, path, params=None, body=None):
        url = f"http://127.0.0.1:{self.port}{path}"
        if params:
            url += "?" + urllib.parse.urlencode(params)
        with urllib.request.urlopen(url, body, timeout=30) as answer:
            return answer.read()

    def count(self, writer):
        answer = json.loads(self.request("/query", {
            "db": "crash", "epoch": "ns",
            "q": f"SELECT count(v), sum(v), max(v) FROM m WHERE w = '{writer}'"}))
        series = answer["results"][0].get("series")
        return [0, 0, 0] if not series else series[0]["values"][0][1:]


class Writer(threading.Thread):
    """Writes points 0, 1, 2, ... in batches; remembers how many were acknowledged and sent."""

    def __init__(self, server, name, first, seed):
        super().__init__()
        self.server, self.writer, self.random = server, name, random.Random(seed)
        self.acknowledged = self.sent = first

    def run(self):
        while True:
            size = self.random.randint(1, 200)
            lines = "".join(
                f"m,w={self.writer},s={i % 7} v={i}i {1_600_000_000 + i}\n"
                for i in range(self.acknowledged, self.acknowledged + size))
            self.sent = self.acknowledged + size
            try:
                self.server.request("/write", {"db": "crash", "precision": "s"}, lines.encode())
            except OSError:
                return
            self.acknowledged = self.sent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.varved, folder)
        server.start()
        server.request("/query", body=b"q=CREATE+DATABASE+crash")
        known = {"a": 0, "b": 0, "c": 0}
        for round_number in range(args.rounds):
            writers = [Writer(server, name, first, chance.random())
                       for name, first in known.items()]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.2, 1.5))
            server.kill()
            for writer in writers:
                writer.join()
            server.start()
            for writer in writers:
                count, total, last = server.count(writer.writer)
                whole = count in (writer.acknowledged, writer.sent)
                if not whole or total != count * (count - 1) // 2 or (count and last != count - 1):
                    sys.exit(f"round {round_number}, seed {args.seed}: writer {writer.writer} had "
                             f"{writer.acknowledged} points acknowledged and {writer.sent} sent; "
                             f"found {count}, sum {total}, last {last}")
                known[writer.writer] = count
        server.kill()
    print(f"{args.rounds} kills, {sum(known.values())} points, none lost")


if __name__ == "__main__":
    main()
