#!/usr/bin/env python3
"""How the figures change with values, series, connections and the lines of a body.

    ./dev bench growth [--quick] [--only values,series] [--servers varve]

Each table changes one of them. Adds a dated section to bench/RESULTS.md.
"""

import argparse
import os
import sys

import measure
import report
from servers import SERVERS, ServerError

QUERIES = {"devops": ["single-groupby-1-1-1", "double-groupby-1", "count-field"],
           "highcard": ["mean-all", "meter-raw"]}
FIGURES = [figure for figure in report.FIGURES
           if figure[0] not in ("client_cpu_s_per_million", "rows_lost")]


def steps(quick):
    """{name: [(label, arguments of the workload, arguments of the load)]}."""
    scale = 50 if quick else 1

    def devops(rows):
        return ["--workload", "devops", "--rows", str(max(rows // scale, 1))]

    small_bodies = {1: 20, 10: 200, 100: 1000, 1000: 2000, 10000: 4000}
    return {
        "values": [("%g M values" % (millions / scale), devops(millions * 100), [])
                   for millions in (10, 30, 100)],
        "series": [("%d series" % (count // scale),
                    ["--workload", "highcard", "--series", str(count // scale)], [])
                   for count in (10_000, 100_000, 1_000_000, 3_000_000)],
        "connections": [("%d connections" % count, devops(1000), ["--connections", str(count)])
                        for count in (1, 2, 4, 8, 16)],
        "lines": [("%d lines a body" % lines, devops(rows), ["--lines", str(lines)])
                  for lines, rows in small_bodies.items()],
    }


def measure_step(name, case, load_arguments, bench, options):
    """The figures of one server at one step."""
    options.connections, options.lines = 4, 5000
    for flag, value in zip(load_arguments[::2], load_arguments[1::2]):
        setattr(options, flag[2:], int(value))
    return measure.round_of(name, case, bench, options, only=QUERIES[case[1]])


def table(title, measured):
    """One column for each step."""
    labels = [label for label, _ in measured]
    rows = [[name] + [form % figures[key] for _, figures in measured]
            for key, name, form in FIGURES]
    for query in measured[0][1]["queries"]:
        rows.append(["%s, CPU ms" % query] +
                    ["%.3g" % figures["queries"][query]["cpu_ms"] for _, figures in measured])
    unsettled = [label for label, figures in measured if not figures["settled"]]
    note = "\n\nNot settled in time: %s." % ", ".join(unsettled) if unsettled else ""
    return "### %s\n\n%s%s" % (title, report.Section.table([""] + labels, rows), note)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the sizes")
    parser.add_argument("--only", help="of: values, series, connections, lines")
    parser.add_argument("--servers", default="varve")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settle", type=float, default=300,
                        help="seconds to wait, at most, until nothing is left to flush or merge")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--scratch", help="folder for the servers' data")
    parser.add_argument("--results", help="file to add the tables to; bench/RESULTS.md")
    options = parser.parse_args()
    options.flush, options.merge, options.quiet = (1, 2, 4) if options.quick else (5, 10, 20)
    options.query_seconds, options.repetitions = (0.05, 3) if options.quick else (1, 10)
    if not options.results and not options.quick:
        options.results = os.path.join(os.path.dirname(os.path.abspath(__file__)), "RESULTS.md")
    return options


def main():
    options = parse_options()
    bench = measure.Bench(options.build, options.seed)
    section = report.Section(options, "how the figures grow")
    chosen = steps(options.quick)
    for title in (options.only.split(",") if options.only else chosen):
        if title not in chosen:
            sys.exit("growth: nothing is named %s; there are %s" % (title, ", ".join(chosen)))
        for name in options.servers.split(","):
            measured = []
            for label, case, load_arguments in chosen[title]:
                try:
                    figures = measure_step(name, case, load_arguments, bench, options)
                except ServerError as error:
                    sys.exit("growth: %s, %s: %s" % (name, label, error))
                print("%s, %s: %s" % (name, label, report.one_line(figures)), flush=True)
                measured.append((label, figures))
            section.parts.append(table("%s, %s" % (SERVERS[name].label, title), measured))
    text = section.text()
    print("\n" + text)
    if options.results:
        with open(options.results, "a", encoding="utf-8") as handle:
            handle.write("\n" + text)


if __name__ == "__main__":
    main()
