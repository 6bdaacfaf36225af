#include "query/schema_reader.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "base/status.h"
#include "query/value_list.h"

namespace varve::query {
namespace {

bool IsEquality(Operator op) {
  return op == Operator::kEq || op == Operator::kNeq || op == Operator::kEqRegex ||
         op == Operator::kNeqRegex || op == Operator::kIn || op == Operator::kNotIn;
}

bool IsSystemName(std::string_view name) {
  static constexpr std::string_view kNames[] = {"_fieldKeys", "_measurements", "_name", "_series",
                                                "_tagKey",    "_tagKeys",      "_tags"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Go's %#v of an expression that is no condition, which InfluxDB shows as the error.
std::string GoSyntax(const Expr& expr) {
  if (const auto* ref = expr.As<VarRef>()) {
    return base::StrCat("&influxql.VarRef{Val:\"", ref->name,
                        "\", Type:", static_cast<int>(ref->type), "}");
  }
  if (const auto* boolean = expr.As<BooleanLiteral>()) {
    return base::StrCat("&influxql.BooleanLiteral{Val:", boolean->value, "}");
  }
  return base::StrCat("invalid condition expression: ", Format(expr));
}

bool Matches(const Expr& value, Operator op, std::string_view text) {
  if (const auto* values = value.As<ValuesLiteral>()) {
    return values->list->Contains(model::FieldValue::String(text));
  }
  if (const auto* regex = value.As<RegexLiteral>()) return regex->regex->Matches(text);
  const auto* literal = value.As<StringLiteral>();
  return (op == Operator::kEq || op == Operator::kNeq) && literal != nullptr &&
         literal->value == text;
}

bool IsTime(const Expr& expr) {
  const auto* ref = expr.As<VarRef>();
  return ref != nullptr && absl::EqualsIgnoreCase(base::ToAbsl(ref->name), "time");
}

// Whether `measurement` has a value of the tag that `value` describes.
bool HasTagValue(const engine::ReadView& view, std::string_view measurement, const std::string& key,
                 const Expr& value) {
  using index::TagPredicate;
  if (const auto* literal = value.As<StringLiteral>()) {
    if (literal->value.empty()) return false;
    return !view.Match(measurement,
                       TagPredicate::Compare(TagPredicate::Kind::kEqual, key, literal->value))
                .empty();
  }
  if (const auto* values = value.As<ValuesLiteral>()) {
    // No tag has the value "".
    std::vector<std::string> texts = *values->list->texts();
    std::erase(texts, "");
    auto shared = std::make_shared<const std::vector<std::string>>(std::move(texts));
    return !view.Match(measurement,
                       TagPredicate::List(TagPredicate::Kind::kOneOf, key, std::move(shared)))
                .empty();
  }
  for (const auto& [text, series] : view.TagValues(measurement, key)) {
    if (Matches(value, Operator::kEqRegex, text)) return true;
  }
  return false;
}

}  // namespace

std::vector<engine::KnownShard> ShardsOf(const meta::Database& database, std::string_view policy,
                                         const model::TimeRange& range) {
  std::vector<engine::KnownShard> shards;
  for (const meta::RetentionPolicy& candidate : database.policies) {
    if (!policy.empty() && candidate.name != policy) continue;
    for (const meta::ShardGroup& group : candidate.shard_groups) {
      if (group.range.Overlaps(range)) shards.push_back({database.id, group.shard, group.range});
    }
  }
  return shards;
}

absl::StatusOr<ViewPtr> OpenSchema(const StatementContext& context, std::string_view database,
                                   std::string_view policy, const model::TimeRange& range) {
  return OpenShards(context, database, policy, {range});
}

absl::StatusOr<ViewPtr> OpenShards(const StatementContext& context, std::string_view database,
                                   std::string_view policy, const TimeRanges& ranges) {
  const auto catalog = context.catalog().Get();
  const meta::Database* found = catalog->FindDatabase(database);
  if (found == nullptr) return DatabaseNotFound(database);
  if (!policy.empty() && found->FindPolicy(policy) == nullptr) {
    return base::NotFound("retention policy not found: ", policy);
  }
  std::vector<engine::KnownShard> shards = ShardsOf(*found, policy, model::TimeRange{});
  std::erase_if(shards, [&](const auto& shard) { return !Overlaps(ranges, shard.range); });
  return context.store().OpenView(found->id, shards);
}

bool Names(const Measurement& m, std::string_view name) {
  return m.regex != nullptr ? m.regex->Matches(name) : m.name == name;
}

std::vector<std::string> MeasurementsOf(const engine::ReadView& view,
                                        const std::vector<Source>& sources) {
  std::vector<std::string> names = view.Measurements();
  if (sources.empty()) return names;
  std::erase_if(names, [&](const std::string& name) {
    return std::none_of(sources.begin(), sources.end(), [&](const Source& source) {
      const auto* m = std::get_if<Measurement>(&source.node);
      return m != nullptr && Names(*m, name);
    });
  });
  return names;
}

absl::StatusOr<std::vector<SourceMeasurement>> ResolveSources(const std::vector<Source>& sources,
                                                              const std::string& database,
                                                              const model::TimeRange& range,
                                                              const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  std::vector<Measurement> measurements;
  for (const Source& source : sources) {
    if (const auto* m = std::get_if<Measurement>(&source.node)) measurements.push_back(*m);
  }
  if (sources.empty()) {
    Measurement all;
    all.is_target = true;  // may be nameless
    measurements.push_back(std::move(all));
  }
  std::map<std::pair<std::string, std::string>, ViewPtr> views;
  std::map<std::string, std::vector<ViewPtr>> found;
  for (Measurement& m : measurements) {
    RETURN_IF_ERROR(FillNames(&m, database, context.request.retention_policy, *catalog));
    ViewPtr& view = views[{m.database, m.retention_policy}];
    if (view == nullptr) {
      ASSIGN_OR_RETURN(view, OpenSchema(context, m.database, m.retention_policy, range));
    }
    for (const std::string& name : view->Measurements()) {
      if (!sources.empty() && !Names(m, name)) continue;
      std::vector<ViewPtr>& list = found[name];
      if (std::find(list.begin(), list.end(), view) == list.end()) list.push_back(view);
    }
  }
  std::vector<SourceMeasurement> result;
  for (auto& [name, list] : found) result.push_back({name, std::move(list)});
  return result;
}

absl::StatusOr<std::vector<SourceMeasurement>> ResolveShards(const std::vector<Source>& sources,
                                                             const std::string& database,
                                                             const TimeRanges& ranges,
                                                             const StatementContext& context) {
  const auto catalog = context.catalog().Get();
  std::map<std::string, std::vector<ViewPtr>> found;
  std::vector<Measurement> measurements;
  for (const Source& source : sources) measurements.push_back(std::get<Measurement>(source.node));
  if (sources.empty()) {
    measurements.emplace_back();
    measurements.back().is_target = true;
  }
  for (Measurement& m : measurements) {
    RETURN_IF_ERROR(FillNames(&m, database, context.request.retention_policy, *catalog));
    const meta::Database* named = catalog->FindDatabase(m.database);
    for (const engine::KnownShard& shard : ShardsOf(*named, m.retention_policy, {})) {
      if (!Overlaps(ranges, shard.range)) continue;
      ASSIGN_OR_RETURN(const ViewPtr view, context.store().OpenView(named->id, {shard}));
      for (const std::string& name : view->Measurements()) {
        if (sources.empty() || Names(m, name)) found[name].push_back(view);
      }
    }
  }
  std::vector<SourceMeasurement> result;
  for (auto& [name, views] : found) result.push_back({name, std::move(views)});
  return result;
}

MeasurementShape ShapeOf(const engine::ReadView& view, std::string_view measurement) {
  MeasurementShape shape;
  shape.name = measurement;
  auto fields = std::make_shared<std::set<std::string, std::less<>>>();
  for (engine::FieldTypes& field : view.Fields(measurement)) fields->insert(std::move(field.name));
  shape.is_field = [fields](std::string_view name) { return fields->contains(name); };
  shape.tag_values = [&view, name = std::string(measurement)](std::string_view tag) {
    std::vector<std::string> values;
    for (auto& [value, series] : view.TagValues(name, tag)) values.push_back(value);
    return values;
  };
  return shape;
}

bool HasTime(const Expr& expr) {
  if (HasTimeBetween(expr)) return true;
  if (const auto* paren = expr.As<ParenExpr>()) return HasTime(*paren->inner);
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr) return false;
  if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
    return HasTime(*binary->left) || HasTime(*binary->right);
  }
  return IsTime(*binary->left);
}

absl::StatusOr<MeasurementFilter> MeasurementFilter::Create(ExprPtr expr, bool tags) {
  MeasurementFilter filter(std::move(expr), tags);
  if (filter.expr_ != nullptr) RETURN_IF_ERROR(filter.Check(*filter.expr_));
  return filter;
}

absl::Status MeasurementFilter::Check(const Expr& expr) const {
  if (const auto* paren = expr.As<ParenExpr>()) return Check(*paren->inner);
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr) {
    const bool decided = !tags_ && expr.As<BooleanLiteral>() != nullptr;
    return decided ? absl::OkStatus() : base::InvalidArgument(GoSyntax(expr));
  }
  if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
    RETURN_IF_ERROR(Check(*binary->left));
    return Check(*binary->right);
  }
  if (!IsEquality(binary->op)) return base::InvalidArgument("invalid tag comparison operator");
  const auto* tag = binary->left->As<VarRef>();
  if (!tags_ && (tag == nullptr || tag->name != "_name")) return absl::OkStatus();
  const std::string_view op = OperatorText(binary->op);
  if (tag == nullptr) {
    return base::InvalidArgument("left side of '", op, "' must be a tag key");
  }
  if (const auto* values = binary->right->As<ValuesLiteral>()) {
    const ValueList::Kind kind = values->list->kind();
    if (kind == ValueList::Kind::kOfStrings || kind == ValueList::Kind::kEmpty) {
      return absl::OkStatus();
    }
    return base::InvalidArgument("right side of '", op, "' must be a list of tag value strings");
  }
  const bool regex = binary->op == Operator::kEqRegex || binary->op == Operator::kNeqRegex;
  if (regex && binary->right->As<RegexLiteral>() == nullptr) {
    return base::InvalidArgument("right side of '", op, "' must be a regular expression");
  }
  if (!regex && binary->right->As<StringLiteral>() == nullptr) {
    return base::InvalidArgument("right side of '", op, "' must be a tag value string");
  }
  return absl::OkStatus();
}

bool MeasurementFilter::Passes(const engine::ReadView& view, std::string_view measurement) const {
  return expr_ == nullptr || Evaluate(*expr_, view, measurement).value_or(true);
}

// Nullopt: the expression says nothing about measurements.
std::optional<bool> MeasurementFilter::Evaluate(const Expr& expr, const engine::ReadView& view,
                                                std::string_view measurement) const {
  if (const auto* paren = expr.As<ParenExpr>()) return Evaluate(*paren->inner, view, measurement);
  if (const auto* boolean = expr.As<BooleanLiteral>()) return boolean->value;
  const auto* binary = expr.As<BinaryExpr>();
  if (binary == nullptr) return std::nullopt;
  if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
    const std::optional<bool> left = Evaluate(*binary->left, view, measurement);
    const std::optional<bool> right = Evaluate(*binary->right, view, measurement);
    if (!left.has_value()) return right;
    if (!right.has_value()) return left;
    return binary->op == Operator::kAnd ? *left && *right : *left || *right;
  }
  const auto* tag = binary->left->As<VarRef>();
  if (tag == nullptr) return std::nullopt;
  const bool wanted = binary->op == Operator::kEq || binary->op == Operator::kEqRegex ||
                      binary->op == Operator::kIn;
  if (tag->name == "_name") return Matches(*binary->right, binary->op, measurement) == wanted;
  if (!tags_) return std::nullopt;
  if (IsSystemName(tag->name)) return false;
  return HasTagValue(view, measurement, tag->name, *binary->right) == wanted;
}

ExprPtr OnlyTagComparisons(const ExprPtr& expr) {
  if (expr == nullptr) return nullptr;
  if (const auto* paren = expr->As<ParenExpr>()) {
    ExprPtr inner = OnlyTagComparisons(paren->inner);
    return inner == nullptr ? nullptr : MakeExpr(ParenExpr{std::move(inner)});
  }
  const auto* binary = expr->As<BinaryExpr>();
  if (binary == nullptr) return expr;
  if (binary->op == Operator::kAnd || binary->op == Operator::kOr) {
    ExprPtr left = OnlyTagComparisons(binary->left);
    ExprPtr right = OnlyTagComparisons(binary->right);
    if (left == nullptr) return right;
    if (right == nullptr) return left;
    return MakeExpr(BinaryExpr{binary->op, std::move(left), std::move(right)});
  }
  const auto* tag = binary->left->As<VarRef>();
  return tag == nullptr || IsSystemName(tag->name) ? nullptr : expr;
}

std::pair<size_t, size_t> PageOf(size_t n, const Paging& paging) {
  const size_t begin = std::min(n, static_cast<size_t>(paging.offset));
  const size_t limit = static_cast<size_t>(paging.limit);
  return {begin, paging.limit > 0 && limit < n - begin ? begin + limit : n};
}

}  // namespace varve::query
