"""Draws a Grafana dashboard and the data of its panels as one SVG.

The picture stands on its own on light and dark pages: it brings its background, and the colours of
the reader's scheme where the viewer tells it.
"""

import datetime
import html
import math

CELL_W, CELL_H, GAP, MARGIN, HEAD = 50, 31, 8, 12, 52
WIDTH = 24 * CELL_W + 2 * MARGIN
PALETTE = ["#3b7dd8", "#e0812d", "#4fa65a", "#a65fd0", "#d6455a", "#1f9eae", "#b58b1b", "#7a8794"]
NAMED = {"green": "#3f9a4b", "orange": "#e0812d", "red": "#d6455a", "blue": "#3b7dd8", "text": None}
SCALE = [(76, 120, 200), (110, 176, 200), (240, 222, 130), (236, 150, 70), (205, 62, 62)]
STYLE = """
.page{fill:#eef0f3}.card{fill:#fff;stroke:#dadde2}.ink{fill:#24292f}.dim{fill:#6a7380}
.grid{stroke:#e4e7eb}.mark{stroke:#b9770e}.track{fill:#e9ecf0}
@media (prefers-color-scheme:dark){
.page{fill:#111217}.card{fill:#181b1f;stroke:#2c3036}.ink{fill:#dfe2e6}.dim{fill:#9aa2ad}
.grid{stroke:#2a2e34}.mark{stroke:#e0a23c}.track{fill:#2a2e34}}
"""


def scaled(value, base, names):
    at = 0
    while abs(value) >= base and at + 1 < len(names):
        value /= base
        at += 1
    return value, names[at]


def value_text(value, unit, decimals=None):
    """A value as its panel's unit has it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    suffix = {"celsius": " °C", "humidity": " %", "ppm": " ppm"}.get(unit, "")
    if unit in ("kwatt", "kwatth"):
        value, suffix = scaled(value, 1000, [" kW", " MW", " GW"])
        suffix += "h" if unit == "kwatth" else ""
    elif unit in ("bytes", "Bps"):
        value, suffix = scaled(value, 1024, [" B", " KiB", " MiB", " GiB"])
        suffix += "/s" if unit == "Bps" else ""
    elif unit == "ns":
        value, suffix = scaled(value, 1000, [" ns", " µs", " ms", " s"])
    elif unit == "short" and abs(value) >= 10_000:
        value, suffix = scaled(value, 1000, ["", " k", " M", " G"])
        decimals = None if value >= 100 else 1
    if decimals is None:
        whole = abs(value - round(value)) < 1e-9 or abs(value) >= 100
        decimals = 0 if whole else 1 if abs(value) >= 1 else 2
    return "%s%s" % (f"{value:,.{decimals}f}", suffix)


def clock_text(ms, span_ms):
    moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return moment.strftime("%H:%M" if span_ms <= 2 * 86_400_000 else
                           "%d %b" if span_ms <= 120 * 86_400_000 else "%b %y")


def ticks(low, high, wanted, unit, decimals):
    """Round values of the unit, some `wanted` of them."""
    if unit in ("bytes", "Bps") and high >= 1024:
        one = 1024 ** int(math.log(high, 1024))
        for value in ticks(low / one, high / one, wanted, None, None):
            yield value * one
        return
    step = 10 ** math.floor(math.log10(max(high - low, 1e-9) / wanted))
    step *= next(f for f in (1, 2, 2.5, 5, 10) if (high - low) / (step * f) <= wanted)
    if decimals == 0 and unit in ("short", "none"):
        step = max(step, 1)
    at = math.ceil(low / step - 1e-9) * step
    while at <= high + step * 1e-6:
        yield 0.0 if abs(at) < step * 1e-6 else at
        at += step


def time_ticks(first_ms, last_ms, wanted):
    """Whole minutes, hours, days or months (UTC), some `wanted` of them."""
    minute, hour, day = 60_000, 3_600_000, 86_400_000
    steps = [n * minute for n in (1, 2, 5, 10, 30)] + [n * hour for n in (1, 3, 6, 12)] + \
        [n * day for n in (1, 2, 7, 14)]
    step = next((step for step in steps if (last_ms - first_ms) / step <= wanted), None)
    if step:
        at = math.ceil(first_ms / step) * step
        while at <= last_ms:
            yield at
            at += step
        return
    months = max(1, round((last_ms - first_ms) / (30 * day) / wanted))
    moment = datetime.datetime.fromtimestamp(first_ms / 1000, datetime.timezone.utc)
    number = moment.year * 12 + moment.month
    while True:
        at = datetime.datetime(number // 12, number % 12 + 1, 1, tzinfo=datetime.timezone.utc)
        if at.timestamp() * 1000 > last_ms:
            return
        yield at.timestamp() * 1000
        number += months


def blend(part):
    """A colour from cold to hot."""
    part = min(max(part, 0), 1) * (len(SCALE) - 1)
    at = min(int(part), len(SCALE) - 2)
    return "#%02x%02x%02x" % tuple(round(a + (b - a) * (part - at))
                                   for a, b in zip(SCALE[at], SCALE[at + 1]))


def threshold_colour(value, thresholds):
    name = "text"
    for step in thresholds["steps"]:
        if step["value"] is None or (isinstance(value, (int, float)) and value >= step["value"]):
            name = step["color"]
    return NAMED[name]


def lines_of(panel, answers):
    """(label, [(ms, value)]) of each number column of each series."""
    for target, found in zip(panel["targets"], answers):
        for series in found:
            for column, name in list(enumerate(series["columns"]))[1:]:
                label = target.get("alias") or "%s.%s" % (series["name"], name)
                label = label.replace("$col", name)
                for tag, text in series.get("tags", {}).items():
                    label = label.replace("$tag_" + tag, text)
                yield label, [(row[0], row[column]) for row in series["values"]
                              if row[column] is not None]


class Picture:
    def __init__(self, title, subtitle, rows):
        self.height = HEAD + rows * CELL_H + MARGIN
        self.out = [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
            'font-family="Inter,\'Segoe UI\',Helvetica,Arial,sans-serif" font-size="13">'
            % (WIDTH, self.height, WIDTH, self.height), "<style>%s</style>" % STYLE.strip(),
            '<rect class="page" width="100%" height="100%" rx="8"/>']
        self.text(MARGIN + 6, 33, title, size=20, bold=True)
        self.text(WIDTH - MARGIN - 6, 33, subtitle, "dim", anchor="end")

    def text(self, x, y, words, style="ink", size=None, anchor=None, bold=False, colour=None):
        self.out.append('<text x="%.1f" y="%.1f" %s%s%s%s>%s</text>' % (
            x, y, 'fill="%s"' % colour if colour else 'class="%s"' % style,
            ' font-size="%g"' % size if size else "", ' text-anchor="%s"' % anchor if anchor else "",
            ' font-weight="600"' if bold else "", html.escape(words)))

    def rect(self, x, y, w, h, colour=None, style=None, radius=0, opacity=1):
        self.out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"%s%s%s%s/>' % (
            x, y, max(w, 0), max(h, 0), ' fill="%s"' % colour if colour else "",
            ' class="%s"' % style if style else "", ' rx="%g"' % radius if radius else "",
            ' opacity="%g"' % opacity if opacity != 1 else ""))

    def line(self, x, y, x2, y2, style, dash=""):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"%s/>' % (
            x, y, x2, y2, style, ' stroke-dasharray="%s"' % dash if dash else ""))

    def path(self, points, colour, width=1.6, fill=None, opacity=1):
        at = "M" + "L".join("%.1f %.1f" % point for point in points)
        self.out.append(
            '<path d="%s" fill="%s" stroke="%s" stroke-width="%g" stroke-linejoin="round"%s/>' % (
                at, fill or "none", colour or "none", width,
                ' opacity="%g"' % opacity if opacity != 1 else ""))

    # --- panels

    def panel(self, panel, answers, range_ms, marks=()):
        """`answers`: the series of each target. `marks`: times of annotations."""
        grid = panel["gridPos"]
        x, y = MARGIN + grid["x"] * CELL_W + GAP / 2, HEAD + grid["y"] * CELL_H + GAP / 2
        w, h = grid["w"] * CELL_W - GAP, grid["h"] * CELL_H - GAP
        if panel["type"] == "row":
            self.text(x + 2, y + 17, panel["title"], size=15, bold=True)
            return
        self.rect(x, y, w, h, style="card", radius=4)
        self.text(x + 10, y + 20, panel["title"], bold=True)
        if "timeFrom" in panel and panel["type"] != "stat":
            self.text(x + w - 10, y + 20, "last " + panel["timeFrom"], "dim", 12, "end")
        box = (x + 10, y + 30, w - 20, h - 38)
        draw = {"timeseries": self.time_series, "stat": self.stat, "bargauge": self.bar_gauge,
                "table": self.table, "status-history": self.history}[panel["type"]]
        draw(box, panel, answers, range_ms, marks if "timeFrom" not in panel else ())

    def stat(self, box, panel, answers, range_ms, _):
        x, y, w, h = box
        defaults = panel["fieldConfig"]["defaults"]
        lines = list(lines_of(panel, answers))
        if not lines:
            self.text(x, y + 36, "no data", "dim", 20)
            return
        points = lines[0][1]
        value = points[-1][1]
        colour = threshold_colour(value, defaults["thresholds"])
        self.text(x, y + 32, value_text(value, defaults.get("unit"), defaults.get("decimals")),
                  size=27, bold=True, colour=colour)
        if panel["options"]["graphMode"] == "none" or len(points) < 2:
            return
        low, high = min(v for _, v in points), max(v for _, v in points)
        left, right = range_ms
        top, foot = y + 44, y + h + 6
        curve = [(x - 9 + (w + 18) * (t - left) / (right - left),
                  foot - 2 - (foot - top - 4) * (v - low) / ((high - low) or 1)) for t, v in points]
        colour = colour or "#7a8794"
        self.path([(curve[0][0], foot)] + curve + [(curve[-1][0], foot)], None, 0, colour, 0.18)
        self.path(curve, colour, 1.4)

    def time_series(self, box, panel, answers, range_ms, marks):
        x, y, w, h = box
        defaults = panel["fieldConfig"]["defaults"]
        custom = defaults["custom"]
        lines = [line for line in lines_of(panel, answers) if line[1]]
        h -= 24
        if not lines:
            self.text(x + w / 2, y + h / 2, "no data", "dim", 14, "middle")
            return
        stacked = custom["stacking"]["mode"] == "normal"
        drawn, below = [], {}
        for label, points in lines:
            base = [(t, below.get(t, 0)) for t, _ in points] if stacked else None
            if stacked:
                points = [(t, v + below.get(t, 0)) for t, v in points]
                below.update(points)
            drawn.append((label, points, base))
        values = [v for _, points, _ in drawn for _, v in points]
        low, high = min(values), max(values)
        if "axisSoftMin" in custom or (low >= 0 and low < high / 3) or low == high == 0:
            low = min(low, custom.get("axisSoftMin", 0))
        if high == low:
            low, high = low - (1 if low else 0), high + 1
        high += (high - low) * 0.05
        low -= (high - low) * 0.05 if low else 0
        unit, decimals = defaults.get("unit"), defaults.get("decimals")
        marks_y = [(v, value_text(v, unit)) for v in ticks(low, high, 5, unit, decimals)]
        left = x + 10 + max(7.2 * len(words) for _, words in marks_y)
        width = x + w - left - 4
        first, last = range_ms
        place = lambda t: left + width * (t - first) / (last - first)
        level = lambda v: y + h - 18 - (h - 26) * (v - low) / (high - low)
        for v, words in marks_y:
            self.line(left, level(v), left + width, level(v), "grid")
            self.text(left - 7, level(v) + 4, words, "dim", 12, "end")
        for t in time_ticks(first, last, max(3, width / 70)):
            if place(t) < left + width - 12:
                self.text(place(t), y + h - 1, clock_text(t, last - first), "dim", 12, "middle")
        bars = custom["drawStyle"] == "bars"
        for t in marks:
            if first <= t <= last:
                self.line(place(t), y, place(t), level(low), "mark", "4 3")
        # The sums of a stack from the highest to the lowest, so that each stands before the next.
        for at, (label, points, base) in sorted(enumerate(drawn), reverse=stacked):
            colour = PALETTE[at % len(PALETTE)]
            if bars:
                step = min((b - a for (a, _), (b, _) in zip(points, points[1:])), default=last - first)
                wide = max(2, width * step / (last - first) * 0.75)
                for (t, v), (_, v0) in zip(points, base or [(0, max(low, 0))] * len(points)):
                    if place(t) >= left - 1:
                        self.rect(min(place(t), left + width - wide), level(v), wide,
                                  level(v0) - level(v), colour, opacity=0.9)
                continue
            curve = [(max(place(t), left), level(v)) for t, v in points]
            if custom["fillOpacity"]:
                foot = [(max(place(t), left), level(v)) for t, v in reversed(base)] if base else \
                    [(curve[-1][0], level(low)), (curve[0][0], level(low))]
                self.path(curve + foot, None, 0, colour, custom["fillOpacity"] / 100)
            self.path(curve, colour, custom["lineWidth"])
        at = x + 2
        for i, (label, points, _) in enumerate(drawn):
            if at + 24 + 7 * len(label) > x + w:
                break
            self.rect(at, y + h + 13, 12, 4, PALETTE[i % len(PALETTE)], radius=2)
            self.text(at + 17, y + h + 20, label, "dim", 12)
            at += 34 + 6.6 * len(label)

    def bar_gauge(self, box, panel, answers, *_):
        x, y, w, h = box
        defaults = panel["fieldConfig"]["defaults"]
        rows = [row for series in answers[0] for row in series["values"]]
        names = answers[0][0]["columns"] if answers[0] else []
        number = names.index(panel["options"]["reduceOptions"]["fields"].strip("/^$"))
        label = next(i for i in range(1, len(names)) if i != number)
        rows.sort(key=lambda row: -row[number])
        each = h / max(len(rows), 1)
        low, high = defaults["min"], defaults["max"]
        for i, row in enumerate(rows):
            top = y + i * each
            part = (row[number] - low) / (high - low)
            self.text(x, top + each / 2 + 4, str(row[label]), size=12.5)
            self.rect(x + 38, top + 4, w - 106, each - 8, style="track", radius=2)
            self.rect(x + 38, top + 4, (w - 106) * min(max(part, 0), 1), each - 8, blend(part),
                      radius=2)
            self.text(x + w, top + each / 2 + 4,
                      value_text(row[number], defaults.get("unit"), defaults.get("decimals")),
                      size=12.5, anchor="end", bold=True)

    def history(self, box, panel, answers, range_ms, _):
        x, y, w, h = box
        defaults = panel["fieldConfig"]["defaults"]
        lines = list(lines_of(panel, answers))
        first, last = range_ms
        low, high = defaults["min"], defaults["max"]
        each, left, foot = (h - 20) / max(len(lines), 1), x + 34, y + h - 20
        step = min(b[0] - a[0] for _, points in lines for a, b in zip(points, points[1:]))
        wide = (w - 34) * step / (last - first)
        for i, (label, points) in enumerate(lines):
            if i % max(1, math.ceil(13 / each)) == 0:
                self.text(left - 6, y + i * each + each / 2 + 4, label, "dim", 11.5, "end")
            for t, v in points:
                at = max(left, left + (w - 34) * (t - first) / (last - first))
                self.rect(at, y + i * each, min(wide, x + w - at) + 0.3, each - 0.8,
                          blend((v - low) / (high - low)))
        for t in time_ticks(first, last, 10):
            self.text(left + (w - 34) * (t - first) / (last - first), foot + 16,
                      clock_text(t, last - first), "dim", 12, "middle")

    def table(self, box, panel, answers, *_):
        x, y, w, h = box
        hidden, renamed = set(), {}
        for one in panel.get("transformations", []):
            hidden |= {name for name, out in one["options"].get("excludeByName", {}).items() if out}
            renamed.update(one["options"].get("renameByName", {}))
        styles = {one["matcher"]["options"]: {p["id"]: p["value"] for p in one["properties"]}
                  for one in panel["fieldConfig"]["overrides"]}
        names, rows = [], []
        for series in answers[0]:
            tags = series.get("tags", {})
            names = ["Time"] + list(tags) + series["columns"][1:]
            rows += [row[:1] + list(tags.values()) + row[1:] for row in series["values"]]
        for sort in panel["options"].get("sortBy", []):
            rows.sort(key=lambda row: row[names.index(sort["displayName"])], reverse=sort["desc"])
        shown = [i for i, name in enumerate(names) if name not in hidden]

        def cell(row, i):
            if names[i] == "Time":
                moment = datetime.datetime.fromtimestamp(row[i] / 1000, datetime.timezone.utc)
                return moment.strftime("%Y-%m-%d %H:%M")
            style = styles.get(names[i], {})
            return value_text(row[i], style.get("unit"), style.get("decimals"))
        rows = rows[:int((h - 24) // 22)]
        lengths = [max([len(renamed.get(names[i], names[i]))] + [len(cell(row, i)) for row in rows]) + 2
                   for i in shown]
        at, narrow = x, sum(lengths) * 7.4 > w  # then the last column gets what is left
        for i, length in zip(shown, lengths):
            wide = length * 7.4 if narrow else w * length / sum(lengths)
            right = rows and not isinstance(rows[0][i], str) and names[i] != "Time"
            place, anchor = (at + wide - 10, "end") if right else (at, None)
            self.text(place, y + 14, renamed.get(names[i], names[i]), "dim", 12.5, anchor, True)
            style = styles.get(names[i], {})
            for n, row in enumerate(rows):
                colour = None
                if "thresholds" in style:
                    colour = threshold_colour(row[i], style["thresholds"])
                words, fits = cell(row, i), int((x + w - at) / 6.8)
                words = words if right or len(words) <= fits else words[:fits - 1] + "…"
                self.text(place, y + 36 + n * 22, words, size=12.5, anchor=anchor, colour=colour)
            at += wide
        for n in range(len(rows)):
            self.line(x, y + 20 + n * 22, x + w, y + 20 + n * 22, "grid")

    def svg(self):
        return "\n".join(self.out + ["</svg>"]) + "\n"
