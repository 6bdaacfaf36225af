#include "query/stream_scan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "query/data_type.h"
#include "query/functions/function.h"
#include "query/merge_rows.h"
#include "query/typed_column.h"

namespace varve::query {
namespace {

using model::FieldValue;

model::FieldType TypeOfColumn(DataType type) {
  const model::FieldType stored = FieldTypeOf(type);
  return stored == model::FieldType::kNone ? model::FieldType::kString : stored;
}

// One call over the rows of a stream: runs of rows in one window are reduced, for each group.
class StreamReducer {
 public:
  // `places`: where in a row the columns stand that come along.
  StreamReducer(const PreparedSelect& select, const LeafPlan& leaf, const std::vector<VarRef>& aux,
                std::vector<size_t> places, bool one_group, TextArena* texts, StreamPoints* out)
      : leaf_(leaf),
        places_(std::move(places)),
        windows_(select.WindowsOver(leaf.range)),
        one_group_(one_group),
        texts_(texts),
        out_(out) {
    options_ = leaf.options;
    options_.in_order = true;
    argument_.Reset(leaf.type);
    types_.push_back(leaf.type);
    aux_.resize(options_.aux_width);
    for (size_t i = 0; i < options_.aux_width; ++i) types_.push_back(TypeOfColumn(aux[i].type));
    out_->points.aux_width = options_.aux_width;
  }

  void Add(int64_t time, const FieldValue* row, uint32_t group) {
    if (row->is_null()) return;
    if (!in_run_ || time < window_.start_ns || time >= window_.end_ns) {
      EndRun();
      window_ = windows_.At(time);
      in_run_ = true;
      aggregator_ = leaf_.function->make(leaf_.type, options_);
    }
    const uint32_t slot = SlotOf(group);
    // Aggregates take rows in ascending order.
    if (!times_.empty() &&
        (slot != slot_ || time <= times_.back() || times_.size() == model::kBatchRows)) {
      Flush();
    }
    slot_ = slot;
    times_.push_back(time);
    if (times_.size() == 1) Reset();
    argument_.Append(row[0]);
    for (size_t i = 0; i < aux_.size(); ++i) aux_[i].Append(row[places_[i]]);
  }

  // What was added borrows texts: to be called before they go.
  void Flush() {
    if (times_.empty()) return;
    std::vector<model::ColumnVector> aux;
    for (const TypedColumn& column : aux_) aux.push_back(column.View());
    const AggregateInput input{times_.data(), argument_.View(), aux};
    const Run run{0, static_cast<uint32_t>(times_.size()), slot_};
    aggregator_->Resize(slots_.size());
    aggregator_->Update(input, std::span(&run, 1));
    times_.clear();
  }

  // Reads out the points of the run that ends.
  void EndRun() {
    if (!in_run_) return;
    Flush();
    in_run_ = false;
    std::vector<uint32_t> order(slots_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return slots_[a] < slots_[b]; });
    Points& points = out_->points;
    const size_t first = points.size();
    const int64_t start = window_.start_ns <= model::kMinTimeNs ? 0 : window_.start_ns;
    // Only a run of which nothing comes at all is a pause.
    std::vector<size_t> pauses = std::move(points.pauses);
    for (const uint32_t slot : order) {
      aggregator_->Emit(slot, start, &points);
      if (!one_group_) out_->groups.resize(points.size(), slots_[slot]);
    }
    const bool none = points.size() == first && !points.pauses.empty();
    points.pauses = std::move(pauses);
    if (none) points.pauses.push_back(first);
    for (size_t i = first; i < points.size(); ++i) {
      if (!leaf_.keeps_time) points.times[i] = start;
      points.values[i] = texts_->Keep(points.values[i]);
    }
    for (size_t i = first * points.aux_width; i < points.aux.size(); ++i) {
      points.aux[i] = texts_->Keep(points.aux[i]);
    }
    if (leaf_.keeps_time && order.size() > 1) SortByTime(first);
    slots_.clear();
    slot_of_.clear();
  }

 private:
  void Reset() {
    argument_.Reset(types_[0]);
    for (size_t i = 0; i < aux_.size(); ++i) aux_[i].Reset(types_[1 + i]);
  }
  uint32_t SlotOf(uint32_t group) {
    if (slot_ < slots_.size() && slots_[slot_] == group) return slot_;
    const auto [at, added] = slot_of_.try_emplace(group, static_cast<uint32_t>(slots_.size()));
    if (added) slots_.push_back(group);
    return at->second;
  }
  // Points with times of their own go by them, whatever their group.
  void SortByTime(size_t first) {
    Points& points = out_->points;
    std::vector<size_t> order(points.size() - first);
    std::iota(order.begin(), order.end(), first);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return points.times[a] < points.times[b]; });
    const Points from = points;
    const std::vector<uint32_t> groups = out_->groups;
    for (size_t i = 0; i < order.size(); ++i) {
      points.times[first + i] = from.times[order[i]];
      points.values[first + i] = from.values[order[i]];
      const auto aux = from.AuxOf(order[i]);
      std::copy(aux.begin(), aux.end(),
                points.aux.begin() + static_cast<ptrdiff_t>((first + i) * points.aux_width));
      if (!groups.empty()) out_->groups[first + i] = groups[order[i]];
    }
  }

  const LeafPlan& leaf_;
  const std::vector<size_t> places_;
  AggregateOptions options_;
  const Windows windows_;
  const bool one_group_;
  TextArena* texts_;
  StreamPoints* out_;
  bool in_run_ = false;
  Window window_;
  std::unique_ptr<Aggregator> aggregator_;
  std::vector<uint32_t> slots_;  // the group of each slot of this run
  absl::flat_hash_map<uint32_t, uint32_t> slot_of_;
  uint32_t slot_ = 0;
  std::vector<int64_t> times_;
  TypedColumn argument_;
  std::vector<TypedColumn> aux_;
  std::vector<model::FieldType> types_;
};

}  // namespace

struct StreamReader::State {
  std::vector<VarRef> columns;
  std::vector<GroupMember> members;
  std::vector<uint32_t> group_of;  // of each member
  ReadRequest request;
  Windows windows;
  std::unique_ptr<RowMerger> merger;
  std::vector<uint32_t> groups;

  explicit State(Windows over) : windows(std::move(over)) {}
};

StreamReader::StreamReader(const PreparedSelect& select, const GroupedSources& grouped,
                           std::span<const uint32_t> stream, const model::TimeRange& range,
                           std::vector<VarRef> columns, QueryState& query)
    : state_(std::make_unique<State>(select.WindowsOver(range))) {
  for (const uint32_t group : stream) {
    const auto& members = grouped.groups[group].members;
    state_->members.insert(state_->members.end(), members.begin(), members.end());
    state_->group_of.resize(state_->members.size(), group);
  }
  state_->request.range = range;
  state_->request.ranges = select.RangesWithin(range);
  state_->request.descending = !select.compiled->ascending;
  state_->request.columns = std::move(columns);
  MergeOptions options;
  options.driven = true;
  options.windows = &state_->windows;
  state_->merger = RowMerger::Make(grouped, state_->members, state_->request, options, query);
}

StreamReader::~StreamReader() = default;

absl::Status StreamReader::Next(Block* block) {
  RowBlock rows;
  RETURN_IF_ERROR(state_->merger->Next(&rows));
  state_->groups.resize(rows.rows);
  for (size_t i = 0; i < rows.rows; ++i) {
    state_->groups[i] = state_->group_of[rows.members[i]];
  }
  *block = {rows.rows, rows.times, rows.values, state_->groups.data()};
  return absl::OkStatus();
}

absl::Status ScanStream(const PreparedSelect& select, const GroupedSources& grouped,
                        std::span<const uint32_t> stream, const LeafPlan& leaf,
                        const std::vector<VarRef>& aux, QueryState& query, TextArena* texts,
                        StreamPoints* out) {
  std::vector<VarRef> columns{leaf.field};
  // InfluxDB breaks ties by what comes along in the order of its names.
  std::vector<size_t> order(leaf.options.aux_width);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return aux[a].name != aux[b].name ? aux[a].name < aux[b].name : aux[a].type < aux[b].type;
  });
  std::vector<size_t> places(order.size());
  for (const size_t i : order) {
    places[i] = columns.size();
    columns.push_back(aux[i]);
  }
  StreamReader reader(select, grouped, stream, leaf.range, std::move(columns), query);
  StreamReducer reducer(select, leaf, aux, std::move(places), stream.size() == 1, texts, out);
  const size_t width = 1 + leaf.options.aux_width;
  while (true) {
    StreamReader::Block block;
    RETURN_IF_ERROR(reader.Next(&block));
    if (block.rows == 0) break;
    RETURN_IF_ERROR(query.AddPoints(block.rows));
    for (size_t i = 0; i < block.rows; ++i) {
      reducer.Add(block.times[i], block.values + i * width, block.groups[i]);
    }
    reducer.Flush();
  }
  reducer.EndRun();
  return absl::OkStatus();
}

}  // namespace varve::query
