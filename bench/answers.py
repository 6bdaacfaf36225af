"""Whether answers agree: of two servers, and of a server and a plain loop over the lines.

An answer is what InfluxQL gives: a list of series, each with a name, tags, columns and rows. Floats agree
to 1e-9 of their size. Rows of one time are compared in any order where no query defines one.
"""

import collections
import json
import math
import re

TOLERANCE = 1e-9


def series_of(body):
    """The series of the one statement in the answer `body`; ValueError if it failed."""
    result = json.loads(body)["results"][0]
    if "error" in result:
        raise ValueError(result["error"])
    return result.get("series", [])


def same_value(a, b, tolerance=TOLERANCE):
    numbers = (int, float)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, numbers) and isinstance(b, numbers):
        return a == b or math.isclose(a, b, rel_tol=tolerance)
    return a == b


def difference(left, right, any_order=False, tolerance=TOLERANCE):
    """The first difference between two lists of series, as text; empty if there is none."""
    if len(left) != len(right):
        return "%d series and %d" % (len(left), len(right))
    for a, b in zip(left, right):
        for part in ("name", "tags", "columns"):
            if a.get(part) != b.get(part):
                return "%s %s and %s" % (part, a.get(part), b.get(part))
        rows = [a["values"], b["values"]]
        if len(rows[0]) != len(rows[1]):
            return "%d rows and %d in %s" % (len(rows[0]), len(rows[1]), a.get("tags"))
        if any_order and rows[0] != rows[1]:
            rows = [sorted(some, key=lambda row: [(v is None, str(v)) for v in row])
                    for some in rows]
        for x, y in zip(*rows):
            if x != y and not all(same_value(v, w, tolerance) for v, w in zip(x, y)):
                return "row %s and %s in %s" % (x, y, a.get("tags"))
    return ""


def is_raw(select):
    return not select["calls"][0][0]


def by_group_and_field(select, series):
    """The values of an InfluxQL answer as {(group, field): {time: value}}, without what is null."""
    values = collections.defaultdict(dict)
    for one in series:
        group = tuple(one.get("tags", {}).get(tag, "") for tag in select["group_by"])
        for position, column in enumerate(one["columns"][1:]):
            field = column if is_raw(select) else select["calls"][position][1]
            for row in one["values"]:
                value = row[position + 1]
                if value is None or isinstance(value, str):
                    continue
                time = row[0] if select["window_s"] or is_raw(select) else 0
                values[group, field][time] = float(value)
    return dict(values)


def from_victoria(select, body):
    """The same of an answer of VictoriaMetrics."""
    values = collections.defaultdict(dict)
    prefix = select["measurement"] + "_"

    def key(metric):
        field = metric.get("__name__", prefix + select["calls"][0][1])[len(prefix):]
        return tuple(metric.get(tag, "") for tag in select["group_by"]), field

    if is_raw(select) and not select["limit"]:
        for line in body.splitlines():
            one = json.loads(line)
            values[key(one["metric"])].update(zip(one["timestamps"], map(float, one["values"])))
        return dict(values)
    answer = json.loads(body)
    if answer["status"] != "success":
        raise ValueError(body[:500])
    # A window of InfluxDB is known by its begin, one of VictoriaMetrics by its end.
    to_begin = select["window_s"] * 1000 - 1
    for one in answer["data"]["result"]:
        points = one["values"] if "values" in one else [[0, one["value"][1]]]
        for time, value in points:
            begin = round(time * 1000) - to_begin if "values" in one else 0
            values[key(one["metric"])][begin] = float(value)
    return dict(values)


def difference_from_victoria(select, influxql, victoria):
    """As difference(), between an answer of InfluxQL and one of VictoriaMetrics, as their bodies."""
    series = series_of(influxql)
    left = by_group_and_field(select, series)
    right = from_victoria(select, victoria)
    texts = {column for one in series for position, column in enumerate(one["columns"])
             if any(isinstance(row[position], str) for row in one["values"])}
    right = {key: times for key, times in right.items() if key[1] not in texts}
    if is_raw(select) and select["limit"]:  # it does not tell the time of a last value
        left = {key: {0: value for value in times.values()} for key, times in left.items()}
    if left.keys() != right.keys():
        return "%d groups and fields and %d" % (len(left), len(right))
    for key, times in left.items():
        if times.keys() != right[key].keys():
            return "%d times and %d of %s" % (len(times), len(right[key]), key)
        for time, value in times.items():
            if not math.isclose(value, right[key][time], rel_tol=TOLERANCE):
                return "%s and %s at %s of %s" % (value, right[key][time], time, key)
    return ""


# The plain loop.

Point = collections.namedtuple("Point", "tags time_ms fields")


def parse_lines(text):
    """The points of line protocol without escapes, as varve-bench writes it."""
    points = []
    for line in text.splitlines():
        key, rest = line.split(" ", 1)
        fields, time = rest.rsplit(" ", 1)
        tags = dict(part.split("=") for part in key.split(",")[1:])
        points.append(Point(tags, int(time) // 10**6,
                            {name: parse_value(value) for name, value in
                             (part.split("=") for part in fields.split(","))}))
    return points


def parse_value(text):
    if text.startswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return int(text[:-1]) if text.endswith("i") else float(text)


def matches(select, point):
    if select["tag_pattern"]:
        if not re.search(select["tag_pattern"], point.tags.get(select["tag"], "")):
            return False
    elif select["tag"] and point.tags.get(select["tag"]) not in select["tag_values"]:
        return False
    if select["above_field"] and not point.fields[select["above_field"]] > select["above"]:
        return False
    time_ns = point.time_ms * 10**6
    return select["from_ns"] <= time_ns and (not select["until_ns"] or time_ns < select["until_ns"])


def percentile(values, argument):
    rank = int(len(values) * argument / 100 + 0.5) - 1
    return sorted(values)[rank] if 0 <= rank < len(values) else None


FUNCTIONS = {
    "mean": lambda values, _: math.fsum(values) / len(values),
    "max": lambda values, _: max(values),
    "min": lambda values, _: min(values),
    "count": lambda values, _: len(values),
    "percentile": percentile,
}


def plain_answer(select, points):
    """What InfluxQL answers to `select` over `points`."""
    groups = collections.defaultdict(list)
    for point in points:
        if matches(select, point):
            groups[tuple(point.tags.get(tag, "") for tag in select["group_by"])].append(point)
    series = []
    for group in sorted(groups, reverse=select["newest_first"]):
        rows = plain_rows(select, groups[group])
        one = {"name": select["measurement"]}
        if select["group_by"]:
            one["tags"] = dict(zip(select["group_by"], group))
        one["columns"], one["values"] = rows
        series.append(one)
    return series


def plain_rows(select, points):
    """Columns and rows of one group."""
    calls = select["calls"]
    if calls[0][0] == "count" and calls[0][1] == "*":
        fields = sorted({field for point in points for field in point.fields})
        return (["time"] + ["count_" + field for field in fields],
                [[0] + [sum(field in point.fields for point in points) for field in fields]])
    if calls[0][0] == "top":
        best = sorted(points, key=lambda point: (-point.fields[calls[0][1]], point.time_ms))
        return (["time", "top"], sorted([point.time_ms, point.fields[calls[0][1]]]
                                        for point in best[:calls[0][2]]))
    if is_raw(select):
        return ordered(select, *raw_rows(select, points))
    windows = collections.defaultdict(list)
    width_ms = select["window_s"] * 1000
    for point in points:
        windows[point.time_ms // width_ms * width_ms if width_ms else 0].append(point)
    if width_ms:  # from the first window to the last of the range, empty ones too
        first = select["from_ns"] // 10**6 // width_ms * width_ms if select["from_ns"] else min(windows)
        for begin in range(first, (select["until_ns"] - 1) // 10**6 + 1, width_ms):
            windows.setdefault(begin, [])
    elif len(calls) == 1 and calls[0][0] in ("max", "min"):  # it has the time of the point
        value = FUNCTIONS[calls[0][0]]([point.fields[calls[0][1]] for point in points], 0)
        first = min(point.time_ms for point in points if point.fields[calls[0][1]] == value)
        return ["time", calls[0][0]], [[first, value]]
    columns, rows = ["time"], []
    for name, _, _ in calls:
        before = sum(column.split("_")[0] == name for column in columns)
        columns.append(name + ("_%d" % before if before else ""))
    for begin in sorted(windows):
        row = [begin]
        for name, field, argument in calls:
            values = [point.fields[field] for point in windows[begin] if field in point.fields]
            row.append(FUNCTIONS[name](values, argument) if values else None)
        rows.append(row)
    return ordered(select, columns, rows)


def raw_rows(select, points):
    if select["calls"][0][1] == "*":
        columns = sorted({name for point in points for name in list(point.fields) + list(point.tags)}
                         - set(select["group_by"]))
    else:
        columns = [call[1] for call in select["calls"]]
    rows = [[point.time_ms] + [point.fields.get(name, point.tags.get(name)) for name in columns]
            for point in sorted(points, key=lambda point: point.time_ms)]
    return ["time"] + columns, rows


def ordered(select, columns, rows):
    if select["newest_first"]:
        rows = rows[::-1]
    return columns, rows[:select["limit"]] if select["limit"] else rows


def plain_statement(query, points):
    """What the SHOW statements of the workloads answer."""
    if query["name"] == "tag-values":
        values = sorted({point.tags["sensor"] for point in points})
        return [{"name": "room", "columns": ["key", "value"],
                 "values": [["sensor", value] for value in values]}]
    count = len({tuple(sorted(point.tags.items())) for point in points})
    if query["estimate"]:
        return [{"columns": ["cardinality estimation"], "values": [[count]]}]
    measurement = query["statement"].rsplit(" ", 1)[1]
    return [{"name": measurement, "columns": ["count"], "values": [[count]]}]
