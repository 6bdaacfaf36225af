// Rows of a subquery's answer.
#include <algorithm>
#include <bit>
#include <utility>

#include "query/data_type.h"
#include "query/row_filter.h"
#include "query/row_source.h"

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
  std::unique_ptr<const RowFilter> filter_;
};

// A column of values of one type; numbers of other types are converted, all else is null.
class TypedColumn {
 public:
  void Reset(FieldType type) {
    type_ = type;
    words_.clear();
    booleans_.clear();
    strings_.clear();
    validity_.assign(model::kBatchRows / 64, 0);
    rows_ = 0;
  }
  void Append(const FieldValue& value) {
    const bool valid = AppendValue(value);
    validity_[rows_ / 64] |= static_cast<uint64_t>(valid) << (rows_ % 64);
    ++rows_;
  }
  ColumnVector View() const {
    ColumnVector column;
    column.type = type_;
    column.validity = validity_.data();
    if (type_ == FieldType::kBoolean) {
      column.booleans = booleans_.data();
    } else if (type_ == FieldType::kString) {
      column.strings = strings_.data();
    } else {
      column.data = words_.data();
    }
    return column;
  }

 private:
  bool AppendValue(const FieldValue& value) {
    if (type_ == FieldType::kBoolean) {
      const bool valid = value.type() == type_;
      booleans_.push_back(valid && value.as_boolean() ? 1 : 0);
      return valid;
    }
    if (type_ == FieldType::kString) {
      const bool valid = value.type() == type_;
      strings_.push_back(valid ? value.as_string() : std::string_view());
      return valid;
    }
    words_.push_back(0);
    switch (value.type()) {
      case FieldType::kFloat:
        return Store(value.as_float());
      case FieldType::kInteger:
        return Store(value.as_integer());
      case FieldType::kUnsigned:
        return Store(value.as_unsigned());
      default:
        return false;
    }
  }
  template <typename T>
  bool Store(T v) {
    if (type_ == FieldType::kFloat) words_.back() = std::bit_cast<uint64_t>(static_cast<double>(v));
    if (type_ == FieldType::kInteger) {
      words_.back() = static_cast<uint64_t>(static_cast<int64_t>(v));
    }
    if (type_ == FieldType::kUnsigned) words_.back() = static_cast<uint64_t>(v);
    return true;
  }

  FieldType type_ = FieldType::kNone;
  size_t rows_ = 0;
  std::vector<uint64_t> words_;
  std::vector<uint8_t> booleans_;
  std::vector<std::string_view> strings_;
  std::vector<uint64_t> validity_;
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
    at_ = source_.at(series).begin;
    end_ = source_.at(series).end;
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
    for (Column& column : columns_) column.values.Reset(column.type);
    for (; at_ < end_ && times_.size() < model::kBatchRows; ++at_) {
      const Table::Series& series = source_.at(series_);
      const size_t row = reversed_ ? series.end - 1 - (at_ - series.begin) : at_;
      if (!Contains(ranges_, table.times[row])) continue;
      times_.push_back(table.times[row]);
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
    for (size_t i = 0; i < chosen_.size(); ++i) times_[i] = times_[chosen_[i]];
    times_.resize(chosen_.size());
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
  std::vector<ColumnVector> views_;
  uint8_t mask_[model::kBatchRows];
  std::vector<uint32_t> chosen_;
  RowGatherer gatherer_;
};

std::unique_ptr<RowReader> TableSource::NewReader(const ReadRequest& request) const {
  return std::make_unique<TableReader>(*this, request);
}

}  // namespace

std::unique_ptr<RowSource> MakeTableSource(std::shared_ptr<const Table> table, std::string name,
                                           ExprPtr condition) {
  return std::make_unique<TableSource>(std::move(table), std::move(name), std::move(condition));
}

}  // namespace varve::query
