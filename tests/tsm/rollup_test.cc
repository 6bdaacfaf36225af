#include "tsm/rollup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

#include "base/faulty_env.h"
#include "base/strings.h"
#include "tests/tsm/tsm_testing.h"
#include "tsm/rollup_format.h"

namespace varve::tsm {
namespace {

using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;
using testing::Data;
using testing::Rows;
using testing::Value;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

const std::string kGolden = VARVE_SOURCE_DIR "/tests/golden/rollup_v1";

double NumberOf(const Value& value) {
  switch (value.type) {
    case FieldType::kFloat:
      return std::bit_cast<double>(value.bits);
    case FieldType::kInteger:
      return static_cast<double>(static_cast<int64_t>(value.bits));
    default:
      return static_cast<double>(value.bits);
  }
}

// What a plain loop over the rows of an hour says of a field.
struct Expected {
  uint64_t count = 0;
  Value first, last, min, max;
  int64_t first_time = 0, last_time = 0;
  double float_sum = 0;
  uint64_t word_sum = 0;
};
using Hours = std::map<int64_t, std::map<model::FieldId, Expected>>;

int64_t FloorHour(int64_t time) {
  const int64_t hour = time / kHour - (time % kHour < 0 ? 1 : 0);
  return hour * kHour;
}

Hours HoursOf(const Rows& rows) {
  Hours hours;
  for (const auto& [time, row] : rows) {
    for (const auto& [field, value] : row) {
      Expected& e = hours[FloorHour(time)][field];
      const bool nan = value.type == FieldType::kFloat && std::isnan(NumberOf(value));
      const bool only_nan =
          e.count > 0 && e.min.type == FieldType::kFloat && std::isnan(NumberOf(e.min));
      if (e.count == 0) {
        e.first = value;
        e.first_time = time;
      }
      if (e.count == 0 || (only_nan && !nan)) e.min = e.max = value;
      if (!nan && NumberOf(value) < NumberOf(e.min)) e.min = value;
      if (!nan && NumberOf(value) > NumberOf(e.max)) e.max = value;
      e.last = value;
      e.last_time = time;
      e.float_sum += NumberOf(value);
      e.word_sum += value.bits;
      ++e.count;
    }
  }
  return hours;
}

void ExpectNumbers(const FieldStatistics& found, const Expected& e) {
  EXPECT_EQ(Value::Of(found.first), e.first);
  EXPECT_EQ(Value::Of(found.last), e.last);
  EXPECT_EQ(Value::Of(found.min), e.min);
  EXPECT_EQ(Value::Of(found.max), e.max);
  if (e.first.type != FieldType::kFloat) {
    EXPECT_EQ(Value::Of(found.sum).bits, e.word_sum);
  } else if (std::isfinite(e.float_sum)) {
    EXPECT_NEAR(found.sum.as_float(), e.float_sum, 1e-9 * (1 + std::abs(e.float_sum)));
  } else {
    EXPECT_FALSE(std::isfinite(found.sum.as_float()));
  }
}

class RollupTest : public ::testing::Test {
 protected:
  RollupTest() { EXPECT_TRUE(env_.CreateDirs("/shard").ok()); }

  void WriteFile(const Data& data, WriterOptions options = {}) {
    auto info = testing::WriteData(env_, "/shard", "00000001.tsm", data, options);
    ASSERT_TRUE(info.ok()) << info.status();
    auto file = FileReader::Open(env_, "/shard", *info);
    ASSERT_TRUE(file.ok()) << file.status();
    file_ = *file;
  }
  void Build(uint64_t rows_per_hour_min = 1) {
    RollupOptions options;
    options.rows_per_hour_min = rows_per_hour_min;
    const absl::Status status = BuildRollup(env_, "/shard", *file_, options);
    ASSERT_TRUE(status.ok()) << status;
    auto rollup = RollupReader::Open(env_, "/shard", *file_);
    ASSERT_TRUE(rollup.ok()) << rollup.status();
    rollup_ = *rollup;
    EXPECT_TRUE(rollup_->Verify().ok());
  }
  bool Has(model::SeriesId series) {
    const auto found = rollup_->NewCursor()->Seek(series);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found;
  }

  // Numbers and counts of each hour are those of a plain loop over the rows.
  void ExpectHours(RollupReader::Cursor& cursor, const Rows& rows) {
    const Hours expected = HoursOf(rows);
    ASSERT_EQ(cursor.hours().size(), expected.size());
    size_t at = 0;
    for (const auto& [hour, fields] : expected) {
      EXPECT_EQ(cursor.hours()[at], hour);
      for (model::FieldId field = 0; field < 8; ++field) {
        const RollupColumn* column = cursor.Find(field);
        const auto found = fields.find(field);
        if (found == fields.end()) {
          EXPECT_TRUE(column == nullptr || column->spans[at].count == 0);
          continue;
        }
        ASSERT_NE(column, nullptr);
        const FieldStatistics& s = column->spans[at];
        SCOPED_TRACE(base::StrCat("hour ", hour, " field ", field));
        EXPECT_EQ(s.count, found->second.count);
        EXPECT_EQ(s.first_time, found->second.first_time);
        EXPECT_EQ(s.last_time, found->second.last_time);
        if (!s.min.is_null()) ExpectNumbers(s, found->second);
        const bool is_number =
            column->type != FieldType::kBoolean && column->type != FieldType::kString;
        EXPECT_EQ(!s.min.is_null(), is_number);
      }
      ++at;
    }
  }

  base::FaultyEnv env_;
  std::shared_ptr<FileReader> file_;
  std::shared_ptr<RollupReader> rollup_;
};

// `hours` hours from `start` on with a reading every `step`.
Rows Steady(int64_t start, int64_t hours, int64_t step) {
  Rows rows;
  for (int64_t t = start; t < start + hours * kHour; t += step) {
    const double value = static_cast<double>((t / step * 7919) % 4000) / 100;
    rows[t][3] = Value::Of(FieldValue::Float(value));
  }
  return rows;
}

TEST_F(RollupTest, HoursOfRandomSeriesAreThoseOfAPlainLoop) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(base::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    Data data;
    for (model::SeriesId series : {2u, 3u, 90u}) {
      std::map<model::FieldId, testing::ValueSource> sources;
      for (const auto& [field, type] : testing::Types{{0, FieldType::kFloat},
                                                      {1, FieldType::kInteger},
                                                      {2, FieldType::kUnsigned},
                                                      {4, FieldType::kBoolean},
                                                      {5, FieldType::kString},
                                                      {7, FieldType::kFloat}}) {
        sources.emplace(field, testing::ValueSource(random, type));
      }
      // Before 1970 too, with gaps of many hours.
      int64_t time = -40 * kHour + static_cast<int64_t>(random() % kHour);
      for (int row = 0; row < 3000; ++row) {
        for (auto& [field, source] : sources) {
          const Value value = source.Next();
          if (value.type != FieldType::kNone) data[series][time][field] = value;
        }
        time += 1 + static_cast<int64_t>(random() % (200 * kSecond));
        if (random() % 500 == 0) time += 30 * kHour;
      }
    }
    data = testing::Compact(data);
    WriteFile(data, {.cold = seed % 2 == 0});
    Build();
    const auto cursor = rollup_->NewCursor();
    for (const auto& [series, rows] : data) {
      const auto found = cursor->Seek(series);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_TRUE(*found);
      ExpectHours(*cursor, rows);
    }
    EXPECT_FALSE(Has(1));
    EXPECT_FALSE(Has(4));
    EXPECT_FALSE(Has(91));
  }
}

TEST_F(RollupTest, OnlySelectedFieldsAreDecoded) {
  Data data;
  for (auto& [time, row] : data[1] = Steady(0, 30, 60 * kSecond)) {
    row[6] = Value::Of(FieldValue::Integer(time / kSecond));
  }
  WriteFile(data);
  Build();
  const auto cursor = rollup_->NewCursor();
  const model::FieldId wanted[] = {6};
  cursor->SelectFields(wanted);
  ASSERT_TRUE(*cursor->Seek(1));
  EXPECT_EQ(cursor->Find(3), nullptr);
  ASSERT_NE(cursor->Find(6), nullptr);
  EXPECT_EQ(cursor->Find(6)->spans[29].last, FieldValue::Integer(30 * 3600 - 60));
}

TEST_F(RollupTest, SparseSeriesAndThoseWithinHoursAreLeftOut) {
  Data data;
  data[1] = Steady(0, 40, 60 * kSecond);    // 60 rows an hour
  data[2] = Steady(0, 40, 600 * kSecond);   // 6
  data[3] = Steady(0, 1, 10 * kSecond);     // one hour: the statistics of its chunk are those
  data[4] = Steady(kDay, 2, 10 * kSecond);  // many, in two hours
  WriteFile(data);
  Build(/*rows_per_hour_min=*/32);
  EXPECT_TRUE(Has(1));
  EXPECT_FALSE(Has(2));
  EXPECT_FALSE(Has(3));
  EXPECT_TRUE(Has(4));
}

TEST_F(RollupTest, ARollupWithoutSeriesIsWhole) {
  WriteFile({{9, Steady(0, 1, 60 * kSecond)}});
  Build();
  EXPECT_FALSE(Has(9));
}

TEST_F(RollupTest, SteadyDecimalsTakeFewBytes) {
  Data data;
  for (model::SeriesId series = 1; series <= 5; ++series)
    data[series] = Steady(0, 168, 10 * kSecond);
  WriteFile(data, {.cold = true});
  Build();
  EXPECT_LT(rollup_->bytes(), file_->info().bytes / 10);
}

TEST_F(RollupTest, TheRollupOfAnotherFileIsRefused) {
  WriteFile({{1, Steady(0, 30, 60 * kSecond)}});
  Build();
  WriteFile({{1, Steady(0, 30, 61 * kSecond)}});
  EXPECT_EQ(RollupReader::Open(env_, "/shard", *file_).status().code(),
            absl::StatusCode::kDataLoss);
  ASSERT_TRUE(env_.RemoveFile("/shard/00000001.rollup").ok());
  EXPECT_EQ(RollupReader::Open(env_, "/shard", *file_).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RollupTest, EveryDamagedByteIsFound) {
  WriteFile({{1, Steady(0, 30, 60 * kSecond)}, {5, Steady(kDay, 3, 20 * kSecond)}});
  Build();
  const auto bytes = base::ReadFile(env_, "/shard/00000001.rollup");
  ASSERT_TRUE(bytes.ok());
  const auto check = [&](const std::string& damaged, const std::string& what) {
    auto out = env_.CreateFile("/shard/00000001.rollup");
    ASSERT_TRUE(out.ok());
    ASSERT_TRUE((*out)->Append(damaged).ok());
    ASSERT_TRUE((*out)->Close().ok());
    auto rollup = RollupReader::Open(env_, "/shard", *file_);
    absl::Status status = rollup.status();
    if (rollup.ok()) {
      status = (*rollup)->Verify();
      EXPECT_EQ((*rollup)->damaged(), !status.ok());
    }
    EXPECT_FALSE(status.ok()) << what;
    EXPECT_NE(status.message().find("00000001.rollup"), std::string::npos) << status;
  };
  for (size_t at = 0; at < bytes->size(); ++at) {
    std::string damaged = *bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    check(damaged, base::StrCat("flipped ", at));
    check(bytes->substr(0, at), base::StrCat("cut at ", at));
  }
}

TEST_F(RollupTest, AGivenUpBuildLeavesNothing) {
  WriteFile({{1, Steady(0, 30, 60 * kSecond)}});
  std::atomic<bool> cancel{true};
  RollupOptions options;
  options.cancel = &cancel;
  EXPECT_EQ(BuildRollup(env_, "/shard", *file_, options).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(env_.List("/shard")->size(), 1u);
}

// What the fuzzer of entries begins with.
void WriteCorpus(RollupReader& rollup) {
  const auto cursor = rollup.NewCursor();
  for (const model::SeriesId series : {3u, 9u}) {
    ASSERT_TRUE(*cursor->Seek(series));
    std::vector<RollupColumn> columns;
    for (model::FieldId field = 0; field < 8; ++field) {
      if (cursor->Find(field) != nullptr) columns.push_back(*cursor->Find(field));
    }
    std::string entry;
    PutRollupEntry(cursor->hours(), columns, entry);
    std::ofstream(base::StrCat(VARVE_SOURCE_DIR "/tests/fuzz/corpus/rollup_entry/series_", series),
                  std::ios::binary)
        << entry;
  }
}

TEST_F(RollupTest, RollupsOfVersionOneDumpAsTheyDid) {
  base::Env& env = base::Env::Default();
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::filesystem::create_directories(kGolden);
    Data data;
    std::mt19937_64 random(7);
    int64_t time = 1'700'000'000 * kSecond;
    for (int row = 0; row < 400; ++row) {
      testing::Row& cells = data[3][time];
      time += 60 * kSecond + static_cast<int64_t>(random() % 1000);
      cells[1] = Value::Of(FieldValue::Float(std::sqrt(static_cast<double>(row))));
      cells[2] = Value::Of(FieldValue::Float(static_cast<double>(random() % 1000) / 10));
      if (row >= 90) cells[3] = Value::Of(FieldValue::Integer(row * row - 500));
      if (row % 2 == 0) cells[4] = Value::Of(FieldValue::Unsigned(~uint64_t{0} - row));
      cells[5] = Value::Of(FieldValue::Boolean(row < 30));
      cells[6] = Value::Of(FieldValue::String(row % 3 == 0 ? "north" : "south"));
    }
    data[9] = Steady(1'700'000'000 * kSecond, 12, 60 * kSecond);
    auto info = testing::WriteData(env, kGolden, "00000001.tsm", data, {.cold = true});
    ASSERT_TRUE(info.ok()) << info.status();
    auto file = FileReader::Open(env, kGolden, *info);
    ASSERT_TRUE(BuildRollup(env, kGolden, **file, {}).ok());
  }
  FileInfo info;
  info.name = "00000001.tsm";
  auto file = FileReader::Open(env, kGolden, info);
  ASSERT_TRUE(file.ok()) << file.status();
  auto rollup = RollupReader::Open(env, kGolden, **file);
  ASSERT_TRUE(rollup.ok()) << rollup.status();
  std::ostringstream dump;
  const absl::Status status = (*rollup)->Dump(/*series=*/true, dump);
  ASSERT_TRUE(status.ok()) << status;
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::ofstream(kGolden + ".txt") << dump.str();
    WriteCorpus(**rollup);
  }
  std::ifstream text(kGolden + ".txt", std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(text),
                             std::istreambuf_iterator<char>()};
  EXPECT_EQ(dump.str(), expected);
}

}  // namespace
}  // namespace varve::tsm
