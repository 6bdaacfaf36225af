// SELECT with calls: leaves are computed for a chunk of groups at a time; then, group by group,
// gaps are filled, transformations applied, the points of all calls joined by time, and fields
// evaluated.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "query/aggregate_scan.h"
#include "query/call_plan.h"
#include "query/data_type.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/fill.h"
#include "query/functions/function.h"
#include "query/merge_rows.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// Groups whose state is held at once: until so many, or so many series, are together. Each chunk is
// one pass over the files, so where the state of a window has a fixed size, and the number of
// windows is known, a chunk is as large as so many windows allow.
constexpr size_t kChunkGroups = 256;
constexpr size_t kChunkSeries = 4096;
constexpr size_t kChunkWindows = 1 << 20;
// Beyond so many groups the state of a group, not of its windows, is what takes memory.
constexpr size_t kChunkGroupsMax = 1 << 16;

// The points of every call of one group; texts live as long as this.
struct GroupPoints {
  GroupPoints(size_t count, QueryState& query) : calls(count), memory(query) {}

  // Counts what is held now, and `more` bytes that are about to be, for the query's budget.
  absl::Status Count(size_t more = 0) {
    size_t bytes = sizeof(GroupPoints) + calls.size() * sizeof(Points) + texts.bytes() + more;
    for (const Points& points : calls) bytes += points.bytes();
    return memory.Set(bytes);
  }

  std::vector<Points> calls;
  // LOOKBACK with fill(previous): what each symbol was last before the answer begins, and when.
  std::vector<FieldValue> seeds;
  std::vector<int64_t> seed_times;
  TextArena texts;
  MemoryUse memory;
};
using GroupsPoints = std::vector<std::unique_ptr<GroupPoints>>;

class CallsRunner {
 public:
  CallsRunner(const PreparedSelect& select, const GroupedSources& grouped, SelectPlan plan,
              QueryState& query, RowSink& sink)
      : select_(select),
        grouped_(grouped),
        plan_(std::move(plan)),
        query_(query),
        sink_(sink),
        ascending_(select.compiled->ascending) {
    MakeScans();
    for (const ExprPtr& field : plan_.fields) {
      fields_.push_back(
          RowExpression::Bind(*field, [this](const Expr& e) { return plan_.SymbolOf(e); }));
    }
    for (const ExprPtr& expr : plan_.hidden) {
      hidden_.push_back(
          RowExpression::Bind(*expr, [this](const Expr& e) { return plan_.SymbolOf(e); }));
    }
    for (const CallPlan& call : plan_.calls) {
      symbol_fill_.push_back(FillValueOf(select.statement, call));
    }
    for (const VarRef& ref : plan_.aux) {
      symbol_fill_.push_back(FillValueFor(select.statement, ref.type));
    }
  }

  absl::Status Run() {
    if (!any_points_) return absl::OkStatus();
    size_t groups_max = kChunkGroups;
    size_t series_max = kChunkSeries;
    if (const size_t fixed = FixedSizeGroups(); fixed > 0) {
      groups_max = fixed;
      series_max = std::numeric_limits<size_t>::max();
    }
    for (size_t begin = 0; begin < grouped_.groups.size();) {
      size_t end = begin;
      size_t series = 0;
      while (end < grouped_.groups.size() && end - begin < groups_max && series < series_max) {
        series += grouped_.groups[end++].members.size();
      }
      RETURN_IF_ERROR(RunChunk(begin, end));
      begin = end;
    }
    return absl::OkStatus();
  }

 private:
  // How many groups fit in kChunkWindows; 0 where a window's state may grow with its rows.
  size_t FixedSizeGroups() const {
    size_t windows = 1;
    for (const CallPlan& call : plan_.calls) {
      const LeafPlan& leaf = call.leaf;
      if (leaf.function == nullptr || !leaf.function->fixed_size) return 0;
      const Windows over = select_.WindowsOver(leaf.range);
      if (over.interval().zero()) continue;
      const model::TimeRange held = HeldRange();
      const int64_t min_ns = std::max(leaf.range.min_ns, held.min_ns);
      const int64_t max_ns = std::min(leaf.range.max_ns, held.max_ns);
      if (min_ns > max_ns) continue;
      const auto span = static_cast<uint64_t>(max_ns) - static_cast<uint64_t>(min_ns);
      windows =
          std::max<size_t>(windows, span / static_cast<uint64_t>(over.interval().duration_ns) + 2);
    }
    return std::min(kChunkWindows / windows, kChunkGroupsMax);
  }

  // The times that can have rows at all; for subqueries nothing is known.
  model::TimeRange HeldRange() const {
    model::TimeRange held{model::kMaxTimeNs, model::kMinTimeNs};
    for (const PreparedSource& source : select_.sources) {
      if (source.view == nullptr) return {};
      const model::TimeRange range = source.view->shards_range();
      if (range.empty()) continue;
      held.min_ns = std::min(held.min_ns, range.min_ns);
      held.max_ns = std::max(held.max_ns, range.max_ns);
    }
    return held;
  }

  // One pass over the rows for each range that leaves ask for.
  void MakeScans() {
    std::vector<std::vector<const LeafPlan*>> by_range;
    for (const CallPlan& call : plan_.calls) {
      const LeafPlan& leaf = call.leaf;
      if (leaf.type == FieldType::kNone) continue;
      any_points_ = true;
      if (leaf.function == nullptr) continue;
      auto at = std::find_if(by_range.begin(), by_range.end(), [&](const auto& leaves) {
        return leaves.front()->range == leaf.range &&
               leaves.front()->options.aux_width == leaf.options.aux_width;
      });
      if (at == by_range.end()) at = by_range.insert(by_range.end(), {{}});
      at->push_back(&leaf);
    }
    for (auto& leaves : by_range) {
      const bool with_aux = leaves.front()->options.aux_width > 0;
      scans_.push_back(std::make_unique<AggregateScan>(select_, grouped_, std::move(leaves),
                                                       with_aux ? plan_.aux : std::vector<VarRef>{},
                                                       query_));
    }
  }

  // What fill() shows where a call has no point. A call whose type is not known, since its field is
  // not, shows nothing.
  static FieldValue FillValueOf(const SelectStatement& statement, const CallPlan& call) {
    return call.type == DataType::kUnknown ? FieldValue() : FillValueFor(statement, call.type);
  }
  absl::Status RunChunk(size_t begin, size_t end) {
    GroupsPoints groups;
    for (size_t i = begin; i < end; ++i) {
      groups.push_back(std::make_unique<GroupPoints>(plan_.calls.size(), query_));
    }
    for (auto& scan : scans_) {
      RETURN_IF_ERROR(scan->Scan(begin, end, [&](size_t group, const GroupState& state) {
        return TakeState(*scan, state, groups[group - begin].get());
      }));
    }
    RETURN_IF_ERROR(ReadStreams(begin, &groups));
    for (size_t i = 0; i < groups.size(); ++i) {
      RETURN_IF_ERROR(query_.Check());
      RETURN_IF_ERROR(Finish(groups[i].get()));
      RETURN_IF_ERROR(Emit(grouped_.groups[begin + i], *groups[i]));
      groups[i].reset();
    }
    return absl::OkStatus();
  }

  // Reads the states of a group out, in the order of the answer.
  absl::Status TakeState(const AggregateScan& scan, const GroupState& state, GroupPoints* group) {
    const std::vector<int64_t>& starts = state.slots.starts();
    std::vector<uint32_t> order(starts.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return ascending_ ? starts[a] < starts[b] : starts[a] > starts[b];
    });
    for (size_t i = 0; i < scan.leaves().size(); ++i) {
      const LeafPlan& leaf = *scan.leaves()[i];
      Points points;
      points.aux_width = leaf.options.aux_width;
      for (const uint32_t slot : order) {
        const size_t first = points.size();
        const int64_t start = starts[slot] <= model::kMinTimeNs ? 0 : starts[slot];
        state.aggregators[i]->Emit(slot, start, &points);
        for (size_t p = first; p < points.size(); ++p) {
          if (!leaf.keeps_time) points.times[p] = start;
          points.values[p] = group->texts.Keep(points.values[p]);
        }
      }
      for (FieldValue& value : points.aux) value = group->texts.Keep(value);
      for (size_t c = 0; c < plan_.calls.size(); ++c) {
        if (&plan_.calls[c].leaf == &leaf) group->calls[c] = std::move(points);
      }
    }
    return group->Count();
  }

  // Calls whose transformations take points as they are.
  absl::Status ReadStreams(size_t begin, GroupsPoints* groups) {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      const LeafPlan& leaf = plan_.calls[c].leaf;
      if (leaf.function != nullptr || leaf.type == FieldType::kNone) continue;
      std::vector<absl::Status> statuses(groups->size());
      query_.context().environment->workers->ParallelFor(groups->size(), [&](size_t i) {
        statuses[i] = ReadStream(leaf, grouped_.groups[begin + i], c, (*groups)[i].get());
      });
      for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    }
    return absl::OkStatus();
  }
  absl::Status ReadStream(const LeafPlan& leaf, const Group& group, size_t call, GroupPoints* to) {
    Points* out = &to->calls[call];
    ReadRequest request;
    request.range = leaf.range;
    request.ranges = select_.RangesWithin(leaf.range);
    request.descending = !ascending_;
    request.columns = {leaf.field};
    auto merger = RowMerger::Make(grouped_, group, request, 0, query_);
    while (true) {
      RowBlock block;
      RETURN_IF_ERROR(merger->Next(&block));
      if (block.rows == 0) return absl::OkStatus();
      RETURN_IF_ERROR(query_.AddPoints(block.rows));
      for (size_t i = 0; i < block.rows; ++i) {
        if (!block.values[i].is_null())
          out->Append(block.times[i], to->texts.Keep(block.values[i]));
      }
      RETURN_IF_ERROR(to->Count());
    }
  }

  // Fills gaps, transforms, and applies LIMIT and OFFSET to each call.
  absl::Status Finish(GroupPoints* group) {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      const CallPlan& call = plan_.calls[c];
      Points& points = group->calls[c];
      FieldType type = call.leaf.type;
      if (type == FieldType::kNone) continue;
      if (call.leaf.fills) RETURN_IF_ERROR(Fill(call.leaf, c, group));
      if (call.leaf.function != nullptr) type = TypeOf(points, type);
      for (const Call* transformation : call.transformations) {
        const Windows windows = select_.WindowsOver(call.leaf.range);
        const TransformContext context{transformation, type, ascending_, &windows};
        // Input and output are there together.
        RETURN_IF_ERROR(group->Count(points.bytes()));
        ASSIGN_OR_RETURN(points, Transform(context, points));
        ASSIGN_OR_RETURN(type, TransformType(*transformation, type));
      }
      if (select_.compiled->lookback_ns > 0) CutLookback(c, group);
      // With HAVING or ORDER BY they count the rows that come of it.
      if (select_.shape == nullptr) Limit(&points);
    }
    return group->Count();
  }
  static FieldType TypeOf(const Points& points, FieldType otherwise) {
    for (const FieldValue& value : points.values) {
      if (!value.is_null()) return value.type();
    }
    return otherwise;
  }
  absl::Status Fill(const LeafPlan& leaf, size_t call, GroupPoints* group) const {
    Points* points = &group->calls[call];
    FillContext context;
    context.option = select_.compiled->fill;
    if (select_.statement.target.has_value() && context.option == FillOption::kNull) {
      context.option = FillOption::kNone;
    }
    if (context.option == FillOption::kNone || points->size() == 0) {
      return absl::OkStatus();
    }
    if (context.option == FillOption::kNull && leaf.function->gaps == Gaps::kZero) {
      context.option = FillOption::kNumber;
      context.number = FieldValue::Integer(0);
    } else if (context.option == FillOption::kNumber) {
      context.number = NumberOfType(TypeOf(*points, leaf.type));
    }
    context.ascending = ascending_;
    context.range = leaf.range;
    context.ranges = select_.RangesWithin(leaf.range);
    context.max_ns = select_.statement.fill_max_ns;
    const Windows windows = select_.WindowsOver(leaf.range);
    const size_t width = sizeof(int64_t) + (1 + points->aux_width) * sizeof(FieldValue);
    RETURN_IF_ERROR(group->Count(WindowsFilled(*points, windows, context) * width));
    *points = FillWindows(*points, windows, context);
    return absl::OkStatus();
  }
  // fill(n) among texts is "", among booleans false.
  FieldValue NumberOfType(FieldType type) const {
    if (type == FieldType::kString) return FieldValue::String("");
    if (type == FieldType::kBoolean) return FieldValue::Boolean(false);
    return FillValueFor(select_.statement, DataTypeOf(type));
  }
  // Drops the points that LOOKBACK asked for and the statement did not.
  void CutLookback(size_t call, GroupPoints* group) const {
    Points& points = group->calls[call];
    const Windows windows = select_.WindowsOver(select_.range);
    const bool windowed = !windows.interval().zero();
    const int64_t border = ascending_ ? select_.range.min_ns : select_.range.max_ns;
    const int64_t first = windowed ? windows.At(border).start_ns : border;
    size_t cut = 0;
    while (cut < points.size() &&
           (ascending_ ? points.times[cut] < first : points.times[cut] > first)) {
      KeepSeed(call, points.values[cut], points.times[cut], group);
      for (size_t a = 0; a < points.aux_width; ++a) {
        KeepSeed(plan_.calls.size() + a, points.AuxOf(cut)[a], points.times[cut], group);
      }
      ++cut;
    }
    Slice(cut, points.size(), &points);
  }
  void KeepSeed(size_t symbol, const FieldValue& value, int64_t time, GroupPoints* group) const {
    if (select_.compiled->fill != FillOption::kPrevious || value.is_null()) return;
    group->seeds.resize(plan_.calls.size() + plan_.aux.size());
    group->seed_times.resize(group->seeds.size());
    group->seeds[symbol] = value;
    group->seed_times[symbol] = time;
  }
  void Limit(Points* points) const {
    const auto offset = std::min(points->size(), static_cast<size_t>(select_.statement.offset));
    const auto limit =
        select_.statement.limit > 0 ? static_cast<size_t>(select_.statement.limit) : points->size();
    Slice(offset, std::min(points->size(), offset + limit), points);
  }
  // Keeps points [offset, end).
  static void Slice(size_t offset, size_t end, Points* points) {
    if (offset == 0 && end == points->size()) return;
    const auto cut = [&](auto& values, size_t width) {
      values.resize(end * width);
      values.erase(values.begin(), values.begin() + static_cast<ptrdiff_t>(offset * width));
    };
    cut(points->times, 1);
    cut(points->values, 1);
    cut(points->aux, points->aux_width);
  }

  // Joins the calls by time and hands out rows.
  absl::Status Emit(const Group& group, const GroupPoints& points) {
    const size_t symbols = plan_.calls.size() + plan_.aux.size();
    Row row{std::vector<FieldValue>(symbols + 1), std::vector<int64_t>(symbols)};
    if (!points.seeds.empty()) {
      std::copy(points.seeds.begin(), points.seeds.end(), row.values.begin());
      row.seen = points.seed_times;
    }
    std::vector<size_t> at(plan_.calls.size());
    std::vector<int64_t> times;
    std::vector<FieldValue> values;
    bool begun = false;
    const auto flush = [&]() -> absl::Status {
      if (times.empty()) return absl::OkStatus();
      if (!begun) RETURN_IF_ERROR(sink_.Begin(group.name, grouped_.TagsOf(group)));
      begun = true;
      RETURN_IF_ERROR(sink_.Rows(times.size(), times.data(), values.data()));
      times.clear();
      values.clear();
      return absl::OkStatus();
    };
    while (true) {
      bool found = false;
      int64_t time = 0;
      for (size_t c = 0; c < points.calls.size(); ++c) {
        if (plan_.calls[c].hidden) continue;
        if (at[c] >= points.calls[c].size()) continue;
        const int64_t next = points.calls[c].times[at[c]];
        if (!found || (ascending_ ? next < time : next > time)) time = next;
        found = true;
      }
      if (!found) break;
      for (size_t c = 0; c < points.calls.size(); ++c) {
        const int64_t of =
            plan_.calls[c].hidden ? HiddenTime(points.calls[c], c, time, &at[c]) : time;
        TakePoint(points.calls[c], c, of, &at[c], &row);
      }
      times.push_back(time);
      row.values.back() = FieldValue::Integer(time);
      for (const RowExpression& field : fields_) {
        FieldValue value = field.Evaluate(row.values);
        if (value.type() == FieldType::kFloat && std::isnan(value.as_float())) value = {};
        values.push_back(value);
      }
      // With INTO, what top() and bottom() group by becomes tags.
      for (size_t i = 0; i < plan_.written_tags.size(); ++i) {
        values.push_back(row.values[plan_.calls.size() + i]);
      }
      for (const RowExpression& expr : hidden_) values.push_back(expr.Evaluate(row.values));
      if (times.size() == model::kBatchRows) RETURN_IF_ERROR(flush());
    }
    return flush();
  }
  // The symbols of a row of the answer, the time last, and when each was last given a value.
  struct Row {
    std::vector<FieldValue> values;
    std::vector<int64_t> seen;
  };
  // The time of the point of a hidden call that belongs to the row at `time`: that of its window.
  // Windows come in the order of the rows; one may be asked for by several rows.
  int64_t HiddenTime(const Points& points, size_t call, int64_t time, size_t* at) const {
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
  void TakePoint(const Points& points, size_t call, int64_t time, size_t* at, Row* row) const {
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
    if (*at < points.size() && points.times[*at] == time) {
      set(call, points.values[*at], plan_.calls[call].leaf.fills);
      for (size_t a = 0; a < points.aux_width; ++a) {
        set(plan_.calls.size() + a, points.aux[*at * points.aux_width + a], false);
      }
      ++*at;
    } else {
      set(call, FieldValue(), false);
    }
  }

  const PreparedSelect& select_;
  const GroupedSources& grouped_;
  SelectPlan plan_;
  QueryState& query_;
  RowSink& sink_;
  bool ascending_;
  bool any_points_ = false;
  std::vector<std::unique_ptr<AggregateScan>> scans_;
  std::vector<RowExpression> fields_;
  std::vector<RowExpression> hidden_;
  std::vector<FieldValue> symbol_fill_;
};

}  // namespace

absl::Status ExecuteCalls(const PreparedSelect& select, const GroupedSources& grouped,
                          QueryState& query, RowSink& sink) {
  ASSIGN_OR_RETURN(SelectPlan plan, PlanCalls(select));
  return CallsRunner(select, grouped, std::move(plan), query, sink).Run();
}

}  // namespace varve::query
