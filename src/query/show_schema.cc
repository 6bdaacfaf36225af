// SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES, FIELD KEYS.
#include <algorithm>
#include <set>

#include "base/status.h"
#include "query/presence.h"
#include "query/privileges.h"
#include "query/row_writer.h"
#include "query/schema_reader.h"
#include "query/series_list.h"
#include "query/statements.h"

namespace varve::query {
namespace {

constexpr size_t kValuesPerCheck = 4096;

absl::StatusOr<SplitCondition> SplitWhere(const ExprPtr& where, const StatementContext& context) {
  TimeContext time;
  time.now_ns = context.now_ns;
  ASSIGN_OR_RETURN(SplitCondition split, SplitTime(where, time));
  if (split.condition != nullptr && HasRowTime(*split.condition)) {
    return base::InvalidArgument("time BETWEEN cannot be joined with tags by OR here");
  }
  return split;
}

// What chooses shards.
TimeRanges ShardTimes(const SplitCondition& split) {
  return split.ranges.has_value() ? *split.ranges : TimeRanges{split.bounds.range()};
}

// Series can only be compared for equality.
absl::Status CheckEqualityOnly(const Expr& expr) {
  if (const auto* paren = expr.As<ParenExpr>()) return CheckEqualityOnly(*paren->inner);
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr) return absl::OkStatus();
  switch (binary->op) {
    case Operator::kEq:
    case Operator::kNeq:
    case Operator::kEqRegex:
    case Operator::kNeqRegex:
    case Operator::kIn:
    case Operator::kNotIn:
    case Operator::kAnd:
    case Operator::kOr:
      break;
    default:
      return base::InvalidArgument("invalid tag comparison operator");
  }
  RETURN_IF_ERROR(CheckEqualityOnly(*binary->left));
  return CheckEqualityOnly(*binary->right);
}

// The series of `m` in `view` for which `condition` may hold, with a point in the times that
// BETWEEN asks for.
absl::StatusOr<index::SeriesSet> SeriesOf(const engine::ReadView& view, std::string_view m,
                                          const ExprPtr& condition,
                                          const std::optional<TimeRanges>& times,
                                          const StatementContext& context) {
  const TagCondition tags = BuildTagPredicate(condition, ShapeOf(view, m));
  index::SeriesSet series = view.Match(m, tags.predicate);
  if (!times.has_value()) return series;
  return SeriesWithin(view, m, series, *times, context.interrupted);
}

// The keys WITH KEY chooses out of a measurement's.
std::vector<std::string> ChooseKeys(std::vector<std::string> keys, Operator op, const Expr* key) {
  if (key == nullptr) return keys;
  const bool wanted = op == Operator::kEq || op == Operator::kEqRegex;
  std::erase_if(keys, [&](const std::string& name) {
    bool matches = false;
    if (const auto* list = key->As<ListLiteral>()) {
      matches = std::find(list->values.begin(), list->values.end(), name) != list->values.end();
    } else if (const auto* regex = key->As<RegexLiteral>()) {
      matches = regex->regex->Matches(name);
    } else if (const auto* literal = key->As<StringLiteral>()) {
      matches = literal->value == name;
    }
    return matches != wanted;
  });
  return keys;
}

// What SHOW TAG KEYS and SHOW TAG VALUES have in common: FROM names measurements of the whole
// database, whatever policy it says; time chooses shards.
struct TagSchema {
  ViewPtr view;
  std::vector<std::string> measurements;
  ExprPtr series_condition;         // or null
  std::optional<TimeRanges> times;  // of BETWEEN

  // The series that count, or nullopt for all.
  absl::StatusOr<std::optional<index::SeriesSet>> Series(std::string_view measurement,
                                                         const StatementContext& context) const {
    if (series_condition == nullptr && !times.has_value()) return std::nullopt;
    return SeriesOf(*view, measurement, series_condition, times, context);
  }
};

absl::StatusOr<TagSchema> ReadTags(const std::string& own_database,
                                   const std::vector<Source>& sources, const ExprPtr& where,
                                   const StatementContext& context) {
  const std::string& database = DatabaseOf(own_database, context);
  if (database.empty()) return DatabaseRequired();
  ASSIGN_OR_RETURN(SplitCondition split, SplitWhere(where, context));
  ASSIGN_OR_RETURN(const MeasurementFilter filter,
                   MeasurementFilter::Create(split.condition, /*tags=*/false));
  TagSchema schema;
  ASSIGN_OR_RETURN(schema.view, OpenShards(context, database, "", ShardTimes(split)));
  for (std::string& name : MeasurementsOf(*schema.view, sources)) {
    if (filter.Passes(*schema.view, name)) schema.measurements.push_back(std::move(name));
  }
  schema.series_condition = OnlyTagComparisons(split.condition);
  schema.times = std::move(split.ranges);
  return schema;
}

struct MeasurementRow {
  std::string name, database, policy;
  friend auto operator<=>(const MeasurementRow&, const MeasurementRow&) = default;
};

// ON db.rp, ON *.*: which policy of which database holds each.
absl::Status CollectMeasurements(const ShowMeasurements& statement, const meta::Database& database,
                                 std::string_view policy, const MeasurementFilter& filter,
                                 const SplitCondition& where, const StatementContext& context,
                                 std::set<MeasurementRow>* rows) {
  ASSIGN_OR_RETURN(const ViewPtr view,
                   OpenShards(context, database.name, policy, ShardTimes(where)));
  std::vector<Source> sources;
  if (statement.source.has_value()) sources.push_back(*statement.source);
  for (const std::string& name : MeasurementsOf(*view, sources)) {
    RETURN_IF_ERROR(context.interrupted());
    if (!filter.Passes(*view, name)) continue;
    if (where.ranges.has_value()) {
      const ExprPtr condition = OnlyTagComparisons(where.condition);
      const TagCondition tags = BuildTagPredicate(condition, ShapeOf(*view, name));
      ASSIGN_OR_RETURN(const index::SeriesSet series,
                       SeriesWithin(*view, name, view->Match(name, tags.predicate), *where.ranges,
                                    context.interrupted, /*wanted=*/1));
      if (series.empty()) continue;
    }
    rows->insert({name, database.name, std::string(policy)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStatement(const ShowMeasurements& statement, const StatementContext& context) {
  const std::string& database_name = DatabaseOf(statement.database, context);
  const bool between = statement.condition != nullptr && HasTimeBetween(*statement.condition);
  if (statement.condition != nullptr && !between && HasTime(*statement.condition)) {
    return base::InvalidArgument("SHOW MEASUREMENTS doesn't support time in WHERE clause");
  }
  if (database_name.empty() && !statement.wildcard_database) return DatabaseRequired();
  SplitCondition where{statement.condition, {}, {}};
  if (between) {
    ASSIGN_OR_RETURN(where, SplitWhere(statement.condition, context));
  }
  ASSIGN_OR_RETURN(const MeasurementFilter filter,
                   MeasurementFilter::Create(where.condition, /*tags=*/true));

  const bool by_policy = statement.wildcard_database || statement.wildcard_policy ||
                         !statement.retention_policy.empty();
  const auto catalog = context.catalog().Get();
  std::set<MeasurementRow> rows;
  for (const meta::Database& database : catalog->databases) {
    if (!statement.wildcard_database && database.name != database_name) continue;
    if (!MayUse(context.request.principal, database.name, meta::Privilege::kRead)) continue;
    if (!by_policy) {
      RETURN_IF_ERROR(CollectMeasurements(statement, database, "", filter, where, context, &rows));
      continue;
    }
    for (const meta::RetentionPolicy& policy : database.policies) {
      const bool wanted =
          statement.wildcard_policy ||
          (statement.retention_policy.empty() ? policy.name == database.default_policy
                                              : policy.name == statement.retention_policy);
      if (!wanted) continue;
      RETURN_IF_ERROR(
          CollectMeasurements(statement, database, policy.name, filter, where, context, &rows));
    }
  }

  const auto [begin, end] = PageOf(rows.size(), statement.paging);
  if (begin == end) return absl::OkStatus();
  RowWriter out(context.sink);
  RETURN_IF_ERROR(
      out.Begin({"measurements",
                 {},
                 by_policy ? std::vector<std::string>{"name", "database", "retention policy"}
                           : std::vector<std::string>{"name"},
                 ""}));
  auto row = std::next(rows.begin(), static_cast<ptrdiff_t>(begin));
  for (size_t i = begin; i < end; ++i, ++row) {
    if (by_policy) {
      RETURN_IF_ERROR(out.Add(
          {Cell::String(row->name), Cell::String(row->database), Cell::String(row->policy)}));
    } else {
      RETURN_IF_ERROR(out.Add({Cell::String(row->name)}));
    }
  }
  return out.Finish();
}

// With a time the series are those of the shards it touches, in the policies FROM names; without
// one they are those of the whole database.
absl::Status RunStatement(const ShowSeries& statement, const StatementContext& context) {
  const std::string& database = DatabaseOf(statement.database, context);
  ASSIGN_OR_RETURN(const SplitCondition split, SplitWhere(statement.condition, context));
  if (split.condition != nullptr) RETURN_IF_ERROR(CheckEqualityOnly(*split.condition));
  ASSIGN_OR_RETURN(std::vector<SourceMeasurement> measurements,
                   ResolveSources(statement.sources, database, split.bounds.range(), context));
  const bool has_time = split.bounds.min_ns.has_value() || split.bounds.max_ns.has_value();
  if (!has_time) {
    // Each database once, all of its policies.
    std::set<std::string> databases;
    for (const Source& source : statement.sources) {
      const auto* m = std::get_if<Measurement>(&source.node);
      if (m != nullptr) databases.insert(m->database.empty() ? database : m->database);
    }
    if (databases.empty()) databases.insert(database);
    std::map<std::string, std::vector<ViewPtr>> found;
    for (const std::string& name : databases) {
      ASSIGN_OR_RETURN(const ViewPtr view, OpenSchema(context, name, "", {}));
      for (std::string& m : MeasurementsOf(*view, statement.sources)) {
        found[std::move(m)].push_back(view);
      }
    }
    measurements.clear();
    for (auto& [name, views] : found) measurements.push_back({name, std::move(views)});
  }

  RowWriter out(context.sink);
  bool begun = false;
  size_t skip = static_cast<size_t>(statement.paging.offset);
  size_t left = statement.paging.limit > 0 ? static_cast<size_t>(statement.paging.limit) : SIZE_MAX;
  for (const SourceMeasurement& m : measurements) {
    RETURN_IF_ERROR(context.interrupted());
    // Those of the page, and what the page leaves out in front of it.
    const size_t wanted = left < SIZE_MAX - skip ? skip + left : SIZE_MAX;
    SeriesList series(wanted, context);
    RETURN_IF_ERROR(series.Gather(m.views, [&](const engine::ReadView& view) {
      return SeriesOf(view, m.name, split.condition, split.ranges, context);
    }));
    const size_t first = std::min(skip, series.size());
    skip -= first;
    for (size_t i = first; i < series.size() && left > 0; ++i, --left) {
      if (!begun) RETURN_IF_ERROR(out.Begin({"", {}, {"key"}, ""}));
      begun = true;
      RETURN_IF_ERROR(out.Add({Cell::String(out.Keep(series.KeyOf(i)))}));
    }
    if (left == 0) break;
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowTagKeys& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(const TagSchema schema,
                   ReadTags(statement.database, statement.sources, statement.condition, context));
  RowWriter out(context.sink);
  for (const std::string& name : schema.measurements) {
    RETURN_IF_ERROR(context.interrupted());
    std::vector<std::string> keys =
        ChooseKeys(schema.view->TagKeys(name), statement.op, statement.key.get());
    ASSIGN_OR_RETURN(const std::optional<index::SeriesSet> series, schema.Series(name, context));
    if (series.has_value()) {
      std::erase_if(keys, [&](const std::string& key) {
        const auto values = schema.view->TagValues(name, key);
        return std::none_of(values.begin(), values.end(),
                            [&](const auto& value) { return value.second.Intersects(*series); });
      });
    }
    const auto [begin, end] = PageOf(keys.size(), statement.paging);
    if (begin == end) continue;
    RETURN_IF_ERROR(out.Begin({name, {}, {"tagKey"}, ""}));
    for (size_t i = begin; i < end; ++i) {
      RETURN_IF_ERROR(out.Add({Cell::String(out.Keep(std::move(keys[i])))}));
    }
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowTagValues& statement, const StatementContext& context) {
  ASSIGN_OR_RETURN(const TagSchema schema,
                   ReadTags(statement.database, statement.sources, statement.condition, context));
  RowWriter out(context.sink);
  for (const std::string& name : schema.measurements) {
    RETURN_IF_ERROR(context.interrupted());
    ASSIGN_OR_RETURN(const std::optional<index::SeriesSet> series, schema.Series(name, context));
    size_t skip = static_cast<size_t>(statement.paging.offset);
    size_t left =
        statement.paging.limit > 0 ? static_cast<size_t>(statement.paging.limit) : SIZE_MAX;
    bool begun = false;
    for (const std::string& key :
         ChooseKeys(schema.view->TagKeys(name), statement.op, statement.key.get())) {
      if (left == 0) break;
      absl::Status status;
      const auto add = [&](std::string_view value) -> absl::Status {
        if (!begun) RETURN_IF_ERROR(out.Begin({name, {}, {"key", "value"}, ""}));
        begun = true;
        return out.Add({Cell::String(out.Keep(key)), Cell::String(out.Keep(std::string(value)))});
      };
      size_t visited = 0;
      schema.view->VisitTagValues(name, key, [&](std::string_view value, const auto& having) {
        if (++visited % kValuesPerCheck == 0) status = context.interrupted();
        if (!status.ok()) return false;
        if (series.has_value() && !having.Intersects(*series)) return true;
        if (skip > 0) {
          --skip;
          return true;
        }
        status = add(value);
        return --left > 0 && status.ok();
      });
      RETURN_IF_ERROR(status);
    }
  }
  return out.Finish();
}

absl::Status RunStatement(const ShowFieldKeys& statement, const StatementContext& context) {
  const std::string& database = DatabaseOf(statement.database, context);
  ASSIGN_OR_RETURN(const SplitCondition where, SplitWhere(statement.condition, context));
  std::vector<SourceMeasurement> measurements;
  if (where.ranges.has_value()) {
    ASSIGN_OR_RETURN(measurements,
                     ResolveShards(statement.sources, database, *where.ranges, context));
  } else {
    ASSIGN_OR_RETURN(measurements, ResolveSources(statement.sources, database, {}, context));
  }
  RowWriter out(context.sink);
  for (const SourceMeasurement& m : measurements) {
    RETURN_IF_ERROR(context.interrupted());
    std::set<std::pair<std::string, std::string>> fields;
    for (const ViewPtr& view : m.views) {
      if (where.ranges.has_value()) {
        const TagCondition tags = BuildTagPredicate(where.condition, ShapeOf(*view, m.name));
        RETURN_IF_ERROR(FieldsWithin(*view, m.name, view->Match(m.name, tags.predicate),
                                     *where.ranges, context.interrupted, &fields));
        continue;
      }
      for (const engine::FieldTypes& field : view->Fields(m.name)) {
        for (const model::FieldType type : field.types) {
          fields.emplace(field.name, model::FieldTypeName(type));
        }
      }
    }
    const auto [begin, end] = PageOf(fields.size(), statement.paging);
    if (begin == end) continue;
    RETURN_IF_ERROR(out.Begin({m.name, {}, {"fieldKey", "fieldType"}, ""}));
    auto field = std::next(fields.begin(), static_cast<ptrdiff_t>(begin));
    for (size_t i = begin; i < end; ++i, ++field) {
      RETURN_IF_ERROR(
          out.Add({Cell::String(out.Keep(field->first)), Cell::String(out.Keep(field->second))}));
    }
  }
  return out.Finish();
}

}  // namespace varve::query
