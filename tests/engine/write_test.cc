// What a client is told of lines that cannot be stored: InfluxDB's rules and words.
#include <random>
#include <string>
#include <vector>

#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class WriteTest : public StoreFixture {};

TEST_F(WriteTest, UnknownDatabaseAndPolicy) {
  EXPECT_EQ(WriteRaw("m v=1 1", "nosuch").status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Write("m v=1 1", "nosuch"), "database not found: \"nosuch\"");
}

TEST_F(WriteTest, GoodLinesOfABadBodyAreKept) {
  EXPECT_EQ(Write("m v=1 1\nbad line\nm v=2 2"),
            "partial write: unable to parse 'bad line': invalid field format dropped=0");
  EXPECT_EQ(Read(), "m 1 v=1\nm 2 v=2\n");
  EXPECT_EQ(Write("bad line"), "unable to parse 'bad line': invalid field format");
  EXPECT_EQ(Write("# nothing\n\n"), "");
}

TEST_F(WriteTest, AConflictWithAnExistingFieldDropsThePoint) {
  EXPECT_EQ(Write("m v=1 1"), "");
  EXPECT_EQ(Write("m v=4 3\nm v=5i 4\nbad\nm v=6 5"),
            "partial write: field type conflict: input field \"v\" on measurement \"m\" is type "
            "integer, already exists as type float dropped=1");
  EXPECT_EQ(Read(), "m 1 v=1\nm 3 v=4\nm 5 v=6\n");
  // No field of a dropped point is made.
  EXPECT_EQ(Write("m w=1,v=5i 4"),
            "partial write: field type conflict: input field \"v\" on measurement \"m\" is type "
            "integer, already exists as type float dropped=1");
  EXPECT_EQ(Write("m w=1i 4"), "");
}

TEST_F(WriteTest, ADroppedPointLeavesItsSeriesBehind) {
  EXPECT_EQ(Write("m v=1 1"), "");
  EXPECT_NE(Write("m,x=1 v=2i 1"), "");
  EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 2u);
  Reopen();
  EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 2u);
}

TEST_F(WriteTest, AConflictInANewShardRefusesItsPoints) {
  EXPECT_EQ(Write("m f=1 1\nm f=2i 2"), "field type conflict");
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(Schema(), "m.f:float");
  // The shard exists now, so the point alone is dropped.
  EXPECT_EQ(Write("n f=1 1\nn f=2i 2"),
            "partial write: field type conflict: input field \"f\" on measurement \"n\" is type "
            "integer, already exists as type float dropped=1");
  EXPECT_EQ(Read(), "n 1 f=1\n");
}

TEST_F(WriteTest, ARepeatedFieldCountsOnce) {
  EXPECT_EQ(Write("m a=1,b=3,a=2 1"), "");
  EXPECT_EQ(Read(), "m 1 a=2,b=3\n");
  EXPECT_EQ(Write("m a=1,a=2i 2"),
            "partial write: field type conflict: input field \"a\" on measurement \"m\" is type "
            "integer, already exists as type float dropped=1");
}

TEST_F(WriteTest, NamesThatAreTime) {
  EXPECT_EQ(Write("a f=1 1"), "");
  EXPECT_EQ(Write("c time=1,v=2 1"), "");
  EXPECT_EQ(Write("b time=1 1"),
            "partial write: invalid field name: input field \"time\" on measurement \"b\" is "
            "invalid dropped=1");
  EXPECT_EQ(Write("a time=3 1\na,time=1 f=2 1\na f=2i 1"),
            "partial write: invalid tag key: input tag \"time\" on measurement \"a\" is invalid "
            "dropped=3");
  EXPECT_EQ(Read(), "a 1 f=1\nc 1 v=2\n");
}

TEST_F(WriteTest, PointsBeyondRetention) {
  const int64_t now = env.NowNs();
  router.duration_ns = 1'000'000;
  router.shard_ns = 400'000;
  const auto line = [&](int64_t age, int v) {
    return base::StrCat("m v=", v, " ", now - age, "\n");
  };
  EXPECT_EQ(Write(line(2'000'000, 1)), "partial write: points beyond retention policy dropped=1");
  EXPECT_EQ(Write(line(2'000'000, 1) + line(0, 2) + "bad"),
            "partial write: points beyond retention policy dropped=1");
  EXPECT_EQ(Read(), base::StrCat("m ", now, " v=2\n"));
  // Covered by a shard that another point of the body opens: kept, in the order of the body.
  const int64_t start = (now - 1'000'000 + 400'000) / 400'000 * 400'000;
  const int64_t edge = start - (now - 1'000'000 - (start - 400'000) > 10 ? 400'000 : 0);
  const std::string old = base::StrCat("m v=7 ", edge, "\n");
  const std::string opener = base::StrCat("m v=8 ", now - 1'000'000, "\n");
  EXPECT_EQ(Write(old + opener + base::StrCat("m v=9 ", edge)), "");
  EXPECT_EQ(DumpView(*View(), {edge, edge}), base::StrCat("m ", edge, " v=9\n"));
}

TEST_F(WriteTest, LimitsOfSeriesAndTagValues) {
  options.max_series_per_database = 2;
  EXPECT_EQ(Write("m,t=a v=1 1\nm,t=b v=1 1"), "");
  EXPECT_EQ(Write("m,t=c v=1 1\nm,t=a v=2 2"),
            "partial write: max-series-per-database limit exceeded: (2) dropped=1");
  Close();
  options.max_series_per_database = 0;
  options.max_values_per_tag = 2;
  EXPECT_EQ(Write("m,t=c v=1 1\nm,t=a,u=x v=2 3"),
            "partial write: max-values-per-tag limit exceeded (2/2): measurement=\"m\" tag=\"t\" "
            "value=\"c\" dropped=1");
  EXPECT_EQ(Read(), "m,t=a 1 v=1\nm,t=a 2 v=2\nm,t=a,u=x 3 v=2\nm,t=b 1 v=1\n");
}

TEST_F(WriteTest, AFullCacheRefusesUntilItIsFlushed) {
  options.cache_bytes_max = 200'000;
  const std::string text(20'000, 'x');
  WriteResult result;
  int written = 0;
  while ((result = WriteRaw(base::StrCat("m s=\"", text, "\" ", written))).status.ok()) {
    ASSERT_LT(++written, 100);
  }
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  Flush();
  EXPECT_EQ(Write("m s=\"y\" 500"), "");
}

TEST_F(WriteTest, SpellingsOfOneSeriesMeet) {
  EXPECT_EQ(Write("m,b=1,a=2 v=1 1\nm,a=2,b=1 v=2 2"), "");
  EXPECT_EQ(Read(), "m,a=2,b=1 1 v=1\nm,a=2,b=1 2 v=2\n");
}

// With many series lines are looked up in groups, of which some lines are new, odd or bad.
TEST_F(WriteTest, ManySeriesChangeNoAnswer) {
  constexpr int kSeries = 31'000;
  router.AddDatabase("many");
  std::string body;
  for (int i = 0; i < kSeries; ++i) base::StrAppend(body, "other,n=", i, " v=1 1\n");
  ASSERT_EQ(Write(body, "many"), "");
  ASSERT_EQ(Write("other,n=0 v=1 1"), "");
  Flush();
  std::mt19937 random(7);
  const std::vector<std::string> tags = {"",        ",a=1,b=2", ",b=2,a=1", ",a=1\\ 2,b=x",
                                         ",time=1", ",n=",      ",c=\\,,n="};
  for (int round = 0; round < 20; ++round) {
    body.clear();
    for (int line = 0; line < 60; ++line) {
      const std::string& tag = tags[random() % tags.size()];
      base::StrAppend(body, "m", random() % 2, tag);
      if (tag.ends_with("n=")) base::StrAppend(body, random() % 40);
      base::StrAppend(body, random() % 8 == 0 ? " s=\"a\\\"b\"" : " v=", line,
                      random() % 30 == 0 ? "i " : " ", random() % 500, "\n");
    }
    const WriteResult few = WriteRaw(body);
    const WriteResult many = WriteRaw(body, "many");
    EXPECT_EQ(few.status, many.status) << body;
    EXPECT_EQ(few.points_written, many.points_written);
    EXPECT_EQ(few.points_dropped, many.points_dropped);
    if (round % 5 == 0) Flush();
  }
  const auto without_others = [](const std::string& all) {
    return all.substr(0, all.find("other,"));
  };
  EXPECT_EQ(without_others(Read("many")), without_others(Read()));
  EXPECT_EQ(View("many")->Match("other", index::TagPredicate::All()).Count(), uint64_t{kSeries});
}

}  // namespace
}  // namespace varve::engine
