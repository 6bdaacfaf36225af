#!/usr/bin/env python3
"""The requests of Grafana's InfluxDB data source (InfluxQL) against a varved.

    grafana_test.py --varved build/release/bin/varved
    grafana_test.py --influxd        the same against a real influxd, to see that the test is right

Every statement that the data source's editors, template variables, annotations and panels make is
sent as it sends them, and each answer is held to what its two parsers need (check_shape).
"""

import argparse
import base64
import hashlib
import hmac
import json
import time
import unittest
import urllib.error
import urllib.request

import servers
from grafana import check_shape, request

START = None
NOON_MS = 1_577_880_000_000  # 2020-01-01T12:00:00Z
IN_RANGE = "time >= %dms and time <= %dms" % (NOON_MS, NOON_MS + 3_600_000)

LINES = "\n".join(
    ["cpu,host=a,region=eu value=%d.5,busy=%di,up=true %d" % (i, i, NOON_MS + i * 60000)
     for i in range(60)] +
    ["cpu,host=b\\ c,region=us value=%d %d" % (i * 2, NOON_MS + i * 60000) for i in range(30)] +
    ["events,kind=it's\\ a\\b\\ \"x\" title=\"deploy \\\"1\\\"\",tags=\"a,b\" %d" % (NOON_MS + 5000)] +
    ["logs,level=info message=\"hello\" %d" % NOON_MS])

# What each must answer: the columns and rows of the series, or only the number of series.
METADATA = [
    # Save & test
    ("SHOW measurements", [["name"], [["cpu"], ["events"], ["logs"]]]),
    ('SHOW RETENTION POLICIES on "site"', "policies"),
    # Editors
    ("SHOW MEASUREMENTS LIMIT 100", [["name"], [["cpu"], ["events"], ["logs"]]]),
    ("SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)CPU/ LIMIT 100", [["name"], [["cpu"]]]),
    ("SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)c/ WHERE \"host\"::tag = 'a' LIMIT 100",
     [["name"], [["cpu"]]]),
    ("SHOW MEASUREMENTS WHERE \"host\" =~ /^a$/ AND \"region\" = 'eu' LIMIT 100",
     [["name"], [["cpu"]]]),
    ("SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)nosuch/ LIMIT 100", None),
    ('SHOW FIELD KEYS FROM "cpu"', [["fieldKey", "fieldType"],
                                    [["busy", "integer"], ["up", "boolean"], ["value", "float"]]]),
    ('SHOW FIELD KEYS FROM "autogen"."cpu"', [["fieldKey", "fieldType"],
                                              [["busy", "integer"], ["up", "boolean"],
                                               ["value", "float"]]]),
    ("SHOW FIELD KEYS FROM /^lo/", [["fieldKey", "fieldType"], [["message", "string"]]]),
    ('SHOW FIELD KEYS FROM "nosuch"', None),
    ("SHOW FIELD KEYS", 3),
    ('SHOW TAG KEYS FROM "cpu"', [["tagKey"], [["host"], ["region"]]]),
    ("SHOW TAG KEYS FROM \"cpu\" WHERE \"region\"::tag = 'eu'", [["tagKey"], [["host"], ["region"]]]),
    ("SHOW TAG KEYS", 3),
    ("SHOW TAG KEYS WHERE time > now() - 24h", None),
    ("SHOW TAG KEYS FROM \"cpu\" WHERE \"region\" = 'eu' AND time > now() - 9000d",
     [["tagKey"], [["host"], ["region"]]]),
    ('SHOW TAG VALUES FROM "cpu" WITH KEY = "host"',
     [["key", "value"], [["host", "a"], ["host", "b c"]]]),
    ("SHOW TAG VALUES FROM \"cpu\" WITH KEY = \"host\" WHERE \"region\" = 'us'",
     [["key", "value"], [["host", "b c"]]]),
    ("SHOW TAG VALUES FROM \"autogen\".\"cpu\" WITH KEY = \"host\" WHERE \"region\" =~ /^(eu|us)$/ AND "
     "\"host\" != 'a'", [["key", "value"], [["host", "b c"]]]),
    # showTagTime
    ("SHOW TAG VALUES FROM \"cpu\" WITH KEY = \"host\" WHERE \"region\" = 'us' AND time > now() - 9000d",
     [["key", "value"], [["host", "b c"]]]),
    ("SHOW TAG VALUES FROM \"cpu\" WITH KEY = \"host\" WHERE time > now() - 24h", None),
    ("SHOW TAG VALUES WITH KEY = \"kind\"", [["key", "value"], [["kind", "it's a\\b \"x\""]]]),
    ("SHOW TAG VALUES FROM \"events\" WITH KEY = \"kind\" WHERE \"kind\" = 'it\\'s a\\\\b \"x\"'",
     [["key", "value"], [["kind", "it's a\\b \"x\""]]]),
    ('SHOW TAG VALUES FROM "cpu" WITH KEY = "nosuch"', None),
    # Template variables
    ("SHOW TAG VALUES WITH KEY IN (\"host\", \"level\")", 2),
    ("SHOW SERIES FROM cpu WHERE host = 'a'", [["key"], [["cpu,host=a,region=eu"]]]),
    ("SHOW DATABASES", [["name"], [["site"]]]),
    ("SHOW MEASUREMENT EXACT CARDINALITY", [["count"], [[3]]]),
    ("SHOW SERIES EXACT CARDINALITY FROM cpu", [["count"], [[2]]]),
    ("SHOW TAG VALUES EXACT CARDINALITY FROM cpu WITH KEY = \"host\"", [["count"], [[2]]]),
    ("SHOW DIAGNOSTICS", "diagnostics"),
    ("SELECT DISTINCT(\"host\") FROM (SELECT \"value\", \"host\" FROM \"cpu\" WHERE %s)" % IN_RANGE,
     [["time", "distinct"], [[0, "a"], [0, "b c"]]]),
    # Annotations
    ("SELECT title, tags FROM events WHERE %s ORDER BY time ASC" % IN_RANGE,
     [["time", "title", "tags"], [[NOON_MS + 5000, 'deploy "1"', "a,b"]]]),
    ("SELECT title, tags FROM events WHERE time > now() - 1h", None),
    # Logs
    ("SELECT \"message\" FROM \"logs\" WHERE %s LIMIT 10" % IN_RANGE,
     [["time", "message"], [[NOON_MS, "hello"]]]),
    # A column without values; a comparison with a field; an escaped value
    ("SELECT \"message\", \"nosuch\" FROM \"logs\" WHERE (\"level\"::tag = 'info') AND %s" % IN_RANGE,
     [["time", "message", "nosuch"], [[NOON_MS, "hello", None]]]),
    ("SELECT \"value\" FROM \"cpu\" WHERE (\"host\"::tag = 'a' AND \"busy\"::field > 58) AND %s"
     % IN_RANGE, [["time", "value"], [[NOON_MS + 59 * 60000, 59.5]]]),
    ("SELECT \"title\" FROM \"events\" WHERE (\"kind\"::tag = 'it\\'s a\\\\b \"x\"') AND %s" % IN_RANGE,
     [["time", "title"], [[NOON_MS + 5000, 'deploy "1"']]]),
]

HOST_A = "(\"host\"::tag = 'a')"
AGGREGATES = ("count distinct integral mean median mode sum first last max min spread "
              "stddev").split()
SELECTORS = (["%s(\"value\")" % name for name in AGGREGATES] +
             ["percentile(\"value\", 95)", "top(\"value\", 3)", "bottom(\"value\", 3)"])
TRANSFORMATIONS = ["derivative(%s, 10s)", "non_negative_derivative(%s, 10s)", "difference(%s)",
                   "non_negative_difference(%s)", "moving_average(%s, 2)", "cumulative_sum(%s)",
                   "elapsed(%s, 1s)", "holt_winters(%s, 3, 2)", "holt_winters_with_fit(%s, 3, 2)"]


def panel_queries():
    """Texts of the visual editor."""
    yield 'SELECT "value" FROM "cpu" WHERE %s' % IN_RANGE
    yield 'SELECT "value" AS "x", "busy" * 8 FROM "autogen"."cpu" WHERE %s AND %s' % (HOST_A,
                                                                                     IN_RANGE)
    yield 'SELECT *::field FROM "cpu" WHERE %s' % IN_RANGE
    for selector in SELECTORS:
        yield "SELECT %s FROM \"cpu\" WHERE %s AND %s" % (selector, HOST_A, IN_RANGE)
        if "distinct" not in selector:
            yield ("SELECT %s AS \"x\" FROM \"cpu\" WHERE %s AND %s GROUP BY time(10m), \"host\"::tag "
                   "fill(none)" % (selector, HOST_A, IN_RANGE))
    for transformation in TRANSFORMATIONS:
        yield ("SELECT %s FROM \"cpu\" WHERE %s AND %s GROUP BY time(5m) fill(null)"
               % (transformation % 'mean("value")', HOST_A, IN_RANGE))
    for fill in ("none", "null", "0", "previous", "linear"):
        yield ("SELECT mean(\"value\") * 8 AS \"m\" FROM \"cpu\" WHERE %s GROUP BY time(20s), "
               "\"host\"::tag, \"region\" fill(%s)" % (IN_RANGE, fill))
    yield ("SELECT mean(\"value\") FROM \"cpu\" WHERE (\"host\"::tag =~ /^(a|b c)$/ OR "
           "\"value\"::field > 5) AND %s GROUP BY time(1m), \"host\"::tag fill(null) "
           "ORDER BY time DESC limit 10 slimit 5 tz('Europe/Berlin')" % IN_RANGE)
    yield ("SELECT mean(\"value\") FROM \"cpu\" WHERE %s GROUP BY time(500ms), * fill(none) limit 3"
           % IN_RANGE)


# Functions the front end offers that came with 1.7.
NEWER = ["exponential_moving_average", "double_exponential_moving_average",
         "triple_exponential_moving_average", "triple_exponential_derivative",
         "kaufmans_efficiency_ratio", "kaufmans_adaptive_moving_average",
         "chande_momentum_oscillator", "relative_strength_index"]


class GrafanaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = START(False)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        request(cls.server, "CREATE DATABASE site", "POST")
        urllib.request.urlopen(cls.server.url + "/write?db=site&precision=ms",
                               LINES.encode()).close()

    def ask(self, query, **arguments):
        for method in ("GET", "POST"):
            status, text = request(self.server, query, method, **arguments)
            self.assertEqual(status, 200, query + "\n" + text)
            with self.subTest(query=query):
                series = check_shape(text)
                self.assertNotIn("error", json.loads(text)["results"][0], query)
        return series

    def test_metadata(self):
        for query, wanted in METADATA:
            series = self.ask(query)
            if wanted is None:
                self.assertEqual(series, [], query)
            elif wanted == "policies":
                self.assertEqual(series[0]["columns"][0], "name")
                self.assertEqual(series[0]["values"][0][0], "autogen")
            elif wanted == "diagnostics":
                self.assertIn("build", [one["name"] for one in series])
            elif isinstance(wanted, int):
                self.assertEqual(len(series), wanted, query)
            else:
                self.assertEqual([[one["columns"], one["values"]] for one in series], [wanted],
                                 query)

    def test_panels(self):
        for query in panel_queries():
            self.assertTrue(self.ask(query), query)
            self.assertEqual(self.ask(query, policy="autogen"), self.ask(query))

    def test_panels_group_by_tags(self):
        series = self.ask("SELECT count(\"value\") FROM \"cpu\" WHERE %s GROUP BY time(30m), "
                          "\"host\"::tag, \"nosuch\" fill(null)" % IN_RANGE)
        self.assertEqual([(one["name"], one["tags"], one["values"]) for one in series], [
            ("cpu", {"host": "a", "nosuch": ""},
             [[NOON_MS, 30], [NOON_MS + 1800000, 30], [NOON_MS + 3600000, 0]]),
            ("cpu", {"host": "b c", "nosuch": ""},
             [[NOON_MS, 30], [NOON_MS + 1800000, 0], [NOON_MS + 3600000, 0]])])

    def test_newer_functions(self):
        if START is servers.Influxd:
            self.skipTest("1.6 does not know them")
        for function in NEWER:
            self.assertTrue(self.ask("SELECT %s(mean(\"value\"), 2) FROM \"cpu\" WHERE %s AND %s "
                                     "GROUP BY time(5m)" % (function, HOST_A, IN_RANGE)), function)

    def test_several_statements_of_older_versions(self):
        _, text = request(self.server, "SELECT mean(\"value\") FROM \"cpu\" WHERE %s;SELECT x FROM "
                          "nosuch;SHOW measurements" % IN_RANGE)
        check_shape(text)
        self.assertEqual([result["statement_id"] for result in json.loads(text)["results"]],
                         [0, 1, 2])

    def test_nothing_found_has_a_result(self):
        for query in ("SELECT x FROM nosuch", "SHOW TAG VALUES FROM nosuch WITH KEY = \"x\"",
                      "SELECT mean(\"value\") FROM \"cpu\" WHERE time > now() - 1m GROUP BY time(1s)"):
            self.assertEqual(self.ask(query), [])

    def test_errors(self):
        status, text = request(self.server, "SELECT mean(value FROM cpu")
        self.assertEqual(status, 400)
        self.assertIn("error parsing query: ", json.loads(text)["error"])
        status, text = request(self.server, "SELECT nosuch(value) FROM cpu")
        self.assertEqual(status, 200)
        self.assertEqual(check_shape(text), [])
        self.assertEqual(json.loads(text)["results"][0]["error"], "undefined function nosuch()")
        _, text = request(self.server, "SELECT value FROM cpu", database="nosuch")
        self.assertEqual(json.loads(text)["results"][0]["error"], "database not found: nosuch")
        _, text = request(self.server, "SELECT value FROM cpu", policy="nosuch")
        self.assertEqual(json.loads(text)["results"][0]["error"],
                         "retention policy not found: nosuch")

    def test_flux_is_refused_with_a_reason(self):
        if START is servers.Influxd:
            self.skipTest("1.6 has no such path")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(self.server.url + "/api/v2/query?org=o", b'{"query":"buckets()"}')
        with refused.exception as answer:
            self.assertEqual(answer.status, 403)
            text = json.loads(answer.read())
        self.assertIn("Flux", text.get("error", text.get("message", "")))

    def test_tokens(self):
        if START is servers.Influxd:
            self.skipTest("its test server has no secret")

        def part(value):
            return base64.urlsafe_b64encode(value).rstrip(b"=")
        with START(True, "secret") as server:
            request(server, "CREATE USER ada WITH PASSWORD 'x' WITH ALL PRIVILEGES", "POST")
            claims = {"username": "ada", "exp": int(time.time()) + 600}
            text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
            for secret, wanted in ((b"secret", 200), (b"other", 401)):
                signed = text + b"." + part(hmac.new(secret, text, hashlib.sha256).digest())
                status, _ = request(server, "SHOW measurements",
                                    headers={"Authorization": "Bearer " + signed.decode()})
                self.assertEqual(status, wanted)

    def test_credentials(self):
        def basic(text):
            return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
        with START(True) as server:
            request(server, "CREATE USER ada WITH PASSWORD 's:1' WITH ALL PRIVILEGES", "POST")
            request(server, "CREATE DATABASE site", "POST", headers=basic("ada:s:1"))
            request(server, "CREATE USER view WITH PASSWORD 'v'", "POST", headers=basic("ada:s:1"))
            request(server, "GRANT READ ON site TO view", "POST", headers=basic("ada:s:1"))
            forms = [basic("view:v")]
            if START is not servers.Influxd:
                forms.append({"Authorization": "Token view:v"})  # from 1.8 on
            for headers in forms:
                status, text = request(server, "SHOW measurements", headers=headers)
                self.assertEqual(status, 200, headers)
                check_shape(text)
            status, text = request(server, "SHOW measurements")
            self.assertEqual(status, 401)
            self.assertEqual(json.loads(text)["error"],
                             "unable to parse authentication credentials")
            status, text = request(server, "SHOW measurements", headers=basic("view:x"))
            self.assertEqual((status, json.loads(text)["error"]), (401, "authorization failed"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved")
    parser.add_argument("--influxd", action="store_true")
    options, rest = parser.parse_known_args()
    if options.influxd:
        START = servers.Influxd
    else:
        START = lambda auth, secret="": servers.Varved(options.varved, auth, secret)
    unittest.main(argv=[__file__] + rest)
