// Series that are in no shard any more leave the dictionary, and nothing else does.
#include <algorithm>
#include <future>
#include <map>
#include <random>
#include <set>

#include "engine/series_forgetter.h"
#include "index/inspect.h"
#include "index/series_table.h"
#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

using KeyMap = std::map<model::SeriesId, std::string>;

constexpr char kTable[] = "/data/db-0/series";

class ForgetTest : public StoreFixture {
 protected:
  // As the catalog does it: the shard is forgotten for good before its data goes.
  void DropShardAt(int64_t time) {
    for (const auto& known : router.Known()) {
      if (known.database != 0 || !known.range.Contains(time)) continue;
      router.Forget(known.shard);
      ASSERT_TRUE(Ok(store().DropShard(known.database, known.shard)));
    }
  }
  // The keys that the dictionary has on disk, by id.
  KeyMap Keys() {
    Flush();
    Close();
    KeyMap keys;
    {
      const auto table = index::SeriesTable::Open(env, kTable);
      EXPECT_TRUE(Ok(table.status()));
      for (const model::SeriesId id : (*table)->FlushedSeries().series.ToVector()) {
        (*table)->KeyOf(id, &keys[id]);
      }
      EXPECT_EQ((*table)->series_count(), keys.size());
    }
    EXPECT_TRUE(Ok(index::VerifyIndex(env, kTable)));
    EXPECT_TRUE(Ok(TryOpen()));
    return keys;
  }
  // No key twice, none empty.
  void CheckKeys() {
    const auto view = View();
    for (const std::string& measurement : view->Measurements()) {
      std::set<std::string> keys;
      for (const auto id : view->Match(measurement, index::TagPredicate::All()).ToVector()) {
        std::string key;
        view->KeyOf(id, &key);
        EXPECT_TRUE(key.starts_with(measurement)) << id << " has the key " << key;
        EXPECT_TRUE(keys.insert(key).second) << key << " is there twice";
      }
    }
  }
};

TEST_F(ForgetTest, ADroppedShardTakesItsSeriesAlong) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2\nm,t=b v=3 1003\nn,t=c v=4 1004"), "");
  EXPECT_EQ(Keys(), (KeyMap{{0, "m,t=a"}, {1, "m,t=b"}, {2, "n,t=c"}}));
  DropShardAt(1);
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}, {2, "n,t=c"}}));
  EXPECT_EQ(Read(), "m,t=b 1003 v=3\nn,t=c 1004 v=4\n");
  ASSERT_EQ(Write("m,t=a v=5 1005"), "");
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}, {2, "n,t=c"}, {3, "m,t=a"}}));
  EXPECT_EQ(Read(), "m,t=a 1005 v=5\nm,t=b 1003 v=3\nn,t=c 1004 v=4\n");
}

TEST_F(ForgetTest, WhatWasNeverFlushedIsForgottenToo) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 1002"), "");
  DropShardAt(1);
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}}));
}

TEST_F(ForgetTest, DroppedSeriesAreForgottenOnceThatIsInTheFiles) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2\nn,t=a v=3 3"), "");
  Flush();
  DropSeries({"m"});
  EXPECT_EQ(Keys(), (KeyMap{{2, "n,t=a"}}));
  ASSERT_EQ(Write("m,t=b v=4 4"), "");
  EXPECT_EQ(Read(), "m,t=b 4 v=4\nn,t=a 3 v=3\n");
  Compact();
  EXPECT_EQ(Keys(), (KeyMap{{2, "n,t=a"}, {3, "m,t=b"}}));
  EXPECT_EQ(Read(), "m,t=b 4 v=4\nn,t=a 3 v=3\n");
}

TEST_F(ForgetTest, ADeleteOfAllPointsIsAsGood) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2\nm,t=b v=3 300"), "");
  Flush();
  Delete({"m"}, {0, 10});
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}}));
  EXPECT_EQ(Read(), "m,t=b 300 v=3\n");
}

TEST_F(ForgetTest, WhatARestartInterruptsIsDoneAfterIt) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 1002"), "");
  Flush();
  DropShardAt(1);
  CutPower();
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}}));
}

TEST_F(ForgetTest, AnotherDatabaseKeepsItsOwn) {
  ASSERT_EQ(Write("m,t=a v=1 1"), "");
  ASSERT_EQ(Write("m,t=a v=1 1", "other"), "");
  Flush();
  DropShardAt(1);
  Flush();
  Reopen();
  EXPECT_EQ(Read("other"), "m,t=a 1 v=1\n");
  EXPECT_EQ(Keys(), (KeyMap{}));
}

// A query that has begun goes on printing the right keys.
TEST_F(ForgetTest, AnOpenViewKeepsItsKeys) {
  for (const bool flushed : {true, false}) {
    SCOPED_TRACE(flushed);
    ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2"), "");
    if (flushed) Flush();
    const auto view = View();
    DropShardAt(1);
    Flush();
    ASSERT_EQ(Write("m,t=b v=3 1003\nm,t=a v=4 1004\nm,t=c v=5 1005"), "");
    Flush();
    EXPECT_EQ(DumpView(*view), "m,t=a 1 v=1\nm,t=b 2 v=2\n");
    EXPECT_EQ(Read(), "m,t=a 1004 v=4\nm,t=b 1003 v=3\nm,t=c 1005 v=5\n");
    DropShardAt(1001);
    Flush();
  }
}

// Files may name series that are forgotten; an index that is made again from them must not.
TEST_F(ForgetTest, AnIndexMadeAgainLeavesForgottenSeriesOut) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2\nn,t=a v=3 3"), "");
  Flush();
  DropSeries({"m"});
  Flush();
  ASSERT_EQ(Write("m,t=b v=4 4"), "");
  Flush();
  const std::string rows = Read();
  for (int round = 0; round < 2; ++round) {
    Close();
    const auto files = env.List("/data/db-0/shard-1/index");
    ASSERT_TRUE(files.ok());
    for (const std::string& file : *files) {
      ASSERT_TRUE(Ok(env.FlipBits("/data/db-0/shard-1/index/" + file, 20, 1)));
    }
    EXPECT_EQ(Read(), rows);
    CheckKeys();
    EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 1u);
    EXPECT_EQ(Keys(), (KeyMap{{2, "n,t=a"}, {3, "m,t=b"}}));
  }
}

// A shard that cannot be read keeps the keys of all: it may name any of them.
TEST_F(ForgetTest, NothingIsForgottenWhileAShardCannotBeRead) {
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 1002\nm,t=c v=3 2003"), "");
  Flush();
  Close();
  const std::string manifest = "/data/db-0/shard-2/MANIFEST";
  ASSERT_TRUE(Ok(env.FlipBits(manifest, 9, 1)));
  DropShardAt(1);
  EXPECT_FALSE(store().Status().damage.empty());
  store().Flush(false).IgnoreError();
  Close();
  {
    const auto table = index::SeriesTable::Open(env, kTable);
    ASSERT_TRUE(table.ok());
    EXPECT_EQ((*table)->series_count(), 3u);
  }
  ASSERT_TRUE(Ok(env.FlipBits(manifest, 9, 1)));
  EXPECT_EQ(Keys(), (KeyMap{{1, "m,t=b"}, {2, "m,t=c"}}));
  EXPECT_EQ(Read(), "m,t=b 1002 v=2\nm,t=c 2003 v=3\n");
}

// What a write has looked up is not forgotten before it is applied.
TEST_F(ForgetTest, AWriteOnItsWayKeepsItsSeries) {
  ASSERT_EQ(Write("m,t=x v=1 1\nm,t=y v=2 1002"), "");
  Flush();
  DropShardAt(1);
  int rounds = 0;
  router.on_route = [&] {
    for (; rounds < 3; ++rounds) ASSERT_TRUE(Ok(store().Flush(false)));
  };
  // The series is looked up for the first line; the second needs a new shard.
  ASSERT_EQ(Write("m,t=x v=3 1003\nm,t=y v=4 2004"), "");
  router.on_route = {};
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(Read(), "m,t=x 1003 v=3\nm,t=y 1002 v=2\nm,t=y 2004 v=4\n");
  EXPECT_EQ(Keys(), (KeyMap{{0, "m,t=x"}, {1, "m,t=y"}}));
}

// So it is while the batch waits in the log.
TEST_F(ForgetTest, ABatchThatIsNotAppliedYetKeepsItsSeries) {
  // Truncating would wait for the log thread, which this test holds up.
  options.before_truncate = [] { return base::Unavailable("not now"); };
  ASSERT_EQ(Write("m,t=x v=1 1\nm,t=y v=2 1002"), "");
  EXPECT_FALSE(store().Flush(false).ok());
  DropShardAt(1);
  std::promise<void> hold;
  std::promise<void> done;
  const auto write = [&](std::string_view body, WriteDone told) {
    store().Write({.database = "db", .body = body}, std::move(told));
  };
  write("m,t=y v=3 1003", [held = hold.get_future().share()](const WriteResult&) { held.wait(); });
  write("m,t=x v=4 1004", [&](const WriteResult& result) {
    EXPECT_TRUE(Ok(result.status));
    done.set_value();
  });
  for (int round = 0; round < 3; ++round) EXPECT_FALSE(store().Flush(false).ok());
  hold.set_value();
  done.get_future().wait();
  EXPECT_FALSE(store().Flush(false).ok());
  EXPECT_EQ(Read(), "m,t=x 1004 v=4\nm,t=y 1002 v=2\nm,t=y 1003 v=3\n");
  options.before_truncate = {};
  Reopen();
  EXPECT_EQ(Keys(), (KeyMap{{0, "m,t=x"}, {1, "m,t=y"}}));
}

// While the deletion is not in the files for sure, a power cut could take it back.
TEST_F(ForgetTest, ADeletionThatIsOnlyInTheLogForgetsNothing) {
  ASSERT_EQ(Write("m,t=a v=1 1\nn,t=b v=1 1001"), "");
  Flush();
  DropSeries({"m"});
  DropShardAt(1001);  // so that there is something to forget
  env.FailAfter(1, base::FaultKind::kIoError);
  EXPECT_FALSE(store().Flush(false).ok());
  env.ClearFaults();
  ASSERT_EQ(Write("m,t=a v=2 2"), "");
  EXPECT_EQ(Keys(), (KeyMap{{0, "m,t=a"}}));
  DropSeries({"m"});
  EXPECT_EQ(Keys(), KeyMap());
}

class SeriesForgetterTest : public testing::Test {
 protected:
  SeriesForgetterTest() : table_(*index::SeriesTable::Open(env_, "/t")), forgetter_(*table_) {
    for (const char* key : {"m,t=a", "m,t=b", "m,t=c"}) {
      EXPECT_TRUE(table_->Register(key, [](std::string) { return absl::OkStatus(); }).ok());
    }
    EXPECT_TRUE(table_->Flush().ok());
  }
  uint64_t Forget() {
    forgetter_.TakeWish();
    forgetter_.BeginRound({});
    EXPECT_EQ(forgetter_.CanEndRound(), forgetter_.is_watching());
    uint64_t forgotten = 0;
    for (const auto& piece : forgetter_.Candidates({})) forgotten += forgetter_.Forget(piece, {});
    forgetter_.EndRound();
    return forgotten;
  }

  base::FaultyEnv env_;
  std::unique_ptr<index::SeriesTable> table_;
  SeriesForgetter forgetter_;
};

TEST_F(SeriesForgetterTest, WaitsForTheWritesThatHadBegun) {
  EXPECT_TRUE(forgetter_.is_busy());
  auto early = forgetter_.NewPin();
  auto copy = early;
  EXPECT_FALSE(forgetter_.TakeWish());
  forgetter_.BeginRound({});
  EXPECT_TRUE(forgetter_.is_watching());
  const auto late = forgetter_.NewPin();
  early.reset();
  EXPECT_FALSE(forgetter_.CanEndRound());
  copy.reset();
  EXPECT_TRUE(forgetter_.CanEndRound());
  index::SeriesRef ref;
  EXPECT_TRUE(table_->NewLookup()->Find("m,t=b", &ref));
  const auto pieces = forgetter_.Candidates({});
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(forgetter_.Forget(pieces[0], {}), 2u);
  forgetter_.EndRound();
  EXPECT_FALSE(forgetter_.is_busy());
  EXPECT_EQ(table_->series_count(), 1u);
}

TEST_F(SeriesForgetterTest, WaitsUntilARemovalIsInTheFiles) {
  const std::vector<model::SeriesId> b = {1};
  const std::vector<model::SeriesId> c = {2};
  forgetter_.NoteRemoved(b);
  forgetter_.Settle(/*first_unflushed=*/5, /*applied=*/7);
  forgetter_.NoteRemoved(c);
  EXPECT_EQ(Forget(), 1u);
  EXPECT_FALSE(forgetter_.is_busy());
  forgetter_.Settle(7, 8);  // the record of b may not be in the files yet
  EXPECT_FALSE(forgetter_.is_busy());
  EXPECT_EQ(Forget(), 0u);
  forgetter_.Settle(8, 9);
  EXPECT_TRUE(forgetter_.is_busy());
  EXPECT_EQ(Forget(), 1u);
  EXPECT_EQ(table_->MeasurementOfSeries(1), model::kNoId);
  forgetter_.Settle(Shard::kNoLsn, 9);
  EXPECT_EQ(Forget(), 1u);
  EXPECT_EQ(table_->series_count(), 0u);
}

TEST_F(ForgetTest, TheLimitsCountWhatIsThere) {
  options.max_series_per_database = 2;
  options.max_values_per_tag = 2;
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2 2"), "");
  EXPECT_NE(Write("m,t=c v=3 1003"), "");
  DropShardAt(1);
  Flush();
  EXPECT_EQ(Write("m,t=c v=3 1003\nm,t=d v=3 1003"), "");
  EXPECT_NE(Write("m,t=a v=3 1003"), "");
}

// Series churn through shards that come and go; every row tells by its value which series it is of.
class ForgetChurnTest : public ForgetTest, public testing::WithParamInterface<uint64_t> {
 protected:
  static constexpr int64_t kShards = 6;
  static constexpr int64_t kTimes = kShards * 1000;

  void Step(std::mt19937_64& random, int step) {
    const auto at = static_cast<int64_t>(random() % kTimes);
    switch (random() % 12) {
      case 0:
        DropShardAt(at);
        Erase("", {at / 1000 * 1000, at / 1000 * 1000 + 999});
        break;
      case 1: {
        const std::string measurement = random() % 2 == 0 ? "m" : "n";
        DropSeries({measurement});
        Erase(measurement, {});
        break;
      }
      case 2:
        Delete({"m"}, {at, at + 1500});
        Erase("m", {at, at + 1500});
        break;
      case 3:
        Flush();
        break;
      case 4:
        if (random() % 3 == 0) Compact();
        break;
      default:
        WriteSome(random, step);
    }
  }
  void WriteSome(std::mt19937_64& random, int step) {
    std::string body;
    for (size_t n = 1 + random() % 12; n > 0; --n) {
      // A few of the series at a time, so that others die.
      const uint64_t series = (random() % 8 + static_cast<uint64_t>(step) / 10) % 40;
      const auto time = static_cast<int64_t>(random() % kTimes);
      const std::string key = base::StrCat(series % 3 == 0 ? "n,t=" : "m,t=", series);
      base::StrAppend(body, key, " v=", series, " ", time, "\n");
      rows_[key][time] = base::StrCat(series);
    }
    ASSERT_EQ(Write(body), "");
  }
  void Erase(const std::string& measurement, model::TimeRange range) {
    for (auto& [key, times] : rows_) {
      if (!key.starts_with(measurement)) continue;
      std::erase_if(times, [&](const auto& row) { return range.Contains(row.first); });
    }
    std::erase_if(rows_, [](const auto& entry) { return entry.second.empty(); });
  }
  std::string Expected() const {
    std::string text;
    for (const auto& [key, times] : rows_) {
      for (const auto& [time, value] : times) {
        base::StrAppend(text, key, " ", time, " v=", value, "\n");
      }
    }
    return text;
  }

  std::map<std::string, std::map<int64_t, std::string>> rows_;
};

TEST_P(ForgetChurnTest, RowsStayWithTheirSeries) {
  std::mt19937_64 random(GetParam());
  for (int step = 0; step < 600 && !HasFailure(); ++step) {
    Step(random, step);
    if (random() % 25 != 0) continue;
    ASSERT_EQ(Read(), Expected());
    CheckKeys();
    if (random() % 2 == 0) {
      CutPower();
    } else {
      Reopen();
    }
    ASSERT_EQ(Read(), Expected()) << "after step " << step;
    CheckKeys();
  }
  // In the end the dictionary has the keys that the shards have, and no other.
  std::vector<std::string> known;
  for (const auto& [id, key] : Keys()) known.push_back(key);
  std::sort(known.begin(), known.end());
  std::vector<std::string> expected;
  for (const auto& [key, times] : rows_) expected.push_back(key);
  EXPECT_EQ(known, expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ForgetChurnTest, testing::Range<uint64_t>(0, 12));

// Without syncing, a power cut takes what it likes of the log, while what was forgotten and flushed
// is on disk: still no key is there twice, and no row is with another series.
TEST_P(ForgetChurnTest, ALogThatLosesItsTailIsNotContradicted) {
  options.sync = wal::SyncPolicy::kOff;
  std::mt19937_64 random(GetParam());
  for (int step = 0; step < 400 && !HasFailure(); ++step) {
    Step(random, step);
    if (random() % 20 != 0) continue;
    CutPower(random() % 2 == 0 ? base::Remains::kNothing : base::Remains::kRandom);
    CheckKeys();
    const std::string rows = Read();
    size_t from = 0;
    for (size_t end; (end = rows.find('\n', from)) != std::string::npos; from = end + 1) {
      const std::string row = rows.substr(from, end - from);
      ASSERT_TRUE(row.ends_with(" v=" + row.substr(4, row.find(' ') - 4))) << row;
    }
  }
}

}  // namespace
}  // namespace varve::engine
