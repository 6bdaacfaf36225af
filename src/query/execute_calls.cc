// SELECT with calls: leaves are computed for a chunk of groups at a time; then, group by group,
// gaps are filled, transformations applied, the points of all calls joined by time, and fields
// evaluated.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/status.h"
#include "query/aggregate_scan.h"
#include "query/call_plan.h"
#include "query/call_rows.h"
#include "query/data_type.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/fill.h"
#include "query/functions/function.h"
#include "query/limited_windows.h"
#include "query/scan_parts.h"
#include "query/stream_points.h"
#include "query/stream_scan.h"

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

// More than are made or transformed in passing, on a thread that is only lent.
constexpr size_t kManyPoints = 1 << 14;

using GroupsPoints = std::vector<std::unique_ptr<GroupPoints>>;

class CallsRunner {
 public:
  CallsRunner(const PreparedSelect& select, const GroupedSources& grouped, SelectPlan plan,
              QueryState& query, RowSink& sink)
      : select_(select),
        grouped_(grouped),
        plan_(std::move(plan)),
        query_(query),
        ascending_(select.compiled->ascending),
        rows_(select, grouped, plan_, query, sink) {
    MakeScans();
    pauses_.resize(plan_.calls.size());
    ended_.resize(plan_.calls.size());
    for (const PreparedSource& source : select.sources) {
      has_subquery_ = has_subquery_ || source.view == nullptr;
    }
    if (!has_subquery_) limited_ = LimitedWindows::Make(select, grouped, plan_, HeldRange());
  }

  absl::Status Run() {
    if (!any_points_) return absl::OkStatus();
    if (!grouped_.streams.empty()) return RunStreams();
    size_t groups_max = kChunkGroups;
    size_t series_max = kChunkSeries;
    if (const size_t fixed = FixedSizeGroups(); fixed > 0) {
      groups_max = fixed;
      series_max = std::numeric_limits<size_t>::max();
    }
    for (size_t begin = 0; begin < grouped_.groups.size() && !rows_.ended();) {
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

  absl::Status RunChunk(size_t begin, size_t end) {
    GroupsPoints groups;
    std::vector<uint32_t> chunk;
    for (size_t i = begin; i < end; ++i) {
      groups.push_back(std::make_unique<GroupPoints>(plan_.calls.size(), query_));
      chunk.push_back(static_cast<uint32_t>(i));
    }
    if (limited_) {
      RETURN_IF_ERROR(ScanLimited(chunk, groups));
    } else if (!has_subquery_) {
      for (auto& scan : scans_) {
        StageScope stage(query_.stages(), Stage::kScan);
        RETURN_IF_ERROR(ScanAll(*scan, chunk, groups));
      }
    }
    // What is left: calls that take points as they are, and those to which their order matters.
    std::vector<absl::Status> statuses(groups.size());
    {
      StageScope stage(query_.stages(), Stage::kMerge);
      std::vector<size_t> left;
      for (size_t i = 0; i < groups.size(); ++i) {
        if (NeedsOrder(*groups[i])) left.push_back(i);
      }
      query_.ParallelFor(left.size(), [&](size_t n) {
        const size_t i = left[n];
        statuses[i] = ReadInOrder(std::span(&chunk[i], 1), groups[i].get());
      });
    }
    for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
    for (size_t i = 0; i < groups.size() && !rows_.ended(); ++i) {
      RETURN_IF_ERROR(query_.Check());
      {
        StageScope stage(query_.stages(), Stage::kTransform);
        RETURN_IF_ERROR(Finish(groups[i].get()));
        for (const StreamPoints& stream : groups[i]->calls) stage.AddRows(stream.points.size());
      }
      StageScope stage(query_.stages(), Stage::kEmit);
      RETURN_IF_ERROR(rows_.Add(chunk[i], *groups[i]));
      groups[i].reset();
    }
    return absl::OkStatus();
  }

  // Where the state of a window grows with its rows, those of a part of the time are held only.
  absl::Status ScanAll(AggregateScan& scan, std::span<const uint32_t> chunk,
                       const GroupsPoints& groups) {
    const auto take = [&](size_t place, const GroupState& state) {
      return TakeState(scan, state, groups[place].get());
    };
    const auto& leaves = scan.leaves();
    const model::TimeRange range = leaves.front()->range;
    const bool grows = std::any_of(leaves.begin(), leaves.end(), [](const LeafPlan* leaf) {
      return !leaf->function->fixed_size;
    });
    if (!grows) return scan.Scan(chunk, take);
    const Windows windows = select_.WindowsOver(range);
    for (const model::TimeRange& part : ScanParts(grouped_, windows, range, ascending_)) {
      scan.Restrict(part);
      RETURN_IF_ERROR(scan.Scan(chunk, take));
    }
    return absl::OkStatus();
  }

  // Reads windows in the order of the answer until every group has enough of them.
  absl::Status ScanLimited(std::span<const uint32_t> chunk, const GroupsPoints& groups) {
    AggregateScan& scan = *scans_.front();
    LimitedWindows windows = *limited_;
    std::vector<size_t> open(chunk.size());  // places of groups
    std::iota(open.begin(), open.end(), 0);
    std::vector<uint32_t> of_open(chunk.begin(), chunk.end());
    while (!open.empty()) {
      const model::TimeRange range = windows.Next();
      if (range.empty()) break;
      StageScope stage(query_.stages(), Stage::kScan);
      scan.Restrict(range);
      RETURN_IF_ERROR(scan.Scan(of_open, [&](size_t place, const GroupState& state) {
        return TakeState(scan, state, groups[open[place]].get());
      }));
      std::erase_if(open, [&](size_t place) { return IsSettled(windows, *groups[place]); });
      of_open.clear();
      for (const size_t place : open) of_open.push_back(chunk[place]);
    }
    return absl::OkStatus();
  }
  bool IsSettled(const LimitedWindows& windows, const GroupPoints& group) const {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      if (plan_.calls[c].leaf.type == FieldType::kNone) continue;
      if (!windows.IsSettled(group.calls[c].points)) return false;
    }
    return true;
  }

  // A statement within another that groups by less: the outer one takes its rows in the order of
  // InfluxDB's iterators, in which the groups of a stream take turns.
  absl::Status RunStreams() {
    for (const std::vector<uint32_t>& stream : grouped_.streams) {
      if (rows_.ended()) break;
      GroupPoints points(plan_.calls.size(), query_);
      if (!has_subquery_) RETURN_IF_ERROR(ScanGroups(stream, &points));
      RETURN_IF_ERROR(ReadInOrder(stream, &points));
      for (StreamPoints& call : points.calls) {
        if (call.groups.empty()) call.groups.assign(call.points.size(), stream.front());
      }
      RETURN_IF_ERROR(query_.Check());
      RETURN_IF_ERROR(Finish(&points));
      RETURN_IF_ERROR(rows_.Add(stream.front(), points));
    }
    return absl::OkStatus();
  }
  // Reads out the state of one group of a stream; texts are kept in `into`.
  absl::Status TakeGroup(const AggregateScan& scan, const GroupState& state, GroupPoints* into,
                         std::vector<std::vector<Points>>* by_call) {
    GroupPoints group(plan_.calls.size(), query_);
    RETURN_IF_ERROR(TakeState(scan, state, &group));
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      const auto& leaves = scan.leaves();
      if (std::find(leaves.begin(), leaves.end(), &plan_.calls[c].leaf) == leaves.end()) continue;
      Points& points = group.calls[c].points;
      for (FieldValue& value : points.values) value = into->texts.Keep(value);
      for (FieldValue& value : points.aux) value = into->texts.Keep(value);
      (*by_call)[c].push_back(std::move(points));
    }
    return absl::OkStatus();
  }
  absl::Status ScanGroups(const std::vector<uint32_t>& stream, GroupPoints* into) {
    std::vector<std::vector<Points>> by_call(plan_.calls.size());
    for (size_t begin = 0; begin < stream.size(); begin += kChunkGroups) {
      const size_t end = std::min(stream.size(), begin + kChunkGroups);
      const std::span<const uint32_t> chunk = std::span(stream).subspan(begin, end - begin);
      for (auto& scan : scans_) {
        const auto take = [&](size_t, const GroupState& state) {
          return TakeGroup(*scan, state, into, &by_call);
        };
        RETURN_IF_ERROR(scan->Scan(chunk, take));
      }
    }
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      if (by_call[c].empty()) continue;
      const LeafPlan& leaf = plan_.calls[c].leaf;
      // Pauses are not of one group.
      const bool in_order = std::any_of(by_call[c].begin(), by_call[c].end(), [](const Points& p) {
        return p.tied || !p.pauses.empty();
      });
      into->calls[c] = Interleave(std::move(by_call[c]), stream, select_.WindowsOver(leaf.range),
                                  ascending_, leaf.keeps_time);
      into->calls[c].points.tied = in_order;
    }
    return into->Count();
  }

  // Reads the states of a group out, in the order of the answer, behind those that were read
  // before.
  absl::Status TakeState(const AggregateScan& scan, const GroupState& state, GroupPoints* group) {
    const std::vector<int64_t>& starts = state.slots.starts();
    std::vector<uint32_t> order(starts.size());
    std::iota(order.begin(), order.end(), 0);
    const auto before = [&](uint32_t a, uint32_t b) {
      return ascending_ ? starts[a] < starts[b] : starts[a] > starts[b];
    };
    if (!std::is_sorted(order.begin(), order.end(), before)) {
      std::sort(order.begin(), order.end(), before);
    }
    for (size_t i = 0; i < scan.leaves().size(); ++i) {
      const LeafPlan& leaf = *scan.leaves()[i];
      Points points;
      points.aux_width = leaf.options.aux_width;
      points.Reserve(order.size());
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
        if (&plan_.calls[c].leaf == &leaf) Append(std::move(points), &group->calls[c].points);
      }
    }
    return group->Count();
  }

  static void Append(Points from, Points* to) {
    from.tied = from.tied || to->tied;
    if (to->size() == 0 && to->pauses.empty()) {
      *to = std::move(from);
      return;
    }
    for (const size_t place : from.pauses) to->pauses.push_back(to->size() + place);
    to->aux_width = from.aux_width;
    to->times.insert(to->times.end(), from.times.begin(), from.times.end());
    to->values.insert(to->values.end(), from.values.begin(), from.values.end());
    to->aux.insert(to->aux.end(), from.aux.begin(), from.aux.end());
    to->tied = from.tied;
  }

  // Whether a call is computed of the rows in InfluxDB's order.
  bool NeedsOrder(size_t c, const StreamPoints& call) const {
    const LeafPlan& leaf = plan_.calls[c].leaf;
    if (leaf.type == FieldType::kNone) return false;
    return leaf.function == nullptr || has_subquery_ || call.points.tied;
  }
  bool NeedsOrder(const GroupPoints& group) const {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      if (NeedsOrder(c, group.calls[c])) return true;
    }
    return false;
  }
  // Computes what does.
  absl::Status ReadInOrder(std::span<const uint32_t> stream, GroupPoints* to) {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      const LeafPlan& leaf = plan_.calls[c].leaf;
      StreamPoints* call = &to->calls[c];
      if (!NeedsOrder(c, *call)) continue;
      if (leaf.function == nullptr) {
        RETURN_IF_ERROR(ReadPoints(leaf, stream, call, to));
      } else {
        *call = StreamPoints();
        RETURN_IF_ERROR(
            ScanStream(select_, grouped_, stream, leaf, plan_.aux, query_, &to->texts, call));
        RETURN_IF_ERROR(to->Count());
      }
    }
    return absl::OkStatus();
  }
  absl::Status ReadPoints(const LeafPlan& leaf, std::span<const uint32_t> stream,
                          StreamPoints* call, GroupPoints* to) {
    StreamReader reader(select_, grouped_, stream, leaf.range, {leaf.field}, query_);
    while (true) {
      StreamReader::Block block;
      RETURN_IF_ERROR(reader.Next(&block));
      if (block.rows == 0) return absl::OkStatus();
      RETURN_IF_ERROR(query_.AddPoints(block.rows));
      for (size_t i = 0; i < block.rows; ++i) {
        if (block.values[i].is_null()) continue;
        call->points.Append(block.times[i], to->texts.Keep(block.values[i]));
        if (stream.size() > 1) call->groups.push_back(block.groups[i]);
      }
      RETURN_IF_ERROR(to->Count());
    }
  }

  // Fills gaps, transforms, and applies LIMIT and OFFSET to each call.
  absl::Status Finish(GroupPoints* group) {
    for (size_t c = 0; c < plan_.calls.size(); ++c) {
      const CallPlan& call = plan_.calls[c];
      StreamPoints& stream = group->calls[c];
      FieldType type = call.leaf.type;
      if (type == FieldType::kNone) continue;
      if (ended_[c]) stream = StreamPoints();
      if (call.leaf.function != nullptr) FindPauses(c, &stream);
      if (call.leaf.fills) RETURN_IF_ERROR(Fill(call.leaf, c, group));
      if (call.leaf.function != nullptr) {
        type = TypeOf(stream.points, ResultTypeOf(*call.leaf.function, type));
      }
      if (stream.points.size() > kManyPoints) query_.GiveBackThread();
      for (const Call* transformation : call.transformations) {
        const Windows windows = select_.WindowsOver(call.leaf.range);
        const TransformContext context{transformation, type, ascending_, &windows};
        // Input and output are there together.
        RETURN_IF_ERROR(group->Count(stream.points.bytes()));
        if (stream.groups.empty()) {
          ASSIGN_OR_RETURN(stream.points, Transform(context, stream.points));
        } else {
          ASSIGN_OR_RETURN(stream, TransformStream(context, stream));
        }
        ASSIGN_OR_RETURN(type, TransformType(*transformation, type));
      }
      if (select_.compiled->lookback_ns > 0) CutLookback(c, group);
      // With HAVING or ORDER BY they count the rows that come of it.
      if (select_.shape != nullptr) continue;
      if (stream.groups.empty()) {
        Limit(&stream.points);
      } else {
        LimitStream(static_cast<size_t>(select_.statement.offset),
                    static_cast<size_t>(select_.statement.limit), &stream);
      }
    }
    return group->Count();
  }
  // Finds the pauses of a call that show. A transformation takes the first for the end, now and for
  // the groups that follow.
  void FindPauses(size_t c, StreamPoints* stream) {
    const CallPlan& call = plan_.calls[c];
    Points& points = stream->points;
    if (!grouped_.outermost) points.pauses.clear();
    if (!pauses_[c].has_value()) {
      FillContext context;
      context.ascending = ascending_;
      context.range = call.leaf.range;
      pauses_[c].emplace(select_.WindowsOver(call.leaf.range), context, FillsGaps(call.leaf));
    }
    pauses_[c]->Apply(&points);
    if (call.transformations.empty() || points.pauses.empty()) return;
    Slice(0, points.pauses.front(), &points);
    points.pauses.clear();
    ended_[c] = true;
  }
  bool FillsGaps(const LeafPlan& leaf) const {
    return leaf.fills && FillOptionOf(select_) != FillOption::kNone;
  }
  static FieldType TypeOf(const Points& points, FieldType otherwise) {
    for (const FieldValue& value : points.values) {
      if (!value.is_null()) return value.type();
    }
    return otherwise;
  }
  absl::Status Fill(const LeafPlan& leaf, size_t call, GroupPoints* group) const {
    StreamPoints* stream = &group->calls[call];
    Points* points = &stream->points;
    FillContext context;
    context.option = FillOptionOf(select_);
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
    if (limited_) context.points_max = limited_->points_wanted();
    const Windows windows = select_.WindowsOver(leaf.range);
    const size_t width = sizeof(int64_t) + (1 + points->aux_width) * sizeof(FieldValue);
    if (stream->groups.empty()) {
      const size_t filled = WindowsFilled(*points, windows, context);
      if (filled > kManyPoints) query_.GiveBackThread();
      RETURN_IF_ERROR(group->Count(filled * width));
      // Behind the first point, only a pause behind the last window is noticed.
      std::vector<size_t> pauses = std::move(points->pauses);
      *points = FillWindows(*points, windows, context);
      for (size_t& place : pauses) place = place == 0 ? 0 : points->size();
      points->pauses = std::move(pauses);
      return absl::OkStatus();
    }
    query_.GiveBackThread();
    size_t runs = 0;
    for (size_t i = 0; i < points->size(); i = stream->RunEnd(i)) ++runs;
    RETURN_IF_ERROR(group->Count(runs * WindowsFilled(*points, windows, context) * width));
    *stream = FillStream(*stream, windows, context);
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
    StreamPoints& stream = group->calls[call];
    Points& points = stream.points;
    const Windows windows = select_.WindowsOver(select_.range);
    const bool windowed = !windows.interval().zero();
    const int64_t border = ascending_ ? select_.range.min_ns : select_.range.max_ns;
    const int64_t first = windowed ? windows.At(border).start_ns : border;
    if (!stream.groups.empty()) {
      StreamPoints kept;
      kept.points.aux_width = points.aux_width;
      for (size_t i = 0; i < points.size(); ++i) {
        if (ascending_ ? points.times[i] < first : points.times[i] > first) continue;
        kept.points.Append(points.times[i], points.values[i], points.AuxOf(i));
        kept.groups.push_back(stream.groups[i]);
      }
      stream = std::move(kept);
      return;
    }
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
    for (size_t& place : points->pauses) place = std::clamp(place, offset, end) - offset;
  }

  const PreparedSelect& select_;
  const GroupedSources& grouped_;
  SelectPlan plan_;
  QueryState& query_;
  bool ascending_;
  bool any_points_ = false;
  bool has_subquery_ = false;
  std::vector<std::unique_ptr<AggregateScan>> scans_;
  std::optional<LimitedWindows> limited_;  // then there is one scan
  CallRows rows_;
  // Of each call: its pauses, and whether one of them ended it.
  std::vector<std::optional<PauseFilter>> pauses_;
  std::vector<bool> ended_;
};

}  // namespace

absl::Status ExecuteCalls(const PreparedSelect& select, const GroupedSources& grouped,
                          QueryState& query, RowSink& sink) {
  ASSIGN_OR_RETURN(SelectPlan plan, PlanCalls(select));
  return CallsRunner(select, grouped, std::move(plan), query, sink).Run();
}

}  // namespace varve::query
