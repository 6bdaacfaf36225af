"""One round: a server on an empty folder, one workload, every figure.

The order is: load, settle (flushed and merged), files, queries, a clean stop and start; then, on another
empty folder, load again, kill -9 right after the last answer, and start.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from servers import SERVERS, ServerError

# Arguments of varve-bench for each workload: at full size, and for --quick.
CASES = {
    "devops": (["--workload", "devops"], ["--series", "60"]),
    "two-decimals": (["--workload", "devops", "--two-decimals"], ["--series", "60"]),
    "iot": (["--workload", "iot"], ["--series", "40", "--rows", "14400"]),
    "single": (["--workload", "single"], ["--series", "200", "--rows", "5000"]),
    "highcard": (["--workload", "highcard"], ["--series", "30000"]),
}


class Bench:
    """varve-bench of one build, and what every call of it shares."""

    def __init__(self, build, seed=1):
        self.program = os.path.join(build, "bin", "varve-bench")
        self.build, self.seed = build, seed

    def call(self, step, case, *arguments):
        argv = [self.program, step, "--seed", str(self.seed), *case, *map(str, arguments)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError("%s: %s" % (" ".join(argv), done.stderr.strip()))
        return done.stdout

    def queries(self, case):
        return [json.loads(line) for line in self.call("queries", case).splitlines()]

    def shape(self, case):
        return json.loads(self.call("shape", case))

    def load(self, server, case, *arguments):
        return json.loads(self.call("load", case, "--port", server.port, "--pid",
                                    server.process.pid, "--quiet-seconds", 0, *arguments))

    def query(self, server, case, *arguments):
        if not server.speaks_influxql:
            arguments += ("--metricsql",)
        output = self.call("query", case, "--port", server.port, "--pid", server.process.pid,
                           *arguments)
        return {one.pop("query"): one for one in map(json.loads, output.splitlines())}


@contextlib.contextmanager
def running(name, bench, options):
    """A server on an empty folder; neither is left behind."""
    scratch = tempfile.mkdtemp(prefix="bench-%s-" % name, dir=options.scratch)
    folder = os.path.join(scratch, "data")
    os.mkdir(folder)
    server = SERVERS[name](folder, bench.build, options.flush, options.merge)
    try:
        server.start()
        server.wait_until_up()
        yield server
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(scratch)


def settled_figures(server, case, bench, options, load_arguments=()):
    """Load and settle; the figures of writing."""
    before = server.cpu_seconds()
    figures = bench.load(server, case, *load_arguments)
    figures["settled"] = server.settle(options.quiet, options.settle)
    figures["cpu_s_per_million"] = (server.cpu_seconds() - before) / figures["values"] * 1e6
    figures["peak_memory_mb"] = server.peak_memory_bytes() / 1e6
    figures["bytes_per_value"] = server.disk_bytes() / figures["values"]
    return figures


def restart(server, shape, lines, wait_s):
    """Start again; seconds until all rows are there, and how many are not, `wait_s` after the last came.
    """
    server.start()
    counted = [-1, time.monotonic()]

    def answers():
        rows = server.rows(shape)
        if rows != counted[0]:
            counted[:] = [rows, time.monotonic()]
        return rows == lines or (time.monotonic() - counted[1] > wait_s and rows >= 0)

    server.wait_until("all rows", answers)
    return counted[1] - server.started, lines - counted[0]


def round_of(name, case, bench, options, answers=None, only=()):
    """All figures of one server; `answers` is the folder for the answers to the queries, `only` names
    those to ask in place of all."""
    shape = bench.shape(case)
    load_arguments = ("--connections", options.connections, "--lines", options.lines)
    with running(name, bench, options) as server:
        figures = settled_figures(server, case, bench, options, load_arguments)
        rows = server.rows(shape)
        if rows != figures["lines"]:
            raise ServerError("%s holds %d rows of %d" % (name, rows, figures["lines"]))
        extra = ("--answers", answers) if answers else ()
        extra += ("--only", *only) if only else ()
        figures["queries"] = bench.query(server, case, "--seconds", options.query_seconds,
                                         "--repetitions", options.repetitions, *extra)
        server.stop()
        figures["restart_clean_s"], lost = restart(server, shape, figures["lines"], options.quiet)
        if lost:
            raise ServerError("%s lost %d rows at a clean stop" % (name, lost))
    with running(name, bench, options) as server:
        bench.load(server, case, *load_arguments)
        server.stop(signal.SIGKILL)
        seconds, lost = restart(server, shape, figures["lines"], options.quiet)
        figures["restart_killed_s"], figures["rows_lost"] = seconds, lost
    return figures
