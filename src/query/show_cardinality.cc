// SHOW ... CARDINALITY. Always exact; what InfluxDB estimates comes under its column name.
#include <algorithm>
#include <map>
#include <set>

#include "base/status.h"
#include "model/series_key.h"
#include "query/presence.h"
#include "query/row_writer.h"
#include "query/schema_reader.h"
#include "query/statements.h"

namespace varve::query {
namespace {

using What = ShowCardinality::What;
using Tags = std::vector<std::pair<std::string, std::string>>;

std::string_view Title(What what) {
  switch (what) {
    case What::kMeasurement:
      return "SHOW MEASUREMENT EXACT CARDINALITY";
    case What::kSeries:
      return "SHOW SERIES EXACT CARDINALITY";
    case What::kFieldKey:
      return "SHOW FIELD KEY EXACT CARDINALITY";
    case What::kTagKey:
      return "SHOW TAG KEY EXACT CARDINALITY";
    case What::kTagValues:
      break;
  }
  return "SHOW TAG VALUES EXACT CARDINALITY";
}

bool WantsKey(const ShowCardinality& statement, const std::string& key) {
  const bool wanted = statement.op == Operator::kEq || statement.op == Operator::kEqRegex;
  bool matches = false;
  if (const auto* list = statement.key->As<ListLiteral>()) {
    matches = std::find(list->values.begin(), list->values.end(), key) != list->values.end();
  } else if (const auto* regex = statement.key->As<RegexLiteral>()) {
    matches = regex->regex->Matches(key);
  } else if (const auto* literal = statement.key->As<StringLiteral>()) {
    matches = literal->value == key;
  }
  return matches == wanted;
}

// The series of a measurement that count, by their values of the GROUP BY tags.
using Groups = std::map<Tags, index::SeriesSet>;

// Counts distinct things over one or more views of a measurement.
class Counter {
 public:
  explicit Counter(const ShowCardinality& statement) : statement_(statement) {}

  void Add(const engine::ReadView& view, const std::string& measurement,
           const index::SeriesSet& series) {
    switch (statement_.what) {
      case What::kMeasurement:
        things_.insert(measurement);
        return;
      case What::kSeries:
        series_ |= series;  // ids of one database: a FROM that names two counts too few
        return;
      case What::kFieldKey:
        for (const engine::FieldTypes& field : view.Fields(measurement)) things_.insert(field.name);
        return;
      case What::kTagKey:
      case What::kTagValues:
        AddTags(view, measurement, series);
        return;
    }
  }
  void AddName(const std::string& name) { things_.insert(name); }
  int64_t count() const { return static_cast<int64_t>(things_.size() + series_.Count()); }

 private:
  void AddTags(const engine::ReadView& view, const std::string& measurement,
               const index::SeriesSet& series) {
    const bool values = statement_.what == What::kTagValues;
    for (const std::string& key : view.TagKeys(measurement)) {
      if (values && !WantsKey(statement_, key)) continue;
      for (const auto& [value, having] : view.TagValues(measurement, key)) {
        if (!having.Intersects(series)) continue;
        things_.insert(values ? value : key);
        if (!values) break;
      }
    }
  }

  const ShowCardinality& statement_;
  std::set<std::string> things_;
  index::SeriesSet series_;
};

// The tag keys GROUP BY names, ascending; `all` are those of the measurements asked for.
std::vector<std::string> GroupKeys(const ShowCardinality& statement,
                                   const std::set<std::string>& all) {
  std::set<std::string> keys;
  for (const Dimension& dimension : statement.dimensions) {
    if (const auto* ref = dimension.expr->As<VarRef>()) keys.insert(ref->name);
    const auto* regex = dimension.expr->As<RegexLiteral>();
    const bool wildcard = dimension.expr->As<Wildcard>() != nullptr;
    for (const std::string& key : all) {
      if (wildcard || (regex != nullptr && regex->regex->Matches(key))) keys.insert(key);
    }
  }
  return {keys.begin(), keys.end()};
}

Groups GroupSeries(const engine::ReadView& view, const index::SeriesSet& series,
                   const std::vector<std::string>& keys) {
  Groups groups;
  if (keys.empty()) {
    groups[{}] = series;
    return groups;
  }
  std::string bytes;
  for (const model::SeriesId id : series.ToVector()) {
    view.KeyOf(id, &bytes);
    Tags tags;
    for (const std::string& key : keys) {
      std::string value;
      model::FindTag(bytes, key, &value);
      tags.emplace_back(key, std::move(value));
    }
    groups[std::move(tags)].Add(id);
  }
  return groups;
}

absl::Status CountAll(const ShowCardinality& statement, const std::string& database,
                      const StatementContext& context) {
  int64_t count = 0;
  const auto catalog = context.catalog().Get();
  if (catalog->FindDatabase(database) != nullptr) {
    ASSIGN_OR_RETURN(const ViewPtr view, OpenSchema(context, database, "", {}));
    const std::vector<std::string> names = view->Measurements();
    if (statement.what == What::kMeasurement) {
      count = static_cast<int64_t>(names.size());
    } else {
      for (const std::string& name : names) {
        count += static_cast<int64_t>(view->Match(name, index::TagPredicate::All()).Count());
      }
    }
  }
  RowWriter out(context.sink);
  RETURN_IF_ERROR(out.Begin({"", {}, {"cardinality estimation"}, ""}));
  RETURN_IF_ERROR(out.Add({Cell::Integer(count)}));
  return out.Finish();
}

// Field keys are those of the shards where a series matches: each shard is looked at by itself.
absl::StatusOr<std::vector<SourceMeasurement>> Resolve(const ShowCardinality& statement,
                                                       const std::string& database,
                                                       const StatementContext& context) {
  const bool per_shard = statement.what == What::kFieldKey &&
                         (statement.condition != nullptr || !statement.dimensions.empty());
  if (!per_shard) return ResolveSources(statement.sources, database, {}, context);
  return ResolveShards(statement.sources, database, RangesOf(model::TimeRange{}), context);
}

}  // namespace

absl::Status RunStatement(const ShowCardinality& statement, const StatementContext& context) {
  const std::string& database = DatabaseOf(statement.database, context);
  const bool plain = !statement.exact && statement.sources.empty() &&
                     statement.condition == nullptr && statement.dimensions.empty() &&
                     statement.paging.limit == 0 && statement.paging.offset == 0;
  if (plain && (statement.what == What::kSeries || statement.what == What::kMeasurement)) {
    if (database.empty()) return DatabaseRequired();
    return CountAll(statement, database, context);
  }
  if (statement.condition != nullptr && HasTime(*statement.condition) &&
      !HasTimeBetween(*statement.condition)) {
    return base::InvalidArgument(Title(statement.what), " doesn't support time in WHERE clause");
  }
  TimeContext time;
  time.now_ns = context.now_ns;
  ASSIGN_OR_RETURN(const SplitCondition split, SplitTime(statement.condition, time));
  if (split.condition != nullptr && HasRowTime(*split.condition)) {
    return base::InvalidArgument("time BETWEEN cannot be joined with tags by OR here");
  }
  ASSIGN_OR_RETURN(const std::vector<SourceMeasurement> measurements,
                   Resolve(statement, database, context));

  std::set<std::string> all_keys;
  if (!statement.dimensions.empty()) {
    for (const SourceMeasurement& m : measurements) {
      for (const ViewPtr& view : m.views) {
        for (std::string& key : view->TagKeys(m.name)) all_keys.insert(std::move(key));
      }
    }
  }
  const std::vector<std::string> keys = GroupKeys(statement, all_keys);

  // By measurement and tags; measurements are counted all together.
  std::map<std::pair<std::string, Tags>, Counter> counts;
  for (const SourceMeasurement& m : measurements) {
    RETURN_IF_ERROR(context.interrupted());
    for (const ViewPtr& view : m.views) {
      const TagCondition tags = BuildTagPredicate(split.condition, ShapeOf(*view, m.name));
      if (!tags.exact) continue;  // rows are not looked at
      index::SeriesSet matching = view->Match(m.name, tags.predicate);
      if (split.ranges.has_value()) {
        ASSIGN_OR_RETURN(matching,
                         SeriesWithin(*view, m.name, matching, *split.ranges, context.interrupted));
      }
      if (matching.empty()) continue;
      const std::string name = statement.what == What::kMeasurement ? "" : m.name;
      for (const auto& [group, series] : GroupSeries(*view, matching, keys)) {
        Counter& counter = counts.try_emplace({name, group}, statement).first->second;
        if (statement.what == What::kFieldKey && split.ranges.has_value()) {
          std::set<std::pair<std::string, std::string>> fields;
          RETURN_IF_ERROR(
              FieldsWithin(*view, m.name, series, *split.ranges, context.interrupted, &fields));
          for (const auto& [field, type] : fields) counter.AddName(field);
        } else {
          counter.Add(*view, m.name, series);
        }
      }
    }
  }

  RowWriter out(context.sink);
  if (statement.paging.offset > 0) return absl::OkStatus();  // each series has one row
  for (const auto& [group, counter] : counts) {
    if (counter.count() == 0) continue;
    RETURN_IF_ERROR(out.Begin({group.first, group.second, {"count"}, ""}));
    RETURN_IF_ERROR(out.Add({Cell::Integer(counter.count())}));
  }
  return out.Finish();
}

}  // namespace varve::query
