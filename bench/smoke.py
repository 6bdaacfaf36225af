#!/usr/bin/env python3
"""Every workload and query once, tiny, against varved; the answers against a plain loop.

    bench/smoke.py --build build/release
"""

import argparse
import copy
import os
import sys
import tempfile

import answers
import measure
from servers import Varve

SIZES = {
    "devops": ["--series", "4", "--rows", "720"],
    "two-decimals": ["--series", "2", "--rows", "400"],
    "iot": ["--series", "12", "--rows", "1500"],
    "single": ["--series", "5", "--rows", "800"],
    "highcard": ["--series", "300"],
}


def check(workload, bench, folder):
    """The number of queries asked, and what is wrong with the answers."""
    case = measure.CASES[workload][0] + SIZES[workload]
    points = answers.parse_lines(bench.call("lines", case))
    wrong = []
    server = Varve(os.path.join(folder, "data"), bench.build)
    os.mkdir(server.folder)
    kept = os.path.join(folder, "answers")
    os.mkdir(kept)
    try:
        server.start()
        server.wait_until_up()
        packed = ("--gzip", "--rate", 1000000) if workload == "iot" else ()
        loaded = bench.load(server, case, "--connections", 3, "--lines", 100, *packed)
        values = sum(len(point.fields) for point in points)
        if (loaded["lines"], loaded["values"]) != (len(points), values):
            wrong.append("load tells of other lines than it sent: %s" % loaded)
        if sum(loaded["histogram_ms"].values()) != -(-len(points) // 100):
            wrong.append("the histogram does not hold every body")
        asked = bench.query(server, case, "--seconds", 0, "--repetitions", 1, "--answers", kept)
        for query in bench.queries(case):
            if not asked[query["name"]]["answer_bytes"] > 0:
                wrong.append(query["name"] + " has no bytes")
            wrong += check_query(query, points, kept)
        return len(asked), wrong
    finally:
        server.stop()


def check_query(query, points, kept):
    for number in range(len(query["selects"]) or 1):
        with open(os.path.join(kept, "%s.%d.json" % (query["name"], number)), "rb") as handle:
            found = answers.series_of(handle.read())
        if query["selects"]:
            select = query["selects"][number]
            expected, any_order = answers.plain_answer(select, points), answers.is_raw(select)
        else:
            expected, any_order = answers.plain_statement(query, points), False
        difference = answers.difference(expected, found, any_order)
        if difference:
            yield "%s: expected and found: %s" % (query["name"], difference)
        elif not answers.difference(expected, with_a_mistake(found), any_order):
            yield "%s: a mistake in the answer would not be noticed" % query["name"]


def with_a_mistake(series):
    """A copy in which the last value of the last row is another, or a series where there is none."""
    if not series:
        return [{"name": "none", "columns": ["time"], "values": [[0]]}]
    wrong = copy.deepcopy(series)
    row = wrong[-1]["values"][-1]
    row[-1] = row[-1] * (1 + 1e-6) + 1e-6 if isinstance(row[-1], (int, float)) else "other"
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    bench = measure.Bench(parser.parse_args().build)
    failed = False
    for workload in measure.CASES:
        with tempfile.TemporaryDirectory(prefix="bench-smoke-") as folder:
            asked, wrong = check(workload, bench, folder)
        print("%-14s %d queries, %d wrong" % (workload, asked, len(wrong)))
        for line in wrong:
            failed = True
            print("  " + line)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
