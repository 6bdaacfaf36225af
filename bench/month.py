#!/usr/bin/env python3
"""A chart of one month over 100 million points, by hour: before rollups, with them, and beside InfluxDB.

    ./dev bench month [--series 386] [--days 30] [--servers varve,influxdb]

386 series with a reading every 10 s for 30 days. Varve is asked twice: right after a start for which its
rollups were deleted (they are derived, and made again within some seconds), and when they are there. The
answers of all three must be equal. Adds a dated section to bench/RESULTS.md.
"""

import argparse
import glob
import os
import statistics
import sys
import tempfile
import time
import urllib.parse

import answers
import measure
import report
from servers import SERVERS, ServerError

START_S = 1451606400
DAY_S = 86400
STEP_S = 10
QUERIES = {
    "all by hour": "SELECT mean(value), max(value) FROM probe WHERE {time} GROUP BY time(1h)",
    "all by day": "SELECT mean(value), max(value) FROM probe WHERE {time} GROUP BY time(1d)",
    "one series by hour": "SELECT mean(value), min(value), max(value) FROM probe "
                          "WHERE id = 'p7' AND {time} GROUP BY time(1h)",
}


def query_text(name, days):
    end = START_S + days * DAY_S
    return QUERIES[name].format(time="time >= %ds AND time < %ds" % (START_S, end))


def ask(server, text):
    """(milliseconds, answer) of one query."""
    path = "/query?" + urllib.parse.urlencode({"db": "bench", "q": text})
    begin = time.monotonic()
    body = server.get(path)
    return (time.monotonic() - begin) * 1000, body


def explained(server, text):
    """What EXPLAIN ANALYZE counts: {name: number}."""
    lines = [row[0] for row in server.query("EXPLAIN ANALYZE " + text)["series"][0]["values"]]
    counts = {}
    for line in lines:
        for name in ("blocks_decoded", "blocks_from_statistics", "hours_from_rollups"):
            if name + ": " in line:
                counts[name] = int(line.rsplit(" ", 1)[1])
    return counts


def measured(server, options, counts=False):
    """{query: figures with the first answer}."""
    result = {}
    for name in QUERIES:
        text = query_text(name, options.days)
        cpu = server.cpu_seconds()
        asked = [ask(server, text) for _ in range(options.repetitions)]
        cpu = (server.cpu_seconds() - cpu) * 1000 / options.repetitions
        result[name] = {"ms": statistics.median(ms for ms, _ in asked), "cpu_ms": cpu,
                        "answer": answers.series_of(asked[0][1])}
        if counts:
            result[name].update(explained(server, text))
    return result


def load(server, bench, options):
    """A day at a time, so that the client holds one day's bodies; returns the values written."""
    values = 0
    for day in range(options.days):
        case = ["--workload", "single", "--series", str(options.series),
                "--rows", str(DAY_S // STEP_S), "--start", str(START_S + day * DAY_S)]
        arguments = ["--keep-database"] if day else []
        values += bench.load(server, case, *arguments)["values"]
    server.settle(options.quiet, options.settle)
    return values


def rollups(server):
    return glob.glob(os.path.join(server.folder, "**", "*.rollup"), recursive=True)


def varve_columns(server, options):
    """The figures without rollups and with them."""
    count = len(rollups(server))
    if count == 0:
        raise ServerError("varve made no rollups")
    share = sum(map(os.path.getsize, rollups(server))) / server.disk_bytes()
    server.stop()
    for path in rollups(server):
        os.remove(path)
    server.start()
    server.wait_until_up()
    before = measured(server, options, counts=True)
    if any(figures["hours_from_rollups"] for figures in before.values()):
        raise ServerError("rollups were made again before the queries were asked")
    server.wait_until("rollups", lambda: len(rollups(server)) == count, step_s=0.5)
    server.settle(options.quiet, options.settle)
    return before, measured(server, options, counts=True), share


def table(columns):
    """columns: [(label, {query: figures})]."""
    lines = ["| query | | " + " | ".join(label for label, _ in columns) + " |",
             "| --- | --- |" + " --: |" * len(columns)]
    rows = [("ms", "ms", "%.3g"), ("CPU ms", "cpu_ms", "%.3g"),
            ("blocks decoded", "blocks_decoded", "%d"),
            ("blocks from statistics", "blocks_from_statistics", "%d"),
            ("hours from rollups", "hours_from_rollups", "%d")]
    for name in QUERIES:
        for label, key, form in rows:
            cells = [form % figures[name][key] if key in figures[name] else ""
                     for _, figures in columns]
            lines.append("| %s | %s | %s |" % (name, label, " | ".join(cells)))
    return "\n".join(lines)


def check(columns):
    first_label, first = columns[0]
    for label, figures in columns[1:]:
        for name in QUERIES:
            found = answers.difference(first[name]["answer"], figures[name]["answer"])
            if found:
                raise ServerError("%s: %s and %s differ: %s" % (name, first_label, label, found))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--servers", default="varve,influxdb")
    parser.add_argument("--series", type=int, default=386)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--results", default="bench/RESULTS.md")
    parser.add_argument("--scratch", default=tempfile.gettempdir())
    options = parser.parse_args()
    options.flush, options.merge, options.quiet, options.settle = 3, 6, 12, 300
    options.seed, options.quick = 1, False
    bench = measure.Bench(options.build, options.seed)
    section = report.Section(options, "a month by hour")
    columns, notes = [], []
    try:
        for name in options.servers.split(","):
            with measure.running(name, bench, options) as server:
                values = load(server, bench, options)
                notes.append("%s: %.3g bytes a point" % (SERVERS[name].label,
                                                        server.disk_bytes() / values))
                if name == "varve":
                    before, after, share = varve_columns(server, options)
                    columns += [("Varve without rollups", before), ("Varve with rollups", after)]
                    notes.append("rollups are %.1f %% of it" % (100 * share))
                else:
                    columns.append((SERVERS[name].label, measured(server, options)))
        check(columns)
    except ServerError as error:
        sys.exit("month: %s" % error)
    section.parts.append("%.4g million points. %s." % (values / 1e6, "; ".join(notes)))
    section.parts.append(table(columns))
    text = section.text()
    print(text)
    with open(options.results, "a", encoding="utf-8") as handle:
        handle.write("\n" + text)


if __name__ == "__main__":
    main()
