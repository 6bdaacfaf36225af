// Many series in order of time, in bounded memory: slices of time, each read from every series,
// sorted, handed out. A slice that does not fit is halved; one that is nearly empty is doubled.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "query/merge_rows.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldType;
using model::FieldValue;

constexpr size_t kSliceBytes = 64 << 20;

class SliceMerger final : public RowMerger {
 public:
  SliceMerger(const GroupedSources& grouped, const Group& group, const ReadRequest& request,
              size_t rows_wanted, QueryState& query)
      : grouped_(grouped),
        group_(group),
        request_(request),
        rows_wanted_(rows_wanted),
        query_(query),
        memory_(query),
        rest_(request.range) {}

  absl::Status Next(RowBlock* block) override {
    while (at_ == order_.size()) {
      block->rows = 0;
      if (rest_.empty() || done_) return absl::OkStatus();
      RETURN_IF_ERROR(ReadSlice());
    }
    block_times_.clear();
    block_values_.clear();
    const size_t width = request_.columns.size();
    for (; at_ < order_.size() && block_times_.size() < model::kBatchRows; ++at_) {
      const size_t row = order_[at_];
      block_times_.push_back(times_[row]);
      const FieldValue* values = values_.data() + row * width;
      block_values_.insert(block_values_.end(), values, values + width);
    }
    *block = {block_times_.size(), block_times_.data(), block_values_.data()};
    return absl::OkStatus();
  }

 private:
  // Times as distances, so that the middle of the widest range does not overflow.
  static uint64_t Distance(int64_t from, int64_t to) {
    return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  }

  absl::Status ReadSlice() {
    while (true) {
      model::TimeRange slice = rest_;
      if (Distance(rest_.min_ns, rest_.max_ns) > length_) {
        if (request_.descending) {
          slice.min_ns = static_cast<int64_t>(static_cast<uint64_t>(rest_.max_ns) - length_);
        } else {
          slice.max_ns = static_cast<int64_t>(static_cast<uint64_t>(rest_.min_ns) + length_);
        }
      }
      bool fits = true;
      RETURN_IF_ERROR(Collect(slice, &fits));
      if (!fits) {
        length_ = Distance(slice.min_ns, slice.max_ns) / 2;
        continue;
      }
      if (request_.descending) {
        done_ = slice.min_ns == rest_.min_ns;
        rest_.max_ns = slice.min_ns - 1;
      } else {
        done_ = slice.max_ns == rest_.max_ns;
        rest_.min_ns = slice.max_ns + 1;
      }
      if (Bytes() < kSliceBytes / 4 && length_ < UINT64_MAX / 2) length_ *= 2;
      break;
    }
    Sort();
    return absl::OkStatus();
  }

  size_t Bytes() const {
    return times_.size() * 12 + values_.size() * sizeof(FieldValue) + texts_.bytes();
  }

  absl::Status Collect(const model::TimeRange& slice, bool* fits) {
    Clear();
    ReadRequest request = request_;
    request.range = slice;
    std::vector<std::unique_ptr<RowReader>> readers(grouped_.sources.size());
    ScanStep step;
    size_t visited = 0;
    for (const GroupMember& member : group_.members) {
      if (visited++ % 64 == 0) RETURN_IF_ERROR(query_.Check());
      auto& reader = readers[member.source];
      if (reader == nullptr) reader = grouped_.sources[member.source]->NewReader(request);
      RETURN_IF_ERROR(reader->Seek(member.series));
      while (true) {
        RETURN_IF_ERROR(reader->Next(&step));
        if (step.kind == ScanStep::Kind::kEnd) break;
        if (!Add(step.rows)) break;
        // One instant is as narrow as a slice gets.
        if (Bytes() > kSliceBytes && slice.min_ns < slice.max_ns) {
          *fits = false;
          return absl::OkStatus();
        }
      }
    }
    for (auto& reader : readers) {
      engine::ScanCounters counters;
      if (reader != nullptr) reader->TakeCounters(&counters);
      query_.AddCounters(counters);
    }
    return memory_.Set(Bytes());
  }

  void Clear() {
    times_.clear();
    values_.clear();
    texts_ = TextArena();
    order_.clear();
    at_ = 0;
    has_cutoff_ = false;
  }

  bool Before(int64_t a, int64_t b) const { return request_.descending ? a > b : a < b; }

  // Keeps a batch's rows; false when all further rows of the series are behind what is wanted.
  bool Add(const model::ColumnBatch& batch) {
    for (size_t i = 0; i < batch.rows; ++i) {
      if (has_cutoff_ && Before(cutoff_, batch.times[i])) return false;
      times_.push_back(batch.times[i]);
      for (const model::ColumnVector& column : batch.columns) {
        values_.push_back(texts_.Keep(column.At(i)));
      }
    }
    if (rows_wanted_ > 0 && times_.size() > 4 * rows_wanted_ + 65536) Prune();
    return true;
  }

  // Keeps the rows that can still be among the wanted ones.
  void Prune() {
    std::vector<int64_t> times = times_;
    const auto nth = times.begin() + static_cast<ptrdiff_t>(rows_wanted_ - 1);
    std::nth_element(times.begin(), nth, times.end(),
                     [this](int64_t a, int64_t b) { return Before(a, b); });
    cutoff_ = *nth;
    has_cutoff_ = true;
    const size_t width = request_.columns.size();
    TextArena texts;
    size_t kept = 0;
    for (size_t i = 0; i < times_.size(); ++i) {
      if (Before(cutoff_, times_[i])) continue;
      times_[kept] = times_[i];
      for (size_t c = 0; c < width; ++c) {
        values_[kept * width + c] = texts.Keep(values_[i * width + c]);
      }
      ++kept;
    }
    times_.resize(kept);
    values_.resize(kept * width);
    texts_ = std::move(texts);
  }

  void Sort() {
    order_.resize(times_.size());
    std::iota(order_.begin(), order_.end(), 0);
    const size_t width = request_.columns.size();
    // Rows were read in the order of the series, which the indexes keep.
    std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      if (times_[a] != times_[b]) return Before(times_[a], times_[b]);
      const int order = CompareTexts(values_.data() + a * width, values_.data() + b * width, width);
      if (order != 0) return request_.descending ? order > 0 : order < 0;
      return a < b;
    });
  }

  const GroupedSources& grouped_;
  const Group& group_;
  const ReadRequest request_;
  const size_t rows_wanted_;
  QueryState& query_;
  MemoryUse memory_;
  model::TimeRange rest_;  // not yet read
  bool done_ = false;
  uint64_t length_ = UINT64_MAX;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
  TextArena texts_;
  std::vector<uint32_t> order_;
  size_t at_ = 0;
  bool has_cutoff_ = false;
  int64_t cutoff_ = 0;
  std::vector<int64_t> block_times_;
  std::vector<FieldValue> block_values_;
};

}  // namespace

std::unique_ptr<RowMerger> MakeSliceMerger(const GroupedSources& grouped, const Group& group,
                                           const ReadRequest& request, size_t rows_wanted,
                                           QueryState& query) {
  return std::make_unique<SliceMerger>(grouped, group, request, rows_wanted, query);
}

}  // namespace varve::query
