#include "query/call_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/status.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// What fill() shows where a call has no point. A call whose type is not known, since its field is
// not, shows nothing.
FieldValue FillValueOf(const SelectStatement& statement, const CallPlan& call) {
  return call.type == DataType::kUnknown ? FieldValue() : FillValueFor(statement, call.type);
}

}  // namespace

CallRows::CallRows(const PreparedSelect& select, const GroupedSources& grouped,
                   const SelectPlan& plan, QueryState& query, RowSink& sink)
    : select_(select),
      grouped_(grouped),
      plan_(plan),
      query_(query),
      sink_(sink),
      ascending_(select.compiled->ascending),
      postponed_(plan.calls.size()) {
  const auto bind = [this](const Expr& expr) {
    return RowExpression::Bind(expr, [this](const Expr& e) { return plan_.SymbolOf(e); });
  };
  for (const ExprPtr& field : plan_.fields) fields_.push_back(bind(*field));
  for (const ExprPtr& expr : plan_.hidden) hidden_.push_back(bind(*expr));
  for (const CallPlan& call : plan_.calls) {
    symbol_fill_.push_back(FillValueOf(select.statement, call));
  }
  for (const VarRef& ref : plan_.aux) {
    symbol_fill_.push_back(FillValueFor(select.statement, ref.type));
  }
  if (!grouped.streams.empty()) series_.assign(grouped.groups.size(), kNotBegun);
}

CallRows::Row CallRows::EmptyRow() const {
  const size_t symbols = plan_.calls.size() + plan_.aux.size();
  return {std::vector<FieldValue>(symbols + 1), std::vector<int64_t>(symbols)};
}

absl::Status CallRows::Add(uint32_t only, const GroupPoints& points) {
  Row row = EmptyRow();
  if (!points.seeds.empty()) {
    std::copy(points.seeds.begin(), points.seeds.end(), row.values.begin());
    row.seen = points.seed_times;
  }
  std::vector<size_t> at(plan_.calls.size());
  std::vector<size_t> pauses(plan_.calls.size());  // passed so far
  std::vector<bool> pausing(plan_.calls.size());   // in this turn
  const auto pauses_now = [&](size_t c) { return Pauses(points.calls[c], c, at[c], &pauses[c]); };
  Rows rows;
  rows.group = only;
  while (true) {
    bool found = false;
    bool paused = false;
    int64_t time = 0;
    uint32_t group = only;
    for (size_t c = 0; c < points.calls.size(); ++c) {
      const StreamPoints& call = points.calls[c];
      if (plan_.calls[c].hidden) continue;
      // A call that pauses has no say in which row comes next.
      pausing[c] = pauses_now(c);
      paused = paused || pausing[c];
      if (pausing[c] || at[c] >= call.points.size()) continue;
      const int64_t next = call.points.times[at[c]];
      const uint32_t of = call.groups.empty() ? only : call.groups[at[c]];
      if (!found || of < group || (of == group && (ascending_ ? next < time : next > time))) {
        time = next;
        group = of;
      }
      found = true;
    }
    if (!found && (!paused || Postpone(points, at, pauses, pausing))) break;
    if (!found) {
      // InfluxDB takes this for the end of its rows, sends what it has, and tries again; when it
      // had nothing, that is the end of the answer.
      ended_ = !std::exchange(sent_any_, false);
      if (ended_) break;
      continue;
    }
    if (group != rows.group) {
      RETURN_IF_ERROR(Flush(&rows));
      rows.group = group;
      row = EmptyRow();
    }
    for (size_t c = 0; c < points.calls.size(); ++c) {
      const bool hidden = plan_.calls[c].hidden;
      const int64_t of = hidden ? HiddenTime(points.calls[c].points, c, time, &at[c]) : time;
      TakePoint(points.calls[c], c, group, of, pauses_now(c), &at[c], &row);
    }
    AddRow(time, &row, &rows);
    if (rows.times.size() == model::kBatchRows) RETURN_IF_ERROR(Flush(&rows));
  }
  return Flush(&rows);
}

// True when a call pauses before its next point, which it then does not do again there.
bool CallRows::Pauses(const StreamPoints& stream, size_t call, size_t at, size_t* passed) {
  if (postponed_[call] > 0) {
    --postponed_[call];
    return true;
  }
  const std::vector<size_t>& places = stream.points.pauses;
  if (*passed == places.size() || places[*passed] > at) return false;
  ++*passed;
  return true;
}

// InfluxDB's calls go on to the next group each by itself, so what is left of one call's pauses
// here may fall together with rows that others have there. False when points are left here.
bool CallRows::Postpone(const GroupPoints& points, const std::vector<size_t>& at,
                        const std::vector<size_t>& passed, const std::vector<bool>& pausing) {
  size_t visible = 0;
  for (size_t c = 0; c < points.calls.size(); ++c) {
    if (plan_.calls[c].hidden) continue;
    ++visible;
    if (at[c] < points.calls[c].points.size()) return false;
  }
  if (visible < 2) return false;
  for (size_t c = 0; c < points.calls.size(); ++c) {
    postponed_[c] += (pausing[c] ? 1 : 0) + points.calls[c].points.pauses.size() - passed[c];
  }
  return true;
}

absl::Status CallRows::Flush(Rows* rows) {
  if (rows->times.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(query_.Check());
  if (query_.stages() != nullptr) query_.stages()->AddRows(Stage::kEmit, rows->times.size());
  const Group& group = grouped_.groups[rows->group];
  if (open_ != rows->group) {
    if (series_.empty() || series_[rows->group] == kNotBegun) {
      if (!series_.empty()) series_[rows->group] = begun_++;
      RETURN_IF_ERROR(sink_.Begin(group.name, grouped_.TagsOf(group)));
    } else {
      RETURN_IF_ERROR(sink_.Resume(series_[rows->group]));
    }
    open_ = rows->group;
  }
  RETURN_IF_ERROR(sink_.Rows(rows->times.size(), rows->times.data(), rows->values.data()));
  rows->times.clear();
  rows->values.clear();
  return absl::OkStatus();
}

// The time of the point of a hidden call that belongs to the row at `time`: that of its window.
// Windows come in the order of the rows; one may be asked for by several rows.
int64_t CallRows::HiddenTime(const Points& points, size_t call, int64_t time, size_t* at) const {
  if (points.size() == 0) return time;
  if (select_.compiled->interval.zero()) {
    *at = 0;
    return points.times[0];
  }
  const int64_t start = select_.WindowsOver(plan_.calls[call].leaf.range).At(time).start_ns;
  if (*at > 0) --*at;
  while (*at < points.size() &&
         (ascending_ ? points.times[*at] < start : points.times[*at] > start)) {
    ++*at;
  }
  return start;
}

// Sets the symbols of one call for the row at `time`; a missing point leaves what fill() says,
// with fill(previous) what was there, unless that is too old.
void CallRows::TakePoint(const StreamPoints& stream, size_t call, uint32_t group, int64_t time,
                         bool paused, size_t* at, Row* row) const {
  const Points& points = stream.points;
  const bool previous = select_.compiled->fill == FillOption::kPrevious;
  const int64_t age_max = select_.statement.fill_max_ns;
  // Then a window that was filled and is null is so on purpose.
  const bool bounded = age_max > 0 || !select_.ranges.empty();
  const auto set = [&](size_t symbol, const FieldValue& value, bool filled) {
    if (!value.is_null()) {
      row->values[symbol] = value;
      row->seen[symbol] = time;
    } else if (!previous) {
      row->values[symbol] = symbol_fill_[symbol];
    } else if ((filled && bounded) ||
               (age_max > 0 && std::abs(time - row->seen[symbol]) > age_max)) {
      row->values[symbol] = FieldValue();
    }
  };
  if (!paused && *at < points.size() && points.times[*at] == time &&
      (stream.groups.empty() || stream.groups[*at] == group)) {
    set(call, points.values[*at], plan_.calls[call].leaf.fills);
    for (size_t a = 0; a < points.aux_width; ++a) {
      set(plan_.calls.size() + a, points.aux[*at * points.aux_width + a], false);
    }
    ++*at;
  } else {
    set(call, FieldValue(), false);
  }
}

void CallRows::AddRow(int64_t time, Row* row, Rows* rows) {
  rows->times.push_back(time);
  sent_any_ = true;
  row->values.back() = FieldValue::Integer(time);
  for (const RowExpression& field : fields_) {
    FieldValue value = field.Evaluate(row->values);
    if (value.type() == FieldType::kFloat && std::isnan(value.as_float())) value = {};
    rows->values.push_back(value);
  }
  // With INTO, what top() and bottom() group by becomes tags.
  for (size_t i = 0; i < plan_.written_tags.size(); ++i) {
    rows->values.push_back(row->values[plan_.calls.size() + i]);
  }
  for (const RowExpression& expr : hidden_) rows->values.push_back(expr.Evaluate(row->values));
}

}  // namespace varve::query
