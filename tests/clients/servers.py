"""Servers for the tests of clients: a varved of the build, and a real influxd where one is installed.

Each has an empty folder and a free port of its own and is stopped at the end of its `with`.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# What ctest takes for a test that could not run (SKIP_RETURN_CODE).
SKIPPED = 77


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process; `port` and `url` are where it listens."""

    def __init__(self, auth=False):
        self.folder = tempfile.mkdtemp(prefix="varve-clients-")
        self.port = free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        self.auth = auth

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def __enter__(self):
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log,
                                        env={**os.environ, **self.environment()})
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + "/ping").close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError("%s does not answer" % self.command()[0])
                time.sleep(0.05)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Varved(Server):
    def __init__(self, program, auth=False, secret=""):
        super().__init__(auth)
        self.program = program
        self.secret = secret

    def command(self):
        path = os.path.join(self.folder, "varve.conf")
        with open(path, "w", encoding="utf-8") as config:
            config.write("[monitor]\nstore-enabled = false\n[http]\nauth-enabled = %s\nshared-secret = '%s'\n"
                         % (str(self.auth).lower(), self.secret))
        return [self.program, "--config", path, "--data-dir", os.path.join(self.folder, "data"),
                "--http-bind-address", "127.0.0.1:%d" % self.port]


class Example(Server):
    """A varved with the configuration of examples/grafana, that stores its statistics every second."""

    FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/grafana")

    def __init__(self, program):
        super().__init__()
        self.program = program

    def command(self):
        return [self.program, "--config", os.path.join(self.FOLDER, "varve.conf"), "--data-dir",
                os.path.join(self.folder, "data"), "--http-bind-address",
                "127.0.0.1:%d" % self.port]

    def environment(self):
        return {"VARVE_MONITOR_STORE_INTERVAL": "1s"}


class Influxd(Server):
    def command(self):
        path = os.path.join(self.folder, "influxdb.conf")
        with open(path, "w", encoding="utf-8") as config:
            config.write("""reporting-disabled = true
bind-address = "127.0.0.1:%d"
[meta]
dir = "%s/meta"
[data]
dir = "%s/data"
wal-dir = "%s/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:%d"
auth-enabled = %s
""" % (free_port(), self.folder, self.folder, self.folder, self.port, str(self.auth).lower()))
        return [shutil.which("influxd"), "-config", path]
