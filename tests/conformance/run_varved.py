#!/usr/bin/env python3
"""Starts a varved on a free port and an empty folder, and runs run.py against it.

    run_varved.py --varved build/release/bin/varved --area write_time ...

What is not --varved goes to run.py. The exit status is run.py's.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(process, url):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit("varved ended with %d" % process.returncode)
        try:
            urllib.request.urlopen(url + "/ping").close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("varved does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", required=True)
    options, rest = parser.parse_known_args()
    folder = tempfile.mkdtemp(prefix="varve-conformance-")
    port = free_port()
    url = "http://127.0.0.1:%d" % port
    with open(os.path.join(folder, "varved.log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [options.varved, "--data-dir", os.path.join(folder, "data"),
             "--http-bind-address", "127.0.0.1:%d" % port], stderr=log,
            # The answers were recorded without a database of the server's own.
            env=dict(os.environ, VARVE_MONITOR_STORE_ENABLED="false"))
    try:
        wait_until_up(process, url)
        runner = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")
        return subprocess.call([sys.executable, runner, "--url", url, "--verbose"] + rest)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
