// What is written can be read: from the cache, from files, after replay and compaction.
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class StoreTest : public StoreFixture {};

constexpr char kMixed[] =
    "cpu,host=a v=1,n=2i,s=\"x\",b=true 10\n"
    "cpu,host=b v=3 20\n"
    "cpu,host=a v=4 30\n"
    "mem used=7i 10";

constexpr char kMixedRows[] =
    "cpu,host=a 10 b=true,n=2i,s=\"x\",v=1\n"
    "cpu,host=a 30 v=4\n"
    "cpu,host=b 20 v=3\n"
    "mem 10 used=7i\n";

TEST_F(StoreTest, ReadsFromTheCache) {
  EXPECT_EQ(Write(kMixed), "");
  EXPECT_EQ(Read(), kMixedRows);
  EXPECT_EQ(Schema(), "cpu.b:boolean cpu.n:integer cpu.s:string cpu.v:float mem.used:integer");
}

TEST_F(StoreTest, ReadsFromFiles) {
  EXPECT_EQ(Write(kMixed), "");
  Flush();
  EXPECT_EQ(FileCount(), 1u);
  EXPECT_EQ(Read(), kMixedRows);
  Compact();
  EXPECT_EQ(Read(), kMixedRows);
}

TEST_F(StoreTest, ReadsAfterReplay) {
  EXPECT_EQ(Write(kMixed), "");
  Reopen();
  EXPECT_EQ(Read(), kMixedRows);
  CutPower();
  EXPECT_EQ(Read(), kMixedRows);
  Flush();
  CutPower();
  EXPECT_EQ(Read(), kMixedRows);
}

TEST_F(StoreTest, TheLastWriteOfAFieldWins) {
  EXPECT_EQ(Write("m v=1,w=1 10\nm v=2 10"), "");
  EXPECT_EQ(Read(), "m 10 v=2,w=1\n");
  Flush();
  EXPECT_EQ(Write("m w=5 10\nm v=9 5"), "");
  EXPECT_EQ(Read(), "m 5 v=9\nm 10 v=2,w=5\n");
  Flush();
  EXPECT_EQ(Write("m x=1i 10"), "");
  EXPECT_EQ(Read(), "m 5 v=9\nm 10 v=2,w=5,x=1i\n");
  Compact();
  Reopen();
  EXPECT_EQ(Read(), "m 5 v=9\nm 10 v=2,w=5,x=1i\n");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(StoreTest, SortsWhatComesLate) {
  std::string body;
  std::string expected;
  for (int i = 0; i < 5000; ++i)
    body += base::StrCat("m v=", i * 7 % 5000, "i ", i * 7 % 5000, "\n");
  for (int i = 0; i < 5000; ++i) expected += base::StrCat("m ", i, " v=", i, "i\n");
  router.shard_ns = 100000;
  EXPECT_EQ(Write(body), "");
  EXPECT_EQ(Read(), expected);
  Flush();
  EXPECT_EQ(Read(), expected);
}

TEST_F(StoreTest, SpansShards) {
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Write(base::StrCat("m v=", i, " ", i * 500)), "");
    expected += base::StrCat("m ", i * 500, " v=", i, "\n");
    if (i == 7) Flush();
  }
  EXPECT_EQ(View()->shard_count(), 10u);
  EXPECT_EQ(Read(), expected);
  CutPower();
  EXPECT_EQ(Read(), expected);
  EXPECT_EQ(DumpView(*View(), {2500, 3500}), "m 2500 v=5\nm 3000 v=6\nm 3500 v=7\n");
}

TEST_F(StoreTest, AViewSeesWholeRecordsAndNothingLater) {
  EXPECT_EQ(Write("m,t=a v=1 1\nm,t=b v=1 1"), "");
  const auto before = View();
  EXPECT_EQ(Write("m,t=a v=2 2\nm,t=c v=2 2"), "");
  const auto between = View();
  EXPECT_EQ(Write("m,t=a v=3 1\nm,t=b v=3 3"), "");
  const std::string old = "m,t=a 1 v=1\nm,t=b 1 v=1\n";
  const std::string middle = "m,t=a 1 v=1\nm,t=a 2 v=2\nm,t=b 1 v=1\nm,t=c 2 v=2\n";
  EXPECT_EQ(DumpView(*before), old);
  EXPECT_EQ(DumpView(*between), middle);
  Flush();
  Delete({"m"}, {0, 100});
  Compact();
  EXPECT_EQ(DumpView(*before), old);
  EXPECT_EQ(DumpView(*between), middle);
  EXPECT_EQ(Read(), "");
}

TEST_F(StoreTest, AShardIsDroppedWhole) {
  EXPECT_EQ(Write("m v=1 1\nm v=2 2000"), "");
  Flush();
  const auto known = router.Known();
  const auto view = View();
  ASSERT_TRUE(Ok(store().DropShard(known[0].database, known[0].shard)));
  router.Forget(known[0].shard);
  EXPECT_EQ(Read(), "m 2000 v=2\n");
  EXPECT_EQ(DumpView(*view), "m 1 v=1\nm 2000 v=2\n");
  Reopen();
  EXPECT_EQ(Read(), "m 2000 v=2\n");
}

TEST_F(StoreTest, ADroppedShardStaysGoneThroughReplay) {
  EXPECT_EQ(Write("m v=1 1\nm v=2 2000"), "");
  const auto known = router.Known();
  ASSERT_TRUE(Ok(store().DropShard(known[0].database, known[0].shard)));
  router.Forget(known[0].shard);
  CutPower();
  EXPECT_EQ(Read(), "m 2000 v=2\n");
}

TEST_F(StoreTest, ADroppedDatabaseLeavesNothing) {
  EXPECT_EQ(Write("m v=1 1"), "");
  EXPECT_EQ(Write("m v=5 1", "other"), "");
  const auto known = router.Known();
  ASSERT_TRUE(Ok(store().DropDatabase(router.IdOf("db"))));
  for (const auto& shard : known) {
    if (shard.database == router.IdOf("db")) router.Forget(shard.shard);
  }
  EXPECT_EQ(Read("other"), "m 1 v=5\n");
  EXPECT_FALSE(env.Exists("/data/db-0"));
  CutPower();
  EXPECT_EQ(Read("other"), "m 1 v=5\n");
}

TEST_F(StoreTest, TheLogShrinksAfterAFlush) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Write(base::StrCat("m,t=", i, " v=1 1")), "");
  const uint64_t before = store().Status().wal_bytes;
  Flush();
  EXPECT_LT(store().Status().wal_bytes, before / 4);
  Reopen();
  EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 100u);
}

// Neither cache is large or cold, and both together are far from the limit.
TEST_F(StoreTest, AShardWithFewPointsDoesNotKeepTheLog) {
  options.background = true;
  options.wal_bytes_max = 20'000;
  EXPECT_EQ(Write("m v=1 1", "other"), "");
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(Write(base::StrCat("m,t=", i, " a=1,b=2,c=\"some text\" 1")), "");
  }
  while (store().Status().wal_bytes > options.wal_bytes_max) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_GE(store().Status().activity.flushes, 1u);
  Reopen();
  EXPECT_EQ(Read("other"), "m 1 v=1\n");
  EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 500u);
}

TEST_F(StoreTest, CountsWhatItDoes) {
  EXPECT_EQ(Write("m,t=a v=1 1\nm,t=b v=1 1\nn v=1 1"), "");
  EXPECT_NE(Write("m v=1 1\nm v=\"text\" 2"), "");  // a conflict of types within a request
  EXPECT_NE(Write("m v=1", "nosuch"), "");
  StoreStatus status = store().Status();
  EXPECT_EQ(status.writes, 3u);
  EXPECT_EQ(status.writes_refused, 1u);
  EXPECT_EQ(status.points_written, 4u);
  EXPECT_EQ(status.points_dropped, 1u);
  EXPECT_EQ(status.activity.flushes, 0u);
  EXPECT_GT(status.wal.records, 2u);
  EXPECT_GT(status.wal.syncs.Total(), 0u);
  EXPECT_EQ(store().Shards()[0].points_written, 4u);
  EXPECT_EQ(store().Shards()[0].points_dropped, 1u);
  ASSERT_EQ(store().DatabaseStatuses().size(), 1u);
  EXPECT_EQ(store().DatabaseStatuses()[0].series, 4u);
  EXPECT_EQ(store().DatabaseStatuses()[0].measurements, 2u);
  Flush();
  EXPECT_EQ(Write("m,t=a v=1 5"), "");
  Compact();
  status = store().Status();
  EXPECT_EQ(status.activity.flushes, 2u);
  EXPECT_GT(status.activity.flush_bytes, 0u);
  EXPECT_EQ(status.activity.compactions, 1u);
  EXPECT_EQ(status.activity.compaction_bytes_in, status.activity.flush_bytes);
  EXPECT_EQ(status.activity.compaction_bytes_out + 0u,
            store().Shards()[0].activity.compaction_bytes_out);
  EXPECT_GT(status.activity.compaction_bytes_out, 0u);
  EXPECT_EQ(status.activity.flushes_active + status.activity.compactions_active, 0);
  EXPECT_EQ(status.compactions_waiting, 0u);
}

TEST_F(StoreTest, PointsFromInsideAreWrittenLikeLines) {
  const std::vector<Point> points = {
      {"m,t=a\\ b", 5, {{"my field", model::FieldValue::Float(1.5)}, {"n", {}}}},
      {"m,t=a\\ b", 6, {{"a,b=c", model::FieldValue::String("x\"y")}}},
      {"m,t=a\\ b", 7, {{"n", {}}}},
  };
  const WriteResult result = store().WritePoints("db", "", points);
  EXPECT_TRUE(Ok(result.status));
  EXPECT_EQ(result.points_written, 2u);
  EXPECT_EQ(Read(), "m,t=a\\ b 5 my field=1.5\nm,t=a\\ b 6 a,b=c=\"x\"y\"\n");
}

TEST_F(StoreTest, StatisticsAnswerWholeBlocks) {
  std::string body;
  router.shard_ns = 1'000'000;
  for (int i = 0; i < 4096; ++i) body += base::StrCat("m v=", i, " ", i, "\n");
  EXPECT_EQ(Write(body), "");
  Flush();
  ScanOptions scan;
  scan.fields = {{View()->Fields("m")[0].field, model::FieldType::kFloat}};
  scan.window_end = [](int64_t) { return model::kMaxTimeNs; };
  const auto view = View();
  const auto scanner = view->NewScanner(scan);
  ASSERT_TRUE(Ok(scanner->Seek(0)));
  ScanStep step;
  uint64_t count = 0;
  double sum = 0;
  while (true) {
    ASSERT_TRUE(Ok(scanner->Next(&step)));
    if (step.kind == ScanStep::Kind::kEnd) break;
    ASSERT_EQ(step.kind, ScanStep::Kind::kStatistics);
    count += step.statistics[0].count;
    sum += step.statistics[0].sum.as_float();
  }
  EXPECT_EQ(count, 4096u);
  EXPECT_EQ(sum, 4096.0 * 4095 / 2);
  EXPECT_EQ(scanner->counters().blocks_decoded, 0u);
}

TEST_F(StoreTest, AFieldOfAnotherTypeInAnotherShardIsConverted) {
  EXPECT_EQ(Write("m f=1.7 1\nm f=2i 2000\nm f=\"x\" 4000"), "");
  EXPECT_EQ(Schema(), "m.f:float,integer,string");
  const auto view = View();
  ScanOptions scan;
  scan.fields = {{view->Fields("m")[0].field, model::FieldType::kInteger}};
  const auto scanner = view->NewScanner(scan);
  ASSERT_TRUE(Ok(scanner->Seek(0)));
  ScanStep step;
  std::vector<int64_t> values;
  while (true) {
    ASSERT_TRUE(Ok(scanner->Next(&step)));
    if (step.kind == ScanStep::Kind::kEnd) break;
    for (size_t i = 0; i < step.rows.rows; ++i) values.push_back(step.rows.columns[0].integers[i]);
  }
  EXPECT_EQ(values, (std::vector<int64_t>{1, 2}));
}

}  // namespace
}  // namespace varve::engine
