#include "query/condition.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"
#include "query/parser.h"

namespace varve::query {
namespace {

constexpr int64_t kNowNs = 1'614'816'000'000'000'000;  // 2021-03-04T00:00:00Z

ExprPtr Parse(std::string_view text) {
  auto expr = ParseExpression(text, {});
  EXPECT_TRUE(expr.ok()) << text << ": " << base::MessageOf(expr.status());
  return *expr;
}

TimeContext Context(std::string_view zone = "") { return {kNowNs, LoadTimeZone(zone).value()}; }

std::string Folded(std::string_view text) {
  const TimeContext context = Context();
  return Format(*Reduce(Parse(text), &context));
}

// "<condition> | min .. max", with a dash for what is absent.
std::string Split(std::string_view text, std::string_view zone = "") {
  const auto split = SplitTime(Parse(text), Context(zone));
  if (!split.ok()) return base::StrCat("error: ", base::MessageOf(split.status()));
  const auto bound = [](const std::optional<int64_t>& ns) {
    return ns.has_value() ? base::StrCat(*ns) : "-";
  };
  return base::StrCat(split->condition == nullptr ? "-" : Format(*split->condition), " | ",
                      bound(split->bounds.min_ns), " .. ", bound(split->bounds.max_ns));
}

// The ranges of BETWEEN, "a..b c..d"; "-" without any.
std::string Ranges(std::string_view text) {
  const auto split = SplitTime(Parse(text), Context());
  if (!split.ok()) return base::StrCat("error: ", base::MessageOf(split.status()));
  if (!split->ranges.has_value()) return "-";
  std::string out;
  for (const model::TimeRange& range : *split->ranges) {
    base::StrAppend(out, out.empty() ? "" : " ", range.min_ns, "..", range.max_ns);
  }
  return out;
}

TEST(BetweenTest, TimesMakeSetsOfRanges) {
  EXPECT_EQ(Ranges("time BETWEEN 1 AND 5"), "1..5");
  EXPECT_EQ(Ranges("time BETWEEN 7 AND 9 OR time BETWEEN 1 AND 5"), "1..5 7..9");
  EXPECT_EQ(Ranges("time BETWEEN 1 AND 5 OR time BETWEEN 6 AND 9"), "1..9");
  EXPECT_EQ(Ranges("(time BETWEEN 1 AND 5 OR time BETWEEN 7 AND 9) AND time BETWEEN 4 AND 8"),
            "4..5 7..8");
  EXPECT_EQ(Ranges("(time BETWEEN 1 AND 5 OR time BETWEEN 7 AND 9) AND time > 5"), "7..9");
  EXPECT_EQ(Ranges("time BETWEEN 5 AND 1"), "");
  EXPECT_EQ(Ranges("time > 1 OR time < 5"), "-");
  EXPECT_EQ(Ranges("time BETWEEN 1 AND v"),
            "error: invalid operation: time and *influxql.VarRef are not compatible");
}

TEST(ReduceTest, MonthsKeepTheDayWhereTheyHaveIt) {
  EXPECT_EQ(Folded("'2024-03-31' - 1mo"), "'2024-02-29T00:00:00Z'");
  EXPECT_EQ(Folded("'2023-01-31T10:11:12.5Z' + 1mo"), "'2023-02-28T10:11:12.5Z'");
  EXPECT_EQ(Folded("'2024-02-29' + 1y"), "'2025-02-28T00:00:00Z'");
  EXPECT_EQ(Folded("now() - 2q"), "'2020-09-04T00:00:00Z'");
  EXPECT_EQ(Folded("'2024-01-01' * 1mo"), "'2024-01-01' * 1mo");
}

TEST(BetweenTest, BoundsAreTheHull) {
  EXPECT_EQ(Split("time BETWEEN 7 AND 9 OR time BETWEEN 1 AND 5"), "- | 1 .. 9");
  EXPECT_EQ(Split("time BETWEEN 7 AND 9 OR time > 3"), "- | 7 .. 9");
  EXPECT_EQ(Split("time BETWEEN 1 AND 9 AND h = 'a'"), "h = 'a' | 1 .. 9");
}

TEST(BetweenTest, WhatOnlyRowsCanTellStaysInTheCondition) {
  EXPECT_EQ(
      Split("time BETWEEN 1 AND 3 AND h = 'a' OR time BETWEEN 7 AND 9"),
      "((time::time >= 1 AND time::time <= 3) AND (h = 'a')) OR (time::time >= 7 AND time::time "
      "<= 9) | 1 .. 9");
  EXPECT_EQ(Split("abs(v) BETWEEN 1 AND 2 + 3"), "abs(v) >= 1 AND abs(v) <= 5 | - .. -");
}

TEST(ReduceTest, FoldsAsGoDoes) {
  EXPECT_EQ(Folded("1 + 2 * 3"), "7");
  EXPECT_EQ(Folded("7 / 2"), "3.500");
  EXPECT_EQ(Folded("7 / 0"), "0.000");
  EXPECT_EQ(Folded("7 % 0"), "0");
  EXPECT_EQ(Folded("9223372036854775807 + 1"), "-9223372036854775808");
  EXPECT_EQ(Folded("-9223372036854775808 % -1"), "0");
  EXPECT_EQ(Folded("6 & 3"), "2");
  EXPECT_EQ(Folded("1 = 1.0"), "true");
  EXPECT_EQ(Folded("18446744073709551615 > -1"), "true");
  EXPECT_EQ(Folded("'a' + 'b'"), "'ab'");
  EXPECT_EQ(Folded("1h + 30m"), "90m");
  EXPECT_EQ(Folded("1h * 2"), "2h");
  EXPECT_EQ(Folded("1h / 0.5"), "0s");
  EXPECT_EQ(Folded("now() - 1h"), "'2021-03-03T23:00:00Z'");
  EXPECT_EQ(Folded("'2021-03-04' + 1d"), "'2021-03-05T00:00:00Z'");
  EXPECT_EQ(Folded("'2021-03-04' = '2021-03-04T00:00:00Z'"), "true");
  EXPECT_EQ(Folded("1 + 'a'"), "1 + 'a'");
  EXPECT_EQ(Folded("(v)"), "v");
  EXPECT_EQ(Folded("(1 + 1) * v"), "2 * v");
  EXPECT_EQ(Folded("a = 'x' AND true"), "a = 'x'");
  EXPECT_EQ(Folded("a = 'x' OR true"), "true");
}

TEST(SplitTimeTest, TakesTimeOut) {
  EXPECT_EQ(Split("time >= 10 AND a = 'x' AND time < 20s"), "a = 'x' | 10 .. 19999999999");
  EXPECT_EQ(Split("time > 10"), "- | 11 .. -");
  EXPECT_EQ(Split("10 > time"), "- | - .. 9");
  EXPECT_EQ(Split("time = 5"), "- | 5 .. 5");
  EXPECT_EQ(Split("time > 1 OR time < 9"), "- | 2 .. 8");
  EXPECT_EQ(Split("(a = 'x' OR b = 'y') AND (time > 1)"), "a = 'x' OR b = 'y' | 2 .. -");
  EXPECT_EQ(Split("time > now() - 1s"), "- | 1614815999000000001 .. -");
  EXPECT_EQ(Split("true"), "- | - .. -");
  EXPECT_EQ(Split("TIME > 1"), "- | 2 .. -");
}

TEST(SplitTimeTest, ReadsDatesInTheZone) {
  EXPECT_EQ(Split("time >= '2021-03-04'"), "- | 1614816000000000000 .. -");
  EXPECT_EQ(Split("time >= '2021-03-04 01:00:00.5'", "Europe/Berlin"),
            "- | 1614816000500000000 .. -");
  EXPECT_EQ(Split("time >= '2021-03-04T00:00:00Z'", "Europe/Berlin"),
            "- | 1614816000000000000 .. -");
  EXPECT_EQ(Split("time >= '2021-03-04T01:00:00+01:00'"), "- | 1614816000000000000 .. -");
  EXPECT_EQ(Split("time >= '2021-02-30'"), "error: invalid timestamp string");
  EXPECT_EQ(Split("time >= '2021-03-04 25:00:00'"), "error: invalid timestamp string");
}

TEST(SplitTimeTest, RefusesWhatIsNoTime) {
  EXPECT_EQ(Split("time > 'abc'"),
            "error: invalid operation: time and *influxql.StringLiteral are not compatible");
  EXPECT_EQ(Split("time > now() + 'x'"),
            "error: invalid operation: time and *influxql.BinaryExpr are not compatible");
  EXPECT_EQ(Split("time != 5"), "error: invalid time comparison operator: !=");
  EXPECT_EQ(Split("host"), "error: invalid condition expression: host");
  EXPECT_EQ(Split("time > '9999-01-01'"),
            "error: time 9999-01-01T00:00:00Z overflows time literal");
}

TEST(LoadTimeZoneTest, KnowsOnlyTheZoneDatabase) {
  EXPECT_TRUE(LoadTimeZone("America/New_York").ok());
  for (const char* bad : {"Nowhere", "../etc/passwd", "/etc/localtime", "Fixed/UTC+01:00:00"}) {
    EXPECT_EQ(base::MessageOf(LoadTimeZone(bad).status()),
              base::StrCat("unable to find time zone ", bad));
  }
}

std::string Describe(const index::TagPredicate& p) {
  using Kind = index::TagPredicate::Kind;
  switch (p.kind) {
    case Kind::kAll:
      return "all";
    case Kind::kNone:
      return "none";
    case Kind::kEqual:
      return base::StrCat(p.key, "=", p.value);
    case Kind::kNotEqual:
      return base::StrCat(p.key, "!=", p.value);
    case Kind::kMatch:
      return base::StrCat(p.key, "~", p.regex->pattern());
    case Kind::kNotMatch:
      return base::StrCat(p.key, "!~", p.regex->pattern());
    case Kind::kOneOf:
    case Kind::kNoneOf: {
      std::string list = base::StrCat(p.key, p.kind == Kind::kOneOf ? " in" : " not in");
      for (const std::string& value : *p.values) base::StrAppend(list, " ", value);
      return list;
    }
    case Kind::kAnd:
    case Kind::kOr:
      break;
  }
  std::string out;
  for (const index::TagPredicate& child : p.children) {
    base::StrAppend(out, out.empty() ? "" : " ", Describe(child));
  }
  return base::StrCat(p.kind == Kind::kAnd ? "and(" : "or(", out, ")");
}

// "rows" behind the predicate: rows must be tested, too. `f` is a field.
std::string Predicate(std::string_view text) {
  const SplitCondition split = SplitTime(Parse(text), Context()).value();
  const MeasurementShape shape{"cpu", [](std::string_view name) { return name == "f"; },
                               [](std::string_view) {
                                 return std::vector<std::string>{"x", "y"};
                               }};
  const TagCondition tags = BuildTagPredicate(split.condition, shape);
  return base::StrCat(Describe(tags.predicate), tags.exact ? "" : " rows");
}

TEST(TagPredicateTest, LooksListsUpInTheIndex) {
  EXPECT_EQ(Predicate("a IN ('y', 'x', 'y')"), "a in x y");
  EXPECT_EQ(Predicate("a NOT IN ('x')"), "a not in x");
  EXPECT_EQ(Predicate("a IN ('x') OR f IN (1)"), "all rows");
  EXPECT_EQ(Predicate("a IN ('x') AND f IN (1)"), "a in x rows");
  EXPECT_EQ(Predicate("a IN (1)"), "all rows");
  EXPECT_EQ(Predicate("a IN ()"), "none");
  EXPECT_EQ(Predicate("a NOT IN ()"), "all");
  EXPECT_EQ(Predicate("_name IN ('cpu', 'mem')"), "all");
  EXPECT_EQ(Predicate("_name NOT IN ('cpu')"), "none");
}

TEST(TagPredicateTest, ChoosesSeries) {
  EXPECT_EQ(Predicate("a = 'x'"), "a=x");
  EXPECT_EQ(Predicate("'x' != a"), "a!=x");
  EXPECT_EQ(Predicate("a =~ /x/ AND b !~ /y/"), "and(a~x b!~y)");
  EXPECT_EQ(Predicate("a = 'x' OR b = 'y' OR c = 'z'"), "or(a=x b=y c=z)");
  EXPECT_EQ(Predicate("a > 'x'"), "none");
  EXPECT_EQ(Predicate("a = 5"), "all rows");
  EXPECT_EQ(Predicate("f > 5"), "all rows");
  EXPECT_EQ(Predicate("f::tag = 'x'"), "f=x");
  EXPECT_EQ(Predicate("a::field = 'x'"), "all rows");
  EXPECT_EQ(Predicate("a = 'x' AND f > 5"), "a=x rows");
  EXPECT_EQ(Predicate("a = 'x' OR f > 5"), "all rows");
  EXPECT_EQ(Predicate("_name = 'cpu' AND a = 'x'"), "a=x");
  EXPECT_EQ(Predicate("_name = 'mem'"), "none");
  EXPECT_EQ(Predicate("a = b"), "or(and(a=x b=x) and(a=y b=y))");
  EXPECT_EQ(Predicate("false"), "none");
}

}  // namespace
}  // namespace varve::query
