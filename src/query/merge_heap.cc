// A few series in order of time: a heap of open readers.
#include <utility>

#include "base/status.h"
#include "query/go_heap.h"
#include "query/merge_rows.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldType;
using model::FieldValue;

class HeapMerger final : public RowMerger {
 public:
  HeapMerger(const RowSource& source, const std::vector<MergeInput>& inputs,
             const ReadRequest& request, const MergeOptions& options, QueryState& query)
      : source_(source),
        descending_(request.descending),
        driven_(options.driven),
        series_rows_max_(options.series_rows_max),
        width_(request.columns.size()),
        first_tie_(options.driven ? 1 : 0),
        ties_(TieColumns(request, options) - first_tie_),
        query_(query) {
    for (const MergeInput& input : inputs) {
      inputs_.emplace_back();
      inputs_.back().reader = source.NewReader(request);
      inputs_.back().of = input;
    }
  }

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(Start());
    times_.clear();
    values_.clear();
    members_.clear();
    texts_ = TextArena();
    while (times_.size() < model::kBatchRows) {
      if (heap_.empty() && !StartShard()) break;
      const Item item = PopHeap(heap_, less_);
      Input& input = inputs_[item.input];
      // Alone in its shard, a series is copied without asking the heap.
      do {
        Take(input);
        RETURN_IF_ERROR(Advance(&input));
      } while (heap_.empty() && times_.size() < model::kBatchRows && InShard(input));
      if (InShard(input)) PushHeap(heap_, {input.time(), item.input}, less_);
    }
    *block = {times_.size(), times_.data(), values_.data(), members_.data()};
    return absl::OkStatus();
  }

 private:
  struct Input {
    std::unique_ptr<RowReader> reader;
    MergeInput of;
    ScanStep step;
    std::vector<FieldValue> rows;
    size_t at = 0;
    size_t taken = 0;  // in this shard
    bool done = false;

    int64_t time() const { return step.rows.times[at]; }
  };
  struct Item {
    int64_t time = 0;
    uint32_t input = 0;
  };

  const FieldValue* RowOf(const Input& input) const {
    return input.rows.data() + input.at * width_;
  }
  bool InShard(const Input& input) const { return !input.done && shard_.Contains(input.time()); }

  absl::Status Start() {
    started_ = true;
    for (Input& input : inputs_) {
      RETURN_IF_ERROR(query_.Check());
      RETURN_IF_ERROR(input.reader->Seek(input.of.series));
      RETURN_IF_ERROR(Refill(&input));
      RETURN_IF_ERROR(SkipUndriven(&input));
    }
    return absl::OkStatus();
  }
  // Puts the series that have rows in the next shard on the heap; false at the end.
  bool StartShard() {
    const Input* first = nullptr;
    for (const Input& input : inputs_) {
      if (input.done) continue;
      if (first == nullptr ||
          (descending_ ? input.time() > first->time() : input.time() < first->time())) {
        first = &input;
      }
    }
    if (first == nullptr) return false;
    shard_ = ShardOf(source_, first->time());
    for (uint32_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i].taken = 0;
      if (InShard(inputs_[i])) heap_.push_back({inputs_[i].time(), i});
    }
    InitHeap(heap_, less_);
    return true;
  }
  absl::Status Advance(Input* input) {
    ++input->taken;
    do {
      if (++input->at == input->step.rows.rows) RETURN_IF_ERROR(Refill(input));
      RETURN_IF_ERROR(SkipUndriven(input));
    } while (input->taken == series_rows_max_ && InShard(*input));
    return absl::OkStatus();
  }
  absl::Status SkipUndriven(Input* input) {
    while (driven_ && !input->done && RowOf(*input)->is_null()) {
      if (++input->at == input->step.rows.rows) RETURN_IF_ERROR(Refill(input));
    }
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
    AppendRows(input->step.rows, &input->rows);
    return absl::OkStatus();
  }
  // An input that runs dry in the middle of a block is refilled at once, so rows are copied out.
  void Take(const Input& input) {
    times_.push_back(input.time());
    members_.push_back(input.of.place);
    const FieldValue* row = RowOf(input);
    for (size_t i = 0; i < width_; ++i) {
      values_.push_back(row[i].type() == FieldType::kString ? texts_.Keep(row[i]) : row[i]);
    }
  }

  struct Less {
    const HeapMerger* merger;
    bool operator()(const Item& a, const Item& b) const {
      if (a.time != b.time) return merger->descending_ ? a.time > b.time : a.time < b.time;
      return merger->ties_ > 0 && merger->TextsBefore(a.input, b.input);
    }
  };
  bool TextsBefore(uint32_t a, uint32_t b) const {
    const int order =
        CompareTexts(RowOf(inputs_[a]) + first_tie_, RowOf(inputs_[b]) + first_tie_, ties_);
    return descending_ ? order > 0 : order < 0;
  }

  const RowSource& source_;
  bool descending_;
  bool driven_;
  size_t series_rows_max_;
  size_t width_;
  size_t first_tie_;
  size_t ties_;
  QueryState& query_;
  bool started_ = false;
  std::vector<Input> inputs_;
  model::TimeRange shard_;
  std::vector<Item> heap_;
  Less less_{this};
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
  std::vector<uint32_t> members_;
  TextArena texts_;
};

}  // namespace

std::unique_ptr<RowMerger> MakeHeapMerger(const RowSource& source, std::vector<MergeInput> inputs,
                                          const ReadRequest& request, const MergeOptions& options,
                                          QueryState& query) {
  return std::make_unique<HeapMerger>(source, inputs, request, options, query);
}

}  // namespace varve::query
