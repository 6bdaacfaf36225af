#!/usr/bin/env python3
"""Measures Varve, InfluxDB and VictoriaMetrics on the reference workloads, in interleaved rounds.

    ./dev bench compare [--quick] [--workload devops,iot] [--servers varve,influxdb,victoria]

All get the same bodies from the same client. Before anything is compared, the answers to every query
must be equal: Varve's to InfluxDB's, and VictoriaMetrics' where it can be asked the same. Adds a dated
section to bench/RESULTS.md; exits 1 if an answer differs. docs/performance.md says more.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import answers
import chart
import measure
import report
from servers import SERVERS, ServerError


def read(folder, query, number):
    with open(os.path.join(folder, "%s.%d.json" % (query["name"], number)), "rb") as handle:
        return handle.read()


def compare_query(query, names, folders, stats):
    """{server: how its answers differ from the first server's, empty if they do not}."""
    differences = {}
    reference = folders[names[0]]
    for name in names[1:]:
        if query["name"] not in stats[name]:
            continue
        found = ""
        for number in range(len(query["selects"]) or 1):
            select = query["selects"][number] if query["selects"] else None
            left, right = read(reference, query, number), read(folders[name], query, number)
            if left == right or found:
                continue
            if SERVERS[name].speaks_influxql:
                found = answers.difference(
                    answers.series_of(left), answers.series_of(right),
                    any_order=select is None or answers.is_raw(select),
                    tolerance=0.05 if query["estimate"] else answers.TOLERANCE)
            else:
                found = answers.difference_from_victoria(select, left, right)
        differences[name] = found
    return differences


def compare_answers(queries, names, folders, figures):
    """{query: {server: difference}}; prints those there are."""
    if names[0] == "victoria":
        return {}
    stats = {name: figures[name][0]["queries"] for name in names}
    result = {query["name"]: compare_query(query, names, folders, stats) for query in queries}
    for query, differences in result.items():
        for name, difference in differences.items():
            if difference:
                print("UNEQUAL %s: %s and %s: %s" % (query, names[0], name, difference))
    return result


def run_workload(workload, bench, options):
    """The rounds of one workload: ({server: [figures]}, differences)."""
    full, quick = measure.CASES[workload]
    case = full + (quick if options.quick else [])
    names = options.servers
    figures = {name: [] for name in names}
    folders = {}
    kept = tempfile.mkdtemp(prefix="bench-answers-", dir=options.scratch)
    try:
        for number in range(options.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                folder = None
                if number == 0:
                    folder = folders[name] = os.path.join(kept, name)
                    os.mkdir(folder)
                figures[name].append(measure.round_of(name, case, bench, options, folder))
                print("%s, round %d, %s: %s" % (workload, number + 1, name,
                                                report.one_line(figures[name][-1])), flush=True)
        return figures, compare_answers(bench.queries(case), names, folders, figures)
    finally:
        shutil.rmtree(kept)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--workload", help="of: " + ", ".join(measure.CASES))
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--lines", type=int, default=5000, help="lines a body")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settle", type=float, default=300,
                        help="seconds to wait, at most, until nothing is left to flush or merge")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--scratch", help="folder for the servers' data")
    parser.add_argument("--results", help="file to add the tables to; bench/RESULTS.md")
    parser.add_argument("--chart", help="file for a bar chart of them, an SVG")
    parser.add_argument("--json", help="file for the figures of every round, for chart.py")
    options = parser.parse_args()
    quick = options.quick
    options.servers = options.servers.split(",")
    options.workload = (options.workload or ("devops,iot,highcard" if quick else
                                             ",".join(measure.CASES))).split(",")
    options.rounds = options.rounds or (1 if quick else 3)
    # How long cold data wait for their flush and merge, and how long idleness means that both are over.
    options.flush, options.merge, options.quiet = (1, 2, 4) if quick else (5, 10, 20)
    options.query_seconds, options.repetitions = (0.05, 3) if quick else (1, 10)
    here = os.path.dirname(os.path.abspath(__file__))
    if not quick:
        options.results = options.results or os.path.join(here, "RESULTS.md")
    if not quick and len(options.servers) == len(SERVERS):
        options.chart = options.chart or os.path.join(here, "../docs/images/comparison.svg")
    for kind, chosen, known in (("server", options.servers, SERVERS),
                                ("workload", options.workload, measure.CASES)):
        for name in chosen:
            if name not in known:
                parser.error("no %s is named %s; there are %s" % (kind, name, ", ".join(known)))
    return options


def main():
    options = parse_options()
    bench = measure.Bench(options.build, options.seed)
    section = report.Section(options)
    results, unequal = {}, False
    try:
        for workload in options.workload:
            figures, differences = run_workload(workload, bench, options)
            results[workload] = figures
            unequal |= any(any(one.values()) for one in differences.values())
            section.add(workload, figures, differences)
    except ServerError as error:
        sys.exit("compare: %s" % error)
    text = section.text()
    print("\n" + text)
    if options.results:
        with open(options.results, "a", encoding="utf-8") as handle:
            handle.write("\n" + text)
    if options.chart:
        chart.draw(results, options.chart)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as handle:
            json.dump(results, handle, indent=1)
    sys.exit(1 if unequal else 0)


if __name__ == "__main__":
    main()
