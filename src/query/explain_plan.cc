#include "query/explain_plan.h"

#include <algorithm>

#include "base/strings.h"
#include "query/condition.h"
#include "query/schema_reader.h"

namespace varve::query {
namespace {

std::string FieldsOf(const PreparedSelect& select, const SelectPlan& plan) {
  std::vector<std::string> names;
  const auto add = [&names](const VarRef& ref) {
    std::string name = Format(*MakeExpr(ref));
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  };
  for (const CallPlan& call : plan.calls) add(call.leaf.field);
  for (const VarRef& ref : plan.aux) add(ref);
  std::string text;
  for (const std::string& name : names) base::StrAppend(text, text.empty() ? "" : ", ", name);
  return text.empty() ? base::StrCat("none of ", select.sources.size(), " sources") : text;
}

// How the condition without its times is decided.
std::string FilterOf(const PreparedSelect& select) {
  const ExprPtr& condition = select.statement.condition;
  if (condition == nullptr) return "none";
  for (const PreparedSource& source : select.sources) {
    if (source.view == nullptr) return "row by row";
    if (!BuildTagPredicate(condition, ShapeOf(*source.view, source.measurement)).exact) {
      return "series by the index, then row by row";
    }
  }
  return "series by the index";
}

// Where the values of all calls come from.
std::string_view ValuesOf(const SelectPlan& plan) {
  const auto all = [&plan](auto test) {
    return plan.aux.empty() && std::all_of(plan.calls.begin(), plan.calls.end(),
                                           [&](const auto& call) { return test(call.leaf); });
  };
  if (all([](const LeafPlan& leaf) { return leaf.FromHours(); })) {
    return "values: statistics of blocks, or of hours (rollups), within one window, else rows";
  }
  return all([](const LeafPlan& leaf) { return leaf.FromStatistics(); })
             ? "values: statistics of blocks within one window, else rows"
             : "values: rows";
}

bool InAnyOrder(const SelectPlan& plan) {
  return plan.aux.empty() && std::all_of(plan.calls.begin(), plan.calls.end(),
                                         [](const auto& call) { return call.leaf.InAnyOrder(); });
}

std::string WindowsOf(const PreparedSelect& select) {
  const Interval& interval = select.compiled->interval;
  if (interval.zero()) return "one";
  if (interval.months > 0) return base::StrCat(interval.months, " months of the calendar");
  if (interval.calendar()) return base::StrCat(interval.days, " days of the calendar");
  std::string text = FormatDuration(interval.duration_ns);
  if (interval.offset_ns != 0) base::StrAppend(text, " from ", FormatDuration(interval.offset_ns));
  const model::TimeRange& range = select.range;
  if (range.min_ns <= model::kMinTimeNs || range.max_ns >= model::kMaxTimeNs) {
    return text + ", as many as have rows";
  }
  const auto span = static_cast<uint64_t>(range.max_ns) - static_cast<uint64_t>(range.min_ns);
  base::StrAppend(text, ", up to ", span / static_cast<uint64_t>(interval.duration_ns) + 2);
  return text;
}

void AppendLimits(const SelectStatement& statement, std::vector<std::string>* lines) {
  std::string text;
  const auto add = [&text](std::string_view word, int64_t n) {
    if (n > 0) base::StrAppend(text, text.empty() ? "" : " ", word, " ", n);
  };
  add("LIMIT", statement.limit);
  add("OFFSET", statement.offset);
  add("SLIMIT", statement.slimit);
  add("SOFFSET", statement.soffset);
  if (!text.empty()) lines->push_back("limits: " + text);
}

}  // namespace

std::vector<std::string> DescribePlan(const PreparedSelect& select, const SelectPlan& plan) {
  std::vector<std::string> lines;
  lines.push_back("fields: " + FieldsOf(select, plan));
  lines.push_back("filter: " + FilterOf(select));
  if (!select.ranges.empty()) {
    lines.push_back(base::StrCat("times: ", select.ranges.size(), " ranges"));
  }
  if (plan.calls.empty()) {
    lines.push_back("rows: merged by time within each group");
  } else {
    lines.push_back("windows: " + WindowsOf(select));
    const bool stored = std::all_of(select.sources.begin(), select.sources.end(),
                                    [](const auto& source) { return source.view != nullptr; });
    const bool filtered = FilterOf(select).ends_with("row by row");
    lines.push_back(std::string(stored && !filtered ? ValuesOf(plan) : "values: rows"));
    lines.push_back(InAnyOrder(plan) ? "series: in the order of the files"
                                     : "series: in the order of the answer");
    for (const CallPlan& call : plan.calls) {
      std::string steps = call.leaf.function != nullptr ? base::StrCat("aggregate ", call.leaf.name)
                                                        : std::string("points by time");
      for (const Call* step : call.transformations) base::StrAppend(steps, ", then ", step->name);
      lines.push_back(base::StrCat("call ", call.key, ": ", steps));
    }
  }
  if (!select.compiled->ascending) lines.push_back("order: newest first");
  AppendLimits(select.statement, &lines);
  return lines;
}

}  // namespace varve::query
