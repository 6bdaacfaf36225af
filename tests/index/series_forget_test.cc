// Forgetting: what a series table gives back, and what it must keep.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "index/inspect.h"
#include "index/series_segment_builder.h"
#include "index/series_table.h"
#include "tests/index/index_testing.h"
#include "tests/index/table_fixture.h"

namespace varve::index {
namespace {

using base::FaultyEnv;
using model::kNoId;
using model::SeriesId;

SeriesSet Ids(const std::vector<SeriesId>& ids) { return SeriesSet(ids); }

class SeriesForgetTest : public TableFixture {
 protected:
  std::optional<SeriesId> Find(std::string_view key) {
    SeriesRef ref;
    if (!table_->NewLookup()->Find(key, &ref)) return std::nullopt;
    return ref.series;
  }
  SeriesId Register(std::string_view key) { return table_->Register(key, Log())->series; }
  void RegisterHosts(int from, int to) {
    for (int i = from; i < to; ++i) Register(base::StrCat("cpu,host=h", i));
  }
  void Flush() { ASSERT_TRUE(table_->Flush().ok()); }
  uint64_t Forget(const SeriesSet& series) {
    table_->Watch(series);
    return table_->Forget(series);
  }
};

TEST_F(SeriesForgetTest, AForgottenKeyIsUnknownAndComesBackWithAnotherId) {
  RegisterHosts(0, 10);
  Flush();
  EXPECT_EQ(Find("cpu,host=h2"), 2u);  // and is remembered, as what is written again and again
  EXPECT_EQ(Forget(Ids({2, 7})), 2u);
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(Find("cpu,host=h2"));
    EXPECT_EQ(Find("cpu,host=h3"), 3u);
    EXPECT_EQ(KeyOf(2), "");
    EXPECT_EQ(table_->MeasurementOfSeries(7), kNoId);
    EXPECT_EQ(table_->series_count(), 8u);
    Flush();
    Reopen();
  }
  EXPECT_EQ(Register("cpu,host=h2"), 10u);
  EXPECT_EQ(Find("cpu,host=h2"), 10u);
  EXPECT_EQ(KeyOf(10), "cpu,host=h2");
  EXPECT_EQ(table_->series_count(), 9u);
  Flush();
  Reopen();
  EXPECT_EQ(Find("cpu,host=h2"), 10u);
  EXPECT_EQ(KeyOf(2), "");
  EXPECT_EQ(Register("cpu,host=new"), 11u);
}

TEST_F(SeriesForgetTest, OnlyWhatIsWatchedAndNotLookedUpIsForgotten) {
  RegisterHosts(0, 6);
  Register("cpu,host=odd,az=1");
  Flush();
  RegisterHosts(6, 7);  // in no segment: cannot be watched
  const SeriesSet all = Ids({0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(Find("cpu,host=h0"), 0u);
  EXPECT_EQ(table_->Forget(all), 0u);
  EXPECT_EQ(table_->FlushedSeries().end, 7u);
  EXPECT_EQ(table_->FlushedSeries().series, Ids({0, 1, 2, 3, 4, 5, 6}));
  table_->Watch(all);
  EXPECT_EQ(table_->Watched(), Ids({0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Find("cpu,host=h0"), 0u);
  Register("cpu,host=h1");
  const std::vector<std::string_view> keys = {"cpu,host=h2", "cpu,host=none"};
  SeriesRef refs[2];
  table_->NewLookup()->FindMany(keys, refs);
  SeriesRef ref;
  EXPECT_TRUE(table_->NewLookup()->FindCanonical("cpu,host=h3", &ref));
  EXPECT_EQ(Find("cpu,host=odd,az=1"), 6u);  // by a spelling that is remembered
  EXPECT_EQ(table_->Watched(), Ids({4, 5}));
  EXPECT_EQ(table_->Forget(Ids({0, 1, 2, 3, 4, 6})), 1u);
  EXPECT_EQ(table_->Watched(), Ids({5}));
  table_->Watch({});
  EXPECT_EQ(table_->Forget(all), 0u);
  EXPECT_FALSE(Find("cpu,host=h4"));
  EXPECT_EQ(table_->series_count(), 7u);
}

TEST_F(SeriesForgetTest, ASpellingOfAForgottenSeriesMeansTheNewOne) {
  Register("m,b=2,a=1");
  Flush();
  EXPECT_EQ(Find("m,b=2,a=1"), 0u);
  EXPECT_EQ(Forget(Ids({0})), 1u);
  EXPECT_FALSE(Find("m,b=2,a=1"));
  EXPECT_EQ(Register("m,b=2,a=1"), 1u);
  EXPECT_EQ(Find("m,b=2,a=1"), 1u);
  EXPECT_EQ(Find("m,a=1,b=2"), 1u);
}

TEST_F(SeriesForgetTest, AFlushGivesBackTheBytesAndKeepsTheNames) {
  for (int i = 0; i < 5000; ++i) Register(base::StrCat("cpu", i % 3, ",host=", i * 7919));
  ASSERT_TRUE(table_->RegisterField(1, "usage", Log()).ok());
  Flush();
  const uint64_t full = table_->disk_bytes();
  const uint64_t memory = table_->memory_bytes();
  SeriesSet half;
  for (SeriesId id = 0; id < 5000; id += 2) half.Add(id);
  EXPECT_EQ(Forget(half), 2500u);
  Flush();
  EXPECT_LT(table_->disk_bytes(), full * 3 / 4 + 2500 * 8);  // every run has a place
  Reopen();
  EXPECT_EQ(table_->series_count(), 2500u);
  EXPECT_EQ(KeyOf(4999), base::StrCat("cpu1,host=", 4999 * 7919));
  EXPECT_EQ(Find(base::StrCat("cpu1,host=", 4999 * 7919)), 4999u);
  EXPECT_TRUE(VerifyIndex(env_, kFolder).ok());

  EXPECT_EQ(Forget(table_->FlushedSeries().series), 2500u);
  Flush();
  EXPECT_LT(table_->disk_bytes(), 1000u);
  EXPECT_LE(table_->memory_bytes(), memory);
  Reopen();
  EXPECT_EQ(table_->series_count(), 0u);
  EXPECT_EQ(table_->FindMeasurement("cpu2"), 2u);
  EXPECT_EQ(table_->FindField(1, "usage"), 0u);
  EXPECT_EQ(Register("cpu1,host=again"), 5000u);
  Flush();
  Reopen();
  EXPECT_EQ(Find("cpu1,host=again"), 5000u);
}

// Few dead series are a bit each until they are worth writing the others anew.
TEST_F(SeriesForgetTest, AFewDeadSeriesWaitForCompany) {
  RegisterHosts(0, 100);
  Flush();
  const auto files = ReadFolder(env_, kFolder);
  EXPECT_EQ(Forget(Ids({1, 2, 3})), 3u);
  Flush();
  EXPECT_EQ(ReadFolder(env_, kFolder)[0], files[0]) << "the segment is as it was";
  Reopen();
  EXPECT_EQ(table_->series_count(), 97u);
  SeriesSet more;
  more.AddRange(10, 40);
  EXPECT_EQ(Forget(more), 30u);
  Flush();
  EXPECT_NE(ReadFolder(env_, kFolder)[0].first, files[0].first);
  Reopen();
  EXPECT_EQ(table_->series_count(), 67u);
}

TEST_F(SeriesForgetTest, AReaderKeepsTheKeysItBeganWith) {
  RegisterHosts(0, 20);
  Flush();
  RegisterHosts(20, 30);
  const auto reader = table_->NewKeyReader();
  Flush();
  SeriesSet all;
  all.AddRange(0, 30);
  EXPECT_EQ(Forget(all), 30u);
  Flush();
  Register("cpu,host=h3");
  Flush();
  std::string key;
  for (SeriesId id = 0; id < 30; ++id) {
    EXPECT_EQ(reader->KeyOf(id, &key), 0u);
    EXPECT_EQ(key, base::StrCat("cpu,host=h", id));
  }
  const std::vector<SeriesId> some = {25, 3, 29, 19, 20, 0};
  SeriesKeys keys;
  keys.Add(7, "of before");
  reader->KeysOf(some, &keys);
  ASSERT_EQ(keys.size(), some.size());
  for (size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(keys.measurements[i], 0u);
    EXPECT_EQ(keys.key(i), base::StrCat("cpu,host=h", some[i]));
  }
  table_->NewKeyReader()->KeysOf(some, &keys);
  EXPECT_EQ(keys.measurements, std::vector<model::MeasurementId>(some.size(), kNoId));
  EXPECT_EQ(keys.text, "");
}

TEST_F(SeriesForgetTest, ReplayPassesOverDefinitionsOfTheForgotten) {
  for (const bool flushed : {false, true}) {
    SCOPED_TRACE(flushed);
    ASSERT_TRUE(env_.RemoveTree(kFolder).ok());
    log_.clear();
    Reopen();
    RegisterHosts(0, 10);
    Flush();
    SeriesSet most;
    most.AddRange(0, 9);
    EXPECT_EQ(Forget(most), 9u);
    EXPECT_EQ(Register("cpu,host=h4"), 10u);
    if (flushed) Flush();
    Reopen();
    for (int round = 0; round < 2; ++round) {
      for (const std::string& definition : log_) {
        ASSERT_TRUE(table_->ApplyDefinitions(definition).ok());
      }
    }
    EXPECT_EQ(Find("cpu,host=h4"), 10u);
    EXPECT_EQ(KeyOf(4), "");
    EXPECT_EQ(Find("cpu,host=h9"), 9u);
    // What was forgotten and not written down is known again, to be forgotten again.
    EXPECT_EQ(Find("cpu,host=h1"), flushed ? std::nullopt : std::optional<SeriesId>(1));
  }
}

TEST_F(SeriesForgetTest, ReplayRefusesASecondIdOfAKeyThatIsInNoSegment) {
  RegisterHosts(0, 2);
  std::string again = log_[0];
  again[1] = 2;  // the id
  EXPECT_EQ(table_->ApplyDefinitions(again).code(), absl::StatusCode::kDataLoss);
  Flush();
  EXPECT_TRUE(table_->ApplyDefinitions(again).ok());
  EXPECT_EQ(Find("cpu,host=h0"), 2u);
}

TEST_F(SeriesForgetTest, SegmentsOfRunsKnowTheirIds) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto first = static_cast<SeriesId>(random() % 1000);
    SeriesSegmentBuilder builder(first, 0, 0);
    builder.AddMeasurement("cpu");
    std::vector<SeriesId> ids;
    SeriesId id = first;
    for (size_t n = random() % 300; n > 0; --n) {
      if (random() % 4 == 0) id += static_cast<SeriesId>(random() % 1000);
      builder.AddSeries(id, 0, base::StrCat("cpu,host=", id));
      ids.push_back(id++);
    }
    auto file = SectionFile::FromBytes(builder.Finish(), "s", kSeriesSegmentFormats);
    ASSERT_TRUE(file.ok()) << file.status();
    const auto segment = SeriesSegment::Open(*std::move(file));
    ASSERT_TRUE(segment.ok()) << segment.status();
    ASSERT_TRUE((*segment)->Verify().ok());
    ASSERT_EQ((*segment)->series_count(), ids.size());
    EXPECT_EQ((*segment)->first_series(), ids.empty() ? first : ids.front());
    EXPECT_EQ((*segment)->end_series(), ids.empty() ? first : ids.back() + 1);
    const std::set<SeriesId> known(ids.begin(), ids.end());
    std::string key;
    for (uint32_t i = 0; i < ids.size(); ++i) ASSERT_EQ((*segment)->IdAt(i), ids[i]);
    for (SeriesId at = 0; at < id + 5; ++at) {
      uint32_t index;
      ASSERT_EQ((*segment)->IndexOf(at, &index), known.contains(at)) << at;
      ASSERT_EQ((*segment)->KeyOf(at, &key), known.contains(at) ? 0 : kNoId);
      ASSERT_EQ(key, known.contains(at) ? base::StrCat("cpu,host=", at) : "");
      if (known.contains(at)) {
        ASSERT_EQ(ids[index], at);
      }
    }
  }
}

TEST_F(SeriesForgetTest, EveryDamagedByteIsFound) {
  RegisterHosts(0, 60);
  Flush();
  EXPECT_EQ(Forget(Ids({0, 5, 6, 7, 20, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 59})), 16u);
  Flush();
  EXPECT_EQ(Forget(Ids({50, 51})), 2u);
  Flush();
  table_.reset();
  for (const auto& [name, bytes] : ReadFolder(env_, kFolder)) {
    const std::string path = base::JoinPath(kFolder, name);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const uint8_t mask : {0x01, 0x80}) {
        ASSERT_TRUE(env_.FlipBits(path, i, mask).ok());
        EXPECT_EQ(SeriesTable::Open(env_, kFolder).status().code(), absl::StatusCode::kDataLoss)
            << name << " byte " << i;
        ASSERT_TRUE(env_.FlipBits(path, i, mask).ok());
      }
    }
  }
  Reopen();
  EXPECT_EQ(table_->series_count(), 42u);
}

// A model of the table and of the log that makes up for what no flush has saved. Random
// registering, forgetting, flushing and restarting must leave them equal, and no id may ever mean
// two keys.
class Churn {
 public:
  Churn(base::Env& env, uint64_t seed) : env_(env), random_(seed) {}

  absl::Status Open() {
    ASSIGN_OR_RETURN(table_, SeriesTable::Open(env_, kFolder));
    RETURN_IF_ERROR(env_.SyncDir("/"));  // the folder is its owner's to keep
    for (const std::string& definition : log_) {
      RETURN_IF_ERROR(table_->ApplyDefinitions(definition));
    }
    return absl::OkStatus();
  }
  void Close() { table_.reset(); }

  void Register() {
    const std::string key = RandomKey(random_);
    const auto ref = table_->Register(key, [&](std::string definition) {
      log_.push_back(std::move(definition));
      return absl::OkStatus();
    });
    ASSERT_TRUE(ref.ok());
    const auto known = ids_.find(key);
    if (known != ids_.end()) {
      ASSERT_EQ(known->second, ref->series) << key;
      return;
    }
    // A key that was forgotten and not written down may have its old id back after a restart.
    const auto meant = meaning_.try_emplace(ref->series, key).first;
    ASSERT_EQ(meant->second, key) << "id " << ref->series << " means two keys";
    ids_[key] = ref->series;
  }
  void Forget() {
    std::vector<SeriesId> ids;
    for (const auto& [key, id] : ids_) {
      if (random_() % 3 == 0) ids.push_back(id);
    }
    const SeriesSet series(ids);
    table_->Watch(series);
    for (int n = 0; n < 5 && !ids_.empty(); ++n) {
      auto at = ids_.begin();
      std::advance(at, static_cast<ptrdiff_t>(random_() % ids_.size()));
      SeriesRef ref;
      ASSERT_TRUE(table_->NewLookup()->FindCanonical(at->first, &ref)) << at->first;
    }
    if (random_() % 4 == 0) Flush().IgnoreError();
    const SeriesSet dying = table_->Watched();
    ASSERT_TRUE(dying.IsSubsetOf(series));
    ASSERT_EQ(table_->Forget(dying), dying.Count());
    std::erase_if(ids_, [&](const auto& entry) { return dying.Contains(entry.second); });
  }
  absl::Status Flush() { return table_->Flush(); }

  // `whole`: nothing that was forgotten may be there.
  void Check(bool whole) {
    for (const auto& [key, id] : ids_) {
      SeriesRef ref;
      ASSERT_TRUE(table_->NewLookup()->FindCanonical(key, &ref)) << key;
      ASSERT_EQ(ref.series, id) << key;
      std::string bytes;
      ASSERT_EQ(table_->KeyOf(id, &bytes), ref.measurement);
      ASSERT_EQ(bytes, key);
    }
    if (whole) {
      ASSERT_EQ(table_->series_count(), ids_.size());
    }
    // Whatever else is known means what it always meant, and no other id has its key.
    for (const auto& [id, key] : meaning_) {
      std::string bytes;
      if (table_->KeyOf(id, &bytes) == kNoId) continue;
      ASSERT_EQ(bytes, key);
      SeriesRef ref;
      ASSERT_TRUE(table_->NewLookup()->FindCanonical(key, &ref));
      ASSERT_EQ(ref.series, id) << key;
      ids_[key] = id;
    }
    ASSERT_EQ(table_->series_count(), ids_.size());
  }

  std::mt19937_64& random() { return random_; }
  SeriesTable& table() { return *table_; }

 private:
  base::Env& env_;
  std::mt19937_64 random_;
  std::unique_ptr<SeriesTable> table_;
  std::vector<std::string> log_;
  std::map<std::string, SeriesId> ids_;      // that live
  std::map<SeriesId, std::string> meaning_;  // of every id ever given
};

TEST_F(SeriesForgetTest, RandomChurnAgreesWithAModel) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    FaultyEnv env(seed);
    Churn churn(env, seed);
    ASSERT_TRUE(churn.Open().ok());
    for (int step = 0; step < 400; ++step) {
      switch (churn.random()() % 40) {
        case 0:
        case 1:
          churn.Forget();
          break;
        case 2:
        case 3:
          ASSERT_TRUE(churn.Flush().ok());
          break;
        case 4: {
          const bool flush = churn.random()() % 2 == 0;
          if (flush) {
            ASSERT_TRUE(churn.Flush().ok());
          }
          churn.Close();
          const absl::Status opened = churn.Open();
          ASSERT_TRUE(opened.ok()) << opened;
          churn.Check(flush);
          break;
        }
        default:
          churn.Register();
      }
      if (HasFatalFailure()) return;
    }
    churn.Check(true);
    EXPECT_TRUE(VerifyIndex(env, kFolder).ok());
    // A third of what churns is not left lying about: names, runs and the rest take little.
    EXPECT_LE(env.List(kFolder)->size(), 10u);
  }
}

// Every call of the disk fails or is the last one, while series are registered, forgotten, flushed
// and written anew.
TEST_F(SeriesForgetTest, AFlushThatFailsOrDiesAnywhereLosesNothing) {
  using base::FaultKind;
  for (const FaultKind kind :
       {FaultKind::kIoError, FaultKind::kNoSpace, FaultKind::kShortWrite, FaultKind::kCutPower}) {
    bool reached_the_end = false;
    for (uint64_t n = 1; !reached_the_end && n < 300; ++n) {
      SCOPED_TRACE(base::StrCat("fault ", static_cast<int>(kind), " at call ", n));
      FaultyEnv env(n);
      Churn churn(env, /*seed=*/7);
      ASSERT_TRUE(churn.Open().ok());
      env.FailAfter(n, kind);
      bool all_flushed = true;
      for (int step = 0; step < 6; ++step) {
        for (int i = 0; i < 40; ++i) churn.Register();
        all_flushed = churn.Flush().ok() && all_flushed;
        churn.Forget();
        all_flushed = churn.Flush().ok() && all_flushed;
        if (HasFatalFailure()) return;
      }
      reached_the_end = all_flushed && env.last_fault().empty();
      const bool died = kind == FaultKind::kCutPower && !reached_the_end;
      if (!died) {
        env.ClearFaults();
        ASSERT_TRUE(churn.Flush().ok());
        churn.Check(true);
      }
      churn.Close();
      if (died) env.Reboot();
      env.ClearFaults();
      const absl::Status opened = churn.Open();
      ASSERT_TRUE(opened.ok()) << opened;
      churn.Check(!died);
      ASSERT_TRUE(churn.Flush().ok());
      ASSERT_TRUE(VerifyIndex(env, kFolder).ok());
      if (HasFatalFailure()) return;
    }
    EXPECT_TRUE(reached_the_end);
  }
}

TEST_F(SeriesForgetTest, LookupsRunBesideForgetting) {
  RegisterHosts(0, 500);
  Flush();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      while (!stop) {
        const std::string key = base::StrCat("cpu,host=h", random() % 500);
        SeriesRef ref;
        const bool found = table_->NewLookup()->Find(key, &ref);
        if (!found) ref = MustRegister(*table_, key);
        std::string bytes;
        if (table_->KeyOf(ref.series, &bytes) != kNoId) {
          ASSERT_EQ(bytes, key);
        }
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) ASSERT_TRUE(table_->Flush().ok());
  });
  for (int round = 0; round < 60; ++round) {
    table_->Watch(table_->FlushedSeries().series);
    std::this_thread::yield();
    table_->Forget(table_->Watched());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  Flush();
  Reopen();
  std::map<std::string, int> known;
  for (const SeriesId id : table_->FlushedSeries().series.ToVector()) ++known[KeyOf(id)];
  for (const auto& [key, count] : known) EXPECT_EQ(count, 1) << key;
}

}  // namespace
}  // namespace varve::index
