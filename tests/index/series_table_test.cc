#include "index/series_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/index/index_testing.h"
#include "tests/index/table_fixture.h"

namespace varve::index {
namespace {

using base::FaultyEnv;
using model::kNoId;

class SeriesTableTest : public TableFixture {
 protected:
  bool Find(std::string_view key, SeriesRef* ref) { return table_->NewLookup()->Find(key, ref); }
};

TEST_F(SeriesTableTest, GivesDenseIdsInOrderOfRegistration) {
  EXPECT_EQ(MustRegister(*table_, "cpu,host=a").series, 0u);
  EXPECT_EQ(MustRegister(*table_, "mem,host=a").series, 1u);
  const SeriesRef third = MustRegister(*table_, "cpu,host=b");
  EXPECT_EQ(third.series, 2u);
  EXPECT_EQ(third.measurement, 0u);
  EXPECT_EQ(MustRegister(*table_, "mem,host=a").series, 1u);
  EXPECT_EQ(table_->series_count(), 3u);
  EXPECT_EQ(KeyOf(2), "cpu,host=b");
  EXPECT_EQ(table_->MeasurementOfSeries(1), 1u);
  EXPECT_EQ(table_->MeasurementName(1), "mem");
  EXPECT_EQ(table_->FindMeasurement("cpu"), 0u);
  EXPECT_EQ(table_->FindMeasurement("disk"), kNoId);
}

TEST_F(SeriesTableTest, FindsWhatHasBeenRegisteredInAnySpelling) {
  SeriesRef ref;
  EXPECT_FALSE(Find("m,b=2,a=1", &ref));
  const SeriesRef registered = MustRegister(*table_, "m,b=2,a=1");
  ASSERT_TRUE(Find("m,b=2,a=1", &ref));
  EXPECT_EQ(ref.series, registered.series);
  ASSERT_TRUE(Find("m,a=1,b=2", &ref));
  EXPECT_EQ(ref.series, registered.series);
  EXPECT_EQ(KeyOf(ref.series), "m,a=1,b=2");
  // The odd spelling is forgotten with the process, the canonical one is not.
  ASSERT_TRUE(table_->Flush().ok());
  Reopen();
  EXPECT_TRUE(Find("m,a=1,b=2", &ref));
  EXPECT_FALSE(Find("m,b=2,a=1", &ref));
  EXPECT_EQ(MustRegister(*table_, "m,b=2,a=1").series, registered.series);
  EXPECT_EQ(table_->series_count(), 1u);
}

TEST_F(SeriesTableTest, ASpellingMayBeTheCanonicalBytesOfAnotherSeries) {
  const SeriesRef backslash = MustRegister(*table_, "a\\\\\\ b");
  EXPECT_EQ(KeyOf(backslash.series), "a\\\\ b");
  SeriesRef ref;
  EXPECT_FALSE(Find("a\\\\ b", &ref));
  EXPECT_TRUE(table_->NewLookup()->FindCanonical("a\\\\ b", &ref));
  EXPECT_EQ(ref.series, backslash.series);
  const SeriesRef plain = MustRegister(*table_, "a\\\\ b");
  EXPECT_EQ(KeyOf(plain.series), "a\\ b");
  ASSERT_TRUE(Find("a\\\\ b", &ref));
  EXPECT_EQ(ref.series, plain.series);
  ASSERT_TRUE(Find("a\\ b", &ref));
  EXPECT_EQ(ref.series, plain.series);
  ASSERT_TRUE(Find("a\\\\\\ b", &ref));
  EXPECT_EQ(ref.series, backslash.series);
}

TEST_F(SeriesTableTest, BoundsTheSpellingsItRemembers) {
  const std::string tail(60'000, 'x');
  for (int i = 0; i < 1000; ++i) {
    MustRegister(*table_, base::StrCat("m,b=", tail, ",a=", i % 2, ",c=", std::string(i + 1, 'y')));
  }
  SeriesRef ref;
  EXPECT_TRUE(Find(base::StrCat("m,b=", tail, ",a=1,c=", std::string(1000, 'y')), &ref));
  EXPECT_FALSE(Find(base::StrCat("m,b=", tail, ",a=1,c=y"), &ref));
  EXPECT_LT(table_->memory_bytes(), uint64_t{1000} * 61'000 + (36u << 20));
}

TEST_F(SeriesTableTest, RefusesWhatIsNoKeyWithInfluxDbsWords) {
  EXPECT_EQ(base::MessageOf(table_->Register("cpu,host=", IgnoreDefinition).status()),
            "missing tag value");
  EXPECT_EQ(base::MessageOf(
                table_->Register("m,t=" + std::string(65'532, 'a'), IgnoreDefinition).status()),
            "max key length exceeded: 65536 > 65535");
  EXPECT_TRUE(table_->Register("m,t=" + std::string(65'531, 'a'), IgnoreDefinition).ok());
}

TEST_F(SeriesTableTest, AnErrorOfTheSinkUndoesTheRegistration) {
  const auto refuse = [](std::string) { return base::Unavailable("sealed"); };
  EXPECT_EQ(table_->Register("cpu,host=a", refuse).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(table_->series_count(), 0u);
  EXPECT_EQ(table_->FindMeasurement("cpu"), kNoId);
  SeriesRef ref;
  EXPECT_FALSE(Find("cpu,host=a", &ref));
  EXPECT_EQ(MustRegister(*table_, "mem,host=a").measurement, 0u);
  EXPECT_FALSE(table_->RegisterField(0, "f", refuse).ok());
  EXPECT_EQ(table_->FindField(0, "f"), kNoId);
}

TEST_F(SeriesTableTest, ManyAtOnceAreWhatOneByOneGives) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    env_.RemoveTree(kFolder).IgnoreError();
    log_.clear();
    Reopen();
    FaultyEnv other_env;
    const auto other = *SeriesTable::Open(other_env, kFolder);
    for (int round = 0; round < 4; ++round) {
      std::vector<std::string> keys;
      for (int i = 0; i < 60; ++i) {
        keys.push_back(random() % 20 == 0  ? "m,t="
                       : random() % 6 == 0 ? base::StrCat("m,b=", i % 3, ",a=", i % 5)
                                           : RandomKey(random));
      }
      const std::vector<SeriesRef> refs = MustRegisterMany(keys);
      for (size_t i = 0; i < keys.size(); ++i) {
        const std::string& key = keys[i];
        const SeriesRef expected = other->Register(key, IgnoreDefinition).value_or(SeriesRef());
        ASSERT_EQ(refs[i].series, expected.series) << key;
        ASSERT_EQ(refs[i].measurement, expected.measurement) << key;
        SeriesRef ref;
        ASSERT_EQ(Find(key, &ref), expected.series != kNoId) << key;
        ASSERT_EQ(ref.series, expected.series) << key;
      }
      ASSERT_EQ(table_->series_count(), other->series_count());
      if (random() % 2 == 0) {
        ASSERT_TRUE(table_->Flush().ok());
      }
    }
    EXPECT_LE(log_.size(), 4u) << "one record for each call";
    FaultyEnv third_env;
    const auto third = *SeriesTable::Open(third_env, kFolder);
    for (const std::string& definitions : log_) {
      ASSERT_TRUE(third->ApplyDefinitions(definitions).ok());
    }
    ASSERT_EQ(third->series_count(), other->series_count());
    std::string key;
    for (uint32_t i = 0; i < third->series_count(); ++i) {
      other->KeyOf(i, &key);
      EXPECT_EQ(KeyOf(i), key);
    }
  }
}

TEST_F(SeriesTableTest, KeysOfSegmentsAreFoundAgainWithinBounds) {
  constexpr uint32_t kSeries = 60'000;  // more than are remembered
  const auto key_of = [](uint32_t i) {
    return base::StrCat("cpu,host=", std::string(100, 'h'), i);
  };
  std::vector<std::string> keys;
  for (uint32_t i = 0; i < kSeries; ++i) keys.push_back(key_of(i));
  MustRegisterMany(keys);
  ASSERT_TRUE(table_->Flush().ok());
  const uint64_t before = table_->memory_bytes();
  for (int round = 0; round < 3; ++round) {
    for (uint32_t first = 0; first < kSeries; first += 200) {
      const auto lookup = table_->NewLookup();
      SeriesRef ref;
      for (uint32_t i = first; i < first + 200; ++i) {
        ASSERT_TRUE(lookup->Find(keys[i], &ref));
        ASSERT_EQ(ref.series, i);
      }
      ASSERT_FALSE(lookup->Find(keys[first] + "x", &ref));
    }
    EXPECT_GT(table_->memory_bytes(), before);
    EXPECT_LT(table_->memory_bytes(), before + (10u << 20));
  }
}

TEST_F(SeriesTableTest, ManyAreRegisteredInGroupsThatTheLogCanHold) {
  std::vector<std::string> keys;
  for (int i = 0; i < 60; ++i) keys.push_back(base::StrCat("m,t=", std::string(60'000, 'v'), i));
  MustRegisterMany(keys);
  EXPECT_EQ(table_->series_count(), 60u);
  EXPECT_GT(log_.size(), 1u);
  for (const std::string& definitions : log_) EXPECT_LT(definitions.size(), 1'200'000u);
  EXPECT_EQ(KeyOf(59), keys[59]);
}

TEST_F(SeriesTableTest, NoneOfManyIsRegisteredWhenTheSinkRefuses) {
  const std::vector<std::string_view> keys = {"cpu,host=a", "mem"};
  const auto refuse = [](std::string) { return absl::UnavailableError("sealed"); };
  std::vector<SeriesRef> refs;
  EXPECT_EQ(table_->RegisterMany(keys, refuse, &refs).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(table_->series_count(), 0u);
  EXPECT_EQ(table_->FindMeasurement("cpu"), kNoId);
  EXPECT_TRUE(table_->RegisterMany(keys, IgnoreDefinition, &refs).ok());
  EXPECT_EQ(table_->series_count(), 2u);
}

TEST_F(SeriesTableTest, FieldsBelongToAMeasurement) {
  MustRegister(*table_, "cpu");
  MustRegister(*table_, "mem");
  EXPECT_EQ(*table_->RegisterField(0, "value", Log()), 0u);
  EXPECT_EQ(*table_->RegisterField(1, "value", Log()), 1u);
  EXPECT_EQ(*table_->RegisterField(1, std::string(300, 'n'), Log()), 2u);
  EXPECT_EQ(*table_->RegisterField(0, "value", Log()), 0u);
  EXPECT_EQ(log_.size(), 3u);
  ASSERT_TRUE(table_->Flush().ok());
  Reopen();
  EXPECT_EQ(table_->FindField(1, "value"), 1u);
  EXPECT_EQ(table_->FindField(1, std::string(300, 'n')), 2u);
  EXPECT_EQ(table_->FindField(0, "other"), kNoId);
  EXPECT_EQ(table_->FieldName(1), "value");
  EXPECT_EQ(table_->MeasurementOfField(1), 1u);
  EXPECT_EQ(*table_->RegisterField(0, "other", Log()), 3u);
}

TEST_F(SeriesTableTest, ReplayGivesTheSameIdsHoweverOftenItIsDone) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    const auto ref = table_->Register(RandomKey(random), Log());
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(
        table_->RegisterField(ref->measurement, base::StrCat("f", random() % 5), Log()).ok());
  }
  const uint64_t count = table_->series_count();
  std::vector<std::string> keys;
  for (uint32_t i = 0; i < count; ++i) keys.push_back(KeyOf(i));

  Reopen();  // nothing was flushed: the log is all there is
  EXPECT_EQ(table_->series_count(), 0u);
  for (int round = 0; round < 3; ++round) {
    for (const std::string& definition : log_) {
      ASSERT_TRUE(table_->ApplyDefinitions(definition).ok());
    }
    ASSERT_EQ(table_->series_count(), count);
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(KeyOf(i), keys[i]);
    ASSERT_TRUE(table_->Flush().ok());
    if (round == 1) {
      Reopen();
    }
  }
}

TEST_F(SeriesTableTest, ReplayRefusesContradictions) {
  ASSERT_TRUE(table_->Register("cpu,host=a", Log()).ok());
  ASSERT_TRUE(table_->Register("mem,host=a", Log()).ok());
  ASSERT_TRUE(table_->RegisterField(0, "f", Log()).ok());
  ASSERT_TRUE(table_->RegisterField(0, "g", Log()).ok());
  FaultyEnv other_env;
  auto other = *SeriesTable::Open(other_env, kFolder);
  EXPECT_EQ(other->ApplyDefinitions(log_[1]).code(), absl::StatusCode::kDataLoss) << "a gap";
  EXPECT_EQ(other->ApplyDefinitions(log_[2]).code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(other->Register("disk", IgnoreDefinition).ok());
  EXPECT_EQ(other->ApplyDefinitions(log_[0]).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(other->ApplyDefinitions(log_[1]).code(), absl::StatusCode::kOk);
  EXPECT_EQ(other->ApplyDefinitions(log_[3]).code(), absl::StatusCode::kDataLoss);
  for (const std::string& definition : log_) {
    for (size_t n = 0; n < definition.size(); ++n) {
      EXPECT_FALSE(other->ApplyDefinitions(definition.substr(0, n)).ok());
    }
    EXPECT_FALSE(other->ApplyDefinitions(definition + "x").ok());
  }
}

TEST_F(SeriesTableTest, SurvivesFlushesAndReopening) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    env_.RemoveTree(kFolder).IgnoreError();
    Reopen();
    std::map<std::string, SeriesRef> model;
    for (int step = 0; step < 900; ++step) {
      const std::string key = RandomKey(random);
      const SeriesRef ref = MustRegister(*table_, key);
      const auto [at, fresh] = model.try_emplace(key, ref);
      ASSERT_EQ(at->second.series, ref.series) << key;
      if (random() % 40 == 0) {
        ASSERT_TRUE(table_->Flush().ok());
      }
      if (random() % 120 == 0) {
        ASSERT_TRUE(table_->Flush().ok());
        Reopen();
      }
    }
    const auto reader = table_->NewKeyReader();
    std::set<model::SeriesId> ids;
    for (const auto& [key, expected] : model) {
      SeriesRef ref;
      ASSERT_TRUE(Find(key, &ref)) << key;
      ASSERT_EQ(ref.series, expected.series);
      ASSERT_EQ(ref.measurement, expected.measurement);
      std::string bytes;
      ASSERT_EQ(reader->KeyOf(ref.series, &bytes), ref.measurement);
      ASSERT_EQ(bytes, key);
      ASSERT_EQ(table_->MeasurementOfSeries(ref.series), ref.measurement);
      ids.insert(ref.series);
    }
    EXPECT_EQ(ids.size(), model.size());
    EXPECT_EQ(table_->series_count(), model.size());
    SeriesRef ref;
    EXPECT_FALSE(Find("cpu,host=unknown", &ref));

    std::vector<std::string_view> keys;
    for (const auto& [key, expected] : model) {
      keys.push_back(key);
      if (random() % 8 == 0) keys.push_back("cpu,host=unknown");
    }
    std::vector<SeriesRef> refs(keys.size());
    table_->NewLookup()->FindMany(keys, refs.data());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto at = model.find(std::string(keys[i]));
      ASSERT_EQ(refs[i].series, at == model.end() ? kNoId : at->second.series);
    }
  }
}

TEST_F(SeriesTableTest, SegmentsStayFew) {
  for (int i = 0; i < 3000; ++i) {
    MustRegister(*table_, base::StrCat("cpu,host=h", i));
    if (i % 10 == 9) {
      ASSERT_TRUE(table_->Flush().ok());
    }
  }
  EXPECT_LE(env_.List(kFolder)->size(), 9u);
  EXPECT_LT(table_->disk_bytes(), 3000u * 20);
}

TEST_F(SeriesTableTest, EveryDamagedByteIsFoundOrHarmless) {
  for (int i = 0; i < 60; ++i) MustRegister(*table_, base::StrCat("cpu,host=h", i, ",r=eu"));
  MustRegister(*table_, "odd\\ name,a\\,b=" + std::string(30, 'x'));
  ASSERT_TRUE(table_->RegisterField(0, "value", IgnoreDefinition).ok());
  ASSERT_TRUE(table_->Flush().ok());
  table_.reset();
  for (const auto& [name, bytes] : ReadFolder(env_, kFolder)) {
    const std::string path = base::JoinPath(kFolder, name);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const uint8_t mask : {0x01, 0x80}) {
        ASSERT_TRUE(env_.FlipBits(path, i, mask).ok());
        const auto table = SeriesTable::Open(env_, kFolder);
        EXPECT_FALSE(table.ok()) << name << " byte " << i;
        EXPECT_TRUE(table.status().code() == absl::StatusCode::kDataLoss) << table.status();
        ASSERT_TRUE(env_.FlipBits(path, i, mask).ok());
      }
    }
    for (size_t n = 0; n < bytes.size(); n += 1 + n / 8) {
      FaultyEnv cut;
      ASSERT_TRUE(cut.CreateDirs(kFolder).ok());
      for (const auto& [other, content] : ReadFolder(env_, kFolder)) {
        const std::string left = other == name ? content.substr(0, n) : content;
        ASSERT_TRUE(base::WriteFileAtomically(cut, base::JoinPath(kFolder, other), left).ok());
      }
      EXPECT_EQ(SeriesTable::Open(cut, kFolder).status().code(), absl::StatusCode::kDataLoss)
          << name << " cut to " << n;
    }
  }
  Reopen();
}

// Registers, flushes twice, and fails at the n-th call of the disk in every way. The log, which is
// the test's vector, always makes up for what a failed flush did not save.
TEST_F(SeriesTableTest, AFlushThatFailsOrDiesAnywhereLosesNothing) {
  using base::FaultKind;
  for (const FaultKind kind :
       {FaultKind::kIoError, FaultKind::kNoSpace, FaultKind::kShortWrite, FaultKind::kCutPower}) {
    bool reached_the_end = false;
    for (uint64_t n = 1; !reached_the_end && n < 200; ++n) {
      SCOPED_TRACE(base::StrCat("fault ", static_cast<int>(kind), " at call ", n));
      FaultyEnv env(n);
      std::vector<std::string> log;
      const auto sink = [&](std::string definition) {
        log.push_back(std::move(definition));
        return absl::OkStatus();
      };
      auto table = *SeriesTable::Open(env, kFolder);
      const auto add = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
          ASSERT_TRUE(table->Register(base::StrCat("cpu,host=h", i), sink).ok());
        }
      };
      add(0, 40);
      ASSERT_TRUE(table->Flush().ok());
      env.FailAfter(n, kind);
      add(40, 60);
      const bool first = table->Flush().ok();
      add(60, 70);
      const bool second = table->Flush().ok();
      reached_the_end = first && second && env.last_fault().empty();
      if (kind == FaultKind::kCutPower && !reached_the_end) {
        table.reset();
        env.Reboot();
      } else {
        env.ClearFaults();
        for (int i = 0; i < 70; ++i) {
          SeriesRef ref;
          ASSERT_TRUE(table->NewLookup()->Find(base::StrCat("cpu,host=h", i), &ref)) << i;
        }
        ASSERT_TRUE(table->Flush().ok());
        table.reset();
      }
      auto reopened = SeriesTable::Open(env, kFolder);
      ASSERT_TRUE(reopened.ok()) << reopened.status();
      for (const std::string& definition : log) {
        ASSERT_TRUE((*reopened)->ApplyDefinitions(definition).ok());
      }
      EXPECT_EQ((*reopened)->series_count(), 70u);
      for (int i = 0; i < 70; ++i) {
        SeriesRef ref;
        ASSERT_TRUE((*reopened)->NewLookup()->Find(base::StrCat("cpu,host=h", i), &ref));
        ASSERT_EQ(ref.series, static_cast<uint32_t>(i));
      }
      ASSERT_TRUE((*reopened)->Flush().ok());
    }
    EXPECT_TRUE(reached_the_end);
  }
}

TEST_F(SeriesTableTest, LookupsRunBesideRegistrationsAndFlushes) {
  constexpr int kSeries = 2000;
  std::atomic<bool> stop{false};
  std::atomic<uint32_t> registered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      std::string key;
      while (!stop) {
        const uint32_t known = registered.load();
        {
          const auto lookup = table_->NewLookup();
          for (int i = 0; i < 20 && known > 0; ++i) {
            const auto id = static_cast<uint32_t>(random() % known);
            SeriesRef ref;
            ASSERT_TRUE(lookup->Find(base::StrCat("cpu,host=h", id), &ref));
            ASSERT_EQ(ref.series, id);
            ASSERT_TRUE(lookup->Find(base::StrCat("cpu,host=h", id), &ref));
          }
          ASSERT_EQ(table_->FindMeasurement("mem"), kNoId);
        }
        if (known == 0) continue;
        const auto id = static_cast<uint32_t>(random() % known);
        table_->KeyOf(id, &key);
        ASSERT_EQ(key, base::StrCat("cpu,host=h", id));
        table_->NewKeyReader()->KeyOf(id, &key);
        ASSERT_EQ(key, base::StrCat("cpu,host=h", id));
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) ASSERT_TRUE(table_->Flush().ok());
  });
  for (int i = 0; i < kSeries; ++i) {
    ASSERT_EQ(MustRegister(*table_, base::StrCat("cpu,host=h", i)).series,
              static_cast<uint32_t>(i));
    registered = static_cast<uint32_t>(i) + 1;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace varve::index
