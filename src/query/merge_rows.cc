#include "query/merge_rows.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/go_heap.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldType;
using model::FieldValue;

// Above this many series open readers would take more memory than a slice of their rows.
constexpr size_t kHeapSeriesMax = 48;

bool GoesBefore(bool descending, int64_t a, int64_t b) { return descending ? a > b : a < b; }

// One series: its batches as they are.
class SingleMerger final : public RowMerger {
 public:
  SingleMerger(const RowSource& source, MergeInput input, const ReadRequest& request,
               ReaderPool* readers, QueryState& query)
      : source_(source),
        readers_(readers),
        reader_(readers != nullptr ? readers->Take(source, request) : source.NewReader(request)),
        input_(input),
        query_(query) {}
  ~SingleMerger() override {
    engine::ScanCounters counters;
    reader_->TakeCounters(&counters);
    query_.AddCounters(counters);
    if (readers_ != nullptr) readers_->Return(source_, std::move(reader_));
  }

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(reader_->Seek(input_.series));
    started_ = true;
    RETURN_IF_ERROR(reader_->Next(&step_));
    if (step_.kind == ScanStep::Kind::kEnd) {
      block->rows = 0;
      return absl::OkStatus();
    }
    values_.clear();
    AppendRows(step_.rows, &values_);
    if (members_.size() < step_.rows.rows) members_.resize(step_.rows.rows, input_.place);
    *block = {step_.rows.rows, step_.rows.times, values_.data(), members_.data()};
    return absl::OkStatus();
  }

 private:
  const RowSource& source_;
  ReaderPool* readers_;
  std::unique_ptr<RowReader> reader_;
  MergeInput input_;
  QueryState& query_;
  bool started_ = false;
  ScanStep step_;
  std::vector<FieldValue> values_;
  std::vector<uint32_t> members_;
};

// The series of a subquery's answer, whose rows know their order.
class TableMerger final : public RowMerger {
 public:
  TableMerger(const RowSource& source, const std::vector<MergeInput>& inputs,
              const ReadRequest& request, QueryState& query)
      : width_(request.columns.size()), query_(query) {
    for (const MergeInput& input : inputs) inputs_.push_back({source.NewReader(request), input});
  }

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(Start());
    times_.clear();
    values_.clear();
    members_.clear();
    const auto later = [](const Input* a, const Input* b) { return a->Place() > b->Place(); };
    while (!heap_.empty() && times_.size() < model::kBatchRows) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      Input* input = heap_.back();
      times_.push_back(input->step.rows.times[input->at]);
      const FieldValue* row = input->rows.data() + input->at * width_;
      values_.insert(values_.end(), row, row + width_);
      members_.push_back(input->of.place);
      if (++input->at == input->step.rows.rows) RETURN_IF_ERROR(Refill(input));
      if (input->done) {
        heap_.pop_back();
      } else {
        std::push_heap(heap_.begin(), heap_.end(), later);
      }
    }
    *block = {times_.size(), times_.data(), values_.data(), members_.data()};
    return absl::OkStatus();
  }

 private:
  struct Input {
    std::unique_ptr<RowReader> reader;
    MergeInput of;
    ScanStep step;
    std::vector<FieldValue> rows;  // their texts are the table's
    size_t at = 0;
    bool done = false;

    uint32_t Place() const { return reader->places()[at]; }
  };

  absl::Status Start() {
    started_ = true;
    for (Input& input : inputs_) {
      RETURN_IF_ERROR(input.reader->Seek(input.of.series));
      RETURN_IF_ERROR(Refill(&input));
      if (!input.done) heap_.push_back(&input);
    }
    std::make_heap(heap_.begin(), heap_.end(),
                   [](const Input* a, const Input* b) { return a->Place() > b->Place(); });
    return absl::OkStatus();
  }
  static absl::Status Refill(Input* input) {
    RETURN_IF_ERROR(input->reader->Next(&input->step));
    input->at = 0;
    input->rows.clear();
    input->done = input->step.kind == ScanStep::Kind::kEnd;
    if (!input->done) AppendRows(input->step.rows, &input->rows);
    return absl::OkStatus();
  }

  size_t width_;
  QueryState& query_;
  bool started_ = false;
  std::vector<Input> inputs_;
  std::vector<Input*> heap_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
  std::vector<uint32_t> members_;
};

// Several sources: measurements of one name in different policies, or subqueries.
class SourcesMerger final : public RowMerger {
 public:
  SourcesMerger(std::vector<std::unique_ptr<RowMerger>> parts, const ReadRequest& request,
                const MergeOptions& options)
      : width_(request.columns.size()),
        descending_(request.descending),
        driven_(options.driven),
        windows_(options.windows),
        ties_(TieColumns(request, options)) {
    for (auto& part : parts) parts_.push_back({std::move(part), {}, 0});
  }

  absl::Status Next(RowBlock* block) override {
    if (!started_) RETURN_IF_ERROR(Start());
    times_.clear();
    values_.clear();
    members_.clear();
    texts_ = TextArena();
    while (times_.size() < model::kBatchRows && (current_ != nullptr || !heap_.empty())) {
      if (current_ == nullptr) {
        current_ = PopHeap(heap_, less_);
        if (HasWindows()) window_ = windows_->At(current_->time());
      }
      Take(*current_);
      RETURN_IF_ERROR(Advance(current_));
      if (current_->block.rows == 0) {
        current_ = nullptr;
      } else if (!driven_ || (HasWindows() && !InWindow(current_->time()))) {
        PushHeap(heap_, current_, less_);
        current_ = nullptr;
      }
    }
    *block = {times_.size(), times_.data(), values_.data(), members_.data()};
    return absl::OkStatus();
  }

 private:
  struct Part {
    std::unique_ptr<RowMerger> rows;
    RowBlock block;
    size_t at = 0;

    int64_t time() const { return block.times[at]; }
  };

  bool HasWindows() const { return windows_ != nullptr && !windows_->interval().zero(); }
  bool InWindow(int64_t time) const {
    return descending_ ? time >= window_.start_ns : time < window_.end_ns;
  }

  absl::Status Start() {
    started_ = true;
    for (Part& part : parts_) {
      RETURN_IF_ERROR(part.rows->Next(&part.block));
      if (part.block.rows > 0) heap_.push_back(&part);
    }
    InitHeap(heap_, less_);
    return absl::OkStatus();
  }
  static absl::Status Advance(Part* part) {
    if (++part->at < part->block.rows) return absl::OkStatus();
    part->at = 0;
    return part->rows->Next(&part->block);
  }
  void Take(const Part& part) {
    times_.push_back(part.time());
    members_.push_back(part.block.members[part.at]);
    const FieldValue* row = part.block.values + part.at * width_;
    for (size_t i = 0; i < width_; ++i) values_.push_back(texts_.Keep(row[i]));
  }

  struct Less {
    const SourcesMerger* merger;
    bool operator()(const Part* a, const Part* b) const { return merger->Before(*a, *b); }
  };
  bool Before(const Part& a, const Part& b) const {
    if (driven_) {
      if (!HasWindows()) return false;
      return GoesBefore(descending_, windows_->At(a.time()).start_ns,
                        windows_->At(b.time()).start_ns);
    }
    if (a.time() != b.time()) return GoesBefore(descending_, a.time(), b.time());
    const int order =
        CompareTexts(a.block.values + a.at * width_, b.block.values + b.at * width_, ties_);
    return descending_ ? order > 0 : order < 0;
  }

  size_t width_;
  bool descending_;
  bool driven_;
  const Windows* windows_;
  size_t ties_;
  bool started_ = false;
  std::vector<Part> parts_;
  std::vector<Part*> heap_;
  Less less_{this};
  Part* current_ = nullptr;
  Window window_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
  std::vector<uint32_t> members_;
  TextArena texts_;
};

std::unique_ptr<RowMerger> MakeForSource(const RowSource& source, std::vector<MergeInput> inputs,
                                         const ReadRequest& request, const MergeOptions& options,
                                         QueryState& query) {
  if (inputs.size() == 1) {
    return std::make_unique<SingleMerger>(source, inputs.front(), request, options.readers, query);
  }
  std::vector<std::pair<std::string, MergeInput>> keyed(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!source.KeyOf(inputs[i].series, &keyed[i].first)) {
      return std::make_unique<TableMerger>(source, inputs, request, query);
    }
    keyed[i].second = inputs[i];
  }
  std::sort(keyed.begin(), keyed.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  if (request.descending) std::reverse(keyed.begin(), keyed.end());
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = keyed[i].second;
  if (inputs.size() <= kHeapSeriesMax) {
    return MakeHeapMerger(source, std::move(inputs), request, options, query);
  }
  query.GiveBackThread();
  return MakeSliceMerger(source, std::move(inputs), request, options, query);
}

std::unique_ptr<RowMerger> Together(std::vector<std::unique_ptr<RowMerger>> parts,
                                    const ReadRequest& request, const MergeOptions& options) {
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_unique<SourcesMerger>(std::move(parts), request, options);
}

}  // namespace

std::unique_ptr<RowReader> ReaderPool::Take(const RowSource& source, const ReadRequest& request) {
  std::unique_ptr<RowReader>& idle = idle_[&source];
  return idle != nullptr ? std::move(idle) : source.NewReader(request);
}

void CopyColumn(const model::ColumnVector& column, size_t rows, size_t width, FieldValue* to) {
  const auto each = [&](const auto& value) {
    for (size_t i = 0; i < rows; ++i, to += width) *to = value(i);
  };
  if (column.validity != nullptr) return each([&](size_t i) { return column.At(i); });
  switch (column.type) {
    case FieldType::kFloat:
      return each([&](size_t i) { return FieldValue::Float(column.floats[i]); });
    case FieldType::kInteger:
      return each([&](size_t i) { return FieldValue::Integer(column.integers[i]); });
    case FieldType::kString:
      return each([&](size_t i) { return FieldValue::String(column.strings[i]); });
    default:
      return each([&](size_t i) { return column.At(i); });
  }
}

void AppendRows(const model::ColumnBatch& batch, std::vector<FieldValue>* out) {
  const size_t width = batch.columns.size();
  const size_t at = out->size();
  out->resize(at + batch.rows * width);
  for (size_t c = 0; c < width; ++c) {
    const model::ColumnVector& column = batch.columns[c];
    FieldValue* to = out->data() + at + c;
    if (column.type != FieldType::kNone) CopyColumn(column, batch.rows, width, to);
  }
}

int CompareTexts(const FieldValue* a, const FieldValue* b, size_t columns) {
  for (size_t i = 0; i < columns; ++i) {
    if (a[i].type() != FieldType::kString || b[i].type() != FieldType::kString) return 0;
    const int order = a[i].as_string().compare(b[i].as_string());
    if (order != 0) return order < 0 ? -1 : 1;
  }
  return 0;
}

size_t TieColumns(const ReadRequest& request, const MergeOptions& options) {
  size_t columns = options.driven ? 1 : 0;
  while (columns < request.columns.size() && (request.columns[columns].type == DataType::kString ||
                                              request.columns[columns].type == DataType::kTag)) {
    ++columns;
  }
  return columns;
}

model::TimeRange ShardOf(const RowSource& source, int64_t time) {
  for (const model::TimeRange& shard : source.shards()) {
    if (shard.Contains(time)) return shard;
  }
  return {};
}

std::unique_ptr<RowMerger> RowMerger::Make(const GroupedSources& grouped,
                                           std::span<const GroupMember> members,
                                           const ReadRequest& request, const MergeOptions& options,
                                           QueryState& query) {
  std::vector<std::vector<MergeInput>> by_source(grouped.sources.size());
  for (uint32_t i = 0; i < members.size(); ++i) {
    by_source[members[i].source].push_back({members[i].series, i});
  }
  std::vector<std::unique_ptr<RowMerger>> sources;  // of the statement
  for (size_t i = 0; i < by_source.size();) {
    std::vector<std::unique_ptr<RowMerger>> parts;
    const uint32_t of = grouped.statement_sources[i];
    for (; i < by_source.size() && grouped.statement_sources[i] == of; ++i) {
      if (by_source[i].empty()) continue;
      parts.push_back(
          MakeForSource(*grouped.sources[i], std::move(by_source[i]), request, options, query));
    }
    if (parts.empty()) continue;
    MergeOptions by_time = options;
    by_time.driven = false;
    sources.push_back(Together(std::move(parts), request, by_time));
  }
  return Together(std::move(sources), request, options);
}

}  // namespace varve::query
