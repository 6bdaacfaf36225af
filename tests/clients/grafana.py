"""What Grafana's InfluxDB data source (InfluxQL) sends, and what it needs of an answer.

`request` and `check_shape` are its backend; `Dashboard` reads a dashboard's JSON and writes the
statements of its variables, panels and annotations as Grafana does for a range of time.
"""

import gzip
import json
import re
import urllib.error
import urllib.parse
import urllib.request

ALL = "$__all"
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def request(server, query, method="GET", policy="", headers=None, database="site"):
    """As the plugin's backend: parameters in order, answers packed, text escaped as Go does."""
    parameters = [("db", database), ("epoch", "ms")]
    body = None
    sent = {"User-Agent": "Grafana/12.0.0", "Accept-Encoding": "gzip", **(headers or {})}
    if method == "GET":
        parameters.append(("q", query))
    else:
        body = urllib.parse.urlencode({"q": query}).encode()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    if policy:
        parameters.append(("rp", policy))
    address = server.url + "/query?" + urllib.parse.urlencode(sorted(parameters))
    message = urllib.request.Request(address, data=body, headers=sent, method=method)
    try:
        answer = urllib.request.urlopen(message)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read()
    if answer.headers.get("Content-Encoding") == "gzip":
        text = gzip.decompress(text)
    return answer.status, text.decode()


def check_shape(text):
    """The needs of the data source's parsers. Returns the series of the first result."""
    pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)  # objects as lists, in order
    assert [key for key, _ in pairs] == ["results"], "other keys than results: %s" % text[:200]
    results = pairs[0][1]
    assert results, "no result: the buffered parser takes the first unseen"
    for result in results:
        for key, value in result:
            assert key in ("statement_id", "series", "messages", "partial", "error"), key
            if key == "series":
                for series in value:
                    check_series(series)
    return json.loads(text)["results"][0].get("series", [])


def check_series(pairs):
    keys = [key for key, _ in pairs]
    assert keys == [key for key in ("name", "tags", "columns", "values", "partial") if key in keys]
    series = dict(pairs)
    assert series["columns"], "no columns"
    assert series["values"], "no values: the streaming parser looks at the first row"
    for _, tag in series.get("tags", []):
        assert isinstance(tag, str)
    kinds = {}
    for row in series["values"]:
        assert len(row) == len(series["columns"])
        if series["columns"][0] == "time":
            assert isinstance(row[0], int) and not isinstance(row[0], bool), row
        for column, cell in enumerate(row):
            assert cell is None or isinstance(cell, (int, float, str, bool)), cell
            if cell is None:
                continue
            kind = float if isinstance(cell, (int, float)) and not isinstance(cell, bool) \
                else type(cell)
            assert kinds.setdefault(column, kind) is kind, "two kinds in a column"


def escape_regex(value):
    return re.sub(r"([\\^$*+?.()|\[\]{}/])", r"\\\1", value)


FORMATS = {
    "raw": lambda values: ",".join(values),
    "csv": lambda values: ",".join(values),
    "pipe": lambda values: "|".join(values),
    "regex": lambda values: (escape_regex(values[0]) if len(values) == 1 else
                             "(%s)" % "|".join(map(escape_regex, values))),
    "singlequote": lambda values: ",".join("'%s'" % v.replace("'", "\\'") for v in values),
    "doublequote": lambda values: ",".join('"%s"' % v.replace('"', '\\"') for v in values),
}


def plain_format(values, variable, query):
    """A variable without a format, as the InfluxQL data source writes it."""
    value = values if variable.get("multi") else values[0]
    if isinstance(value, list):
        return "(%s)" % "|".join(map(escape_regex, value))
    in_regex = re.search(r"/\^?(.*)(\$%s)(.*)\$?/" % re.escape(variable["name"]), query)
    return escape_regex(value) if in_regex else value


REFERENCE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]")

# Intervals up to the left are rounded to the right, both in milliseconds.
ROUNDED = [(10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, SECOND),
           (3500, 2 * SECOND), (7500, 5 * SECOND), (12500, 10 * SECOND), (17500, 15 * SECOND),
           (25000, 20 * SECOND), (45000, 30 * SECOND), (90000, MINUTE), (210000, 2 * MINUTE),
           (450000, 5 * MINUTE), (750000, 10 * MINUTE), (1050000, 15 * MINUTE), (1500000, 20 * MINUTE),
           (2700000, 30 * MINUTE), (5400000, HOUR), (9000000, 2 * HOUR), (16200000, 3 * HOUR),
           (32400000, 6 * HOUR), (DAY, 12 * HOUR), (7 * DAY, DAY), (21 * DAY, 7 * DAY),
           (42 * DAY, 30 * DAY)]
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "M": 30 * DAY, "y": 365 * DAY}


def duration_ms(text):
    match = re.fullmatch(r"(\d+)([smhdwMy])", text)
    return int(match[1]) * UNITS[match[2]]


def interval_ms(range_ms, points, at_least_ms):
    wanted = range_ms / points
    return max(next((to for below, to in ROUNDED if wanted < below), 365 * DAY), at_least_ms)


def interval_text(ms):
    for unit in ("d", "h", "m", "s"):
        if ms % UNITS[unit] == 0:
            return "%d%s" % (ms // UNITS[unit], unit)
    return "%dms" % ms


class Dashboard:
    """A dashboard, looked at over a range of time (milliseconds since 1970)."""

    def __init__(self, path, from_ms, to_ms, least_interval="10s", width_px=1800):
        with open(path, encoding="utf-8") as handle:
            self.json = json.load(handle)
        self.from_ms, self.to_ms = from_ms, to_ms
        self.least_interval_ms = duration_ms(least_interval)
        self.width_px = width_px
        self.variables = {one["name"]: one for one in self.json["templating"]["list"]}
        self.options = {}  # of variables, as their queries answered
        self.values = {}   # chosen of them; [ALL] for all

    def load_variables(self, ask, chosen=None):
        """Fill the variables, from first to last; `ask` gives the series of a statement."""
        for name, variable in self.variables.items():
            if variable["type"] == "query":
                series = ask(self.expand(variable["query"], self.from_ms, self.to_ms))
                found = []
                for one in series:  # column 1 of SHOW TAG VALUES, the first text of anything else
                    at = one["columns"].index("value") if "value" in one["columns"] else \
                        next(i for i, cell in enumerate(one["values"][0]) if isinstance(cell, str))
                    found += [row[at] for row in one["values"] if row[at] not in found]
                self.options[name] = found
            else:
                self.options[name] = [one["value"] for one in variable["options"]]
            default = [ALL] if variable.get("includeAll") else self.options[name][:1]
            self.values[name] = (chosen or {}).get(name, default)

    def expand(self, query, from_ms, to_ms, points=1000):
        """The front end puts the variables in, the back end the macros."""
        step_ms = interval_ms(to_ms - from_ms, points, self.least_interval_ms)
        macros = {"timeFilter": "time >= %dms and time <= %dms" % (from_ms, to_ms),
                  "__from": str(from_ms), "__to": str(to_ms), "__range_ms": str(to_ms - from_ms),
                  "__interval": interval_text(step_ms), "interval": interval_text(step_ms),
                  "__interval_ms": str(step_ms)}

        def value(match):
            name = match[1] or match[2] or match[4]
            form = match[3] or match[5]
            if name in macros:
                return macros[name]
            if name not in self.values:
                raise KeyError("no variable %s in %s" % (name, query))
            values = self.values[name]
            if values == [ALL]:
                if self.variables[name].get("allValue"):
                    return self.variables[name]["allValue"]
                values = self.options[name]
            if form:
                return FORMATS[form](values)
            return plain_format(values, self.variables[name], query)
        return REFERENCE.sub(value, query)

    def range_of(self, panel):
        if "timeFrom" in panel:
            return self.to_ms - duration_ms(panel["timeFrom"]), self.to_ms
        return self.from_ms, self.to_ms

    def panels(self):
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]

    def statements(self, panel):
        """The statement of each target of a panel."""
        from_ms, to_ms = self.range_of(panel)
        points = max(1, self.width_px * panel["gridPos"]["w"] // 24)
        return [self.expand(target["query"], from_ms, to_ms, points) for target in panel["targets"]]

    def annotations(self):
        """Those of the data source, each with its statement."""
        for one in self.json["annotations"]["list"]:
            if one["datasource"]["type"] == "influxdb":
                yield one, self.expand(one["query"], self.from_ms, self.to_ms)
