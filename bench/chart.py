#!/usr/bin/env python3
"""Draws what compare.py measured as an SVG bar chart.

    bench/compare.py --json build/compare.json
    bench/chart.py build/compare.json docs/images/comparison.svg
"""

import json
import statistics
import sys

from servers import SERVERS

# Workload, figure or "query: NAME" for its CPU, title, scale, form.
ROWS = [
    ("devops", "values_per_s", "devops: values written per second", 1e-6, "%.2f M"),
    ("devops", "cpu_s_per_million", "devops: server CPU seconds per million values", 1, "%.3f"),
    ("devops", "bytes_per_value", "devops: bytes per value on disk, settled", 1, "%.2f"),
    ("devops", "peak_memory_mb", "devops: peak memory, MB", 1, "%.0f"),
    ("devops", "query: double-groupby-all",
     "devops: CPU of means of ten fields by hour and host, ms", 1, "%.1f"),
    ("devops", "query: lastpoint", "devops: CPU of the last row of every host, ms", 1, "%.1f"),
    ("iot", "cpu_s_per_million", "iot: server CPU seconds per million values", 1, "%.3f"),
    ("iot", "bytes_per_value", "iot: bytes per value on disk, settled", 1, "%.2f"),
    ("iot", "query: all-hourly", "iot: CPU of a mean of all by hour, ms", 1, "%.1f"),
    ("highcard", "cpu_s_per_million", "highcard: server CPU seconds per million values", 1, "%.2f"),
    ("highcard", "peak_memory_mb", "highcard: peak memory, MB", 1, "%.0f"),
]
COLOURS = {"varve": "#2563a8", "influxdb": "#b0b7c0", "victoria": "#d8b98a"}
WIDTH, BAR, GAP, LEFT = 760, 18, 26, 170


def value_of(figures, key):
    if key.startswith("query: "):
        return figures["queries"][key[7:]]["cpu_ms"]
    return figures[key]


def draw(results, path):
    """Writes the chart of {workload: {server: [figures]}}, without what was not measured."""
    rows = [row for row in ROWS if row[0] in results]
    names = list(next(iter(results.values())))
    height = 10 + len(rows) * (10 + len(names) * BAR + GAP)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="13">' % (WIDTH, height),
           '<rect width="100%" height="100%" fill="white"/>']
    y = 24
    for workload, key, title, scale, form in rows:
        medians = {name: statistics.median(value_of(one, key) for one in rounds)
                   for name, rounds in results[workload].items()}
        longest = max(medians.values())
        out.append('<text x="10" y="%d" font-weight="bold">%s</text>' % (y, title))
        y += 10
        for name in names:
            length = max(2, (WIDTH - LEFT - 90) * medians[name] / longest)
            out.append('<text x="%d" y="%d" text-anchor="end">%s</text>'
                       % (LEFT - 8, y + 13, SERVERS[name].label))
            out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                       % (LEFT, y + 1, length, BAR - 3, COLOURS[name]))
            out.append('<text x="%.1f" y="%d">%s</text>'
                       % (LEFT + length + 6, y + 13, form % (medians[name] * scale)))
            y += BAR
        y += GAP
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("\n".join(out) + "\n")


def main():
    with open(sys.argv[1], encoding="utf-8") as handle:
        draw(json.load(handle), sys.argv[2])


if __name__ == "__main__":
    main()
