#include "query/presence.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"

namespace varve::query {
namespace {

using engine::ScanStep;

// Series looked at between two questions whether to go on.
constexpr size_t kSeriesPerCheck = 256;

engine::ScanOptions OptionsFor(const std::vector<engine::FieldTypes>& fields) {
  engine::ScanOptions options;
  for (const engine::FieldTypes& field : fields) {
    for (const model::FieldType type : field.types) options.fields.push_back({field.field, type});
  }
  // All of time is one window: a block within the range need not be decoded.
  options.window_end = [](int64_t) { return INT64_MAX; };
  return options;
}

// Whether `step` holds a value of requested field `field`.
bool HasValue(const ScanStep& step, size_t field) {
  if (step.kind == ScanStep::Kind::kStatistics) return step.statistics[field].count > 0;
  const model::ColumnVector& column = step.rows.columns[field];
  if (column.type == model::FieldType::kNone) return false;
  for (size_t row = 0; row < step.rows.rows; ++row) {
    if (column.IsValid(row)) return true;
  }
  return false;
}

bool HasAnyValue(const ScanStep& step, size_t fields) {
  if (step.kind == ScanStep::Kind::kRows) return step.rows.rows > 0;
  for (size_t i = 0; i < fields; ++i) {
    if (step.statistics[i].count > 0) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<index::SeriesSet> SeriesWithin(const engine::ReadView& view,
                                              std::string_view measurement,
                                              const index::SeriesSet& candidates,
                                              const TimeRanges& ranges,
                                              const Interrupted& interrupted, uint64_t wanted) {
  index::SeriesSet found;
  engine::ScanOptions options = OptionsFor(view.Fields(measurement));
  if (options.fields.empty()) return found;
  std::vector<model::SeriesId> rest = candidates.ToVector();
  ScanStep step;
  for (const model::TimeRange& range : ranges) {
    options.range = range;
    const std::unique_ptr<engine::Scanner> scanner = view.NewScanner(options);
    std::vector<model::SeriesId> without;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (i % kSeriesPerCheck == 0) RETURN_IF_ERROR(interrupted());
      RETURN_IF_ERROR(scanner->Seek(rest[i]));
      do {
        RETURN_IF_ERROR(scanner->Next(&step));
      } while (step.kind != ScanStep::Kind::kEnd && !HasAnyValue(step, options.fields.size()));
      if (step.kind == ScanStep::Kind::kEnd) {
        without.push_back(rest[i]);
      } else {
        found.Add(rest[i]);
        if (--wanted == 0) return found;
      }
    }
    rest = std::move(without);
  }
  return found;
}

absl::Status FieldsWithin(const engine::ReadView& view, std::string_view measurement,
                          const index::SeriesSet& series, const TimeRanges& ranges,
                          const Interrupted& interrupted,
                          std::set<std::pair<std::string, std::string>>* fields) {
  std::vector<engine::FieldTypes> missing;
  for (engine::FieldTypes& field : view.Fields(measurement)) {
    const std::string type(model::FieldTypeName(field.types.front()));
    if (!fields->contains({field.name, type})) missing.push_back(std::move(field));
  }
  const std::vector<model::SeriesId> ids = series.ToVector();
  ScanStep step;
  for (const model::TimeRange& range : ranges) {
    if (missing.empty()) return absl::OkStatus();
    engine::ScanOptions options = OptionsFor(missing);
    options.range = range;
    const std::unique_ptr<engine::Scanner> scanner = view.NewScanner(options);
    std::vector<bool> met(missing.size());
    size_t left = missing.size();
    for (size_t i = 0; i < ids.size() && left > 0; ++i) {
      if (i % kSeriesPerCheck == 0) RETURN_IF_ERROR(interrupted());
      RETURN_IF_ERROR(scanner->Seek(ids[i]));
      for (;;) {
        RETURN_IF_ERROR(scanner->Next(&step));
        if (step.kind == ScanStep::Kind::kEnd || left == 0) break;
        for (size_t f = 0; f < missing.size(); ++f) {
          if (met[f] || !HasValue(step, f)) continue;
          met[f] = true;
          --left;
        }
      }
    }
    std::vector<engine::FieldTypes> still;
    for (size_t f = 0; f < missing.size(); ++f) {
      if (met[f]) {
        fields->emplace(missing[f].name, model::FieldTypeName(missing[f].types.front()));
      } else {
        still.push_back(std::move(missing[f]));
      }
    }
    missing = std::move(still);
  }
  return absl::OkStatus();
}

}  // namespace varve::query
