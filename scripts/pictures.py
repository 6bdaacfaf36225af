#!/usr/bin/env python3
"""Draws the dashboards of examples/grafana from what a varved answers to their queries.

    scripts/pictures.py --bin build/release/bin --out docs/images

A server with the example's configuration and a `varve feed` run for some minutes, while the
dashboard of the building is asked for again and again, as an open page would: that is what the
dashboard of the server shows.
"""

import argparse
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/clients"))

import dashboard_svg  # noqa: E402
import servers  # noqa: E402
from grafana import DAY, Dashboard, check_shape, request  # noqa: E402


class Server(servers.Example):
    """One that writes what it has to files soon, so that there is something to see."""

    def environment(self):
        return {"VARVE_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "60s"}


class Page:
    """A dashboard over the range of time that ends now, with its variables."""

    def __init__(self, server, name, database, range_ms):
        self.server, self.database = server, database
        now_ms = time.time_ns() // 1_000_000
        path = os.path.join(servers.Example.FOLDER, "dashboards", name + ".json")
        # Few points keep the file small.
        self.dashboard = Dashboard(path, now_ms - range_ms, now_ms, width_px=700)
        self.dashboard.load_variables(self.ask)

    def ask(self, statement):
        status, text = request(self.server, statement, "POST", database=self.database)
        if status != 200:
            raise SystemExit("%s\n%s" % (statement, text))
        return check_shape(text)

    def answers(self):
        """(panel, the series of each of its statements), in the panels' order."""
        for panel in self.dashboard.json["panels"]:
            statements = [] if panel["type"] == "row" else self.dashboard.statements(panel)
            yield panel, [self.ask(statement) for statement in statements]

    def draw(self, path):
        dashboard = self.dashboard
        marks = [row[0] for _, statement in dashboard.annotations()
                 for series in self.ask(statement) for row in series["values"]]
        grids = [panel["gridPos"] for panel in dashboard.json["panels"]]
        ends = [time.strftime("%Y-%m-%d %H:%M", time.gmtime(ms / 1000))
                for ms in (dashboard.from_ms, dashboard.to_ms)]
        picture = dashboard_svg.Picture(dashboard.json["title"], "%s to %s UTC" % tuple(ends),
                                        max(grid["y"] + grid["h"] for grid in grids))
        for panel, answers in self.answers():
            picture.panel(panel, answers, dashboard.range_of(panel), marks)
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(picture.svg())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--out", default=os.path.join(ROOT, "docs/images"))
    parser.add_argument("--seconds", type=int, default=600, help="how long the server runs")
    options = parser.parse_args()
    start = time.monotonic()
    with Server(os.path.join(options.bin, "varved")) as server:
        feed = subprocess.Popen([os.path.join(options.bin, "varve"), "feed", "--interval", "10s",
                                 "--host", "127.0.0.1:%d" % server.port], stdout=subprocess.PIPE,
                                text=True)
        try:
            while "now a reading" not in feed.stdout.readline():
                if feed.poll() is not None:
                    raise SystemExit("the feed ended")
            while time.monotonic() - start < options.seconds:
                for _ in Page(server, "building", "building", DAY).answers():
                    pass
                time.sleep(2)
                if server.process.poll() is not None:
                    with open(os.path.join(server.folder, "log"), encoding="utf-8") as log:
                        raise SystemExit("the server ended:\n" + "".join(log.readlines()[-5:]))
            Page(server, "building", "building", DAY).draw(
                os.path.join(options.out, "grafana-building.svg"))
            ran_ms = round(time.monotonic() - start) * 1000
            Page(server, "server", "_internal", ran_ms).draw(
                os.path.join(options.out, "grafana-server.svg"))
        finally:
            feed.terminate()
            feed.wait()


if __name__ == "__main__":
    main()
