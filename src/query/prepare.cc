#include "query/prepare.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/data_type.h"
#include "query/join.h"
#include "query/rewrite.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// `tag_view`: where the measurement's tag keys are looked up.
SourceSchema SchemaOfMeasurement(const engine::ReadView& view, const engine::ReadView& tag_view,
                                 const std::string& measurement) {
  SourceSchema schema;
  for (const engine::FieldTypes& field : view.Fields(measurement)) {
    DataType best = DataType::kUnknown;
    for (const model::FieldType type : field.types) {
      if (Precedes(DataTypeOf(type), best)) best = DataTypeOf(type);
    }
    schema.fields[field.name] = best;
  }
  for (std::string& tag : tag_view.TagKeys(measurement)) schema.tags.insert(std::move(tag));
  return schema;
}

// Transformations need windows before the first one, and LOOKBACK asks for more.
model::TimeRange ReadRange(const CompiledSelect& compiled, const model::TimeRange& range) {
  model::TimeRange read = range;
  if (range.empty()) return read;
  const Windows windows(compiled.interval, range, compiled.has_zone, compiled.zone);
  if (compiled.windows_before > 0 && !compiled.interval.zero()) {
    if (compiled.ascending) {
      read.min_ns = windows.Move(range.min_ns, -compiled.windows_before);
    } else {
      read.max_ns = windows.Move(range.max_ns, compiled.windows_before);
    }
  }
  return LookBack(compiled, range, read);
}

absl::Status CheckBuckets(const PreparedSelect& prepared, uint64_t limit) {
  const CompiledSelect& compiled = *prepared.compiled;
  if (limit == 0 || !compiled.has_calls || compiled.interval.zero()) return absl::OkStatus();
  if (prepared.range.min_ns <= model::kMinTimeNs) return absl::OkStatus();
  const Windows windows = prepared.WindowsOver(prepared.range);
  uint64_t buckets = 0;
  if (prepared.ranges.empty()) {
    buckets = windows.CountWithin({prepared.range.min_ns, prepared.range.max_ns - 1});
  }
  for (const model::TimeRange& range : prepared.ranges) buckets += windows.CountWithin(range);
  if (buckets <= limit) return absl::OkStatus();
  return base::ResourceExhausted("max-select-buckets limit exceeded: (", buckets, "/", limit, ")");
}

class Preparer {
 public:
  explicit Preparer(QueryState& query) : query_(query) {}

  absl::StatusOr<std::shared_ptr<const PreparedSelect>> Prepare(
      std::shared_ptr<const CompiledSelect> compiled, const model::TimeRange& range) {
    auto prepared = std::make_shared<PreparedSelect>();
    prepared->compiled = compiled;
    prepared->statement = compiled->statement;
    prepared->range = range;
    prepared->ranges = compiled->ranges;
    if (!prepared->ranges.empty()) {
      prepared->ranges.front().min_ns = range.min_ns;
      prepared->ranges.back().max_ns = range.max_ns;
    }
    prepared->read_range = ReadRange(*compiled, range);
    std::vector<SourceSchema> schemas;
    for (size_t i = 0; i < compiled->statement.sources.size(); ++i) {
      const Source& from = compiled->statement.sources[i];
      if (const auto* join = std::get_if<std::shared_ptr<const Join>>(&from.node)) {
        RETURN_IF_ERROR(AddJoin(*join, *compiled, prepared.get(), &schemas));
      } else if (compiled->subqueries[i] != nullptr) {
        RETURN_IF_ERROR(AddSubquery(compiled->subqueries[i], prepared.get(), &schemas));
      } else {
        const auto& source = std::get<Measurement>(from.node);
        RETURN_IF_ERROR(AddMeasurements(source, prepared.get(), &schemas));
      }
    }
    RETURN_IF_ERROR(RewriteNames(schemas, &prepared->statement));
    for (const SelectField& field : prepared->statement.fields) {
      RETURN_IF_ERROR(TypeOfExpr(*field.expr).status());
    }
    prepared->columns =
        ColumnNames(prepared->statement,
                    compiled->statement.omit_time ? std::string_view() : compiled->time_name);
    ASSIGN_OR_RETURN(prepared->shape, BindShape(*prepared, schemas));
    return prepared;
  }

 private:
  absl::StatusOr<std::shared_ptr<const PreparedSelect>> PrepareInner(
      const std::shared_ptr<CompiledSelect>& inner, const PreparedSelect& outer) {
    // What the outer statement reads beyond its range, the inner one must answer.
    model::TimeRange range = inner->range;
    if (range.min_ns == outer.range.min_ns) range.min_ns = outer.read_range.min_ns;
    if (range.max_ns == outer.range.max_ns) range.max_ns = outer.read_range.max_ns;
    return Prepare(inner, range);
  }

  absl::Status AddJoin(const std::shared_ptr<const Join>& join, const CompiledSelect& compiled,
                       PreparedSelect* outer, std::vector<SourceSchema>* schemas) {
    auto prepared = std::make_shared<PreparedJoin>();
    prepared->join = join;
    for (const auto& side : compiled.joined) {
      ASSIGN_OR_RETURN(auto select, PrepareInner(side, *outer));
      prepared->sides.push_back(std::move(select));
    }
    ASSIGN_OR_RETURN(SourceSchema schema, SchemaOfJoin(*join, prepared->sides));
    schemas->push_back(std::move(schema));
    PreparedSource source;
    source.join = std::move(prepared);
    outer->sources.push_back(std::move(source));
    return absl::OkStatus();
  }

  absl::Status AddSubquery(const std::shared_ptr<CompiledSelect>& inner, PreparedSelect* outer,
                           std::vector<SourceSchema>* schemas) {
    ASSIGN_OR_RETURN(auto prepared, PrepareInner(inner, *outer));
    ASSIGN_OR_RETURN(SourceSchema schema, SchemaOf(prepared->statement));
    schemas->push_back(std::move(schema));
    PreparedSource source;
    source.subquery = std::move(prepared);
    outer->sources.push_back(std::move(source));
    return absl::OkStatus();
  }

  absl::Status AddMeasurements(const Measurement& measurement, PreparedSelect* prepared,
                               std::vector<SourceSchema>* schemas) {
    ASSIGN_OR_RETURN(const PolicyName policy, query_.Resolve(measurement));
    ASSIGN_OR_RETURN(const auto view, query_.View(policy, prepared->ReadTimes()));
    // Wildcards find the tags the measurement has anywhere in the database, as in InfluxDB, whose
    // index does not know policies and times, but only the fields of the shards that are read.
    auto tag_view = view;
    if (HasPattern(prepared->statement)) {
      ASSIGN_OR_RETURN(tag_view, query_.WholeView(policy.database));
    }
    if (measurement.regex == nullptr && measurement.name.empty()) {
      return base::InvalidArgument("invalid measurement");
    }
    std::vector<std::string> names;
    if (measurement.regex == nullptr) {
      names.push_back(measurement.name);
    } else {
      query_.GiveBackThread();
      for (std::string& name : tag_view->Measurements()) {
        if (measurement.regex->Matches(name)) names.push_back(std::move(name));
      }
    }
    for (std::string& name : names) {
      if (!view->HasMeasurement(name)) {
        // The index knows its tags; there is nothing to read.
        if (tag_view != view && view->shard_count() > 0) {
          SourceSchema& schema = schemas->emplace_back();
          for (std::string& tag : tag_view->TagKeys(name)) schema.tags.insert(std::move(tag));
        }
        continue;
      }
      schemas->push_back(SchemaOfMeasurement(*view, *tag_view, name));
      PreparedSource source;
      source.policy = policy;
      source.view = view;
      source.measurement = std::move(name);
      prepared->sources.push_back(std::move(source));
    }
    return absl::OkStatus();
  }

  QueryState& query_;
};

}  // namespace

model::TimeRange LookBack(const CompiledSelect& compiled, const model::TimeRange& range,
                          model::TimeRange read) {
  const int64_t length = compiled.lookback_ns;
  if (compiled.ascending) {
    const bool room = range.min_ns > model::kMinTimeNs + length;
    read.min_ns = std::min(read.min_ns, room ? range.min_ns - length : model::kMinTimeNs);
  } else {
    const bool room = range.max_ns < model::kMaxTimeNs - length;
    read.max_ns = std::max(read.max_ns, room ? range.max_ns + length : model::kMaxTimeNs);
  }
  return read;
}

TimeRanges PreparedSelect::RangesWithin(const model::TimeRange& hull) const {
  TimeRanges within = ranges;
  if (within.empty()) return within;
  within.front().min_ns = hull.min_ns;
  within.back().max_ns = hull.max_ns;
  return within;
}

TimeRanges PreparedSelect::ReadTimes() const {
  return ranges.empty() ? TimeRanges{read_range} : RangesWithin(read_range);
}

absl::StatusOr<std::shared_ptr<const PreparedSelect>> PrepareSelect(
    std::shared_ptr<const CompiledSelect> compiled, QueryState& query) {
  const model::TimeRange range = compiled->range;
  ASSIGN_OR_RETURN(auto prepared, Preparer(query).Prepare(std::move(compiled), range));
  RETURN_IF_ERROR(CheckBuckets(*prepared, query.context().environment->limits.max_select_buckets));
  return prepared;
}

}  // namespace varve::query
