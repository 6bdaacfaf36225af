#!/usr/bin/env python3
"""The dashboards of examples/grafana against a varved with that folder's configuration.

    dashboards_test.py --varved build/release/bin/varved --varve build/release/bin/varve

`varve feed` fills the building; then each statement of the dashboards' variables, panels and
annotations is sent as Grafana would, over several ranges of time and choices of the variables.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import time
import unittest

import servers
from grafana import DAY, HOUR, MINUTE, Dashboard, check_shape, request

EXAMPLE = servers.Example.FOLDER
OPTIONS = None


class Feed:
    """A running `varve feed`, with the lines it has printed."""

    def __init__(self, port, *arguments):
        self.process = subprocess.Popen(
            [OPTIONS.varve, "feed", "--host", "127.0.0.1:%d" % port, *arguments],
            stdout=subprocess.PIPE, text=True)
        self.lines = []

    def wait_for(self, text):
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return
        raise AssertionError("the feed ended: %s" % self.lines)

    def stop(self):
        """SIGTERM, and the status it ends with."""
        self.process.send_signal(signal.SIGTERM)
        self.lines += self.process.stdout.readlines()
        self.process.stdout.close()
        return self.process.wait()


def data_sources():
    """Database by uid, from the provisioned YAML (lines of "key: value")."""
    with open(os.path.join(EXAMPLE, "provisioning/datasources/varve.yaml"), encoding="utf-8") as file:
        text = file.read()
    return dict(re.findall(r"^ +uid: (\S+)$.*?^ +dbName: (\S+)$", text, re.M | re.S))


def path_of(name):
    return os.path.join(EXAMPLE, "dashboards", name)


class DashboardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = servers.Example(OPTIONS.varved)
        # Before there is a server: it waits for one.
        cls.feed = Feed(cls.server.port, "--sensors", "20", "--backfill", "3d", "--history", "90d",
                        "--interval", "5s")
        cls.addClassCleanup(cls.feed.process.kill)
        cls.feed.wait_for("trying again")
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.feed.wait_for("now a reading")

    @classmethod
    def tearDownClass(cls):
        status = cls.feed.stop()
        assert status == 0 and "lines in all" in cls.feed.lines[-1], (status, cls.feed.lines)

    def ask(self, query, database="building"):
        answers = []
        for method in ("GET", "POST"):
            status, text = request(self.server, query, method, database=database)
            self.assertEqual(status, 200, query + "\n" + text)
            answers.append(check_shape(text))
            for result in json.loads(text)["results"]:
                self.assertNotIn("error", result, query)
        return answers[0]

    def look_at(self, name, range_ms, database="building", least_interval="10s", **chosen):
        now_ms = time.time_ns() // 1_000_000
        dashboard = Dashboard(path_of(name), now_ms - range_ms, now_ms, least_interval)
        dashboard.load_variables(lambda query: self.ask(query, database), chosen)
        return dashboard

    def check_panels(self, dashboard, database="building"):
        for panel in dashboard.panels():
            for statement in dashboard.statements(panel):
                self.assertNotRegex(statement, r"\$[\w{]")
                with self.subTest(panel=panel["title"]):
                    self.assertTrue(self.ask(statement, database), statement)

    def test_the_building(self):
        for range_ms, level in ((HOUR, "realtime"), (DAY, "minute"), (40 * DAY, "hour")):
            dashboard = self.look_at("building.json", range_ms)
            self.assertEqual(dashboard.options["floor"], ["1", "2", "3", "4", "5"])
            self.assertEqual(len(dashboard.options["room"]), 20)
            self.assertEqual(dashboard.options["level"], [level])
            self.check_panels(dashboard)

    def test_choices(self):
        for chosen, rooms in (({"floor": ["2"]}, 4), ({"floor": ["1", "5"]}, 8),
                              ({"floor": ["3"], "room": ["301"], "detail": ["hour"]}, 4)):
            dashboard = self.look_at("building.json", 2 * DAY, **chosen)
            self.assertEqual(len(dashboard.options["room"]), rooms)
            self.assertEqual(dashboard.options["level"], [chosen.get("detail", ["minute"])[0]])
            self.check_panels(dashboard)
            heat = next(one for one in dashboard.panels() if one["type"] == "status-history")
            found = self.ask(dashboard.statements(heat)[0])
            self.assertEqual([one["tags"]["room"] for one in found],
                             chosen.get("room", dashboard.options["room"]))

    def test_annotations(self):
        dashboard = self.look_at("building.json", 30 * DAY)
        for annotation, statement in dashboard.annotations():
            series, = self.ask(statement)
            self.assertEqual(series["columns"][0], "time")
            for column in ("textColumn", "titleColumn", "tagsColumn"):
                self.assertIn(annotation[column], series["columns"])
            self.assertGreater(len(series["values"]), 10)

    def test_the_levels_hold_what_the_readings_say(self):
        query = ('SELECT max(%s) FROM %s.climate WHERE time >= now() - 2d AND time < now() - 1d '
                 'GROUP BY time(1h), room')
        readings = self.ask(query % ("temperature", "realtime"))
        self.assertEqual(len(readings), 20)
        for level in ("minute", "hour"):
            found = self.ask(query % ("temperature_max", level))
            for one, other in zip(readings, found):
                # The first and the last window are whole in no level but the readings.
                self.assertEqual(one["values"][1:-1], other["values"][1:-1])

    def test_the_server_itself(self):
        count = "SELECT count(req) FROM httpd"
        while (["_internal"] not in self.ask("SHOW DATABASES")[0]["values"] or
               self.ask(count, "_internal")[0]["values"][0][1] < 5):
            time.sleep(0.2)  # one a second
        dashboard = self.look_at("server.json", MINUTE, "_internal", least_interval="1s")
        self.assertEqual(dashboard.options["database"], ["_internal", "building"])
        self.check_panels(dashboard, "_internal")
        status, = self.ask("SELECT last(answers) FROM varve_http_status WHERE code = '204'",
                           "_internal")
        self.assertGreater(status["values"][0][1], 0)

    def test_a_second_feed_goes_on_where_the_data_ends(self):
        count = "SELECT count(temperature) FROM hour.climate WHERE time < now() - 4d"
        before = self.ask(count)
        feed = Feed(self.server.port, "--sensors", "20", "--for", "2s", "--interval", "5s")
        feed.wait_for("now a reading")
        self.assertEqual(feed.process.wait(), 0)
        feed.process.stdout.close()
        self.assertLess(int(re.search(r"Sent (\d+) lines", feed.lines[-1])[1]), 2000)
        self.assertEqual(self.ask(count), before)


class FilesTest(unittest.TestCase):
    """What holds of the files alone."""

    def test_dashboards(self):
        uids = data_sources()
        self.assertEqual(uids, {"varve": "building", "varve-internal": "_internal"})
        for name in os.listdir(os.path.join(EXAMPLE, "dashboards")):
            with open(path_of(name), encoding="utf-8") as handle:
                text = handle.read()
            self.assertNotRegex(text, r"https?://|localhost|\d+\.\d+\.\d+\.\d+", name)
            dashboard = json.loads(text)
            self.assertTrue(dashboard["uid"] and dashboard["title"])
            panels = dashboard["panels"]
            self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
            taken = set()
            for panel in panels:
                grid = panel["gridPos"]
                self.assertLessEqual(grid["x"] + grid["w"], 24)
                cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"])
                         for y in range(grid["y"], grid["y"] + grid["h"])}
                self.assertFalse(cells & taken, panel["title"])
                taken |= cells
                if panel["type"] == "row":
                    continue
                self.assertTrue(panel["targets"])
                for target in panel["targets"]:
                    self.assertIn(target["datasource"]["uid"], uids)

    def test_the_macros_are_written_as_grafana_writes_them(self):
        dashboard = Dashboard(path_of("building.json"), 1000, 1000 + DAY)
        dashboard.options["floor"] = ["1", "a.b"]
        for query, chosen, wanted in (
                ("/^$floor$/", ["$__all"], r"/^(1|a\.b)$/"),
                ("/^${floor:regex}$/", ["a.b"], r"/^a\.b$/"),
                ("${floor:pipe} [[floor:csv]]", ["1", "a.b"], "1|a.b 1,a.b"),
                ("$timeFilter", ["1"], "time >= 1000ms and time <= 86401000ms"),
                ("time($__interval) $__interval_ms", ["1"], "time(1m) 60000"),
                ("${__to} - ${__from}", ["1"], "86401000 - 1000")):
            dashboard.values["floor"] = chosen
            self.assertEqual(dashboard.expand(query, 1000, 1000 + DAY), wanted)
        dashboard.values["detail"] = ["a.b"]
        self.assertEqual(dashboard.expand("'$detail'", 0, 1000), "'a.b'")
        self.assertEqual(dashboard.expand("/^$detail$/", 0, 1000), r"/^a\.b$/")
        self.assertEqual(dashboard.expand("$__interval", 0, 10_000, 10_000), "10s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", required=True)
    parser.add_argument("--varve", required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[__file__] + rest)
