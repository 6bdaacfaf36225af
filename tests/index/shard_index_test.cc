#include "index/shard_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "index/inspect.h"
#include "tests/index/index_testing.h"

namespace varve::index {
namespace {

using base::FaultyEnv;
using model::FieldType;
using model::MeasurementId;
using model::SeriesId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kTableFolder[] = "/db";
constexpr char kFolder[] = "/db/shard";

// What an index must answer, computed the slow way from decoded keys.
class Oracle {
 public:
  explicit Oracle(const SeriesTable& table) : table_(&table) {}
  std::set<SeriesId> series;

  const model::SeriesKey& Key(SeriesId id) const {
    auto [at, fresh] = keys_.try_emplace(id);
    if (fresh) {
      std::string bytes;
      table_->KeyOf(id, &bytes);
      at->second = model::DecodeSeriesKey(bytes);
    }
    return at->second;
  }
  std::string Tag(SeriesId id, std::string_view key) const {
    for (const model::Tag& tag : Key(id).tags) {
      if (tag.key == key) return tag.value;
    }
    return "";
  }
  bool Holds(SeriesId id, const TagPredicate& p) const {
    using Kind = TagPredicate::Kind;
    const auto holds = [&](const TagPredicate& child) { return Holds(id, child); };
    switch (p.kind) {
      case Kind::kAll:
        return true;
      case Kind::kNone:
        return false;
      case Kind::kAnd:
        return std::all_of(p.children.begin(), p.children.end(), holds);
      case Kind::kOr:
        return std::any_of(p.children.begin(), p.children.end(), holds);
      case Kind::kEqual:
        return Tag(id, p.key) == p.value;
      case Kind::kNotEqual:
        return Tag(id, p.key) != p.value;
      case Kind::kMatch:
        return p.regex->Matches(Tag(id, p.key));
      case Kind::kNotMatch:
        return !p.regex->Matches(Tag(id, p.key));
      case Kind::kOneOf:
        return std::ranges::count(*p.values, Tag(id, p.key)) > 0;
      case Kind::kNoneOf:
        return std::ranges::count(*p.values, Tag(id, p.key)) == 0;
    }
    return false;
  }
  std::vector<SeriesId> Of(MeasurementId measurement, const TagPredicate& predicate) const {
    std::vector<SeriesId> ids;
    for (const SeriesId id : series) {
      if (table_->MeasurementOfSeries(id) == measurement && Holds(id, predicate)) ids.push_back(id);
    }
    return ids;
  }
  std::map<std::string, std::vector<SeriesId>> Values(MeasurementId measurement,
                                                      std::string_view key) const {
    std::map<std::string, std::vector<SeriesId>> values;
    for (const SeriesId id : Of(measurement, TagPredicate::All())) {
      if (const std::string value = Tag(id, key); !value.empty()) values[value].push_back(id);
    }
    return values;
  }
  std::set<std::string> TagKeys(MeasurementId measurement) const {
    std::set<std::string> keys;
    for (const SeriesId id : Of(measurement, TagPredicate::All())) {
      for (const model::Tag& tag : Key(id).tags) keys.insert(tag.key);
    }
    return keys;
  }

 private:
  const SeriesTable* table_;
  mutable std::map<SeriesId, model::SeriesKey> keys_;
};

const std::vector<std::string> kTagKeys = {"host", "region", "a b", "k=", "z\\y", "absent"};

TagPredicate RandomPredicate(std::mt19937_64& random, int depth) {
  using Kind = TagPredicate::Kind;
  static const std::vector<std::string> kValues = {"", "v", "host_7", "eu,west=1 a", "001.x2"};
  static const std::vector<std::string> kPatterns = {
      "host_1", "^$", "", ".", "^(v|host_3)$", "^(v|)$", "[0-9]+$", "^v$", "x[12]$"};
  const uint64_t roll = random() % (depth > 0 ? 9 : 7);
  const std::string& key = kTagKeys[random() % kTagKeys.size()];
  if (roll == 0) return random() % 2 == 0 ? TagPredicate::All() : TagPredicate::None();
  if (roll < 3) {
    return TagPredicate::Compare(random() % 2 == 0 ? Kind::kEqual : Kind::kNotEqual, key,
                                 kValues[random() % kValues.size()]);
  }
  if (roll < 6) {
    return TagPredicate::Regex(random() % 2 == 0 ? Kind::kMatch : Kind::kNotMatch, key,
                               *TagRegex::Compile(kPatterns[random() % kPatterns.size()]));
  }
  if (roll == 6) {
    std::vector<std::string> list;
    for (const std::string& value : kValues) {
      if (random() % 2 == 0) list.push_back(value);
    }
    return TagPredicate::List(random() % 2 == 0 ? Kind::kOneOf : Kind::kNoneOf, key,
                              std::make_shared<const std::vector<std::string>>(std::move(list)));
  }
  std::vector<TagPredicate> children;
  for (uint64_t n = 1 + random() % 3; n > 0; --n) {
    children.push_back(RandomPredicate(random, depth - 1));
  }
  return roll == 7 ? TagPredicate::And(std::move(children)) : TagPredicate::Or(std::move(children));
}

void ExpectAgrees(const ShardIndexView& view, const SeriesTable& table, const Oracle& oracle,
                  std::mt19937_64& random) {
  ASSERT_EQ(view.AllSeries().ToVector(),
            std::vector<SeriesId>(oracle.series.begin(), oracle.series.end()));
  std::set<MeasurementId> measurements;
  for (const SeriesId id : oracle.series) measurements.insert(table.MeasurementOfSeries(id));
  auto listed = view.Measurements();
  std::sort(listed.begin(), listed.end());
  ASSERT_EQ(listed, std::vector<MeasurementId>(measurements.begin(), measurements.end()));
  for (MeasurementId m = 0; m < 6; ++m) {
    ASSERT_EQ(view.HasMeasurement(m), measurements.contains(m));
    ASSERT_EQ(view.Series(m).ToVector(), oracle.Of(m, TagPredicate::All()));
    const auto keys = oracle.TagKeys(m);
    ASSERT_EQ(view.TagKeys(m), std::vector<std::string>(keys.begin(), keys.end()));
    for (const std::string& key : kTagKeys) {
      std::map<std::string, std::vector<SeriesId>> values;
      std::string last;
      for (const auto& [value, series] : view.TagValues(m, key)) {
        ASSERT_LT(last, value);
        last = value;
        values[value] = series.ToVector();
      }
      ASSERT_EQ(values, oracle.Values(m, key)) << "measurement " << m << " tag " << key;
    }
    for (int i = 0; i < 8; ++i) {
      const TagPredicate predicate = RandomPredicate(random, 2);
      ASSERT_EQ(view.Match(m, predicate).ToVector(), oracle.Of(m, predicate));
    }
  }
}

class ShardIndexTest : public ::testing::Test {
 protected:
  ShardIndexTest() {
    table_ = *SeriesTable::Open(env_, kTableFolder);
    Reopen();
  }
  void Reopen() {
    index_.reset();
    auto index = ShardIndex::Open(env_, kFolder, *table_);
    ASSERT_TRUE(index.ok()) << index.status();
    index_ = std::move(*index);
  }
  SeriesId Add(std::string_view key) {
    const SeriesId id = MustRegister(*table_, key).series;
    index_->AddSeries(id);
    return id;
  }
  model::FieldId Field(MeasurementId measurement, std::string_view name) {
    return *table_->RegisterField(measurement, name, IgnoreDefinition);
  }

  FaultyEnv env_;
  std::unique_ptr<SeriesTable> table_;
  std::unique_ptr<ShardIndex> index_;
};

TEST_F(ShardIndexTest, AnswersAsABruteForceModelDoes) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    env_.RemoveTree(kFolder).IgnoreError();
    Reopen();
    Oracle oracle(*table_);
    std::shared_ptr<const ShardIndexView> old_view = index_->View();
    Oracle old_oracle = oracle;
    for (int step = 0; step < 500; ++step) {
      const uint64_t roll = random() % 100;
      if (roll < 80) {
        oracle.series.insert(Add(RandomKey(random)));
      } else if (roll < 90) {
        std::vector<SeriesId> gone;
        for (const SeriesId id : oracle.series) {
          if (random() % (roll == 80 ? 2 : 20) == 0) gone.push_back(id);
        }
        for (const SeriesId id : gone) oracle.series.erase(id);
        index_->RemoveSeries(SeriesSet(gone), random() % 2 == 0);
      } else if (roll < 96) {
        ASSERT_TRUE(index_->Flush().ok());
        if (roll == 90) {
          ASSERT_TRUE(VerifyIndex(env_, kFolder).ok());
          Reopen();
        }
      } else {
        ExpectAgrees(*index_->View(), *table_, oracle, random);
        ExpectAgrees(*old_view, *table_, old_oracle, random);
        if (HasFatalFailure()) return;
        old_view = index_->View();
        old_oracle = oracle;
      }
      ASSERT_EQ(index_->series_count(), oracle.series.size());
    }
    ASSERT_TRUE(index_->Flush().ok());
    Reopen();
    ExpectAgrees(*index_->View(), *table_, oracle, random);
    for (SeriesId id = 0; id < table_->series_count(); ++id) {
      ASSERT_EQ(index_->Contains(id), oracle.series.contains(id));
    }
  }
}

TEST_F(ShardIndexTest, ValuesOfManySeriesBecomeBitmaps) {
  Oracle oracle(*table_);
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    oracle.series.insert(
        Add(base::StrCat("cpu,host=host_", i / 7, ",region=r", i % 3, ",cpu=", i % 7)));
  }
  for (int round = 0; round < 2; ++round) {
    const auto view = index_->View();
    for (const char* key : {"host", "region", "cpu"}) {
      std::map<std::string, std::vector<SeriesId>> values;
      for (const auto& [value, series] : view->TagValues(0, key)) values[value] = series.ToVector();
      EXPECT_EQ(values, oracle.Values(0, key));
    }
    const auto both = TagPredicate::And(
        {TagPredicate::Compare(TagPredicate::Kind::kEqual, "region", "r1"),
         TagPredicate::Regex(TagPredicate::Kind::kMatch, "host", *TagRegex::Compile("_1.$"))});
    EXPECT_EQ(view->Match(0, both).ToVector(), oracle.Of(0, both));
    ASSERT_TRUE(index_->Flush().ok());
    Reopen();
  }
  EXPECT_TRUE(VerifyIndex(env_, kFolder).ok());
}

TEST_F(ShardIndexTest, SegmentsStayFew) {
  for (int i = 0; i < 2000; ++i) {
    Add(base::StrCat("cpu,host=h", i));
    if (i % 10 == 9) {
      ASSERT_TRUE(index_->Flush().ok());
    }
  }
  EXPECT_LE(env_.List(kFolder)->size(), 9u);
}

TEST_F(ShardIndexTest, AFlushWithoutChangeWritesNothing) {
  Add("cpu,host=a");
  index_->AddField(Field(0, "v"), FieldType::kFloat);
  ASSERT_TRUE(index_->Flush().ok());
  const uint64_t calls = env_.calls();
  ASSERT_TRUE(index_->Flush().ok());
  index_->AddSeries(0);
  index_->AddField(0, FieldType::kFloat);
  ASSERT_TRUE(index_->Flush().ok());
  EXPECT_EQ(env_.calls(), calls);
}

TEST_F(ShardIndexTest, AFieldHasOneTypeFromItsReservationOn) {
  Add("cpu,host=a");
  const model::FieldId field = Field(0, "v");
  EXPECT_EQ(index_->ReserveField(field, FieldType::kFloat), FieldType::kFloat);
  EXPECT_EQ(index_->ReserveField(field, FieldType::kInteger), FieldType::kFloat);
  EXPECT_THAT(index_->View()->Fields(0), IsEmpty());
  index_->AddField(field, FieldType::kFloat);
  const auto fields = index_->View()->Fields(0);
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields[0].name, "v");
  EXPECT_EQ(fields[0].type, FieldType::kFloat);
  ASSERT_TRUE(index_->Flush().ok());
  Reopen();
  EXPECT_EQ(index_->ReserveField(field, FieldType::kString), FieldType::kFloat);
  EXPECT_EQ(index_->View()->Fields(0).size(), 1u);
}

TEST_F(ShardIndexTest, FieldsAreListedByName) {
  Add("cpu");
  for (const char* name : {"b", "a", "c"}) index_->AddField(Field(0, name), FieldType::kBoolean);
  std::vector<std::string> names;
  for (const FieldInfo& info : index_->View()->Fields(0)) names.push_back(info.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

TEST_F(ShardIndexTest, DroppingTheLastSeriesFreesTheTypesOfItsFields) {
  const SeriesId a = Add("cpu,host=a");
  const SeriesId b = Add("cpu,host=b");
  const SeriesId other = Add("mem,host=a");
  const model::FieldId visible = Field(0, "v");
  const model::FieldId reserved = Field(0, "w");
  const model::FieldId kept = Field(1, "v");
  index_->AddField(visible, FieldType::kFloat);
  index_->AddField(kept, FieldType::kFloat);
  EXPECT_EQ(index_->ReserveField(reserved, FieldType::kFloat), FieldType::kFloat);

  index_->RemoveSeries(SeriesSet(std::vector{a}), true);
  EXPECT_EQ(index_->ReserveField(visible, FieldType::kString), FieldType::kFloat);
  index_->RemoveSeries(SeriesSet(std::vector{b}), false);
  EXPECT_FALSE(index_->View()->HasMeasurement(0));
  EXPECT_EQ(index_->ReserveField(visible, FieldType::kString), FieldType::kFloat);
  index_->RemoveSeries(SeriesSet(std::vector{a, b}), true);
  EXPECT_THAT(index_->View()->Fields(0), IsEmpty());
  EXPECT_EQ(index_->ReserveField(visible, FieldType::kString), FieldType::kString);
  EXPECT_EQ(index_->ReserveField(reserved, FieldType::kString), FieldType::kString);
  EXPECT_EQ(index_->ReserveField(kept, FieldType::kString), FieldType::kFloat);

  index_->AddSeries(a);
  index_->AddField(visible, FieldType::kString);
  ASSERT_TRUE(index_->Flush().ok());
  Reopen();
  EXPECT_EQ(index_->View()->AllSeries().ToVector(), (std::vector<SeriesId>{a, other}));
  EXPECT_EQ(index_->View()->Fields(0)[0].type, FieldType::kString);
}

TEST_F(ShardIndexTest, AViewOutlivesTheIndex) {
  const SeriesId a = Add("cpu,host=a");
  ASSERT_TRUE(index_->Flush().ok());
  Add("cpu,host=b");
  const auto view = index_->View();
  Add("cpu,host=c");
  index_->RemoveSeries(SeriesSet(std::vector{a}), true);
  ASSERT_TRUE(index_->Flush().ok());
  index_.reset();
  const auto values = view->TagValues(0, "host");
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].first, "a");
  EXPECT_EQ(values[1].first, "b");
}

TEST_F(ShardIndexTest, EveryDamagedByteIsFound) {
  for (int i = 0; i < 120; ++i) Add(base::StrCat("cpu,host=h", i, ",r=", i % 2));
  for (int i = 0; i < 4; ++i) Add(base::StrCat("mem,host=h", i, ",r=", i % 2));
  index_->AddField(Field(0, "v"), FieldType::kFloat);
  index_->RemoveSeries(SeriesSet(std::vector<SeriesId>{3, 4, 9}), true);
  ASSERT_TRUE(index_->Flush().ok());
  index_->RemoveSeries(SeriesSet(std::vector<SeriesId>{13, 14, 19}), true);
  ASSERT_TRUE(index_->Flush().ok());
  index_.reset();
  for (const auto& [name, bytes] : ReadFolder(env_, kFolder)) {
    const std::string path = base::JoinPath(kFolder, name);
    for (size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_TRUE(env_.FlipBits(path, i, 0x10).ok());
      EXPECT_EQ(ShardIndex::Open(env_, kFolder, *table_).status().code(),
                absl::StatusCode::kDataLoss)
          << name << " byte " << i;
      ASSERT_TRUE(env_.FlipBits(path, i, 0x10).ok());
    }
  }
  Reopen();
  EXPECT_EQ(index_->series_count(), 118u);
}

// Operations go on whatever a flush reports; afterwards replaying all of them on what the disk
// holds must give the same state.
TEST_F(ShardIndexTest, AFlushThatFailsOrDiesAnywhereLosesNothing) {
  using base::FaultKind;
  for (const FaultKind kind : {FaultKind::kIoError, FaultKind::kShortWrite, FaultKind::kCutPower}) {
    bool reached_the_end = false;
    for (uint64_t n = 1; !reached_the_end && n < 200; ++n) {
      SCOPED_TRACE(base::StrCat("fault ", static_cast<int>(kind), " at call ", n));
      FaultyEnv env(n);
      for (int i = 0; i < 60; ++i) MustRegister(*table_, base::StrCat("cpu,host=h", i));
      const model::FieldId field = Field(0, "v");
      auto index = *ShardIndex::Open(env, kFolder, *table_);
      const auto first_half = [&](ShardIndex& to) {
        for (SeriesId i = 0; i < 40; ++i) to.AddSeries(i);
        to.AddField(field, FieldType::kFloat);
      };
      const auto second_half = [&](ShardIndex& to) {
        to.RemoveSeries(SeriesSet(std::vector<SeriesId>{1, 2, 3, 50}), true);
        for (SeriesId i = 40; i < 60; ++i) to.AddSeries(i);
        to.AddSeries(2);
      };
      first_half(*index);
      env.FailAfter(n, kind);
      const bool first = index->Flush().ok();
      second_half(*index);
      const bool second = index->Flush().ok();
      reached_the_end = first && second && env.last_fault().empty();
      std::vector<SeriesId> expected;
      for (SeriesId i = 0; i < 60; ++i) {
        if (i != 1 && i != 3) expected.push_back(i);
      }
      EXPECT_EQ(index->View()->Match(0, TagPredicate::All()).ToVector(), expected);
      if (kind == FaultKind::kCutPower && !reached_the_end) {
        index.reset();
        env.Reboot();
      } else {
        env.ClearFaults();
        ASSERT_TRUE(index->Flush().ok());
        index.reset();
      }
      auto reopened = ShardIndex::Open(env, kFolder, *table_);
      ASSERT_TRUE(reopened.ok()) << reopened.status();
      first_half(**reopened);
      second_half(**reopened);
      EXPECT_EQ((*reopened)->View()->Match(0, TagPredicate::All()).ToVector(), expected);
      EXPECT_EQ((*reopened)->View()->TagValues(0, "host").size(), expected.size());
      EXPECT_EQ((*reopened)->View()->Fields(0).size(), 1u);
      ASSERT_TRUE((*reopened)->Flush().ok());
      ASSERT_TRUE(VerifyIndex(env, kFolder).ok());
    }
    EXPECT_TRUE(reached_the_end);
  }
}

TEST_F(ShardIndexTest, ViewsAndFlushesRunBesideTheApplyingThread) {
  constexpr SeriesId kSeries = 3000;
  for (SeriesId i = 0; i < kSeries; ++i) {
    MustRegister(*table_, base::StrCat("cpu,host=h", i, ",r=", i % 3));
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto view = index_->View();
        const auto all = view->AllSeries();
        SeriesSet sum;
        for (const auto& [value, series] : view->TagValues(0, "r")) sum |= series;
        ASSERT_TRUE(sum == all);
        ASSERT_TRUE(
            view->Match(0, TagPredicate::Compare(TagPredicate::Kind::kNotEqual, "r", "9")) == all);
        index_->Contains(5);
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) ASSERT_TRUE(index_->Flush().ok());
  });
  for (SeriesId i = 0; i < kSeries; ++i) {
    index_->AddSeries(i);
    if (i % 50 == 49) {
      index_->RemoveSeries(SeriesSet(std::vector<SeriesId>{i - 1, i - 2}), true);
      index_->AddSeries(i - 2);
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(index_->series_count(), kSeries - kSeries / 50);
  EXPECT_EQ(index_->View()->Match(0, TagPredicate::All()).Count(), kSeries - kSeries / 50);
}

}  // namespace
}  // namespace varve::index
