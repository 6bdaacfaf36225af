#include "engine/records.h"

#include <gtest/gtest.h>

namespace varve::engine {
namespace {

TEST(RecordsTest, RoundTrips) {
  const DeleteRecord remove{.database = 7,
                            .drop_series = true,
                            .drop_fields = true,
                            .range = {-5, 1'000'000'000'000},
                            .shards = {{1, {0, 1, 5, 4'000'000'000}}, {99, {}}}};
  const auto read = DeleteRecord::Decode(remove.Encode());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->database, 7u);
  EXPECT_TRUE(read->drop_series && read->drop_fields);
  EXPECT_EQ(read->range, remove.range);
  ASSERT_EQ(read->shards.size(), 2u);
  EXPECT_EQ(read->shards[0].series, remove.shards[0].series);

  const RemoveSeriesRecord gone{.database = 1, .shard = 2, .delete_lsn = 3, .series = {4, 9}};
  const auto read_gone = RemoveSeriesRecord::Decode(gone.Encode());
  ASSERT_TRUE(read_gone.ok());
  EXPECT_EQ(read_gone->delete_lsn, 3u);
  EXPECT_EQ(read_gone->series, gone.series);

  const SchemaRecord schema{
      .database = 1, .shard = 2, .series = {3}, .fields = {{5, model::FieldType::kString}}};
  const auto read_schema = SchemaRecord::Decode(schema.Encode());
  ASSERT_TRUE(read_schema.ok());
  EXPECT_EQ(read_schema->fields, schema.fields);

  const DefinitionsRecord definitions{.database = 300, .definitions = "abc"};
  const std::string bytes = definitions.Encode();
  const auto read_definitions = DefinitionsRecord::Decode(bytes);
  ASSERT_TRUE(read_definitions.ok());
  EXPECT_EQ(read_definitions->database, 300u);
  EXPECT_EQ(read_definitions->definitions, "abc");
}

TEST(RecordsTest, TruncatedBytesAreDataLoss) {
  const DeleteRecord remove{.database = 7, .range = {0, 1}, .shards = {{1, {1, 2, 3}}}};
  const std::string bytes = remove.Encode();
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DeleteRecord::Decode(bytes.substr(0, n)).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace varve::engine
