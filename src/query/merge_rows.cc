#include "query/merge_rows.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldType;
using model::FieldValue;

// Above this many series open readers would take more memory than a slice of their rows.
constexpr size_t kHeapSeriesMax = 48;

// Row by row what a batch holds column by column.
void AppendRows(const model::ColumnBatch& batch, size_t begin, size_t end,
                std::vector<FieldValue>* out) {
  const size_t width = batch.columns.size();
  const size_t at = out->size();
  out->resize(at + (end - begin) * width);
  for (size_t c = 0; c < width; ++c) {
    const model::ColumnVector& column = batch.columns[c];
    FieldValue* to = out->data() + at + c;
    if (column.type == FieldType::kNone) continue;
    for (size_t i = begin; i < end; ++i, to += width) *to = column.At(i);
  }
}

// One series: its batches as they are.
class SingleMerger final : public RowMerger {
 public:
  SingleMerger(const RowSource& source, uint32_t series, const ReadRequest& request,
               QueryState& query)
      : reader_(source.NewReader(request)), series_(series), query_(query) {}

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(reader_->Seek(series_));
    started_ = true;
    RETURN_IF_ERROR(reader_->Next(&step_));
    if (step_.kind == ScanStep::Kind::kEnd) {
      engine::ScanCounters counters;
      reader_->TakeCounters(&counters);
      query_.AddCounters(counters);
      block->rows = 0;
      return absl::OkStatus();
    }
    values_.clear();
    AppendRows(step_.rows, 0, step_.rows.rows, &values_);
    *block = {step_.rows.rows, step_.rows.times, values_.data()};
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<RowReader> reader_;
  uint32_t series_;
  QueryState& query_;
  bool started_ = false;
  ScanStep step_;
  std::vector<FieldValue> values_;
};

// A few series: a heap of readers.
class HeapMerger final : public RowMerger {
 public:
  HeapMerger(const GroupedSources& grouped, const Group& group, const ReadRequest& request,
             QueryState& query)
      : descending_(request.descending), width_(request.columns.size()), query_(query) {
    for (const GroupMember& member : group.members) {
      inputs_.push_back(std::make_unique<Input>());
      inputs_.back()->reader = grouped.sources[member.source]->NewReader(request);
      inputs_.back()->series = member.series;
      inputs_.back()->place = inputs_.size();
    }
  }

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(Start());
    times_.clear();
    values_.clear();
    texts_ = TextArena();
    // An input that runs dry in the middle of a block is refilled at once, so rows are copied out.
    while (!heap_.empty() && times_.size() < model::kBatchRows) {
      std::pop_heap(heap_.begin(), heap_.end(), after_);
      Input* input = heap_.back();
      RETURN_IF_ERROR(TakeRun(input));
      if (input->done) {
        heap_.pop_back();
      } else {
        std::push_heap(heap_.begin(), heap_.end(), after_);
      }
    }
    *block = {times_.size(), times_.data(), values_.data()};
    return absl::OkStatus();
  }

 private:
  struct Input {
    std::unique_ptr<RowReader> reader;
    uint32_t series = 0;
    size_t place = 0;
    ScanStep step;
    std::vector<FieldValue> rows;
    size_t at = 0;
    bool done = false;

    int64_t time() const { return step.rows.times[at]; }
  };

  absl::Status Start() {
    started_ = true;
    for (auto& input : inputs_) {
      RETURN_IF_ERROR(input->reader->Seek(input->series));
      RETURN_IF_ERROR(Refill(input.get()));
      if (!input->done) heap_.push_back(input.get());
    }
    std::make_heap(heap_.begin(), heap_.end(), after_);
    return absl::OkStatus();
  }
  absl::Status Refill(Input* input) {
    RETURN_IF_ERROR(input->reader->Next(&input->step));
    input->at = 0;
    input->rows.clear();
    input->done = input->step.kind == ScanStep::Kind::kEnd;
    if (input->done) {
      engine::ScanCounters counters;
      input->reader->TakeCounters(&counters);
      query_.AddCounters(counters);
      return absl::OkStatus();
    }
    AppendRows(input->step.rows, 0, input->step.rows.rows, &input->rows);
    return absl::OkStatus();
  }
  // Takes rows from `input`, no longer in the heap's order, while they go before all others.
  absl::Status TakeRun(Input* input) {
    const Input* next = heap_.size() > 1 ? heap_.front() : nullptr;
    do {
      times_.push_back(input->time());
      const FieldValue* row = input->rows.data() + input->at * width_;
      for (size_t i = 0; i < width_; ++i) values_.push_back(Keep(row[i]));
      if (++input->at == input->step.rows.rows) {
        RETURN_IF_ERROR(Refill(input));
        if (input->done) return absl::OkStatus();
      }
    } while (times_.size() < model::kBatchRows && (next == nullptr || !after_(input, next)));
    return absl::OkStatus();
  }
  FieldValue Keep(const FieldValue& value) {
    if (value.type() != FieldType::kString) return value;
    return texts_.Keep(value);
  }

  // True when `a` goes behind `b`.
  struct After {
    const HeapMerger* merger;
    bool operator()(const Input* a, const Input* b) const {
      if (a->time() != b->time()) {
        return merger->descending_ ? a->time() < b->time() : a->time() > b->time();
      }
      const size_t width = merger->width_;
      const int order =
          CompareTexts(a->rows.data() + a->at * width, b->rows.data() + b->at * width, width);
      if (order != 0) return merger->descending_ ? order < 0 : order > 0;
      return a->place > b->place;
    }
  };

  bool descending_;
  size_t width_;
  QueryState& query_;
  bool started_ = false;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::vector<Input*> heap_;
  After after_{this};
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
  TextArena texts_;
};

}  // namespace

int CompareTexts(const FieldValue* a, const FieldValue* b, size_t columns) {
  for (size_t i = 0; i < columns; ++i) {
    if (a[i].type() != FieldType::kString || b[i].type() != FieldType::kString) return 0;
    const int order = a[i].as_string().compare(b[i].as_string());
    if (order != 0) return order < 0 ? -1 : 1;
  }
  return 0;
}

std::unique_ptr<RowMerger> RowMerger::Make(const GroupedSources& grouped, const Group& group,
                                           const ReadRequest& request, size_t rows_wanted,
                                           QueryState& query) {
  if (group.members.size() == 1) {
    const GroupMember& member = group.members.front();
    return std::make_unique<SingleMerger>(*grouped.sources[member.source], member.series, request,
                                          query);
  }
  if (group.members.size() <= kHeapSeriesMax) {
    return std::make_unique<HeapMerger>(grouped, group, request, query);
  }
  return MakeSliceMerger(grouped, group, request, rows_wanted, query);
}

}  // namespace varve::query
