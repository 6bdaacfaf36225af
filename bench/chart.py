#!/usr/bin/env python3
"""Draws the comparison that compare.py measured as an SVG bar chart.

    bench/compare.py --json build/compare.json
    bench/chart.py build/compare.json docs/images/comparison.svg
"""

import json
import statistics
import sys

ROWS = [
    ("values_per_s", "values written per second", 1e-6, "%.2f M"),
    ("cpu_s_per_million", "server CPU seconds per million values", 1, "%.3f"),
    ("bytes_per_value", "bytes per value on disk, settled", 1, "%.2f"),
    ("peak_memory_mb", "peak memory, MB", 1, "%.0f"),
]
COLOURS = {"varve": "#2563a8", "influxdb": "#b0b7c0"}
LABELS = {"varve": "Varve", "influxdb": "InfluxDB 1.6.7"}
WIDTH, BAR, GAP, LEFT = 760, 18, 26, 130


def main():
    with open(sys.argv[1], encoding="utf-8") as handle:
        rounds = json.load(handle)
    names = list(rounds)
    height = 20 + len(ROWS) * (22 + len(names) * BAR + GAP)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="13">' % (WIDTH, height),
           '<rect width="100%" height="100%" fill="white"/>']
    y = 24
    for key, title, scale, form in ROWS:
        medians = {name: statistics.median(r[key] for r in rounds[name]) for name in names}
        longest = max(medians.values())
        out.append('<text x="10" y="%d" font-weight="bold">%s</text>' % (y, title))
        y += 10
        for name in names:
            length = max(2, (WIDTH - LEFT - 90) * medians[name] / longest)
            out.append('<text x="%d" y="%d" text-anchor="end">%s</text>'
                       % (LEFT - 8, y + 13, LABELS.get(name, name)))
            out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                       % (LEFT, y + 1, length, BAR - 3, COLOURS.get(name, "#888")))
            out.append('<text x="%.1f" y="%d">%s</text>'
                       % (LEFT + length + 6, y + 13, form % (medians[name] * scale)))
            y += BAR
        y += GAP
    out.append("</svg>")
    with open(sys.argv[2], "w", encoding="utf-8") as handle:
        handle.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
