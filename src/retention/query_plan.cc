#include "retention/query_plan.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "query/compile.h"
#include "query/condition.h"
#include "query/parser.h"
#include "query/statements.h"

namespace varve::retention {
namespace {

using query::Call;
using query::Expr;
using query::ExprPtr;
using query::SelectStatement;

// Windows that are computed by one statement when more than a run's are to be.
constexpr int64_t kWindowsPerPiece = 100;

// Functions whose value of a window comes from the points of that window alone, and is the same
// each time.
bool IsOfOneWindow(const std::string& call) {
  static constexpr std::array<std::string_view, 14> kCalls = {
      "count", "sum",    "mean",   "min",    "max",        "first",    "last",
      "mode",  "median", "spread", "stddev", "percentile", "distinct", "bottom"};
  return call == "top" || std::find(kCalls.begin(), kCalls.end(), call) != kCalls.end();
}

bool IsWindowByWindow(const Expr& expr) {
  if (const auto* call = expr.As<Call>()) {
    return IsOfOneWindow(call->name) &&
           std::none_of(call->args.begin(), call->args.end(), [](const ExprPtr& arg) {
             const auto* inner = arg->As<Call>();
             return inner != nullptr && inner->name != "distinct";
           });
  }
  if (const auto* binary = expr.As<query::BinaryExpr>()) {
    return IsWindowByWindow(*binary->left) && IsWindowByWindow(*binary->right);
  }
  if (const auto* paren = expr.As<query::ParenExpr>()) return IsWindowByWindow(*paren->inner);
  return true;
}

// Whether a window gives one value: neither several rows, nor fields or tags beside a selector.
bool GivesOneValue(const Expr& expr) {
  if (const auto* call = expr.As<Call>()) {
    return call->name != "top" && call->name != "bottom" && call->name != "distinct";
  }
  if (const auto* binary = expr.As<query::BinaryExpr>()) {
    return GivesOneValue(*binary->left) && GivesOneValue(*binary->right);
  }
  if (const auto* paren = expr.As<query::ParenExpr>()) return GivesOneValue(*paren->inner);
  return expr.As<query::VarRef>() == nullptr && expr.As<query::Wildcard>() == nullptr &&
         expr.As<query::RegexLiteral>() == nullptr && expr.As<query::Distinct>() == nullptr;
}

bool IsWindowByWindow(const SelectStatement& select) {
  if (select.having != nullptr || !select.sort_fields.empty() || select.lookback_ns != 0) {
    return false;
  }
  if (select.limit != 0 || select.offset != 0 || select.slimit != 0 || select.soffset != 0) {
    return false;
  }
  if (select.fill != query::FillOption::kNull && select.fill != query::FillOption::kNone) {
    return false;
  }
  for (const auto& source : select.sources) {
    if (!std::holds_alternative<query::Measurement>(source.node)) return false;
  }
  return std::all_of(select.fields.begin(), select.fields.end(),
                     [](const auto& field) { return IsWindowByWindow(*field.expr); });
}

int64_t ZoneNs(absl::TimeZone zone, int64_t time_ns) {
  return static_cast<int64_t>(zone.At(absl::FromUnixNanos(time_ns)).offset) * 1'000'000'000;
}

ExprPtr Compare(query::Operator op, int64_t time_ns) {
  return query::MakeExpr(query::BinaryExpr{op, query::MakeExpr(query::VarRef{"time"}),
                                           query::MakeExpr(query::TimeLiteral{time_ns})});
}

}  // namespace

absl::StatusOr<std::shared_ptr<const QueryPlan>> QueryPlan::Make(
    const meta::CatalogData& catalog, const meta::Database& database,
    const meta::ContinuousQuery& query) {
  ASSIGN_OR_RETURN(const auto statements, query::ParseQuery(query.query, {}));
  const auto* create =
      statements.size() == 1 ? statements[0].As<query::CreateContinuousQuery>() : nullptr;
  if (create == nullptr || !create->source->target.has_value()) {
    return base::InvalidArgument("query isn't a valid continuous query");
  }
  std::shared_ptr<QueryPlan> plan(new QueryPlan);
  plan->database_ = database.name;
  plan->name_ = query.name;
  plan->select_ = *create->source;
  RETURN_IF_ERROR(query::FillNames(&plan->select_, database.name, "", catalog));
  ASSIGN_OR_RETURN(const auto compiled, query::CompileSelect(plan->select_, /*now_ns=*/0));
  if (!compiled->has_calls) {
    return base::InvalidArgument("continuous queries must be aggregate queries");
  }
  if (compiled->interval.zero()) {
    return base::InvalidArgument("continuous queries must group by time");
  }
  plan->interval_ = compiled->interval;
  plan->has_zone_ = compiled->has_zone;
  plan->zone_ = compiled->zone;
  const int64_t length = plan->interval_.duration_ns;
  plan->every_ns_ = create->resample_every_ns != 0 ? create->resample_every_ns : length;
  plan->for_ns_ = create->resample_for_ns;
  if (plan->interval_.calendar()) {
    plan->slots_are_windows_ = create->resample_every_ns == 0;
  } else if (plan->for_ns_ == 0) {
    plan->for_ns_ = std::max(length, plan->every_ns_);
  }
  plan->ahead_ns_ = length - std::min(length, plan->every_ns_);
  plan->window_by_window_ = IsWindowByWindow(plan->select_);
  query::TimeContext times;
  times.zone = plan->zone_;
  ASSIGN_OR_RETURN(auto split, query::SplitTime(plan->select_.condition, times));
  plan->select_.condition = std::move(split.condition);
  plan->AddSources(plan->select_);
  const query::Measurement& target = *plan->select_.target;
  plan->target_ = {target.database, target.retention_policy, target.name, nullptr};
  return std::shared_ptr<const QueryPlan>(std::move(plan));
}

void QueryPlan::AddSources(const SelectStatement& select) {
  for (const auto& source : select.sources) AddSource(source);
}

void QueryPlan::AddSource(const query::Source& source) {
  if (const auto* m = std::get_if<query::Measurement>(&source.node)) {
    sources_.push_back({m->database, m->retention_policy, m->name, m->regex});
  } else if (const auto* join = std::get_if<std::shared_ptr<const query::Join>>(&source.node)) {
    for (const query::JoinSide& side : (*join)->sides) AddSource(side.source);
  } else {
    AddSources(*std::get<std::shared_ptr<const SelectStatement>>(source.node));
  }
}

query::Windows QueryPlan::slots() const {
  return slots_are_windows_
             ? windows()
             : query::Windows({every_ns_, interval_.offset_ns}, {}, has_zone_, zone_);
}

int64_t QueryPlan::StartOf(int64_t next_run_ns, int64_t last_run_ns) const {
  if (interval_.calendar()) {
    const int64_t start_ns = EndedAt(last_run_ns);
    return for_ns_ == 0 ? start_ns : std::min(start_ns, FirstWindowFrom(next_run_ns - for_ns_));
  }
  return windows().At(next_run_ns + interval_.duration_ns - for_ns_ - 1).start_ns;
}

int64_t QueryPlan::EndOf(int64_t now_ns) const {
  if (interval_.calendar()) {
    // The present window is looked at once it has gone on for as long as from a run to the next.
    const query::Window present = windows().At(now_ns);
    const bool covered = !slots_are_windows_ && present.start_ns + every_ns_ <= now_ns;
    return covered ? present.end_ns : present.start_ns;
  }
  return windows().At(now_ns + ahead_ns_).start_ns;
}

int64_t QueryPlan::grain_ns() const {
  // Days of all zones begin at a quarter of an hour, since the zones are zones.
  constexpr int64_t kQuarterNs = 900 * int64_t{1'000'000'000};
  constexpr int64_t kSecondNs = 1'000'000'000;
  const int64_t length = interval_.calendar() ? kQuarterNs : interval_.duration_ns;
  int64_t grain = std::gcd(length, interval_.offset_ns);
  if (has_zone_) grain = std::gcd(grain, kQuarterNs);
  return std::max(grain, std::min(length, kSecondNs));
}

int64_t QueryPlan::NextRun(int64_t last_run_ns) const {
  if (slots_are_windows_) return windows().At(last_run_ns).end_ns;
  const int64_t next_ns = last_run_ns + every_ns_;
  if (!has_zone_) return next_ns;
  // A slot in which clocks are set is longer or shorter by as much.
  const int64_t shift = ZoneNs(zone_, last_run_ns - 1) - ZoneNs(zone_, next_ns - 1);
  return std::abs(shift) < every_ns_ ? next_ns + shift : next_ns;
}

std::optional<QueryPlan::Due> QueryPlan::DueAt(std::optional<int64_t> last_run,
                                               int64_t now_ns) const {
  const int64_t next_ns = last_run.has_value() ? NextRun(*last_run) : now_ns;
  if (next_ns > now_ns) return std::nullopt;
  const int64_t start_ns = StartOf(next_ns, last_run.value_or(SlotOf(next_ns - 1)));
  return Due{SlotOf(now_ns), {start_ns, EndOf(now_ns)}};
}

Span QueryPlan::Windows(Span span) const {
  if (span.start_ns >= span.end_ns) return {};
  return {windows().At(span.start_ns).start_ns, windows().At(span.end_ns - 1).end_ns};
}

int64_t QueryPlan::FirstWindowFrom(int64_t time_ns) const {
  const query::Window window = windows().At(time_ns);
  return window.start_ns == time_ns ? time_ns : window.end_ns;
}

Span QueryPlan::FirstPiece(Span span) const {
  return FirstWindows(span, window_by_window_ ? kWindowsPerPiece : 1);
}

Span QueryPlan::FirstWindows(Span span, int64_t count) const {
  Span piece{span.start_ns, span.start_ns};
  for (int64_t i = 0; i < count && piece.end_ns < span.end_ns; ++i) {
    piece.end_ns = windows().At(piece.end_ns).end_ns;
  }
  piece.end_ns = std::min(piece.end_ns, span.end_ns);
  return piece;
}

uint64_t QueryPlan::WindowCount(Span span) const {
  if (span.start_ns >= span.end_ns) return 0;
  if (interval_.calendar()) return windows().CountWithin({span.start_ns, span.end_ns - 1});
  // A change of the clocks makes a day an hour longer or shorter, not two days of it.
  const int64_t one = interval_.duration_ns;
  return std::max<uint64_t>(1,
                            static_cast<uint64_t>((span.end_ns - span.start_ns + one / 2) / one));
}

SelectStatement QueryPlan::Statement(Span span) const {
  SelectStatement select = select_;
  ExprPtr times = query::MakeExpr(query::BinaryExpr{query::Operator::kAnd,
                                                    Compare(query::Operator::kGte, span.start_ns),
                                                    Compare(query::Operator::kLt, span.end_ns)});
  if (select.condition == nullptr) {
    select.condition = std::move(times);
  } else {
    select.condition = query::MakeExpr(
        query::BinaryExpr{query::Operator::kAnd, std::move(times),
                          query::MakeExpr(query::ParenExpr{std::move(select.condition)})});
  }
  return select;
}

SelectStatement QueryPlan::Reading(Span span, const ExprPtr& also) const {
  SelectStatement select = Statement(span);
  select.target.reset();
  select.fill = query::FillOption::kNone;
  select.fill_given = true;
  if (also != nullptr) {
    select.condition =
        query::MakeExpr(query::BinaryExpr{query::Operator::kAnd, std::move(select.condition),
                                          query::MakeExpr(query::ParenExpr{also})});
  }
  return select;
}

bool QueryPlan::PointsHaveReasons() const {
  return window_by_window_ &&
         std::all_of(select_.fields.begin(), select_.fields.end(),
                     [](const auto& field) { return GivesOneValue(*field.expr); }) &&
         std::all_of(sources_.begin(), sources_.end(), [this](const SourceName& source) {
           return source.database == sources_.front().database &&
                  source.policy == sources_.front().policy;
         });
}

bool QueryPlan::GroupsByAllTags() const {
  return std::any_of(select_.dimensions.begin(), select_.dimensions.end(), [](const auto& d) {
    return d.expr->template As<query::Wildcard>() != nullptr;
  });
}

bool QueryPlan::SharesTarget(const QueryPlan& other) const {
  return target_.database == other.target_.database && target_.policy == other.target_.policy &&
         (target_.name.empty() || other.target_.name.empty() || target_.name == other.target_.name);
}

bool QueryPlan::Reads(const std::string& database, const std::string& policy,
                      const std::string& measurement) const {
  return std::any_of(sources_.begin(), sources_.end(), [&](const SourceName& source) {
    if (source.database != database || source.policy != policy) return false;
    return source.regex != nullptr ? source.regex->Matches(measurement)
                                   : source.name == measurement;
  });
}

bool QueryPlan::Feeds(const QueryPlan& other) const {
  if (!target_.name.empty()) return other.Reads(target_.database, target_.policy, target_.name);
  // INTO :MEASUREMENT writes to the names it reads.
  for (const SourceName& source : sources_) {
    for (const SourceName& read : other.sources_) {
      if (read.database != target_.database || read.policy != target_.policy) continue;
      if (source.regex != nullptr) {
        if (read.regex != nullptr || source.regex->Matches(read.name)) return true;
      } else if (read.regex != nullptr ? read.regex->Matches(source.name)
                                       : read.name == source.name) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace varve::retention
