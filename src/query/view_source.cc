// Rows of a measurement, from an engine::ReadView.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "model/series_key.h"
#include "query/condition.h"
#include "query/data_type.h"
#include "query/row_filter.h"
#include "query/row_source.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::ColumnVector;
using model::FieldType;

class ViewSource final : public RowSource {
 public:
  ViewSource(std::shared_ptr<const engine::ReadView> view, std::string measurement,
             ExprPtr condition, std::vector<model::TimeRange> shards)
      : view_(std::move(view)), name_(std::move(measurement)), shards_(std::move(shards)) {
    for (const engine::FieldTypes& field : view_->Fields(name_)) fields_[field.name] = field.field;
    MeasurementShape shape;
    shape.name = name_;
    shape.is_field = [this](std::string_view name) { return fields_.contains(name); };
    shape.tag_values = [this](std::string_view tag) {
      std::vector<std::string> values;
      for (auto& [value, series] : view_->TagValues(name_, tag)) values.push_back(value);
      return values;
    };
    condition = SettleArithmetic(condition, shape);
    TagCondition tags = BuildTagPredicate(condition, shape);
    series_ = view_->Match(name_, tags.predicate).ToVector();
    if (!tags.exact && condition != nullptr) {
      filter_ = std::make_unique<RowFilter>(RowFilter::Bind(condition, /*stored=*/true));
    }
  }

  const std::string& name() const override { return name_; }
  size_t series_count() const override { return series_.size(); }
  absl::StatusOr<engine::ReadCost> Cost(const std::vector<VarRef>& columns,
                                        const model::TimeRange& range) const override {
    std::vector<model::FieldId> fields;
    for (const VarRef& ref : columns) {
      const model::FieldId field = FieldOf(ref.name);
      if (field != model::kNoId && FieldTypeOf(ref.type) != FieldType::kNone) {
        fields.push_back(field);
      }
    }
    std::sort(fields.begin(), fields.end());
    fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
    return view_->Cost(series_, fields, range);
  }
  void TagValues(size_t series, const std::vector<std::string>& keys,
                 std::vector<std::string>* values) const override {
    values->resize(keys.size());
    if (keys.empty()) return;
    std::string key;
    view_->KeyOf(series_[series], &key);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!model::FindTag(key, keys[i], &(*values)[i])) (*values)[i].clear();
    }
  }
  std::unique_ptr<RowReader> NewReader(const ReadRequest& request) const override;
  bool KeyOf(size_t series, std::string* key) const override {
    view_->KeyOf(series_[series], key);
    return true;
  }
  const std::vector<model::TimeRange>& shards() const override { return shards_; }

  const engine::ReadView& view() const { return *view_; }
  model::SeriesId id(size_t series) const { return series_[series]; }
  const RowFilter* filter() const { return filter_.get(); }
  model::FieldId FieldOf(const std::string& name) const {
    const auto at = fields_.find(name);
    return at == fields_.end() ? model::kNoId : at->second;
  }

 private:
  std::shared_ptr<const engine::ReadView> view_;
  std::string name_;
  std::vector<model::TimeRange> shards_;
  base::StringMap<model::FieldId> fields_;
  std::vector<model::SeriesId> series_;
  std::unique_ptr<const RowFilter> filter_;  // null: the choice of series says it all
};

ColumnVector TimeColumn(const int64_t* times) {
  ColumnVector column;
  column.type = FieldType::kInteger;
  column.integers = times;
  return column;
}

// A tag as a column: one text, repeated.
class TagColumn {
 public:
  explicit TagColumn(std::string name) : name_(std::move(name)) {}
  void Seek(std::string_view key, bool empty_is_null) {
    const bool found = model::FindTag(key, name_, &value_);
    if (!found) value_.clear();
    null_ = !found && empty_is_null;
    repeated_.clear();
  }
  ColumnVector View(size_t rows) {
    ColumnVector column;
    if (null_) return column;
    if (repeated_.size() < rows) repeated_.assign(std::max<size_t>(rows, 16), value_);
    column.type = FieldType::kString;
    column.strings = repeated_.data();
    return column;
  }

 private:
  std::string name_;
  std::string value_;
  bool null_ = true;
  std::vector<std::string_view> repeated_;
};

class ViewReader final : public RowReader {
 public:
  ViewReader(const ViewSource& source, const ReadRequest& request) : source_(source) {
    options_.descending = request.descending;
    for (size_t i = 0; i < request.columns.size(); ++i) {
      const bool counted = i < request.counted.size() && request.counted[i];
      columns_.push_back(Place(request.columns[i], true, counted, &options_));
    }
    wanted_fields_ = options_.fields.size();
    if (source.filter() != nullptr) {
      for (const VarRef& ref : source.filter()->columns()) {
        conditions_.push_back(Place(ref, false, false, &options_));
      }
      options_.may_want = [this](std::span<const model::FieldStatistics> fields) {
        return MayHold(fields);
      };
      options_.deciding.resize(options_.fields.size());
      for (const Column& column : conditions_) {
        if (column.is_field) options_.deciding[column.index] = true;
      }
      options_.choose = [this](const model::ColumnBatch& rows, uint8_t* mask) {
        Decide(rows, mask);
      };
    } else {
      options_.window_end = request.window_end;
      options_.hours = request.hours;
      options_.few_rows = request.few_rows;
    }
    if (request.may_want && columns_.front().is_field) RestrictBlocks(request.may_want);
    if (wanted_fields_ == 0) return;
    for (const model::TimeRange& range : request.Times()) parts_.push_back({range, nullptr});
    if (request.descending) std::reverse(parts_.begin(), parts_.end());
  }

  absl::Status Seek(size_t series) override {
    if (parts_.empty()) return absl::OkStatus();
    id_ = source_.id(series);
    if (!tags_.empty()) {
      source_.view().KeyOf(id_, &key_);
      for (auto& [tag, empty_is_null] : tags_) tag.Seek(key_, empty_is_null);
    }
    return Begin(0);
  }

  absl::Status Next(ScanStep* step) override {
    if (parts_.empty()) {
      step->kind = ScanStep::Kind::kEnd;
      return absl::OkStatus();
    }
    while (true) {
      RETURN_IF_ERROR(parts_[at_part_].scanner->Next(&raw_));
      if (raw_.kind == ScanStep::Kind::kEnd && at_part_ + 1 < parts_.size()) {
        RETURN_IF_ERROR(Begin(at_part_ + 1));
        continue;
      }
      step->kind = raw_.kind;
      if (raw_.kind == ScanStep::Kind::kStatistics) {
        step->range = raw_.range;
        step->statistics.resize(columns_.size());
        for (size_t i = 0; i < columns_.size(); ++i) {
          step->statistics[i] =
              columns_[i].is_field ? raw_.statistics[columns_[i].index] : model::FieldStatistics{};
        }
      }
      if (raw_.kind != ScanStep::Kind::kRows || Filter(step)) return absl::OkStatus();
    }
  }

  void TakeCounters(engine::ScanCounters* counters) override {
    engine::ScanCounters now;
    for (const Part& part : parts_) {
      if (part.scanner == nullptr) continue;
      now += part.scanner->counters();
    }
    *counters += now;
    *counters -= taken_;
    taken_ = now;
  }

 private:
  struct Column {
    bool is_field = false;
    bool is_tag = false;
    size_t index = 0;  // in the scan's columns, or in tags_
    bool is_time = false;
  };
  // One of the ranges that are read, and what reads it once it is met.
  struct Part {
    model::TimeRange range;
    std::unique_ptr<engine::Scanner> scanner;
  };

  absl::Status Begin(size_t part) {
    at_part_ = part;
    auto& scanner = parts_[part].scanner;
    if (scanner == nullptr) {
      options_.range = parts_[part].range;
      scanner = source_.view().NewScanner(options_);
    }
    return scanner->Seek(id_);
  }

  Column Place(const VarRef& ref, bool selected, bool counted, engine::ScanOptions* options) {
    if (ref.type == DataType::kTime) return {.is_time = true};
    const FieldType type = FieldTypeOf(ref.type);
    if (type != FieldType::kNone) {
      const model::FieldId field = source_.FieldOf(ref.name);
      if (field != model::kNoId)
        return {.is_field = true, .index = PlaceField({field, type, counted}, options)};
      if (selected) return {};
    }
    // In a condition, what is no field of this measurement is a tag, missing ones being "".
    if (selected && ref.type != DataType::kTag) return {};
    tags_.emplace_back(TagColumn(ref.name), selected);
    return {.is_tag = true, .index = tags_.size() - 1};
  }
  // Leaves out blocks of whose first column `may_want` wants nothing, too.
  void RestrictBlocks(std::function<bool(const model::FieldStatistics&)> may_want) {
    options_.may_want =
        [may_hold = std::move(options_.may_want), may_want = std::move(may_want),
         first = columns_.front().index](std::span<const model::FieldStatistics> fields) {
          return may_want(fields[first]) && (!may_hold || may_hold(fields));
        };
  }
  static size_t PlaceField(engine::FieldRequest wanted, engine::ScanOptions* options) {
    for (size_t i = 0; i < options->fields.size(); ++i) {
      engine::FieldRequest& known = options->fields[i];
      if (known.field == wanted.field && known.type == wanted.type) {
        known.count_only = known.count_only && wanted.count_only;
        return i;
      }
    }
    options->fields.push_back(wanted);
    return options->fields.size() - 1;
  }
  // Whether the condition may hold for a row of a block, of whose fields these are known.
  bool MayHold(std::span<const model::FieldStatistics> fields) {
    known_.assign(conditions_.size(), {});
    for (size_t i = 0; i < conditions_.size(); ++i) {
      if (conditions_[i].is_field) {
        known_[i] = fields[conditions_[i].index];
      } else {
        known_[i].count = 1;
      }
    }
    return source_.filter()->MayHold(known_);
  }
  ColumnVector ViewOf(const Column& column, const model::ColumnBatch& batch) {
    if (column.is_field) return batch.columns[column.index];
    if (column.is_time) return TimeColumn(batch.times);
    return column.is_tag ? tags_[column.index].first.View(batch.rows) : ColumnVector{};
  }
  // Sets mask[i] to whether the condition holds for row i.
  void Decide(const model::ColumnBatch& rows, uint8_t* mask) {
    filter_columns_.clear();
    for (const Column& column : conditions_) filter_columns_.push_back(ViewOf(column, rows));
    source_.filter()->Select(rows.rows, filter_columns_, mask);
  }

  // Fills `step` with the rows that hold; false when there is none.
  bool Filter(ScanStep* step) {
    const size_t rows = raw_.rows.rows;
    step->rows.columns.clear();
    for (const Column& column : columns_) step->rows.columns.push_back(ViewOf(column, raw_.rows));
    step->rows.rows = rows;
    step->rows.times = raw_.rows.times;
    if (source_.filter() == nullptr) return rows > 0;

    Decide(raw_.rows, mask_);
    const bool more_fields = raw_.rows.columns.size() > wanted_fields_;
    chosen_.clear();
    for (uint32_t i = 0; i < rows; ++i) {
      if (mask_[i] != 0 && (!more_fields || HasWanted(i))) chosen_.push_back(i);
    }
    if (chosen_.empty()) return false;
    if (chosen_.size() == rows) return true;
    times_.resize(chosen_.size());
    for (size_t i = 0; i < chosen_.size(); ++i) times_[i] = raw_.rows.times[chosen_[i]];
    step->rows.times = times_.data();
    step->rows.rows = chosen_.size();
    for (size_t c = 0; c < columns_.size(); ++c) {
      // A tag is the same in every row.
      if (columns_[c].is_field) gatherer_.Gather(c, chosen_, &step->rows.columns[c]);
      if (columns_[c].is_time) step->rows.columns[c] = TimeColumn(times_.data());
    }
    return true;
  }
  bool HasWanted(size_t row) const {
    for (size_t i = 0; i < wanted_fields_; ++i) {
      const ColumnVector& column = raw_.rows.columns[i];
      if (column.type != FieldType::kNone && column.IsValid(row)) return true;
    }
    return false;
  }

  const ViewSource& source_;
  std::vector<Column> columns_;
  std::vector<Column> conditions_;
  size_t wanted_fields_ = 0;  // the scan's first columns; the others are for the condition only
  std::vector<std::pair<TagColumn, bool>> tags_;
  engine::ScanOptions options_;
  std::vector<Part> parts_;  // in the order of the scan; empty: nothing is read
  size_t at_part_ = 0;
  model::SeriesId id_ = model::kNoId;
  engine::ScanCounters taken_;
  ScanStep raw_;
  std::string key_;
  std::vector<model::FieldStatistics> known_;  // of conditions_
  std::vector<ColumnVector> filter_columns_;
  uint8_t mask_[model::kBatchRows];
  std::vector<uint32_t> chosen_;
  std::vector<int64_t> times_;
  RowGatherer gatherer_;
};

std::unique_ptr<RowReader> ViewSource::NewReader(const ReadRequest& request) const {
  return std::make_unique<ViewReader>(*this, request);
}

}  // namespace

std::unique_ptr<RowSource> MakeViewSource(std::shared_ptr<const engine::ReadView> view,
                                          std::string measurement, ExprPtr condition,
                                          std::vector<model::TimeRange> shards) {
  return std::make_unique<ViewSource>(std::move(view), std::move(measurement), std::move(condition),
                                      std::move(shards));
}

}  // namespace varve::query
