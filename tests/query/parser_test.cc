#include "query/parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/status.h"

namespace varve::query {
namespace {

std::string ErrorOf(std::string_view text, const Parameters& parameters = {}) {
  const auto result = ParseQuery(text, parameters);
  return result.ok() ? "" : std::string(base::MessageOf(result.status()));
}

// The text of the one statement, printed; "error: ..." when it is refused.
std::string Print(std::string_view text, const Parameters& parameters = {}) {
  const auto result = ParseQuery(text, parameters);
  if (!result.ok()) return base::StrCat("error: ", base::MessageOf(result.status()));
  return result->size() == 1 ? Format(result->front())
                             : base::StrCat(result->size(), " statements");
}

TEST(ParserTest, PrintsWhatItReads) {
  for (const char* text : {
           "SELECT mean(v) * 1.500 + 2 AS \"x y\" FROM cpu",
           "SELECT max(v) INTO db.autogen.:MEASUREMENT FROM /.*/ GROUP BY time(1h, -5m), *, \"h "
           "h\"::tag fill(1.5) ORDER BY time DESC LIMIT 3 OFFSET 4 SLIMIT 5 SOFFSET 6 "
           "TZ('Europe/Berlin')",
           "SELECT a::float, *::field, DISTINCT \"q r\" FROM (SELECT * FROM x..y, rp.z) WHERE a = "
           "1 "
           "AND (b != 'it\\'s' OR c =~ /x\\/y/)",
           "SELECT v FROM m WHERE time > now() - 90m AND v <= -3 fill(previous)",
           "EXPLAIN ANALYZE SELECT v FROM m",
           "CREATE DATABASE d WITH DURATION 3d REPLICATION 1 SHARD DURATION 2h NAME keep",
           "CREATE RETENTION POLICY p ON d DURATION 0s REPLICATION 1 SHARD DURATION 1d DEFAULT "
           "FUTURE LIMIT 1h PAST LIMIT 2h",
           "ALTER RETENTION POLICY p ON d DURATION 4h PAST LIMIT 1h",
           "CREATE CONTINUOUS QUERY c ON d RESAMPLE EVERY 30m FOR 2h BEGIN SELECT mean(v) INTO o "
           "FROM m GROUP BY time(1h) END",
           "CREATE SUBSCRIPTION s ON d.rp DESTINATIONS ANY 'udp://a:1', 'http://b'",
           "SHOW TAG VALUES ON d FROM m, /x/ WITH KEY IN (a, \"b c\") WHERE host = 'x' LIMIT 1",
           "SHOW TAG KEYS FROM m WITH KEY !~ /a/ WHERE b = 'c'",
           "SHOW SERIES EXACT CARDINALITY ON d FROM m GROUP BY host",
           "SHOW MEASUREMENTS ON *.* WITH MEASUREMENT =~ /a/",
           "GRANT ALL PRIVILEGES ON d TO u",
           "REVOKE ALL PRIVILEGES FROM u",
           "KILL QUERY 36 ON host",
           "DELETE FROM m WHERE time < '2021-03-04T00:00:00Z'",
           "SHOW STATS FOR 'runtime'",
           "SELECT v FROM m WHERE abs(a) + 1 BETWEEN 2 * b AND 3 OR time BETWEEN now() - 1h AND "
           "now() "
           "AND "
           "(b = 1 OR abs(c) BETWEEN 1 AND 2)",
           "SELECT mean(v) FROM m WHERE hour(time) >= 9 AND date_part('dow', time) != 0 GROUP BY "
           "time(3mo), host fill(previous, 2h) LOOKBACK 10m ORDER BY time DESC LIMIT 1",
           "SELECT mean(v) FROM m GROUP BY time(1y, 3mo) fill(linear, 90s)",
           "SELECT mean(v) FROM m GROUP BY time(2w, monday)",
           "SELECT between, lookback FROM month WHERE between = 1 GROUP BY lookback",
           "SHOW FIELD KEYS ON d FROM m WHERE time BETWEEN 1 AND 2 LIMIT 1",
           "DELETE FROM m WHERE time BETWEEN 1 AND 2 OR time BETWEEN 4 AND 5",
           "SELECT v FROM m WHERE h IN ('a', 'it\\'s') AND n NOT IN (-1, 2.500, "
           "18446744073709551615) "
           "OR b IN (true) OR v + 1 IN ()",
           "SHOW SERIES WHERE h NOT IN ('a')",
           "SELECT mean(v) AS m FROM cpu GROUP BY h fill(none) HAVING m > 3 AND max(v) NOT IN (1, "
           "2) "
           "ORDER BY m DESC, max(v) - 1 ASC, time DESC LIMIT 3",
           "SELECT mean(\"a.x\") / mean(\"b.y\") FROM db..m AS a JOIN (SELECT y FROM n) AS b LEFT "
           "JOIN /r/ "
           "AS "
           "\"c d\" FULL JOIN o AS o ON time, h, \"i j\" WHERE h = 'x' GROUP BY time(1h), h",
           "SELECT \"a.x\" FROM join AS left JOIN full AS inner",
           "SELECT having, left FROM having ORDER BY having ASC LIMIT 3",
       }) {
    EXPECT_EQ(Print(text), text);
  }
}

TEST(ParserTest, LengthsOfTheCalendarHaveOneForm) {
  EXPECT_EQ(Print("SELECT mean(v) FROM m GROUP BY time(1q)"),
            "SELECT mean(v) FROM m GROUP BY time(3mo)");
  EXPECT_EQ(Print("SELECT mean(v) FROM m GROUP BY time(24mo)"),
            "SELECT mean(v) FROM m GROUP BY time(2y)");
  EXPECT_EQ(ErrorOf("SELECT mean(v) FROM m GROUP BY time(1mox)"), "invalid duration");
  EXPECT_EQ(ErrorOf("SELECT mean(v) FROM m GROUP BY time(1h2mo)"), "invalid duration");
}

TEST(ParserTest, ContinuousQueriesGroupByTheCalendar) {
  const auto create = [](std::string_view resample, std::string_view interval) {
    return base::StrCat("CREATE CONTINUOUS QUERY c ON d ", resample,
                        "BEGIN SELECT mean(v) INTO o FROM m GROUP BY time(", interval, ") END");
  };
  EXPECT_EQ(Print(create("", "1mo")), create("", "1mo"));
  EXPECT_EQ(Print(create("RESAMPLE EVERY 1d ", "2w, monday")),
            create("RESAMPLE EVERY 1d ", "2w, monday"));
  EXPECT_EQ(Print(create("RESAMPLE FOR 31d ", "1mo")), create("RESAMPLE FOR 31d ", "1mo"));
  EXPECT_EQ(ErrorOf(create("RESAMPLE FOR 30d ", "1mo")),
            "FOR duration must be >= GROUP BY time duration: must be a minimum of 31d, got 30d");
  EXPECT_EQ(ErrorOf(create("RESAMPLE FOR 52w ", "1y")),
            "FOR duration must be >= GROUP BY time duration: must be a minimum of 366d, got 52w");
}

TEST(ParserTest, MeasurementsOfAPolicyHaveTheirOwnDuration) {
  EXPECT_EQ(Print("ALTER RETENTION POLICY p ON d MEASUREMENT \"a b\" DURATION 3d"),
            "ALTER RETENTION POLICY p ON d MEASUREMENT \"a b\" DURATION 3d");
  EXPECT_EQ(Print("alter retention policy default on d measurement m duration inf"),
            "ALTER RETENTION POLICY \"default\" ON d MEASUREMENT m DURATION INF");
  EXPECT_EQ(Print("show measurement retention on d"), "SHOW MEASUREMENT RETENTION ON d");
  EXPECT_EQ(ErrorOf("ALTER RETENTION POLICY p ON d DURATION 1d MEASUREMENT m DURATION 3d"),
            "found MEASUREMENT, expected ; at line 1, char 43");
}

TEST(ParserTest, NeverShowsPasswords) {
  EXPECT_EQ(Print("CREATE USER u WITH PASSWORD 'secret' WITH ALL PRIVILEGES"),
            "CREATE USER u WITH PASSWORD [REDACTED] WITH ALL PRIVILEGES");
  EXPECT_EQ(Print("SET PASSWORD FOR u = 'secret'"), "SET PASSWORD FOR u = [REDACTED]");
}

TEST(ParserTest, KeepsAllDigitsOfNumbers) {
  EXPECT_EQ(Print("SELECT v * 1.5 FROM m"), "SELECT v * 1.500 FROM m");
  EXPECT_EQ(Print("SELECT v * 1.23456 FROM m"), "SELECT v * 1.23456 FROM m");
}

TEST(ParserTest, NamesTheTokenAndItsPlace) {
  EXPECT_EQ(ErrorOf("SELECT"),
            "found EOF, expected identifier, string, number, bool at line 1, char 8");
  EXPECT_EQ(ErrorOf("SELECT temp\n  FROM weather\n  GROPU BY station"),
            "found GROPU, expected ; at line 3, char 3");
  EXPECT_EQ(ErrorOf("SELECT \"é\" FROM weather FROM x"),
            "found FROM, expected ; at line 1, char 25");
  EXPECT_EQ(ErrorOf("SELECT 'temp FROM weather"),
            "found temp FROM weather, expected identifier, string, number, bool at line 1, char 7");
  EXPECT_EQ(ErrorOf("SELECT a FROM m WHERE s = 'al\\tpha'"),
            "found \\t, expected identifier, string, number, bool at line 1, char 31");
  EXPECT_EQ(ErrorOf("SELECT temp FROM a.b.c.d"),
            "too many segments in \"a\".\"b\".\"c\".d at line 1, char 1");
  EXPECT_EQ(ErrorOf("SELECT v FROM m WHERE s =~ /a(/"),
            "error parsing regexp: missing closing ): `a(` at line 1, char 27");
  EXPECT_EQ(ErrorOf("SELECT v FROM m WHERE time > 1e3"), "invalid duration");
  EXPECT_EQ(ErrorOf("SELECT v FROM m WHERE time > 99999999w"),
            "overflowed duration 99999999w: choose a smaller duration or INF");
  EXPECT_EQ(ErrorOf("SELECT v FROM m tz('Nowhere/X')"), "unable to find time zone Nowhere/X");
}

TEST(ParserTest, BindsParameters) {
  Parameters parameters;
  parameters["s"] = {std::string("a'b"), ""};
  parameters["i"] = {std::string("odd name"), "identifier"};
  parameters["r"] = {std::string("^a"), "regex"};
  parameters["d"] = {std::string("5m"), "duration"};
  parameters["n"] = {int64_t{2}, ""};
  parameters["f"] = {1.5, ""};
  parameters["t"] = {true, ""};
  EXPECT_EQ(Print("SELECT $i FROM m WHERE a = $s AND b =~ $r AND c > $f AND d = $t GROUP BY "
                  "time($d) LIMIT $n",
                  parameters),
            "SELECT \"odd name\" FROM m WHERE a = 'a\\'b' AND b =~ /^a/ AND c > 1.500 AND d = true "
            "GROUP BY time(5m) LIMIT 2");
  EXPECT_EQ(ErrorOf("SELECT v FROM m WHERE a = $x", parameters), "missing parameter: x");
  EXPECT_EQ(ErrorOf("SELECT v FROM m WHERE a = $", parameters), "empty bound parameter");
}

TEST(ParserTest, RefusesWhatIsNestedTooDeeply) {
  const auto nested = [](int n) {
    return base::StrCat("SELECT ", std::string(n, '('), "a", std::string(n, ')'), " FROM m");
  };
  EXPECT_EQ(ErrorOf(nested(99)), "");
  EXPECT_EQ(ErrorOf(nested(100'000)), "query is nested deeper than 100 levels");
  std::string sum = "SELECT a";
  for (int i = 0; i < 100'000; ++i) sum += "+a";
  EXPECT_EQ(ErrorOf(sum + " FROM m"), "expression is longer than 1000 operators");
  std::string subqueries;
  for (int i = 0; i < 100'000; ++i) subqueries += "SELECT a FROM (";
  EXPECT_EQ(ErrorOf(subqueries), "query is nested deeper than 100 levels");
}

TEST(ParserTest, TakesConditionsOfAnyLength) {
  std::string text = "SELECT a FROM m WHERE h = '0'";
  for (int i = 1; i < 20'000; ++i) base::StrAppend(text, " OR h = '", i, "'");
  EXPECT_EQ(Print(text), text);
}

TEST(ParserTest, ReadsDurations) {
  EXPECT_EQ(ParseDuration("1h30m").value(), 5'400'000'000'000);
  EXPECT_EQ(ParseDuration("1w2d3h4m5s6ms7u8ns").value(), 788'645'006'007'008);
  EXPECT_EQ(ParseDuration("-5m").value(), -300'000'000'000);
  EXPECT_EQ(ParseDuration("3µ").value(), 3'000);
  for (const char* bad : {"", "1", "h", "1x", "1hh", "--1h", "1h-2m", "9223372036854775808s"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

// Words thrown together: no text crashes, and what parses prints to a text that prints the same.
TEST(ParserTest, PrintingIsStable) {
  static constexpr const char* kWords[] = {
      "SELECT", "a",      "\"b c\"", "'x'",  "1",       "2.5",   "3h",       "*",
      "(",      ")",      ",",       "FROM", "m",       "WHERE", "=",        "!=",
      "=~",     "/r/",    "AND",     "OR",   "+",       "-",     "GROUP",    "BY",
      "time",   "fill",   "null",    "AS",   "::",      "tag",   "LIMIT",    "SHOW",
      "TAG",    "KEYS",   "WITH",    "KEY",  "ORDER",   "DESC",  "INTO",     ".",
      ";",      "ON",     "now",     "mean", "BETWEEN", "1mo",   "LOOKBACK", "previous",
      "hour",   "monday", "HAVING",  "IN",   "NOT",     "JOIN",  "LEFT"};
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string text = seed % 2 == 0 ? "SELECT a FROM m" : "SELECT";
    for (int n = static_cast<int>(random() % 12); n > 0; --n) {
      base::StrAppend(text, " ", kWords[random() % std::size(kWords)]);
    }
    const auto parsed = ParseQuery(text, {});
    if (!parsed.ok()) continue;
    for (const Statement& statement : *parsed) {
      const std::string printed = Format(statement);
      const auto again = ParseQuery(printed, {});
      ASSERT_TRUE(again.ok()) << "seed " << seed << ": " << text << "\n" << printed;
      ASSERT_EQ(Format(again->front()), printed) << "seed " << seed << ": " << text;
    }
  }
}

}  // namespace
}  // namespace varve::query
