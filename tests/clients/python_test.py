#!/usr/bin/python3
"""The Python client influxdb-python (package python3-influxdb) against a varved.

    python_test.py --varved build/release/bin/varved
    python_test.py --influxd         the same against a real influxd, to see that the test is right

The client asks for MessagePack and turns times into datetimes, which have microseconds, unless it is
told otherwise.
"""

import argparse
import datetime
import unittest
from contextlib import closing

import servers

try:
    import influxdb
    from influxdb.exceptions import InfluxDBClientError
except ImportError:
    servers.skip("no influxdb-python (package python3-influxdb)")

START = None
SECOND = 1_000_000_000


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = START(False)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        self.client = influxdb.InfluxDBClient("127.0.0.1", self.server.port, database="ocean",
                                              gzip=self.id().endswith("_packed"))
        self.client.create_database("ocean")
        self.addCleanup(self.client.close)
        self.addCleanup(self.client.drop_database, "ocean")

    def rows(self, query, **arguments):
        return list(self.client.query(query, **arguments).get_points())

    def test_ping_tells_the_version(self):
        self.assertRegex(self.client.ping(), r"^1\.\d+")

    def test_databases(self):
        self.client.create_database("sea of names")
        self.assertIn({"name": "sea of names"}, self.client.get_list_database())
        self.client.drop_database("sea of names")
        self.assertEqual(self.client.get_list_database(), [{"name": "ocean"}])

    def test_points_as_dictionaries(self):
        noon = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.timezone.utc)
        self.assertTrue(self.client.write_points([
            {"measurement": "tides", "tags": {"station": "brest", "side": "a, b=c"},
             "time": noon, "fields": {"level": 1.5, "n": 7, "ok": True, "note": 'a "b" \\ c'}},
            {"measurement": "tides", "tags": {"station": "dover", "empty": None},
             "time": "2020-01-01T12:00:01.25Z", "fields": {"level": 2.0, "missing": None}},
        ], tags={"sea": "channel"}))
        rows = self.rows("SELECT * FROM tides")
        self.assertEqual(rows, [
            {"time": "2020-01-01T12:00:00Z", "level": 1.5, "n": 7, "note": 'a "b" \\ c', "ok": True,
             "sea": "channel", "side": "a, b=c", "station": "brest"},
            {"time": "2020-01-01T12:00:01.250000Z", "level": 2, "n": None, "note": None, "ok": None,
             "sea": "channel", "side": None, "station": "dover"}])

    def test_points_as_lines_packed(self):
        self.client.write_points(["tides,station=brest level=%d %d" % (i, i) for i in range(2500)],
                                 protocol="line", time_precision="ms", batch_size=1000)
        self.client.write_points("tides,station=dover level=1 7", protocol="line",
                                 time_precision="s")
        self.assertEqual(self.rows("SELECT count(level) FROM tides GROUP BY station"),
                         [{"time": "1970-01-01T00:00:00Z", "count": 2500},
                          {"time": "1970-01-01T00:00:00Z", "count": 1}])
        self.assertEqual(self.rows("SELECT last(level) FROM tides WHERE station = 'dover'",
                                   epoch="ms"), [{"time": 7000, "last": 1}])

    def test_precisions(self):
        for time_precision, factor in (("n", 1), ("u", 1000), ("ms", 10**6), ("s", SECOND),
                                       ("m", 60 * SECOND), ("h", 3600 * SECOND)):
            self.client.write_points([{"measurement": "p_" + time_precision, "time": 3,
                                       "fields": {"v": 1}}], time_precision=time_precision)
            rows = self.rows("SELECT v FROM p_" + time_precision, epoch="ns")
            self.assertEqual(rows, [{"time": 3 * factor, "v": 1}], time_precision)

    def test_retention_policies(self):
        self.client.create_retention_policy("deep", "INF", "1", shard_duration="1h")
        self.client.create_retention_policy("short", "3d", 1, default=True)
        self.client.alter_retention_policy("short", duration="4d", default=True)
        columns = ("name", "duration", "shardGroupDuration", "replicaN", "default")
        self.assertEqual([tuple(policy[column] for column in columns)
                          for policy in self.client.get_list_retention_policies()],
                         [("autogen", "0s", "168h0m0s", 1, False),
                          ("deep", "0s", "1h0m0s", 1, False),
                          ("short", "96h0m0s", "24h0m0s", 1, True)])
        self.client.write_points([{"measurement": "m", "time": 1, "fields": {"v": 1}}],
                                 retention_policy="deep")
        self.assertEqual(self.rows("SELECT v FROM deep.m", epoch="ns"), [{"time": 1, "v": 1}])
        with self.assertRaisesRegex(InfluxDBClientError, "points beyond retention policy"):
            self.client.write_points([{"measurement": "m", "time": 1, "fields": {"v": 1}}])
        self.client.drop_retention_policy("short")
        self.assertEqual(len(self.client.get_list_retention_policies()), 2)

    def write_three(self):
        self.client.write_points(["cpu,host=a v=1 1", "cpu,host=b v=2 2", "mem,host=a free=3i 3"],
                                 protocol="line")

    def test_result_sets(self):
        self.write_three()
        result = self.client.query("SELECT v FROM cpu GROUP BY host")
        self.assertEqual(list(result.get_points(tags={"host": "b"})),
                         [{"time": "1970-01-01T00:00:00Z", "v": 2}])
        self.assertEqual(sorted(tags["host"] for _, tags in result.keys()), ["a", "b"])
        first, second = self.client.query("SELECT v FROM cpu; SHOW MEASUREMENTS")
        self.assertEqual(len(list(first.get_points())), 2)
        self.assertEqual(list(second.get_points()), [{"name": "cpu"}, {"name": "mem"}])
        self.assertEqual(list(self.client.query("SELECT v FROM nosuch").get_points()), [])

    def test_bound_parameters(self):
        self.write_three()
        rows = self.rows("SELECT v FROM cpu WHERE host = $host AND v > $least",
                         bind_params={"host": "b", "least": 1}, epoch="ns")
        self.assertEqual(rows, [{"time": 2, "v": 2}])

    def test_chunked_answers(self):
        self.client.write_points(["m v=%d %d" % (i, i) for i in range(1000)], protocol="line")
        # Of several MessagePack documents the client reads none.
        client = influxdb.InfluxDBClient("127.0.0.1", self.server.port, database="ocean",
                                         headers={"Accept": "application/json"})
        self.addCleanup(client.close)
        chunks = client.query("SELECT v FROM m; SELECT count(v) FROM m", chunked=True,
                              chunk_size=300)
        self.assertEqual([len(list(chunk.get_points())) for chunk in chunks], [300, 300, 300, 100, 1])

    def test_errors(self):
        with self.assertRaisesRegex(InfluxDBClientError, "400: .*error parsing query: found EOF"):
            self.client.query("SELECT")
        with self.assertRaisesRegex(InfluxDBClientError, "undefined function nosuch"):
            self.client.query("SELECT nosuch(v) FROM m")
        with self.assertRaisesRegex(InfluxDBClientError, "404: .*database not found"):
            self.client.write_points(["m v=1"], protocol="line", database="nosuch")
        with self.assertRaisesRegex(InfluxDBClientError, "400: .*field type conflict"):
            self.client.write_points(["m v=1", 'm v="text"'], protocol="line")

    def test_series_and_measurements(self):
        self.write_three()
        self.assertEqual(self.client.get_list_measurements(), [{"name": "cpu"}, {"name": "mem"}])
        self.assertEqual(self.client.get_list_series(),
                         ["cpu,host=a", "cpu,host=b", "mem,host=a"])
        self.assertEqual(self.client.get_list_series(measurement="cpu", tags={"host": "b"}),
                         ["cpu,host=b"])
        self.client.delete_series(measurement="cpu", tags={"host": "a"})
        self.assertEqual(self.client.get_list_series(), ["cpu,host=b", "mem,host=a"])
        self.client.drop_measurement("mem")
        self.assertEqual(self.client.get_list_measurements(), [{"name": "cpu"}])

    def test_continuous_queries(self):
        select = "SELECT mean(v) INTO low FROM cpu GROUP BY time(1h)"
        self.client.create_continuous_query("hourly", select, "ocean", "EVERY 1h FOR 2h")
        listed = {name: queries for entry in self.client.get_list_continuous_queries()
                  for name, queries in entry.items()}
        self.assertEqual([query["name"] for query in listed["ocean"]], ["hourly"])
        self.assertIn("RESAMPLE EVERY 1h FOR 2h", listed["ocean"][0]["query"])
        self.client.drop_continuous_query("hourly", "ocean")
        self.assertEqual([queries for entry in self.client.get_list_continuous_queries()
                          for queries in entry.values() if queries], [])

    def test_users_and_grants(self):
        self.client.create_user("ada", "secret", admin=True)
        self.client.create_user("bob", "pw")
        self.addCleanup(self.client.drop_user, "ada")
        self.addCleanup(self.client.drop_user, "bob")
        self.assertEqual(self.client.get_list_users(),
                         [{"user": "ada", "admin": True}, {"user": "bob", "admin": False}])
        self.client.grant_privilege("read", "ocean", "bob")
        self.assertEqual(self.client.get_list_privileges("bob"),
                         [{"database": "ocean", "privilege": "READ"}])
        self.client.revoke_privilege("all", "ocean", "bob")
        self.assertEqual(self.client.get_list_privileges("bob"),
                         [{"database": "ocean", "privilege": "NO PRIVILEGES"}])
        self.client.grant_admin_privileges("bob")
        self.client.revoke_admin_privileges("bob")
        self.client.set_user_password("bob", "other")

    def test_points_come_back_as_messagepack_and_json(self):
        self.write_three()
        for accept, time in (("application/x-msgpack", "1970-01-01T00:00:00Z"),
                             ("application/json", "1970-01-01T00:00:00.000000001Z")):
            client = influxdb.InfluxDBClient("127.0.0.1", self.server.port, database="ocean",
                                             headers={"Accept": accept})
            rows = list(client.query("SELECT v FROM cpu").get_points())
            self.assertEqual(rows[0], {"time": time, "v": 1}, accept)
            client.close()

    def test_series_helper(self):
        client = self.client

        class Tide(influxdb.SeriesHelper):
            class Meta:
                series_name = "tides.{station}"
                fields = ["level"]
                tags = ["station"]
                bulk_size = 5
                autocommit = True

        Tide.Meta.client = client
        Tide._client = client
        for level in range(5):
            Tide(station="brest", level=level, time=level)
        Tide.commit(client)
        self.assertEqual(len(self.rows('SELECT level FROM "tides.brest"')), 5)

    @unittest.skipUnless(hasattr(influxdb, "DataFrameClient"), "no DataFrameClient")
    def test_data_frames(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("no pandas")
        client = influxdb.DataFrameClient("127.0.0.1", self.server.port, database="ocean")
        times = pandas.date_range("2020-01-01", periods=3, freq="s", tz="UTC")
        client.write_points(pandas.DataFrame({"v": [1.0, 2.0, 3.0]}, index=times), "frames")
        self.assertEqual(list(client.query("SELECT v FROM frames")["frames"]["v"]), [1, 2, 3])


class AuthenticationTest(unittest.TestCase):
    def test_users_are_asked_for(self):
        with START(True) as server:
            with closing(influxdb.InfluxDBClient("127.0.0.1", server.port)) as nobody:
                with self.assertRaisesRegex(InfluxDBClientError, "403: .*create admin user first"):
                    nobody.get_list_database()
                nobody.create_user("ada", "secret", admin=True)
                # It names itself root when it is given no name.
                with self.assertRaisesRegex(InfluxDBClientError, "401: .*authorization failed"):
                    nobody.get_list_database()
            with closing(influxdb.InfluxDBClient("127.0.0.1", server.port,
                                                 "ada", "secret")) as admin:
                admin.create_database("ocean")
                admin.create_user("bob", "pw")
                admin.grant_privilege("write", "ocean", "bob")
            with closing(influxdb.InfluxDBClient("127.0.0.1", server.port,
                                                 "bob", "pw", "ocean")) as bob:
                self.assertTrue(bob.write_points(["m v=1"], protocol="line"))
                with self.assertRaisesRegex(InfluxDBClientError, "not authorized"):
                    bob.query("SELECT v FROM m")
                with self.assertRaisesRegex(InfluxDBClientError, "requires admin privilege"):
                    bob.create_database("mine")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved")
    parser.add_argument("--influxd", action="store_true")
    options, rest = parser.parse_known_args()
    if options.influxd:
        START = servers.Influxd
    else:
        START = lambda auth: servers.Varved(options.varved, auth)
    unittest.main(argv=[__file__] + rest)
