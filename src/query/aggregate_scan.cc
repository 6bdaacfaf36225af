#include "query/aggregate_scan.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::query {
namespace {

using engine::ScanStep;

// Series in a task: enough to outweigh starting it, few enough to keep all threads busy.
constexpr size_t kTaskSeriesMin = 16;

// What a window takes in the table of windows, and in an aggregator; and what an aggregator takes
// itself. Estimates for the query's budget.
constexpr size_t kSlotBytes = 24;
constexpr size_t kAggregatorBytes = 96;

constexpr int64_t kHourNs = 3'600'000'000'000;

// So many windows are looked at for every block.
constexpr size_t kWindowsKnownMax = 32;

// Between two looks at the clock, the limits and the memory in use.
constexpr size_t kBatchesPerCheck = 16;

}  // namespace

// A run of the series to read, and what they come to.
struct AggregateScan::Task {
  size_t begin = 0;
  size_t end = 0;
  std::vector<std::unique_ptr<GroupState>> states;  // by group; null where no series was met
  std::unique_ptr<MemoryUse> memory;
  size_t bytes = 0;  // of all states, as counted last
  absl::Status status;
  // Reused from batch to batch.
  std::vector<Run> runs;
  ScanStep step;
  size_t batches = 0;
  uint64_t points = 0;
};

std::optional<uint32_t> SlotTable::Known(int64_t start_ns) const {
  if (ascending_) {
    const auto at = std::lower_bound(starts_.begin(), starts_.end(), start_ns);
    if (at == starts_.end() || *at != start_ns) return std::nullopt;
    return static_cast<uint32_t>(at - starts_.begin());
  }
  const auto at = slots_.find(start_ns);
  return at == slots_.end() ? std::nullopt : std::optional(at->second);
}

uint32_t SlotTable::Find(int64_t start_ns) {
  if (ascending_) {
    if (starts_.empty() || starts_.back() < start_ns) {
      last_ = static_cast<uint32_t>(starts_.size());
      starts_.push_back(start_ns);
      return last_;
    }
    if (const auto known = Known(start_ns)) return last_ = *known;
    for (uint32_t i = 0; i < starts_.size(); ++i) slots_.emplace(starts_[i], i);
    ascending_ = false;
  }
  const auto [at, added] = slots_.try_emplace(start_ns, static_cast<uint32_t>(starts_.size()));
  if (added) starts_.push_back(start_ns);
  last_ = at->second;
  return last_;
}

AggregateScan::AggregateScan(const PreparedSelect& select, const GroupedSources& grouped,
                             std::vector<const LeafPlan*> leaves, const std::vector<VarRef>& aux,
                             QueryState& query)
    : select_(select),
      grouped_(grouped),
      leaves_(std::move(leaves)),
      query_(query),
      windows_(select.WindowsOver(leaves_.front()->range)),
      idle_(grouped.sources.size()) {
  request_.range = leaves_.front()->range;
  request_.ranges = select.RangesWithin(request_.range);
  order_matters_ = !aux.empty();
  bool statistics = aux.empty();
  // Windows that are shorter than an hour hold none.
  request_.hours =
      aux.empty() && (windows_.interval().zero() || windows_.interval().duration_ns >= kHourNs);
  for (const LeafPlan* leaf : leaves_) {
    statistics = statistics && leaf->FromStatistics();
    request_.hours = request_.hours && leaf->FromHours();
    order_matters_ =
        order_matters_ || (leaf->function->merge == Merge::kInOrder && !leaf->InAnyOrder());
    size_t at = 0;
    while (at < request_.columns.size() && (request_.columns[at].name != leaf->field.name ||
                                            request_.columns[at].type != leaf->field.type)) {
      ++at;
    }
    const bool counted = leaf->function->statistics == Statistics::kCount;
    if (at == request_.columns.size()) {
      request_.columns.push_back(leaf->field);
      request_.counted.push_back(counted);
    }
    request_.counted[at] = request_.counted[at] && counted;
    columns_.push_back(at);
  }
  aux_begin_ = request_.columns.size();
  request_.columns.insert(request_.columns.end(), aux.begin(), aux.end());
  statistics_ = statistics;
  FindWindows();
}

void AggregateScan::Restrict(const model::TimeRange& range) {
  request_.range = range;
  FindWindows();
  absl::MutexLock lock(&mu_);
  for (auto& readers : idle_) readers.clear();
}

std::unique_ptr<GroupState> AggregateScan::NewState() const {
  auto state = std::make_unique<GroupState>();
  for (const LeafPlan* leaf : leaves_) {
    state->aggregators.push_back(leaf->function->make(leaf->type, leaf->options));
  }
  return state;
}

bool AggregateScan::MayTake(const Reader& reader, const model::FieldStatistics& statistics) const {
  const GroupState* state = reader.state;
  if (state == nullptr) return true;
  return std::any_of(window_starts_.begin(), window_starts_.end(), [&](int64_t start) {
    const std::optional<uint32_t> slot = state->slots.Known(start);
    return !slot || state->aggregators.front()->MayTake(*slot, statistics);
  });
}

void AggregateScan::FindWindows() {
  window_starts_.clear();
  const model::TimeRange& range = request_.range;
  if (leaves_.size() > 1) return;
  if (windows_.interval().zero()) {
    window_starts_.push_back(range.min_ns);
    return;
  }
  if (range.min_ns <= model::kMinTimeNs || range.max_ns >= model::kMaxTimeNs) return;
  if (windows_.CountWithin(range) > kWindowsKnownMax) return;
  for (int64_t at = range.min_ns; at <= range.max_ns;) {
    const Window window = windows_.At(at);
    window_starts_.push_back(window.start_ns);
    at = window.end_ns;
  }
}

std::unique_ptr<AggregateScan::Reader> AggregateScan::TakeReader(size_t source) {
  {
    absl::MutexLock lock(&mu_);
    auto& idle = idle_[source];
    if (!idle.empty()) {
      auto reader = std::move(idle.back());
      idle.pop_back();
      return reader;
    }
  }
  auto reader = std::make_unique<Reader>();
  ReadRequest request = request_;
  if (statistics_) {
    request.window_end = [this, of = reader.get()](int64_t t) {
      return WindowOf(t, of).end_ns - 1;
    };
  }
  if (!window_starts_.empty()) {
    request.may_want = [this, of = reader.get()](const model::FieldStatistics& statistics) {
      return MayTake(*of, statistics);
    };
  }
  reader->rows = grouped_.sources[source]->NewReader(request);
  return reader;
}

void AggregateScan::ReturnReader(size_t source, std::unique_ptr<Reader> reader) {
  engine::ScanCounters counters;
  reader->rows->TakeCounters(&counters);
  query_.AddCounters(counters);
  absl::MutexLock lock(&mu_);
  idle_[source].push_back(std::move(reader));
}

void AggregateScan::AddRows(const model::ColumnBatch& rows, Reader* reader, GroupState* into,
                            Task* task) {
  GroupState& state = *into;
  const auto count = static_cast<uint32_t>(rows.rows);
  task->runs.clear();
  if (windows_.interval().zero()) {
    task->runs.push_back({0, count, state.slots.SlotOf(request_.range.min_ns)});
  } else {
    for (uint32_t i = 0; i < count;) {
      const Window window = WindowOf(rows.times[i], reader);
      uint32_t end = count;
      if (rows.times[count - 1] >= window.end_ns) {
        // Doubling steps: windows are often short beside a batch.
        uint32_t step = 1;
        uint32_t low = i;
        while (low + step < count && rows.times[low + step] < window.end_ns) {
          low += step;
          step *= 2;
        }
        const int64_t* to = rows.times + std::min(low + step, count);
        end = static_cast<uint32_t>(std::lower_bound(rows.times + low + 1, to, window.end_ns) -
                                    rows.times);
      }
      task->runs.push_back({i, end, state.slots.SlotOf(window.start_ns)});
      i = end;
    }
  }
  AggregateInput input;
  input.times = rows.times;
  input.aux = std::span(rows.columns).subspan(aux_begin_);
  for (size_t i = 0; i < leaves_.size(); ++i) {
    input.column = rows.columns[columns_[i]];
    state.aggregators[i]->Resize(state.slots.size());
    state.aggregators[i]->Update(input, task->runs);
  }
}

void AggregateScan::AddStatistics(const ScanStep& step, Reader* reader, GroupState* state) {
  const int64_t start = windows_.interval().zero() ? request_.range.min_ns
                                                   : WindowOf(step.range.min_ns, reader).start_ns;
  const uint32_t slot = state->slots.SlotOf(start);
  for (size_t i = 0; i < leaves_.size(); ++i) {
    state->aggregators[i]->Resize(state->slots.size());
    state->aggregators[i]->UpdateFromStatistics(slot, step.statistics[columns_[i]]);
  }
}

absl::Status AggregateScan::ScanSeries(Reader* reader, size_t series, GroupState* state,
                                       Task* task) {
  reader->state = state;
  RETURN_IF_ERROR(reader->rows->Seek(series));
  while (true) {
    RETURN_IF_ERROR(reader->rows->Next(&task->step));
    switch (task->step.kind) {
      case ScanStep::Kind::kEnd:
        return absl::OkStatus();
      case ScanStep::Kind::kRows:
        AddRows(task->step.rows, reader, state, task);
        task->points += task->step.rows.rows;
        break;
      case ScanStep::Kind::kStatistics:
        AddStatistics(task->step, reader, state);
        if (!task->step.statistics.empty()) task->points += task->step.statistics[0].count;
        break;
    }
    if (++task->batches % kBatchesPerCheck != 0) continue;
    RETURN_IF_ERROR(query_.Check());
    RETURN_IF_ERROR(CountUse(state, task));
  }
}

absl::Status AggregateScan::CountUse(GroupState* state, Task* task) {
  size_t bytes = sizeof(GroupState) + state->slots.size() * kSlotBytes;
  for (const auto& aggregator : state->aggregators) {
    bytes += kAggregatorBytes + state->slots.size() * kSlotBytes + aggregator->bytes();
  }
  task->bytes += bytes - state->counted_bytes;
  state->counted_bytes = bytes;
  RETURN_IF_ERROR(query_.AddPoints(std::exchange(task->points, 0)));
  return task->memory->Set(task->bytes);
}

absl::Status AggregateScan::RunTask(std::span<const Member> members, Task* task) {
  task->memory = std::make_unique<MemoryUse>(query_);
  for (size_t i = task->begin; i < task->end;) {
    const uint32_t source = members[i].source;
    auto reader = TakeReader(source);
    for (; i < task->end && members[i].source == source; ++i) {
      RETURN_IF_ERROR(query_.Check());
      std::unique_ptr<GroupState>& state = task->states[members[i].group];
      if (state == nullptr) state = NewState();
      RETURN_IF_ERROR(ScanSeries(reader.get(), members[i].series, state.get(), task));
      // A leaf may have seen no batch at all.
      for (auto& aggregator : state->aggregators) aggregator->Resize(state->slots.size());
      RETURN_IF_ERROR(CountUse(state.get(), task));
    }
    ReturnReader(source, std::move(reader));
  }
  return absl::OkStatus();
}

void AggregateScan::Merge(GroupState& from, GroupState* to) const {
  std::vector<uint32_t> slot_of;
  for (const int64_t start : from.slots.starts()) slot_of.push_back(to->slots.SlotOf(start));
  for (size_t i = 0; i < leaves_.size(); ++i) {
    to->aggregators[i]->Resize(to->slots.size());
    to->aggregators[i]->Merge(*from.aggregators[i], slot_of);
  }
}

std::vector<AggregateScan::Member> AggregateScan::MembersOf(
    std::span<const uint32_t> groups) const {
  std::vector<Member> members;
  for (size_t i = 0; i < groups.size(); ++i) {
    for (const GroupMember& member : grouped_.groups[groups[i]].members) {
      members.push_back({member.source, member.series, static_cast<uint32_t>(i)});
    }
  }
  if (order_matters_) return members;
  const auto before = [](const Member& a, const Member& b) {
    return a.source != b.source ? a.source < b.source : a.series < b.series;
  };
  std::sort(members.begin(), members.end(), before);
  return members;
}

absl::Status AggregateScan::Scan(
    std::span<const uint32_t> groups,
    const std::function<absl::Status(size_t place, const GroupState&)>& done) {
  const std::vector<Member> members = MembersOf(groups);
  const size_t threads = query_.context().environment->workers->threads() + 1;
  const size_t size = std::max(kTaskSeriesMin, (members.size() + threads * 4 - 1) / (threads * 4));
  std::vector<Task> tasks((members.size() + size - 1) / size);
  for (size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].begin = i * size;
    tasks[i].end = std::min(members.size(), tasks[i].begin + size);
    tasks[i].states.resize(groups.size());
  }
  query_.ParallelFor(tasks.size(),
                     [&](size_t i) { tasks[i].status = RunTask(members, &tasks[i]); });
  for (const Task& task : tasks) RETURN_IF_ERROR(task.status);
  for (size_t place = 0; place < groups.size(); ++place) {
    std::unique_ptr<GroupState> merged;
    for (Task& task : tasks) {
      std::unique_ptr<GroupState> state = std::move(task.states[place]);
      if (state == nullptr) continue;
      if (merged == nullptr) {
        merged = std::move(state);
      } else {
        Merge(*state, merged.get());
      }
    }
    RETURN_IF_ERROR(done(place, *merged));
  }
  return absl::OkStatus();
}

}  // namespace varve::query
