#!/usr/bin/env python3
"""Records what InfluxDB's continuous queries make of a minute of points.

Creates a database on a real InfluxDB, continuous queries of a few seconds, writes points with explicit
times as they pass, and prints a case file: what was done when, and the rows that came of it.
recorded_test.cc does the same with a set clock. With --compare the same is done beside it on a second
server (a Varve), and the answers are compared.

    tests/retention/record_cases.py --influx http://127.0.0.1:18086 > tests/retention/cases/short.txt
"""
import argparse
import json
import random
import sys
import time
import urllib.parse
import urllib.request

NAME = "varve_cq_record"  # in the case file
DB = f"varve_cq_{int(time.time())}"  # InfluxDB remembers the last runs of a database that is gone
QUERIES = [
    ("plain", "", 'SELECT mean(v) AS v, count(v) AS n INTO plain FROM m GROUP BY time(2s), *'),
    ("offset", "", 'SELECT sum(v) AS v INTO "offset" FROM m GROUP BY time(4s, 1s)'),
    ("level", "", 'SELECT sum(n) AS n, max(v) AS v INTO level FROM plain GROUP BY time(6s), host'),
    ("every", "RESAMPLE EVERY 1s", 'SELECT max(v) AS v INTO "every" FROM m GROUP BY time(4s), host'),
    ("rarely", "RESAMPLE EVERY 6s", 'SELECT min(v) AS v INTO rarely FROM m GROUP BY time(2s)'),
    ("back", "RESAMPLE FOR 8s", 'SELECT sum(v) AS v INTO back FROM m GROUP BY time(2s)'),
    ("both", "RESAMPLE EVERY 3s FOR 9s", 'SELECT sum(v) AS v INTO "both" FROM m GROUP BY time(3s)'),
    ("names", "", 'SELECT last(*) INTO keep.:MEASUREMENT FROM /^m/ GROUP BY time(2s), *'),
    ("where", "", "SELECT count(v) AS v INTO \"where\" FROM m WHERE host = 'a' AND time > now() - 1s GROUP BY time(2s) fill(none)"),
    ("filled", "RESAMPLE FOR 6s", 'SELECT count(v) AS v INTO filled FROM m GROUP BY time(2s), host fill(0)'),
    ("slope", "", 'SELECT derivative(mean(v), 1s) AS v INTO slope FROM m GROUP BY time(2s)'),
    ("inner", "", 'SELECT max(s) AS v INTO "inner" FROM (SELECT sum(v) AS s FROM m GROUP BY time(1s), host) GROUP BY time(4s)'),
]
TARGETS = ["plain", '"offset"', "level", '"every"', "rarely", "back", '"both"', "keep.m", "keep.m2", '"where"',
           "filled", "slope", '"inner"']


def call(url, path, params, body=None):
    data = body.encode() if body is not None else urllib.parse.urlencode(params).encode()
    query = "?" + urllib.parse.urlencode(params) if body is not None else ""
    with urllib.request.urlopen(urllib.request.Request(url + path + query, data=data), timeout=20) as answer:
        text = answer.read().decode()
    return json.loads(text) if text else None


def rows(url, select):
    answer = call(url, "/query", {"db": DB, "q": select, "epoch": "ns"})
    out = []
    for series in answer["results"][0].get("series", []):
        for row in series["values"]:
            out.append(" ".join("null" if cell is None else json.dumps(cell).strip('"') for cell in row))
    return sorted(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--influx", default="http://127.0.0.1:18086")
    parser.add_argument("--compare")
    parser.add_argument("--seconds", type=int, default=30)
    args = parser.parse_args()
    servers = [args.influx] + ([args.compare] if args.compare else [])
    lines = []
    for url in servers:
        call(url, "/query", {"q": f"DROP DATABASE {DB}"})
        call(url, "/query", {"q": f"CREATE DATABASE {DB}"})
        call(url, "/query", {"q": f"CREATE RETENTION POLICY keep ON {DB} DURATION INF REPLICATION 1"})
    start = (int(time.time()) // 12 + 1) * 12
    while time.time() < start:
        time.sleep(0.01)
    lines.append(f"start {start}")
    rng = random.Random(3)

    def write():
        now = time.time_ns()
        at = now - now % 1_000_000
        body = []
        for host in "ab":
            body.append(f"m,host={host} v={rng.randrange(100)} {at}")
        body.append(f"m2 w={rng.randrange(9)}i {at}")
        for line in body:
            lines.append(f"write {(at - start * 10**9) // 10**6} {line}")
        for url in servers:
            call(url, "/write", {"db": DB}, "\n".join(body))

    created = False
    while time.time() < start + args.seconds:
        # In the middle of a half second, so that no point is on its way when a window ends.
        time.sleep(0.5 - (time.time() - 0.25) % 0.5)
        if not created and time.time() > start + 5:
            created = True
            lines.append(f"create {(time.time_ns() - start * 10**9) // 10**6}")
            for name, resample, select in QUERIES:
                text = f'CREATE CONTINUOUS QUERY "{name}" ON {DB} {resample} BEGIN {select} END'
                lines.append("query " + text.replace(DB, NAME))
                for url in servers:
                    answer = call(url, "/query", {"db": DB, "q": text})
                    assert "error" not in answer["results"][0], (text, answer)
        write()
    time.sleep(15)
    lines.append(f"end {(time.time_ns() - start * 10**9) // 10**6}")
    bad = 0
    for target in TARGETS:
        select = f"SELECT * FROM {target}"
        expected = rows(args.influx, select)
        lines.append("answer " + select)
        lines += ["row " + row for row in expected]
        if args.compare:
            found = rows(args.compare, select)
            if found != expected:
                bad += 1
                print(f"DIFFERS {target}\n  only influx {sorted(set(expected) - set(found))}\n"
                      f"  only varve  {sorted(set(found) - set(expected))}", file=sys.stderr)
    print("\n".join(lines))
    for url in servers:
        call(url, "/query", {"q": f"DROP DATABASE {DB}"})
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
