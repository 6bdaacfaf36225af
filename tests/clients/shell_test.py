#!/usr/bin/env python3
"""The `influx` shell of InfluxDB 1.x against a varved.

    shell_test.py --varved build/release/bin/varved [--record]

Types the same lines into the shell twice, once connected to a real influxd and once to varved, and
compares what the terminal shows. Without influxd the transcript in shell_transcript.txt, which
--record writes from an influxd, takes its place. Versions and ports are masked. What an influxd 1.6
does wrong is not typed: it goes on showing measurements that were in one dropped shard of several.
"""

import argparse
import difflib
import fcntl
import gzip
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

import servers

TRANSCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shell_transcript.txt")
ANSWER_SECONDS = 30
ARROW_UP = "\x1b[A"

IMPORT_FILE = """# DDL
CREATE DATABASE imported
CREATE RETENTION POLICY oneday ON imported DURATION 1d REPLICATION 1 SHARD DURATION 1h

# DML
# CONTEXT-DATABASE: imported
treasures,captain_id=dread_pirate value=801 1439856000
treasures,captain_id=flint value=29 1439856000
treasures,captain_id=sparrow value=38 1439856000
treasures,captain_id=tetra value=47i 1439856000
treasures,captain_id=crunch value=109 1439858880
"""

# What is typed after the shell has connected. Times are given, so that answers do not change.
LINES = """
help
SHOW DATABASES
CREATE DATABASE ocean
CREATE DATABASE "two words"
SHOW DATABASES
SELECT * FROM tides
USE nosuch
USE ocean
INSERT tides,station=brest,side=west level=1.5,ok=true 1000000000
INSERT tides,station=brest,side=west level=2.25,note="spring \\"tide\\"" 2000000000
INSERT tides,station=dover level=0.125,n=7i 1500000000
insert no fields
INSERT tides level="text" 1
INSERT
CREATE RETENTION POLICY short ON ocean DURATION INF REPLICATION 1 SHARD DURATION 1d
INSERT INTO short waves,station=brest height=3 1790000000000000000
INSERT INTO "short" waves,station=brest height=4 1790000001000000000
INSERT INTO nosuch waves height=3 1
SHOW RETENTION POLICIES
SHOW MEASUREMENTS
SHOW SERIES
SHOW TAG KEYS
SHOW TAG VALUES WITH KEY = station
SHOW TAG VALUES FROM tides WITH KEY IN ("station", side)
SHOW FIELD KEYS
SHOW FIELD KEYS FROM nosuch
SELECT * FROM tides
SELECT level FROM tides GROUP BY station
SELECT count(level), mean(level) FROM tides
SELECT mean(level) FROM tides WHERE time >= 1s AND time < 3s GROUP BY time(500ms) fill(none)
SELECT * FROM short.waves
SELECT * FROM ocean.autogen.tides; SELECT count(*) FROM short.waves
SELECT * FROM nosuch
SELECT nosuch( level ) FROM tides
SELECT mean(note) FROM tides
SELECT level FROM tides WHERE
USE ocean.short
SELECT * FROM waves
INSERT waves,station=calais height=5 1790000002000000000
SELECT * FROM waves
USE ocean.nosuch
settings
clear rp
USE "two words"
USE ocean
precision rfc3339
SELECT level, station FROM tides
precision ms
SELECT level, station FROM tides
INSERT tides,station=quay level=9 4000
SELECT level, station FROM tides
precision s
SELECT level, station FROM tides
precision u
SELECT level, station FROM tides
precision h
SELECT level, station FROM tides
precision bad
precision ns
SELECT level, station FROM tides
format csv
SELECT * FROM tides
SELECT level FROM tides GROUP BY station
SHOW DATABASES
SELECT level FROM
format json
SELECT * FROM tides
SELECT level FROM tides GROUP BY station
SELECT nosuch FROM tides
pretty
SELECT level FROM tides WHERE station = 'brest'
SELECT level FROM
pretty
format bad
format column
consistency quorum
consistency bad
chunked
SELECT * FROM tides
chunked
chunk size 2
SELECT * FROM tides
SELECT * FROM tides; SHOW MEASUREMENTS
chunk size 0
chunk size bad
settings
EXPLAIN SELECT
CREATE CONTINUOUS QUERY cq ON ocean BEGIN SELECT mean(level) INTO low FROM tides GROUP BY time(1h) END
SHOW CONTINUOUS QUERIES
DROP CONTINUOUS QUERY cq ON ocean
SELECT * INTO copy FROM tides GROUP BY *
SELECT * FROM copy
DELETE FROM tides WHERE station = 'quay'
DROP SERIES FROM copy WHERE station = 'dover'
SELECT * FROM copy
DROP MEASUREMENT copy
SELECT * FROM copy
ALTER RETENTION POLICY short ON ocean DURATION 104w DEFAULT
SHOW RETENTION POLICIES ON ocean
DROP RETENTION POLICY short ON ocean
CREATE USER ada WITH PASSWORD 'secret' WITH ALL PRIVILEGES
CREATE USER bob WITH PASSWORD 'pw'
GRANT READ ON ocean TO bob
SHOW USERS
SHOW GRANTS FOR bob
DROP USER bob
DROP DATABASE "two words"
SHOW DATABASES
clear db
SELECT * FROM tides
clear nosuch
connect 127.0.0.1:{port}
SHOW DATABASES
{up}{up}
connect nosuch.invalid:1
connect 127.0.0.1:{port}
use ocean
SELECT level FROM tides
ALTER RETENTION POLICY autogen ON ocean DEFAULT
insert tides level=4 4000000000; SELECT last(level) FROM tides
insert tides level=4 4000000000
SELECT level FROM tides WHERE time = 4s -- and a comment
SELECT level /* a comment */ FROM tides WHERE time = 4s
history
exit
""".strip("\n").split("\n")

# With authentication on; "auth" asks for a name and a password.
AUTH_LINES = """
SHOW DATABASES
CREATE USER ada WITH PASSWORD 'secret' WITH ALL PRIVILEGES
SHOW DATABASES
auth
ada
wrong
SHOW DATABASES
auth
ada
secret
CREATE DATABASE ocean
CREATE USER bob WITH PASSWORD 'pw'
GRANT WRITE ON ocean TO bob
SHOW DATABASES
USE ocean
INSERT tides level=1 1
auth
bob
pw
INSERT tides level=2 2
SELECT * FROM tides
SHOW USERS
quit
""".strip("\n").split("\n")


def executes(port):
    """Commands that run and end: (title, arguments)."""
    return [
        ("column", ["-database", "ocean", "-execute", "SELECT * FROM tides"]),
        ("csv", ["-database", "ocean", "-format", "csv", "-execute", "SELECT * FROM tides"]),
        ("json", ["-database", "ocean", "-format", "json", "-pretty", "-precision", "rfc3339",
                  "-execute", "SELECT level FROM tides; SHOW TAG KEYS FROM tides"]),
        ("insert", ["-database", "ocean", "-precision", "s", "-execute",
                    "INSERT tides,station=late level=1 60"]),
        ("inserted", ["-database", "ocean", "-execute", "SELECT * FROM tides"]),
        ("precision", ["-database", "ocean", "-precision", "ms", "-execute",
                       "SELECT level FROM tides LIMIT 1"]),
        ("error", ["-execute", "SELECT"]),
        ("no database", ["-execute", "SELECT * FROM tides"]),
        ("unknown database", ["-database", "nosuch", "-execute", "SELECT * FROM tides"]),
    ]


class Terminal:
    """The shell in a pseudo terminal."""

    def __init__(self, server, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # A terminal that can hide a password; wide, so that no line is wrapped.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
            os.environ.update({"TERM": "xterm", "HOME": home})
            os.environ.pop("INFLUX_USERNAME", None)
            os.environ.pop("INFLUX_PASSWORD", None)
            os.execvp("influx", ["influx", "-host", "127.0.0.1", "-port", str(server.port)])
        self.text = ""

    def read_until(self, prompt):
        """Reads until the text ends with what matches `prompt`, or the shell ends."""
        new = ""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not re.search(prompt + r"$", new):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the shell shows no prompt; its text so far:\n" + self.text + new)
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            if not part:
                break
            new += part.decode("utf-8", "replace")
        self.text += new

    def type(self, line):
        os.write(self.fd, line.encode() + b"\r")

    def end(self):
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def run_session(server, home, lines):
    terminal = Terminal(server, home)
    terminal.read_until(r"(^|\n)> ")
    for line in lines:
        terminal.type(line.replace("{port}", str(server.port)).replace("{up}", ARROW_UP))
        terminal.read_until(r"\n(> |username: |password: )")
    status = terminal.end()
    return terminal.text + "[exit status %d]\n" % status


def run_command(server, home, arguments):
    environment = dict(os.environ, HOME=home)
    done = subprocess.run(["influx", "-host", "127.0.0.1", "-port", str(server.port)] + arguments,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, check=False, timeout=60)
    return done.stdout.decode() + "[exit status %d]\n" % done.returncode


def run_imports(server, home):
    plain = os.path.join(home, "import.txt")
    packed = plain + ".gz"
    with open(plain, "w", encoding="utf-8") as file:
        file.write(IMPORT_FILE)
    with gzip.open(packed, "wt", encoding="utf-8") as file:
        file.write(IMPORT_FILE.replace("imported", "unpacked"))
    text = ""
    for database, arguments in (("imported", ["-import", "-path", plain, "-precision", "s"]),
                                ("unpacked", ["-import", "-path", packed, "-compressed",
                                              "-precision", "s"])):
        text += "--- %s\n%s" % (database, run_command(server, home, arguments))
        text += run_command(server, home, ["-database", database, "-execute",
                                           "SELECT * FROM treasures; SHOW RETENTION POLICIES"])
    return text


def transcript(start):
    """Everything the shell shows; `start(auth)` makes a server."""
    home = tempfile.mkdtemp(prefix="varve-shell-")
    text = ""
    try:
        with start(False) as server:
            text += mask("=== session\n" + run_session(server, home, LINES), server)
            for title, arguments in executes(server.port):
                text += mask("=== execute: %s\n%s" % (title, run_command(server, home, arguments)),
                             server)
            text += mask("=== import\n" + run_imports(server, home), server)
        with start(True) as server:
            text += mask("=== authentication\n" + run_session(server, home, AUTH_LINES), server)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return text


def shown(line):
    """What is left of a line when the terminal has obeyed the line editor."""
    return re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", line.rpartition("\x1b[1G\x1b[0K")[2])


def mask(text, server):
    text = "\n".join(shown(line) for line in text.replace("\r\n", "\n").split("\n"))
    text = text.replace(":%d" % server.port, ":PORT")
    text = re.sub(r"\d\d\d\d/\d\d/\d\d \d\d:\d\d:\d\d ", "", text)  # the log lines of an import
    text = re.sub(r"(took|Average rate).*", r"\1 ...", text)
    text = re.sub(r"([Vv]ersion:? )[0-9]+\.[0-9]+\S*", r"\1VERSION", text)
    return re.sub(r"(?m)[ \t]+$", "", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", required=True)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if shutil.which("influx") is None:
        servers.skip("no influx shell (package influxdb-client)")

    have_influxd = shutil.which("influxd") is not None
    if options.record and not have_influxd:
        sys.exit("there is no influxd to record from")
    if have_influxd:
        wanted = transcript(lambda auth: servers.Influxd(auth))
        if options.record:
            with open(TRANSCRIPT, "w", encoding="utf-8") as file:
                file.write(wanted)
    else:
        with open(TRANSCRIPT, encoding="utf-8") as file:
            wanted = file.read()
    got = transcript(lambda auth: servers.Varved(options.varved, auth))
    difference = list(difflib.unified_diff(wanted.splitlines(), got.splitlines(),
                                           "influxd" if have_influxd else "shell_transcript.txt",
                                           "varved", lineterm="", n=6))
    print("\n".join(difference) if difference
          else "%d lines of transcript are the same" % len(wanted.splitlines()))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
