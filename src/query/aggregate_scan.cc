#include "query/aggregate_scan.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::query {
namespace {

using engine::ScanStep;

// Series in a task: enough to outweigh starting it, few enough to keep all threads busy.
constexpr size_t kTaskSeriesMin = 16;
// Between two looks at the clock, the limits and the memory in use.
constexpr size_t kBatchesPerCheck = 64;

}  // namespace

// Some series of one group. The first task of a group has part == 0.
struct AggregateScan::Task {
  size_t group = 0;
  size_t begin = 0;  // members
  size_t end = 0;
  std::unique_ptr<GroupState> state;
  std::unique_ptr<MemoryUse> memory;
  absl::Status status;
  // Reused from batch to batch.
  std::vector<Run> runs;
  ScanStep step;
  size_t batches = 0;
  uint64_t points = 0;
};

uint32_t SlotTable::Find(int64_t start_ns) {
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
  bool statistics = aux.empty();
  for (const LeafPlan* leaf : leaves_) {
    statistics = statistics && leaf->function->statistics;
    size_t at = 0;
    while (at < request_.columns.size() && (request_.columns[at].name != leaf->field.name ||
                                            request_.columns[at].type != leaf->field.type)) {
      ++at;
    }
    if (at == request_.columns.size()) request_.columns.push_back(leaf->field);
    columns_.push_back(at);
  }
  aux_begin_ = request_.columns.size();
  request_.columns.insert(request_.columns.end(), aux.begin(), aux.end());
  if (statistics) {
    request_.window_end = [this](int64_t t) { return windows_.At(t).end_ns - 1; };
  }
}

std::unique_ptr<GroupState> AggregateScan::NewState() const {
  auto state = std::make_unique<GroupState>();
  for (const LeafPlan* leaf : leaves_) {
    state->aggregators.push_back(leaf->function->make(leaf->type, leaf->options));
  }
  return state;
}

std::unique_ptr<RowReader> AggregateScan::TakeReader(size_t source) {
  {
    absl::MutexLock lock(&mu_);
    auto& idle = idle_[source];
    if (!idle.empty()) {
      auto reader = std::move(idle.back());
      idle.pop_back();
      return reader;
    }
  }
  return grouped_.sources[source]->NewReader(request_);
}

void AggregateScan::ReturnReader(size_t source, std::unique_ptr<RowReader> reader) {
  engine::ScanCounters counters;
  reader->TakeCounters(&counters);
  query_.AddCounters(counters);
  absl::MutexLock lock(&mu_);
  idle_[source].push_back(std::move(reader));
}

void AggregateScan::AddRows(const model::ColumnBatch& rows, Task* task) {
  GroupState& state = *task->state;
  const auto count = static_cast<uint32_t>(rows.rows);
  task->runs.clear();
  if (windows_.interval().zero()) {
    task->runs.push_back({0, count, state.slots.SlotOf(request_.range.min_ns)});
  } else {
    for (uint32_t i = 0; i < count;) {
      const Window window = windows_.At(rows.times[i]);
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

void AggregateScan::AddStatistics(const ScanStep& step, GroupState* state) {
  const int64_t start =
      windows_.interval().zero() ? request_.range.min_ns : windows_.At(step.range.min_ns).start_ns;
  const uint32_t slot = state->slots.SlotOf(start);
  for (size_t i = 0; i < leaves_.size(); ++i) {
    state->aggregators[i]->Resize(state->slots.size());
    state->aggregators[i]->UpdateFromStatistics(slot, step.statistics[columns_[i]]);
  }
}

absl::Status AggregateScan::ScanSeries(RowReader* reader, size_t series, Task* task) {
  RETURN_IF_ERROR(reader->Seek(series));
  while (true) {
    RETURN_IF_ERROR(reader->Next(&task->step));
    switch (task->step.kind) {
      case ScanStep::Kind::kEnd:
        return absl::OkStatus();
      case ScanStep::Kind::kRows:
        AddRows(task->step.rows, task);
        task->points += task->step.rows.rows;
        break;
      case ScanStep::Kind::kStatistics:
        AddStatistics(task->step, task->state.get());
        if (!task->step.statistics.empty()) task->points += task->step.statistics[0].count;
        break;
    }
    if (++task->batches % kBatchesPerCheck != 0) continue;
    RETURN_IF_ERROR(query_.Check());
    RETURN_IF_ERROR(query_.AddPoints(std::exchange(task->points, 0)));
    size_t bytes = task->state->slots.size() * 24;
    for (const auto& aggregator : task->state->aggregators) bytes += aggregator->bytes();
    RETURN_IF_ERROR(task->memory->Set(bytes));
  }
}

absl::Status AggregateScan::RunTask(Task* task) {
  task->state = NewState();
  task->memory = std::make_unique<MemoryUse>(query_);
  const auto& members = grouped_.groups[task->group].members;
  RETURN_IF_ERROR(query_.Check());
  for (size_t i = task->begin; i < task->end;) {
    const size_t source = members[i].source;
    auto reader = TakeReader(source);
    for (; i < task->end && members[i].source == source; ++i) {
      RETURN_IF_ERROR(ScanSeries(reader.get(), members[i].series, task));
    }
    ReturnReader(source, std::move(reader));
  }
  RETURN_IF_ERROR(query_.AddPoints(std::exchange(task->points, 0)));
  size_t bytes = task->state->slots.size() * 24;
  for (auto& aggregator : task->state->aggregators) {
    // A leaf may have seen no batch at all.
    aggregator->Resize(task->state->slots.size());
    bytes += aggregator->bytes();
  }
  return task->memory->Set(bytes);
}

void AggregateScan::Merge(const GroupState& from, GroupState* to) const {
  std::vector<uint32_t> slot_of;
  for (const int64_t start : from.slots.starts()) slot_of.push_back(to->slots.SlotOf(start));
  for (size_t i = 0; i < leaves_.size(); ++i) {
    to->aggregators[i]->Resize(to->slots.size());
    to->aggregators[i]->Merge(*from.aggregators[i], slot_of);
  }
}

std::vector<AggregateScan::Task> AggregateScan::Split(size_t begin, size_t end) const {
  const size_t threads = query_.context().environment->workers->threads() + 1;
  std::vector<Task> tasks;
  for (size_t group = begin; group < end; ++group) {
    const size_t members = grouped_.groups[group].members.size();
    const size_t size = std::max(kTaskSeriesMin, (members + threads * 4 - 1) / (threads * 4));
    for (size_t at = 0; at < members; at += size) {
      Task task;
      task.group = group;
      task.begin = at;
      task.end = std::min(members, at + size);
      tasks.push_back(std::move(task));
    }
  }
  return tasks;
}

absl::Status AggregateScan::Scan(
    size_t begin, size_t end,
    const std::function<absl::Status(size_t group, const GroupState&)>& done) {
  std::vector<Task> tasks = Split(begin, end);
  const auto run = [&](size_t i) { tasks[i].status = RunTask(&tasks[i]); };
  if (tasks.size() == 1) {
    run(0);
  } else {
    query_.context().environment->workers->ParallelFor(tasks.size(), run);
  }
  for (const Task& task : tasks) RETURN_IF_ERROR(task.status);
  for (size_t i = 0; i < tasks.size();) {
    GroupState& state = *tasks[i].state;
    const size_t group = tasks[i].group;
    size_t next = i + 1;
    for (; next < tasks.size() && tasks[next].group == group; ++next) {
      Merge(*tasks[next].state, &state);
      tasks[next].state.reset();
      tasks[next].memory.reset();
    }
    RETURN_IF_ERROR(done(group, state));
    tasks[i].state.reset();
    tasks[i].memory.reset();
    i = next;
  }
  return absl::OkStatus();
}

}  // namespace varve::query
