#include "model/write_batch.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "model/value_coding.h"

namespace varve::model {
namespace {

struct TestRow {
  ShardId shard;
  SeriesId series;
  uint32_t layout;
  int64_t time_ns;
  std::vector<FieldValue> values;
};

struct TestBatch {
  DatabaseId database = 0;
  std::vector<WriteBatchReader::Layout> layouts;
  std::vector<TestRow> rows;
  std::deque<std::string> texts;  // what string values borrow
};

double RandomDouble(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return std::bit_cast<double>(random());
    case 1:
      return static_cast<double>(static_cast<int64_t>(random() % 2001) - 1000);
    case 2:
      return static_cast<double>(static_cast<int64_t>(random() % 200'001) - 100'000) / 100;
    case 3: {
      constexpr double kSpecial[] = {0.0,
                                     -0.0,
                                     9007199254740992.0,
                                     -9007199254740991.0,
                                     5e-324,
                                     std::numeric_limits<double>::max(),
                                     std::numeric_limits<double>::infinity(),
                                     0.1};
      return kSpecial[random() % std::size(kSpecial)];
    }
    case 4:
      return std::numeric_limits<double>::quiet_NaN();
    default:
      return static_cast<double>(random()) * 1e-9;
  }
}

FieldValue RandomValue(FieldType type, std::mt19937_64& random, std::deque<std::string>& texts) {
  const uint64_t word = random() >> (random() % 64);
  switch (type) {
    case FieldType::kFloat:
      return FieldValue::Float(RandomDouble(random), static_cast<uint8_t>(random() % 20));
    case FieldType::kInteger:
      return FieldValue::Integer(static_cast<int64_t>(random() % 2 == 0 ? word : ~word));
    case FieldType::kUnsigned:
      return FieldValue::Unsigned(word);
    case FieldType::kBoolean:
      return FieldValue::Boolean(random() % 2 == 0);
    default:
      texts.emplace_back(random() % (random() % 10 == 0 ? 300 : 10), static_cast<char>(random()));
      return FieldValue::String(texts.back());
  }
}

TestBatch RandomBatch(uint64_t seed) {
  std::mt19937_64 random(seed);
  TestBatch batch;
  batch.database = static_cast<DatabaseId>(random() % 1000);
  for (uint64_t n = random() % 4 + 1; n > 0; --n) {
    WriteBatchReader::Layout layout{static_cast<MeasurementId>(random() % 9), {}};
    for (uint64_t f = random() % 20; f > 0; --f) {
      layout.fields.push_back({static_cast<FieldId>(random() >> (random() % 32 + 32)),
                               static_cast<FieldType>(random() % 5 + 1)});
    }
    batch.layouts.push_back(layout);
  }
  for (uint64_t n = random() % 30; n > 0; --n) {
    TestRow row;
    row.shard = random() % 3 + 1;
    row.series = static_cast<SeriesId>(random() % 2 == 0 ? random() % 0xfffffffe : random() % 50);
    row.layout = static_cast<uint32_t>(random() % batch.layouts.size());
    row.time_ns = random() % 2 == 0 ? static_cast<int64_t>(random()) : 1'600'000'000'000'000'000;
    const bool nulls = random() % 3 == 0;
    for (const LayoutField& field : batch.layouts[row.layout].fields) {
      const bool absent = nulls && random() % 3 == 0;
      row.values.push_back(absent ? FieldValue() : RandomValue(field.type, random, batch.texts));
    }
    batch.rows.push_back(std::move(row));
  }
  return batch;
}

std::string Build(const TestBatch& batch, WriteBatchBuilder& builder) {
  builder.Reset(batch.database);
  for (const auto& layout : batch.layouts) builder.AddLayout(layout.measurement, layout.fields);
  size_t values = 0;
  for (const TestRow& row : batch.rows) {
    builder.AddRow(builder.Shard(row.shard), row.series, row.layout, row.time_ns, row.values);
    for (const FieldValue& value : row.values) values += value.is_null() ? 0 : 1;
  }
  EXPECT_EQ(builder.rows(), batch.rows.size());
  EXPECT_EQ(builder.values(), values);
  const size_t estimate = builder.ByteSizeEstimate();
  std::string bytes = builder.Finish();
  EXPECT_LE(bytes.size(), estimate + 64);
  EXPECT_LE(estimate, bytes.size() + 64);
  EXPECT_EQ(builder.rows(), 0);
  return bytes;
}

// Reads everything; touches each byte of each string.
absl::Status ReadAll(std::string_view bytes, size_t* rows) {
  auto reader = WriteBatchReader::Open(bytes);
  if (!reader.ok()) return reader.status();
  ShardId shard;
  size_t count;
  size_t sum = 0;
  for (;;) {
    const absl::StatusOr<bool> section = (*reader)->NextShard(&shard, &count);
    if (!section.ok()) return section.status();
    if (!*section) return absl::OkStatus();
    WriteBatchReader::Row row;
    for (;;) {
      const absl::StatusOr<bool> next = (*reader)->NextRow(&row);
      if (!next.ok()) return next.status();
      if (!*next) break;
      ++*rows;
      EXPECT_LT(row.layout, (*reader)->layouts().size());
      for (const FieldValue& value : row.values) {
        if (value.type() != FieldType::kString) continue;
        for (const char c : value.as_string()) sum += static_cast<unsigned char>(c);
      }
    }
  }
  EXPECT_GE(sum, 0);
}

TEST(WriteBatchTest, RoundTripsRandomBatches) {
  WriteBatchBuilder builder(0);
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    const TestBatch batch = RandomBatch(seed);
    const std::string bytes = Build(batch, builder);
    const auto reader = WriteBatchReader::Open(bytes);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ((*reader)->database(), batch.database);
    ASSERT_EQ((*reader)->layouts().size(), batch.layouts.size());
    for (size_t i = 0; i < batch.layouts.size(); ++i) {
      EXPECT_EQ((*reader)->layouts()[i].measurement, batch.layouts[i].measurement);
      EXPECT_EQ((*reader)->layouts()[i].fields, batch.layouts[i].fields);
    }
    ShardId shard;
    size_t count;
    size_t total = 0;
    while ((*reader)->NextShard(&shard, &count).value()) {
      std::vector<const TestRow*> expected;
      for (const TestRow& row : batch.rows) {
        if (row.shard == shard) expected.push_back(&row);
      }
      ASSERT_EQ(count, expected.size());
      WriteBatchReader::Row row;
      for (const TestRow* want : expected) {
        ASSERT_TRUE((*reader)->NextRow(&row).value());
        EXPECT_EQ(row.series, want->series);
        EXPECT_EQ(row.layout, want->layout);
        EXPECT_EQ(row.time_ns, want->time_ns);
        ASSERT_EQ(std::vector<FieldValue>(row.values.begin(), row.values.end()), want->values);
        ++total;
      }
      EXPECT_FALSE((*reader)->NextRow(&row).value());
    }
    EXPECT_EQ(total, batch.rows.size());
  }
}

TEST(WriteBatchTest, EveryTruncationIsDataLoss) {
  WriteBatchBuilder builder(0);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string bytes = Build(RandomBatch(seed), builder);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A heap block of the exact size, so that a sanitizer sees a read behind it.
      const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      size_t rows = 0;
      const absl::Status status = ReadAll({part.data(), part.size()}, &rows);
      ASSERT_TRUE(absl::IsDataLoss(status)) << "seed " << seed << " size " << size << status;
    }
  }
}

TEST(WriteBatchTest, NoByteFlipCausesABadRead) {
  WriteBatchBuilder builder(0);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const std::string bytes = Build(RandomBatch(seed), builder);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int mask : {0x01, 0x10, 0x80, 0xff}) {
        std::vector<char> flipped(bytes.begin(), bytes.end());
        flipped[i] = static_cast<char>(flipped[i] ^ mask);
        size_t rows = 0;
        const absl::Status status = ReadAll({flipped.data(), flipped.size()}, &rows);
        ASSERT_TRUE(status.ok() || absl::IsDataLoss(status) || absl::IsFailedPrecondition(status))
            << status;
      }
    }
  }
}

TEST(WriteBatchTest, NewerVersionIsRefused) {
  WriteBatchBuilder builder(3);
  std::string bytes = builder.Finish();
  size_t rows = 0;
  EXPECT_TRUE(ReadAll(bytes, &rows).ok());
  bytes[0] = 2;
  EXPECT_TRUE(absl::IsFailedPrecondition(WriteBatchReader::Open(bytes).status()));
}

TEST(WriteBatchTest, BuilderIsReusable) {
  WriteBatchBuilder builder(0);
  const std::string first = Build(RandomBatch(7), builder);
  (void)Build(RandomBatch(8), builder);
  EXPECT_EQ(Build(RandomBatch(7), builder), first);
}

TEST(ValueCodingTest, CommonValuesAreShort) {
  const struct {
    double value;
    unsigned decimals;
    size_t bytes;
  } cases[] = {{0, 0, 1},    {58, 0, 2},    {-58, 0, 2},   {100'000, 0, 4},
               {21.5, 1, 3}, {1.25, 2, 2},  {0.1, 0, 9},   {-0.0, 0, 9},
               {NAN, 0, 9},  {1e300, 0, 9}, {21.5, 15, 9}, {9007199254740991.0, 0, 8}};
  for (const auto& each : cases) {
    char bytes[kWordBytesMax + 8];
    EXPECT_EQ(PutFloat(bytes, each.value, each.decimals) - bytes,
              static_cast<ptrdiff_t>(each.bytes))
        << each.value;
  }
}

TEST(ValueCodingTest, EveryFloatRoundTripsWhateverTheHint) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double value = RandomDouble(random);
    char bytes[2 * kWordBytesMax];
    const char* end = PutFloat(bytes, value, static_cast<unsigned>(random() % 20));
    const Word word = GetWord(bytes);
    double back;
    ASSERT_TRUE(FloatOfWord(word, &back));
    ASSERT_EQ(std::bit_cast<uint64_t>(back), std::bit_cast<uint64_t>(value)) << value;
    ASSERT_EQ(end - bytes, 1 + static_cast<ptrdiff_t>(word.bytes));
  }
}

}  // namespace
}  // namespace varve::model
