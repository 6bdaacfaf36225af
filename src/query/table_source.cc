// Rows of a subquery's answer.
#include <algorithm>
#include <numeric>
#include <utility>

#include "query/data_type.h"
#include "query/row_filter.h"
#include "query/row_source.h"
#include "query/typed_column.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::ColumnVector;
using model::FieldType;
using model::FieldValue;

constexpr int kNoColumn = -1;

class TableSource final : public RowSource {
 public:
  TableSource(std::shared_ptr<const Table> table, std::string name, ExprPtr condition)
      : table_(std::move(table)), name_(std::move(name)) {
    for (size_t i = 0; i < table_->series.size(); ++i) {
      if (table_->series[i].name == name_) series_.push_back(i);
    }
    if (condition != nullptr) {
      filter_ = std::make_unique<RowFilter>(RowFilter::Bind(condition, /*stored=*/false));
    }
  }

  const std::string& name() const override { return name_; }
  size_t series_count() const override { return series_.size(); }
  void TagValues(size_t series, const std::vector<std::string>& keys,
                 std::vector<std::string>* values) const override {
    values->resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::string* value = FindTag(series, keys[i]);
      (*values)[i] = value != nullptr ? *value : std::string();
    }
  }
  std::unique_ptr<RowReader> NewReader(const ReadRequest& request) const override;
  bool KeyOf(size_t, std::string*) const override { return false; }
  const std::vector<model::TimeRange>& shards() const override { return shards_; }

  const Table& table() const { return *table_; }
  const Table::Series& at(size_t series) const { return table_->series[series_[series]]; }
  const std::string* FindTag(size_t series, std::string_view key) const {
    for (const auto& [tag, value] : at(series).tags) {
      if (tag == key) return &value;
    }
    return nullptr;
  }
  int ColumnOf(std::string_view name) const {
    const auto& columns = table_->columns;
    const auto found = std::find(columns.begin(), columns.end(), name);
    return found == columns.end() ? kNoColumn : static_cast<int>(found - columns.begin());
  }
  const RowFilter* filter() const { return filter_.get(); }

 private:
  std::shared_ptr<const Table> table_;
  std::string name_;
  std::vector<size_t> series_;
  const std::vector<model::TimeRange> shards_;
  std::unique_ptr<const RowFilter> filter_;
};

class TableReader final : public RowReader {
 public:
  TableReader(const TableSource& source, const ReadRequest& request)
      : source_(source),
        ranges_(request.Times()),
        reversed_(request.descending == source.table().ascending) {
    for (const VarRef& ref : request.columns) columns_.push_back(Place(ref));
    wanted_ = columns_.size();
    if (source.filter() != nullptr) {
      for (const VarRef& ref : source.filter()->columns()) columns_.push_back(Place(ref));
    }
  }

  absl::Status Seek(size_t series) override {
    series_ = series;
    at_ = 0;
    end_ = source_.at(series).rows.size();
    return absl::OkStatus();
  }

  absl::Status Next(ScanStep* step) override {
    while (at_ < end_) {
      Fill();
      if (!Filter()) continue;
      step->kind = ScanStep::Kind::kRows;
      step->rows.rows = times_.size();
      step->rows.times = times_.data();
      step->rows.columns.assign(views_.begin(), views_.begin() + static_cast<ptrdiff_t>(wanted_));
      return absl::OkStatus();
    }
    step->kind = ScanStep::Kind::kEnd;
    return absl::OkStatus();
  }
  const uint32_t* places() const override { return places_.data(); }
  void TakeCounters(engine::ScanCounters*) override {}

 private:
  struct Column {
    int index = kNoColumn;
    bool is_time = false;
    std::string tag;  // when there is no such column
    FieldType type = FieldType::kNone;
    TypedColumn values;
  };

  Column Place(const VarRef& ref) const {
    Column column;
    if (ref.type == DataType::kTime) {
      column.is_time = true;
      column.type = FieldType::kInteger;
      return column;
    }
    column.index = source_.ColumnOf(ref.name);
    column.tag = ref.name;
    column.type = FieldTypeOf(ref.type);
    if (column.type == FieldType::kNone) column.type = FieldType::kString;
    return column;
  }

  // Takes the next rows within the range out of the table.
  void Fill() {
    const Table& table = source_.table();
    times_.clear();
    places_.clear();
    for (Column& column : columns_) column.values.Reset(column.type);
    const std::vector<uint32_t>& rows = source_.at(series_).rows;
    for (; at_ < end_ && times_.size() < model::kBatchRows; ++at_) {
      const uint32_t row = rows[reversed_ ? end_ - 1 - at_ : at_];
      if (!Contains(ranges_, table.times[row])) continue;
      times_.push_back(table.times[row]);
      places_.push_back(row);
      for (Column& column : columns_) column.values.Append(ValueOf(column, row));
    }
    views_.clear();
    for (const Column& column : columns_) views_.push_back(column.values.View());
  }
  FieldValue ValueOf(const Column& column, size_t row) const {
    const Table& table = source_.table();
    if (column.is_time) return FieldValue::Integer(table.times[row]);
    if (column.index != kNoColumn) {
      return table.values[row * table.columns.size() + static_cast<size_t>(column.index)];
    }
    const std::string* tag = source_.FindTag(series_, column.tag);
    return tag != nullptr ? FieldValue::String(*tag) : FieldValue();
  }

  bool Filter() {
    const size_t rows = times_.size();
    if (rows == 0) return false;
    if (source_.filter() == nullptr) return true;
    source_.filter()->Select(rows, std::span(views_).subspan(wanted_), mask_);
    chosen_.clear();
    for (uint32_t i = 0; i < rows; ++i) {
      if (mask_[i] != 0) chosen_.push_back(i);
    }
    if (chosen_.size() == rows) return true;
    for (size_t i = 0; i < chosen_.size(); ++i) {
      times_[i] = times_[chosen_[i]];
      places_[i] = places_[chosen_[i]];
    }
    times_.resize(chosen_.size());
    places_.resize(chosen_.size());
    for (size_t c = 0; c < wanted_; ++c) gatherer_.Gather(c, chosen_, &views_[c]);
    return !chosen_.empty();
  }

  const TableSource& source_;
  TimeRanges ranges_;
  bool reversed_;
  std::vector<Column> columns_;
  size_t wanted_ = 0;
  size_t series_ = 0;
  size_t at_ = 0;
  size_t end_ = 0;
  std::vector<int64_t> times_;
  std::vector<uint32_t> places_;
  std::vector<ColumnVector> views_;
  uint8_t mask_[model::kBatchRows];
  std::vector<uint32_t> chosen_;
  RowGatherer gatherer_;
};

std::unique_ptr<RowReader> TableSource::NewReader(const ReadRequest& request) const {
  return std::make_unique<TableReader>(*this, request);
}

}  // namespace

void SortByTime(Table* table) {
  std::vector<uint32_t> order(table->times.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return table->ascending ? table->times[a] < table->times[b] : table->times[b] < table->times[a];
  });
  std::vector<uint32_t> place(order.size());
  std::vector<int64_t> times;
  std::vector<model::FieldValue> values;
  times.reserve(order.size());
  values.reserve(table->values.size());
  const size_t width = table->columns.size();
  for (const uint32_t row : order) {
    place[row] = static_cast<uint32_t>(times.size());
    times.push_back(table->times[row]);
    const model::FieldValue* from = table->values.data() + row * width;
    values.insert(values.end(), from, from + width);
  }
  table->times = std::move(times);
  table->values = std::move(values);
  for (Table::Series& series : table->series) {
    for (uint32_t& row : series.rows) row = place[row];
    std::sort(series.rows.begin(), series.rows.end());
  }
}

std::unique_ptr<RowSource> MakeTableSource(std::shared_ptr<const Table> table, std::string name,
                                           ExprPtr condition) {
  return std::make_unique<TableSource>(std::move(table), std::move(name), std::move(condition));
}

}  // namespace varve::query
