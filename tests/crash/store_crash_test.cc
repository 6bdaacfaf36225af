// The power fails, or the disk does, at every single call in turn: what was acknowledged is there.
#include <map>
#include <set>
#include <sstream>

#include "index/series_table.h"
#include "tests/engine/op_list.h"
#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class StoreCrashTest : public StoreFixture {
 protected:
  // A fresh disk and a closed store.
  void Begin() {
    Close();
    env.ClearFaults();
    env.Reboot();
    ASSERT_TRUE(Ok(env.RemoveTree("/data")));
    ASSERT_TRUE(Ok(env.RemoveTree("/wal")));
    ASSERT_TRUE(Ok(env.SyncDir("/")));
  }

  // True when the operation was acknowledged.
  bool Try(const Op& op) {
    if (store_ == nullptr && !TryOpen().ok()) return false;
    switch (op.kind) {
      case Op::Kind::kWrite:
        return WriteRaw(op.lines).status.ok();
      case Op::Kind::kDelete: {
        DeleteRequest request;
        request.database = router.IdOf("db");
        for (const auto& known : router.Known()) request.shards.push_back(known.shard);
        request.measurements = {op.measurement};
        request.range = op.range;
        return store_->Delete(request).ok();
      }
      case Op::Kind::kFlush:
        return store_->Flush(false).ok();
      case Op::Kind::kCompact:
        return store_->Flush(true).ok();
      default:
        Close();
        return TryOpen().ok();
    }
  }

  uint64_t CountCalls(const std::vector<Op>& ops) {
    Begin();
    const uint64_t before = env.calls();
    for (const Op& op : ops) EXPECT_TRUE(Try(op)) << op.Text();
    Close();
    return env.calls() - before;
  }

  // Cuts the power at each call; then the store holds every acknowledged operation, and the one
  // that was under way wholly or not at all.
  void CutPowerEverywhere(const std::vector<Op>& ops, base::Remains remains, uint64_t stride) {
    const uint64_t calls = CountCalls(ops);
    for (uint64_t n = 1; n <= calls; n += stride) {
      Begin();
      env.FailAfter(n, base::FaultKind::kCutPower);
      StoreModel acknowledged;
      StoreModel with_next;
      for (const Op& op : ops) {
        with_next = acknowledged;
        with_next.Apply(op);
        if (!Try(op)) break;
        acknowledged = with_next;
      }
      const std::string fault = env.last_fault();
      if (remains == base::Remains::kRandom) env.CutPower(remains);
      Close();
      env.Reboot();
      env.ClearFaults();
      SCOPED_TRACE(base::StrCat("call ", n, " of ", calls, ": ", fault));
      ASSERT_TRUE(Ok(TryOpen()));
      const std::string found = Read();
      if (found == with_next.Dump()) continue;
      ASSERT_EQ(found, acknowledged.Dump());
      // And it still works.
      ASSERT_TRUE(Try({.kind = Op::Kind::kCompact}));
      ASSERT_EQ(Read(), acknowledged.Dump());
    }
  }
};

std::vector<Op> Script(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  return RandomOps(random, count, /*with_restarts=*/false);
}

TEST_F(StoreCrashTest, PowerCutsLoseNothingAcknowledged) {
  for (uint64_t seed : {1, 2}) {
    SCOPED_TRACE(base::StrCat("seed ", seed));
    CutPowerEverywhere(Script(seed, 25), base::Remains::kNothing, 1);
  }
}

TEST_F(StoreCrashTest, PowerCutsThatLeaveSomethingLoseNothingAcknowledged) {
  CutPowerEverywhere(Script(3, 25), base::Remains::kRandom, 1);
}

// Shards and series are dropped, their keys forgotten, written out of the dictionary and written
// anew; the power fails, or the disk does, at every call. A row tells by its value which series it
// is of.
class ForgetCrashTest : public StoreCrashTest {
 protected:
  struct Step {
    enum class Kind { kWrite, kDropShard, kDropSeries, kFlush, kCompact, kReopen };
    Kind kind = Kind::kFlush;
    int first = 0;  // series [first, end)
    int end = 0;
    int64_t time = 0;
  };
  using Rows = std::map<std::string, std::set<int64_t>>;

  static std::string KeyOf(int series) {
    return base::StrCat(series % 4 == 0 ? "n,t=" : "m,t=", series);
  }
  static std::vector<Step> Script() {
    using K = Step::Kind;
    return {{K::kWrite, 0, 12, 1},
            {K::kFlush},
            {K::kWrite, 8, 16, 1001},
            {K::kFlush},
            {K::kDropShard, 0, 0, 1},
            {K::kFlush},
            {K::kWrite, 4, 10, 1002},
            {K::kFlush},
            {K::kDropSeries},
            {K::kWrite, 12, 14, 1003},
            {K::kFlush},
            {K::kWrite, 0, 6, 2001},
            {K::kReopen},
            {K::kDropShard, 0, 0, 1001},
            {K::kCompact},
            {K::kWrite, 0, 16, 3001},
            {K::kFlush}};
  }
  static void Apply(const Step& step, Rows* rows) {
    switch (step.kind) {
      case Step::Kind::kWrite:
        for (int i = step.first; i < step.end; ++i) (*rows)[KeyOf(i)].insert(step.time);
        break;
      case Step::Kind::kDropShard:
        for (auto& [key, times] : *rows) {
          std::erase_if(times, [&](int64_t at) { return at / 1000 == step.time / 1000; });
        }
        break;
      case Step::Kind::kDropSeries:
        std::erase_if(*rows, [](const auto& row) { return row.first.starts_with("m"); });
        break;
      default:
        break;
    }
  }
  static std::string Dump(const Rows& rows) {
    std::string text;
    for (const auto& [key, times] : rows) {
      for (const int64_t time : times) {
        base::StrAppend(text, key, " ", time, " v=", key.substr(4), "\n");
      }
    }
    return text;
  }
  bool Do(const Step& step) {
    if (store_ == nullptr && !TryOpen().ok()) return false;
    switch (step.kind) {
      case Step::Kind::kWrite: {
        std::string body;
        for (int i = step.first; i < step.end; ++i) {
          base::StrAppend(body, KeyOf(i), " v=", i, " ", step.time, "\n");
        }
        return WriteRaw(body).status.ok();
      }
      case Step::Kind::kDropShard:
        for (const auto& known : router.Known()) {
          if (!known.range.Contains(step.time)) continue;
          router.Forget(known.shard);
          if (!store_->DropShard(known.database, known.shard).ok()) return false;
        }
        return true;
      case Step::Kind::kDropSeries: {
        DeleteRequest request;
        request.database = router.IdOf("db");
        for (const auto& known : router.Known()) request.shards.push_back(known.shard);
        request.measurements = {"m"};
        request.drop_series = true;
        return store_->Delete(request).ok();
      }
      case Step::Kind::kFlush:
        return store_->Flush(false).ok();
      case Step::Kind::kCompact:
        return store_->Flush(true).ok();
      case Step::Kind::kReopen:
        Close();
        return TryOpen().ok();
    }
    return false;
  }
  // Every series of a view has a key of its own.
  void CheckKeys() {
    const auto view = View();
    std::set<std::string> keys;
    for (const std::string& measurement : view->Measurements()) {
      for (const auto id : view->Match(measurement, index::TagPredicate::All()).ToVector()) {
        std::string key;
        view->KeyOf(id, &key);
        EXPECT_TRUE(key.starts_with(measurement)) << id << " " << key;
        EXPECT_TRUE(keys.insert(key).second) << key << " is there twice";
      }
    }
  }
  uint64_t CountForgetCalls() {
    Begin();
    const uint64_t before = env.calls();
    for (const Step& step : Script()) EXPECT_TRUE(Do(step));
    Close();
    return env.calls() - before;
  }
  // All goes on as if nothing had happened, and the dictionary ends with what there is.
  void GoOn(Rows rows) {
    for (const Step& step : Script()) {
      ASSERT_TRUE(Do(step));
      Apply(step, &rows);
    }
    ASSERT_EQ(Read(), Dump(rows));
    CheckKeys();
    Flush();
    Close();
    {
      const auto table = index::SeriesTable::Open(env, "/data/db-0/series");
      ASSERT_TRUE(Ok(table.status()));
      EXPECT_EQ((*table)->series_count(), 16u);
    }
    ASSERT_EQ(Read(), Dump(rows));
  }
};

TEST_F(ForgetCrashTest, PowerCutsLoseNothingAcknowledged) {
  for (const auto remains : {base::Remains::kNothing, base::Remains::kRandom}) {
    const uint64_t calls = CountForgetCalls();
    for (uint64_t n = 1; n <= calls && !HasFailure(); ++n) {
      Begin();
      env.FailAfter(n, base::FaultKind::kCutPower);
      Rows acknowledged;
      Rows with_next;
      for (const Step& step : Script()) {
        with_next = acknowledged;
        Apply(step, &with_next);
        if (!Do(step)) break;
        acknowledged = with_next;
      }
      const std::string fault = env.last_fault();
      if (remains == base::Remains::kRandom) env.CutPower(remains);
      Close();
      env.Reboot();
      env.ClearFaults();
      SCOPED_TRACE(base::StrCat("call ", n, " of ", calls, ": ", fault));
      ASSERT_TRUE(Ok(TryOpen()));
      const std::string found = Read();
      CheckKeys();
      if (found != Dump(with_next)) {
        ASSERT_EQ(found, Dump(acknowledged));
        GoOn(acknowledged);
      } else {
        GoOn(with_next);
      }
    }
  }
}

TEST_F(ForgetCrashTest, AnErrorLosesNothingAcknowledged) {
  const uint64_t calls = CountForgetCalls();
  for (uint64_t n = 1; n <= calls && !HasFailure(); ++n) {
    Begin();
    env.FailAfter(n, base::FaultKind::kIoError);
    Rows rows;
    bool all = true;
    for (const Step& step : Script()) {
      const bool done = Do(step);
      const bool changes = step.kind == Step::Kind::kWrite || step.kind == Step::Kind::kDropSeries;
      if (done || step.kind == Step::Kind::kDropShard) Apply(step, &rows);
      if (done || !changes) continue;
      all = false;
      break;  // it may or may not be there; nothing more can be said of later ones
    }
    SCOPED_TRACE(base::StrCat("call ", n, " of ", calls, ": ", env.last_fault()));
    env.ClearFaults();
    if (store_ == nullptr) {
      ASSERT_TRUE(Ok(TryOpen()));
    }
    const std::string live = Read();
    CheckKeys();
    Reopen();
    CheckKeys();
    if (!all) continue;
    ASSERT_EQ(live, Dump(rows));
    ASSERT_EQ(Read(), Dump(rows));
    GoOn(rows);
  }
}

// A call that fails once: whatever is told to be written is, now and after a restart.
TEST_F(StoreCrashTest, AnErrorLosesNothingAcknowledged) {
  for (const auto kind : {base::FaultKind::kIoError, base::FaultKind::kShortWrite}) {
    const std::vector<Op> ops = Script(4, 25);
    const uint64_t calls = CountCalls(ops);
    for (uint64_t n = 1; n <= calls; n += 1) {
      Begin();
      env.FailAfter(n, kind);
      StoreModel acknowledged;
      bool all = true;
      for (const Op& op : ops) {
        const bool done = Try(op);
        if (done) acknowledged.Apply(op);
        const bool changes = op.kind == Op::Kind::kWrite || op.kind == Op::Kind::kDelete;
        if (done || !changes) continue;
        all = false;
        break;  // it may or may not be there; nothing more can be said of later ones
      }
      SCOPED_TRACE(base::StrCat("call ", n, " of ", calls, ": ", env.last_fault()));
      env.ClearFaults();
      if (store_ == nullptr) {
        ASSERT_TRUE(Ok(TryOpen()));
      }
      const std::string live = Read();
      Reopen();
      if (!all) continue;
      ASSERT_EQ(live, acknowledged.Dump());
      ASSERT_EQ(Read(), acknowledged.Dump());
    }
  }
}

// A full disk refuses writes; what is there stays readable; with room again it goes on.
TEST_F(StoreCrashTest, AFullDiskRefusesAndRecovers) {
  Begin();
  ASSERT_EQ(Write("m v=1 1"), "");
  env.FailFrom(1, base::FaultKind::kNoSpace);
  EXPECT_EQ(WriteRaw("m v=2 2").status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(WriteRaw("m,t=new v=2 2").status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Read(), "m 1 v=1\n");
  EXPECT_FALSE(store().Status().health.ok());
  EXPECT_FALSE(store().TryRecover().ok());
  env.ClearFaults();
  ASSERT_TRUE(Ok(store().TryRecover()));
  EXPECT_TRUE(Ok(store().Status().health));
  EXPECT_EQ(Write("m v=3 3\nm,t=new v=3 3"), "");
  const std::string expected = "m 1 v=1\nm 3 v=3\nm,t=new 3 v=3\n";
  EXPECT_EQ(Read(), expected);
  CutPower();
  EXPECT_EQ(Read(), expected);
}

TEST_F(StoreCrashTest, WritesAreRefusedBeforeTheDiskIsFull) {
  Begin();
  ASSERT_EQ(Write("m v=1 1"), "");
  env.SetFreeBytes(1 << 20);
  env.AdvanceNs(2'000'000'000);
  EXPECT_EQ(WriteRaw("m v=2 2").status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Read(), "m 1 v=1\n");
  env.SetFreeBytes(uint64_t{1} << 40);
  env.AdvanceNs(2'000'000'000);
  EXPECT_EQ(Write("m v=3 3"), "");
}

TEST_F(StoreCrashTest, AFailedFlushIsTriedAgain) {
  Begin();
  ASSERT_EQ(Write("m v=1 1"), "");
  env.FailFrom(1, base::FaultKind::kIoError);
  EXPECT_FALSE(store().Flush(false).ok());
  EXPECT_FALSE(store().Status().last_background_error.ok());
  EXPECT_EQ(Read(), "m 1 v=1\n");
  env.ClearFaults();
  ASSERT_TRUE(Ok(store().Flush(false)));
  EXPECT_TRUE(Ok(store().Status().last_background_error));
  EXPECT_EQ(Read(), "m 1 v=1\n");
}

// A flipped byte in a data file names the file and leaves the rest readable.
TEST_F(StoreCrashTest, DamageIsNamedAndTheRestStaysReadable) {
  Begin();
  router.shard_ns = 100'000;
  std::string body;
  for (int i = 0; i < 500; ++i) {
    body +=
        base::StrCat("m,t=a v=", i * 31 % 97, ".25 ", i, "\nm,t=b v=", i * 17 % 89, " ", i, "\n");
  }
  ASSERT_EQ(Write(body), "");
  Flush();
  Close();
  ASSERT_TRUE(Ok(env.FlipBits("/data/db-0/shard-1/00000001.tsm", 100, 0x10)));
  const auto view = View();
  ScanOptions scan;
  scan.fields = {{view->Fields("m")[0].field, model::FieldType::kFloat}};
  const auto scanner = view->NewScanner(scan);
  int damaged = 0;
  size_t rows = 0;
  for (model::SeriesId series : {0, 1}) {
    absl::Status status = scanner->Seek(series);
    ScanStep step;
    while (status.ok()) {
      status = scanner->Next(&step);
      if (!status.ok() || step.kind == ScanStep::Kind::kEnd) break;
      rows += step.rows.rows;
    }
    if (status.ok()) continue;
    ++damaged;
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(std::string(status.message()).find("00000001.tsm"), std::string::npos)
        << status.ToString();
  }
  EXPECT_EQ(damaged, 1);
  EXPECT_EQ(rows, 500u);
  EXPECT_EQ(Write("m,t=c v=1 1"), "");
}

// A shard whose manifest cannot be read says so; the others and the log go on.
TEST_F(StoreCrashTest, ADamagedManifestStopsItsShardOnly) {
  Begin();
  ASSERT_EQ(Write("m v=1 1\nm v=2 2000"), "");
  Flush();
  const auto known = router.Known();
  Close();
  ASSERT_TRUE(Ok(env.FlipBits("/data/db-0/shard-1/MANIFEST", 9, 1)));
  EXPECT_EQ(store().Status().last_background_error.code(), absl::StatusCode::kDataLoss);
  const auto other = store().OpenView(0, {known[1]});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(DumpView(**other), "m 2000 v=2\n");
  ScanOptions scan;
  scan.fields = {{View()->Fields("m")[0].field, model::FieldType::kFloat}};
  const auto scanner = View()->NewScanner(scan);
  ASSERT_TRUE(Ok(scanner->Seek(0)));
  ScanStep step;
  EXPECT_EQ(scanner->Next(&step).code(), absl::StatusCode::kDataLoss);
  // What is written meanwhile waits in the log, and nothing of the shard's folder is removed.
  EXPECT_EQ(Write("m v=3 3\nm v=4 2004"), "");
  EXPECT_FALSE(store().Flush(false).ok());
  Close();
  ASSERT_TRUE(Ok(env.FlipBits("/data/db-0/shard-1/MANIFEST", 9, 1)));
  EXPECT_EQ(Read(), "m 1 v=1\nm 3 v=3\nm 2000 v=2\nm 2004 v=4\n");
}

// The index of a shard is derived: it is made again from the files and the log.
TEST_F(StoreCrashTest, ADamagedIndexIsMadeAgain) {
  Begin();
  ASSERT_EQ(Write("m,t=a v=1 1\nm,t=b v=2,s=\"x\" 2"), "");
  Flush();
  ASSERT_EQ(Write("n,t=c v=3i 3"), "");
  const std::string rows = Read();
  const std::string schema = Schema();
  Close();
  const auto files = env.List("/data/db-0/shard-1/index");
  ASSERT_TRUE(files.ok());
  for (const std::string& file : *files) {
    ASSERT_TRUE(Ok(env.FlipBits("/data/db-0/shard-1/index/" + file, 20, 1)));
  }
  EXPECT_EQ(Read(), rows);
  EXPECT_EQ(Schema(), schema);
  Flush();
  Reopen();
  EXPECT_EQ(Read(), rows);
  EXPECT_EQ(Schema(), schema);
  EXPECT_TRUE(Ok(store().Status().last_background_error));
}

}  // namespace
}  // namespace varve::engine
