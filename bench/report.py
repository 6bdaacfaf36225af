"""The tables of a comparison, in Markdown."""

import datetime
import os
import platform
import statistics
import subprocess
import sys

import targets
from servers import SERVERS

# Figure of measure.py: its name and its format.
FIGURES = [
    ("values_per_s", "values per second", "%.0f"),
    ("cpu_s_per_million", "server CPU-seconds per million values, until settled", "%.3f"),
    ("load_cpu_s_per_million", "of it while loading", "%.3f"),
    ("client_cpu_s_per_million", "the client's own CPU-seconds per million values", "%.3f"),
    ("p99_ms", "slowest 1 % of bodies, ms", "%.3g"),
    ("peak_memory_mb", "peak memory, MB", "%.0f"),
    ("bytes_per_value", "bytes per value on disk, settled", "%.3f"),
    ("restart_clean_s", "first right answer after a clean stop, s", "%.3f"),
    ("restart_killed_s", "first right answer after kill -9, s", "%.3f"),
    ("rows_lost", "acknowledged rows lost by kill -9", "%.0f"),
]


def one_line(figures):
    return ", ".join("%s %s" % (key, form % figures[key]) for key, _, form in FIGURES)


def spread(form, values):
    """The median, and with several values the least and the greatest."""
    text = form % statistics.median(values)
    if len(values) > 1:
        text += " (%s–%s)" % (form % min(values), form % max(values))
    return text


def cell(key, form, rounds):
    if key == "restart_killed_s" and any(one["rows_lost"] for one in rounds):
        return "never"
    return spread(form, [one[key] for one in rounds])


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="ascii") as handle:
        for line in handle:
            if line.startswith("model name"):
                model = line.split(":")[1].strip()
                break
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return "%d cores of %s, %.0f GB" % (os.cpu_count(), model, gigabytes)


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    run = lambda *argv: subprocess.run(["git", "-C", here, *argv], capture_output=True, text=True,
                                       check=False).stdout.strip()
    changed = " with changes" if run("status", "--porcelain", "--untracked-files=no") else ""
    return (run("rev-parse", "--short", "HEAD") or "unknown") + changed


class Section:
    """What is added to RESULTS.md for one command."""

    def __init__(self, options, title="Varve beside others"):
        self.options, self.parts, self.title = options, [], title
        self.load_before, self.commit = os.getloadavg()[0], commit()

    def add(self, workload, figures, differences):
        self.parts.append(self.figure_table(workload, figures))
        self.parts.append(self.query_table(workload, figures, differences))

    def text(self):
        command = " ".join([os.path.join("bench", os.path.basename(sys.argv[0]))] + sys.argv[1:])
        head = [
            "## %s: %s" % (datetime.date.today(), self.title),
            "%s; commit %s; seed %d; 1-minute load %.1f before, %.1f after. Medians, with several "
            "rounds in parentheses the least and the greatest." % (
                machine(), self.commit, self.options.seed, self.load_before, os.getloadavg()[0]),
            "    " + command,
        ]
        if self.options.quick:
            head.append("A quick run on small sizes: the targets are those of the full size.")
        return "\n\n".join(head + self.parts) + "\n"

    @staticmethod
    def table(columns, rows):
        lines = ["| " + " | ".join(columns) + " |", "| --- |" + " --: |" * (len(columns) - 1)]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])

    def figure_table(self, workload, figures):
        wanted = targets.FIGURES.get(workload, {})
        rows = [[title, *(cell(key, form, rounds) for rounds in figures.values()),
                 "%g" % wanted[key] if key in wanted else ""] for key, title, form in FIGURES]
        unsettled = [SERVERS[name].label for name, rounds in figures.items()
                     if not all(one["settled"] for one in rounds)]
        note = "\n\nNot settled in time: %s." % ", ".join(unsettled) if unsettled else ""
        first = next(iter(figures.values()))[0]
        return "### %s: %.3g million values in %.3g million lines\n\n" % (
            workload, first["values"] / 1e6, first["lines"] / 1e6) + self.table(
                ["", *(SERVERS[name].label for name in figures), "target"], rows) + note

    def query_table(self, workload, figures, differences):
        columns = ["query"]
        for name in figures:
            columns += ["%s p50 / p95 ms" % SERVERS[name].label, "CPU ms"]
        columns += ["answer bytes", "CPU target", "equal"]
        names = list(figures)
        rows = []
        for query in figures[names[0]][0]["queries"]:
            row = [query]
            for name in names:
                stats = [one["queries"][query] for one in figures[name] if query in one["queries"]]
                if not stats:
                    row += ["", ""]
                    continue
                middle = lambda key: statistics.median(one[key] for one in stats)
                row += ["%.3g / %.3g" % (middle("p50_ms"), middle("p95_ms")),
                        "%.3g" % middle("cpu_ms")]
            wanted = targets.QUERY_CPU_MS.get(workload, {}).get(query)
            row += ["%d" % figures[names[0]][0]["queries"][query]["answer_bytes"],
                    "" if wanted is None else "%g" % wanted,
                    verdict(differences.get(query, {}))]
            rows.append(row)
        text = self.table(columns, rows)
        memory = targets.QUERY_MEMORY_MB.get(workload)
        if memory and "varve" in figures:
            text += "\n\nPeak memory of Varve while asked: " + ", ".join(
                "%s %.0f MB (target %d)" % (query, max(
                    one["queries"][query]["peak_memory_mb"] for one in figures["varve"]), limit)
                for query, limit in memory.items()) + "."
        return text


def verdict(differences):
    """A cell: with whom the answers were compared, and that they differ."""
    if any(differences.values()):
        return "unequal: " + ", ".join(name for name, found in differences.items() if found)
    return ", ".join(differences) or "not compared"
