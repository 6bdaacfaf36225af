#include "tests/engine/store_fixture.h"

#include <algorithm>

#include "base/status.h"

namespace varve::engine {
namespace {

using model::FieldType;
using model::FieldValue;

// Rows of one series as text, in the order the scanner gives them.
std::vector<std::string> ScanRows(const ReadView& view, model::SeriesId series,
                                  const std::vector<FieldTypes>& fields,
                                  const model::TimeRange& range, bool descending,
                                  bool few_rows = false) {
  ScanOptions options;
  options.few_rows = few_rows;
  options.range = range;
  options.descending = descending;
  for (const auto& field : fields) options.fields.push_back({field.field, field.types.front()});
  const auto scanner = view.NewScanner(options);
  std::string key;
  view.KeyOf(series, &key);
  EXPECT_TRUE(StoreFixture::Ok(scanner->Seek(series)));
  std::vector<std::string> rows;
  ScanStep step;
  bool first = true;
  int64_t last = 0;
  while (true) {
    const absl::Status status = scanner->Next(&step);
    EXPECT_TRUE(StoreFixture::Ok(status));
    if (!status.ok() || step.kind == ScanStep::Kind::kEnd) return rows;
    EXPECT_EQ(step.kind, ScanStep::Kind::kRows);
    EXPECT_GT(step.rows.rows, 0u);
    EXPECT_LE(step.rows.rows, model::kBatchRows);
    for (size_t row = 0; row < step.rows.rows; ++row) {
      const int64_t time = step.rows.times[row];
      if (!first) {
        EXPECT_TRUE(descending ? time < last : time > last) << key << " " << time;
      }
      first = false;
      last = time;
      std::string line = base::StrCat(key, " ", time, " ");
      bool any = false;
      for (size_t i = 0; i < fields.size(); ++i) {
        const FieldValue value = step.rows.columns[i].At(row);
        if (value.is_null()) continue;
        if (any) line += ',';
        any = true;
        line += fields[i].name + "=" + FormatValue(value);
      }
      EXPECT_TRUE(any) << "a row without a value: " << line;
      rows.push_back(std::move(line));
    }
  }
}

}  // namespace

std::string FormatValue(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      return base::StrCat(value.as_float());
    case FieldType::kInteger:
      return base::StrCat(value.as_integer(), "i");
    case FieldType::kUnsigned:
      return base::StrCat(value.as_unsigned(), "u");
    case FieldType::kBoolean:
      return value.as_boolean() ? "true" : "false";
    case FieldType::kString:
      return base::StrCat("\"", value.as_string(), "\"");
    case FieldType::kNone:
      break;
  }
  return "null";
}

std::string DumpView(const ReadView& view, const model::TimeRange& range) {
  std::string text;
  for (const std::string& measurement : view.Measurements()) {
    const auto fields = view.Fields(measurement);
    if (fields.empty()) continue;
    std::map<std::string, model::SeriesId> series;
    const auto ids = view.Match(measurement, index::TagPredicate::All()).ToVector();
    for (model::SeriesId id : ids) {
      std::string key;
      view.KeyOf(id, &key);
      series[key] = id;
    }
    for (const auto& [key, id] : series) {
      const auto rows = ScanRows(view, id, fields, range, false);
      auto back = ScanRows(view, id, fields, range, true);
      std::reverse(back.begin(), back.end());
      EXPECT_EQ(rows, back) << "descending differs: " << key;
      // Rows made of statistics are the rows that are in the blocks.
      EXPECT_EQ(rows, ScanRows(view, id, fields, range, false, true)) << "edges differ: " << key;
      auto edges = ScanRows(view, id, fields, range, true, true);
      std::reverse(edges.begin(), edges.end());
      EXPECT_EQ(rows, edges) << "descending edges differ: " << key;
      for (const auto& row : rows) text += row + "\n";
    }
  }
  return text;
}

void StoreFixture::Prepare() {
  router.AddDatabase("db");
  router.AddDatabase("other");
  options.data_folder = "/data";
  options.wal_folder = "/wal";
  options.background = false;
}

absl::Status StoreFixture::TryOpen() {
  auto opened = Store::Open(env, options, router.Known(), router);
  if (!opened.ok()) return opened.status();
  store_ = *std::move(opened);
  return absl::OkStatus();
}

Store& StoreFixture::store() {
  if (store_ == nullptr) {
    const absl::Status status = TryOpen();
    CHECK(status.ok()) << status.ToString();
  }
  return *store_;
}

WriteResult StoreFixture::WriteRaw(std::string_view body, std::string_view database) {
  WriteRequest request;
  request.database = database;
  request.body = body;
  return store().WriteAndWait(request);
}

std::string StoreFixture::Write(std::string_view body, std::string_view database) {
  return std::string(base::MessageOf(WriteRaw(body, database).status));
}

void StoreFixture::Delete(std::vector<std::string> measurements, model::TimeRange range,
                          index::TagPredicate predicate, std::string_view database) {
  DeleteRequest request;
  request.database = router.IdOf(database);
  for (const auto& known : router.Known()) {
    if (known.database == request.database) request.shards.push_back(known.shard);
  }
  request.measurements = std::move(measurements);
  request.predicate = std::move(predicate);
  request.range = range;
  ASSERT_TRUE(Ok(store().Delete(request)));
}

void StoreFixture::DropSeries(std::vector<std::string> measurements, bool drop_fields) {
  DeleteRequest request;
  request.database = router.IdOf("db");
  for (const auto& known : router.Known()) request.shards.push_back(known.shard);
  request.measurements = std::move(measurements);
  request.drop_series = true;
  request.drop_fields = drop_fields;
  ASSERT_TRUE(Ok(store().Delete(request)));
}

std::shared_ptr<const ReadView> StoreFixture::View(std::string_view database) {
  std::vector<KnownShard> shards;
  for (const auto& known : router.Known()) {
    if (known.database == router.IdOf(database)) shards.push_back(known);
  }
  auto view = store().OpenView(router.IdOf(database), shards);
  CHECK(view.ok()) << view.status().ToString();
  return *std::move(view);
}

std::string StoreFixture::Schema(std::string_view database) {
  const auto view = View(database);
  std::string text;
  for (const std::string& measurement : view->Measurements()) {
    for (const auto& field : view->Fields(measurement)) {
      if (!text.empty()) text += ' ';
      text += base::StrCat(measurement, ".", field.name, ":");
      for (size_t i = 0; i < field.types.size(); ++i) {
        text += base::StrCat(i == 0 ? "" : ",", model::FieldTypeName(field.types[i]));
      }
    }
  }
  return text;
}

size_t StoreFixture::FileCount() {
  size_t files = 0;
  for (const auto& shard : store().Shards()) files += shard.files;
  return files;
}

}  // namespace varve::engine
