// Many series in order of time, in bounded memory: slices of time, each read from every series that
// has rows in it, and handed out by a heap, or sorted where no two series are alike. A slice that
// does not fit is halved; one that is nearly empty is doubled. Beyond its slice each series knows
// the time, and the texts that break ties, of its next row: which the heap compares, too.
#include <algorithm>
#include <utility>

#include "base/huge_pages.h"
#include "base/status.h"
#include "query/go_heap.h"
#include "query/keyed_rows.h"
#include "query/merge_rows.h"
#include "query/packed_rows.h"

namespace varve::query {
namespace {

using engine::ScanStep;
using model::FieldType;
using model::FieldValue;

constexpr size_t kSliceBytes = 128 << 20;

template <typename T>
using HugeVector = std::vector<T, base::HugePageAllocator<T>>;

class SliceMerger final : public RowMerger {
 public:
  SliceMerger(const RowSource& source, std::vector<MergeInput> inputs, const ReadRequest& request,
              const MergeOptions& options, QueryState& query)
      : source_(source),
        inputs_(std::move(inputs)),
        request_(request),
        rows_wanted_(options.rows_wanted),
        driven_(options.driven),
        width_(request.columns.size()),
        first_tie_(options.driven ? 1 : 0),
        ties_(TieColumns(request, options) - first_tie_),
        query_(query),
        memory_(query),
        rest_(request.range),
        cursors_(inputs_.size()) {
    for (size_t c = 0; c < width_; ++c) {
      const bool is_tag = request.columns[c].type == DataType::kTag;
      std::vector<size_t>& list = is_tag ? tags_ : stored_;
      places_.push_back({is_tag, list.size()});
      if (spans_.empty() || spans_.back().is_tag != is_tag)
        spans_.push_back({is_tag, list.size(), 0});
      ++spans_.back().count;
      list.push_back(c);
      if (!is_tag && c >= first_tie_ && c < first_tie_ + ties_) ++stored_ties_;
    }
    tag_values_.resize(inputs_.size() * tags_.size());
    tags_known_.resize(inputs_.size());
    rows_ = PackedRows(stored_.size());
  }

  absl::Status Next(RowBlock* block) override {
    RETURN_IF_ERROR(query_.Check());
    if (!started_) RETURN_IF_ERROR(ReadSlice());
    started_ = true;
    block_rows_ = 0;
    block_times_.resize(model::kBatchRows);
    block_members_.resize(model::kBatchRows);
    block_values_.resize(model::kBatchRows * width_);
    RETURN_IF_ERROR(sorted_ ? FillSorted() : FillFromHeap());
    *block = {block_rows_, block_times_.data(), block_values_.data(), block_members_.data()};
    return absl::OkStatus();
  }

 private:
  // Where a series stands: its rows of the slice not yet handed out, then the row behind the slice.
  struct Cursor {
    uint32_t at = 0;
    uint32_t end = 0;
    bool more = true;  // `next` is known; before the first slice: nothing is
    int64_t next = 0;
  };
  struct Item {
    int64_t time = 0;
    uint32_t input = 0;
  };

  // Where a column's value is: among those of the series' tags, or those kept of each row.
  struct Place {
    bool is_tag;
    size_t at;
  };
  // Neighbouring columns whose values lie next to each other.
  struct Span {
    bool is_tag;
    size_t at;
    size_t count;
  };

  absl::Status FillFromHeap() {
    while (block_rows_ < model::kBatchRows) {
      if (heap_.empty() && !StartShard()) break;
      if (!slice_.Contains(heap_.front().time)) {
        // The texts handed out must outlive the call.
        if (block_rows_ > 0) break;
        RETURN_IF_ERROR(ReadSlice());
      }
      const Item item = PopHeap(heap_, less_);
      Cursor& cursor = cursors_[item.input];
      const KeyedRow row{0, cursor.at++, item.input};
      TakeRows({&row, 1});
      if (HasNext(cursor) && shard_.Contains(TimeOf(cursor))) {
        PushHeap(heap_, {TimeOf(cursor), item.input}, less_);
      }
    }
    return absl::OkStatus();
  }
  absl::Status FillSorted() {
    while (next_sorted_ == order_.size()) {
      const Cursor* first = FirstCursor();
      if (first == nullptr) return absl::OkStatus();
      RETURN_IF_ERROR(ReadSlice());
    }
    // Column by column, of as many rows as stay near. Neighbours are of different series, so each
    // row comes from another place in memory.
    constexpr size_t kTogether = 32;
    const size_t end = std::min(order_.size(), next_sorted_ + model::kBatchRows);
    while (next_sorted_ < end) {
      const size_t rows = std::min(kTogether, end - next_sorted_);
      const KeyedRow* const ahead = order_.data() + next_sorted_ + rows;
      const size_t rows_ahead = std::min(kTogether, order_.size() - next_sorted_ - rows);
      for (size_t i = 0; i < rows_ahead; ++i) rows_.Prefetch(ahead[i].row);
      TakeRows({order_.data() + next_sorted_, rows});
      next_sorted_ += rows;
    }
    return absl::OkStatus();
  }

  bool Before(int64_t a, int64_t b) const { return request_.descending ? a > b : a < b; }
  static bool HasNext(const Cursor& cursor) { return cursor.at < cursor.end || cursor.more; }
  int64_t TimeOf(const Cursor& cursor) const {
    return cursor.at < cursor.end ? times_[cursor.at] : cursor.next;
  }
  // Of the texts that break ties those that are not tags, the t-th, of the row a series stands at.
  FieldValue StoredText(uint32_t input, size_t t) const {
    const Cursor& cursor = cursors_[input];
    return cursor.at < cursor.end ? rows_.At(cursor.at, first_tie_ + t)
                                  : next_texts_[input * stored_ties_ + t];
  }
  // As CompareTexts(), of the rows two series stand at.
  int CompareTies(uint32_t a, uint32_t b) const {
    if (!ranks_.empty()) return ranks_[a] < ranks_[b] ? -1 : ranks_[a] > ranks_[b] ? 1 : 0;
    const FieldValue* tags_a = tag_values_.data() + a * tags_.size();
    const FieldValue* tags_b = tag_values_.data() + b * tags_.size();
    size_t stored = 0;
    for (size_t t = 0; t < ties_; ++t) {
      const Place& place = places_[first_tie_ + t];
      const FieldValue text = place.is_tag ? tags_a[place.at] : StoredText(a, stored);
      const FieldValue other = place.is_tag ? tags_b[place.at] : StoredText(b, stored);
      if (!place.is_tag) ++stored;
      const int order = CompareTexts(&text, &other, 1);
      if (order != 0) return order;
      if (text.type() != FieldType::kString || other.type() != FieldType::kString) return 0;
    }
    return 0;
  }

  struct Less {
    const SliceMerger* merger;
    bool operator()(const Item& a, const Item& b) const {
      if (a.time != b.time) return merger->Before(a.time, b.time);
      if (merger->ties_ == 0) return false;
      const int order = merger->CompareTies(a.input, b.input);
      return merger->request_.descending ? order > 0 : order < 0;
    }
  };

  // The series whose next row comes first; null at the end.
  const Cursor* FirstCursor() const {
    const Cursor* first = nullptr;
    for (const Cursor& cursor : cursors_) {
      if (!HasNext(cursor)) continue;
      if (first == nullptr || Before(TimeOf(cursor), TimeOf(*first))) first = &cursor;
    }
    return first;
  }
  // Puts the series that have rows in the next shard on the heap; false at the end.
  bool StartShard() {
    const Cursor* first = FirstCursor();
    if (first == nullptr) return false;
    shard_ = ShardOf(source_, TimeOf(*first));
    for (uint32_t i = 0; i < cursors_.size(); ++i) {
      if (HasNext(cursors_[i]) && shard_.Contains(TimeOf(cursors_[i]))) {
        heap_.push_back({TimeOf(cursors_[i]), i});
      }
    }
    InitHeap(heap_, less_);
    return true;
  }

  // Adds rows of the slice to the block.
  void TakeRows(std::span<const KeyedRow> rows) {
    picked_.clear();
    for (const KeyedRow& row : rows) {
      picked_.push_back(row.row);
      block_times_[block_rows_] = times_[row.row];
      block_members_[block_rows_++] = inputs_[row.input].place;
    }
    FieldValue* to = block_values_.data() + (block_rows_ - rows.size()) * width_;
    for (const Span& span : spans_) {
      if (span.is_tag) {
        for (size_t i = 0; i < rows.size(); ++i) {
          const FieldValue* tags = tag_values_.data() + rows[i].input * tags_.size() + span.at;
          std::copy_n(tags, span.count, to + i * width_);
        }
      } else {
        rows_.Copy(picked_, span.at, span.count, to, width_);
      }
      to += span.count;
    }
  }

  // Puts the rows of the slice in the order of their times and, of one time, of their series: for
  // that series are visited in their order, and the sort is stable.
  void SortSlice() {
    order_.clear();
    order_.reserve(times_.size());
    next_sorted_ = 0;
    int64_t first = 0;
    for (size_t i = 0; i < by_rank_.size(); ++i) {
      const uint32_t input = by_rank_[request_.descending ? by_rank_.size() - 1 - i : i];
      Cursor& cursor = cursors_[input];
      if (cursor.at < cursor.end && (order_.empty() || Before(times_[cursor.at], first))) {
        first = times_[cursor.at];
      }
      for (; cursor.at < cursor.end; ++cursor.at) order_.push_back({0, cursor.at, input});
    }
    for (KeyedRow& row : order_) {
      row.key =
          request_.descending ? Distance(times_[row.row], first) : Distance(first, times_[row.row]);
    }
    SortByKey(order_, sort_room_);
  }

  // Where the ties are tags all of, and none is missing, they order the series once and for all.
  void RankSeries() {
    if (ranked_ || ties_ == 0 || stored_ties_ > 0) return;
    ranked_ = true;
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < inputs_.size(); ++i) {
      if (!tags_known_[i]) continue;
      for (size_t t = 0; t < ties_; ++t) {
        const FieldValue& tag = tag_values_[i * tags_.size() + places_[first_tie_ + t].at];
        if (tag.type() != FieldType::kString) return;
      }
      order.push_back(i);
    }
    const auto before = [this](uint32_t a, uint32_t b) { return CompareTies(a, b) < 0; };
    std::sort(order.begin(), order.end(), before);
    std::vector<uint32_t> ranks(inputs_.size());
    for (size_t i = 1; i < order.size(); ++i) {
      ranks[order[i]] = ranks[order[i - 1]] + (before(order[i - 1], order[i]) ? 1 : 0);
    }
    ranks_ = std::move(ranks);
    sorted_ = !order.empty() && ranks_[order.back()] + 1 == order.size();
    if (sorted_) by_rank_ = std::move(order);
  }

  // Times as distances, so that the middle of the widest range does not overflow.
  static uint64_t Distance(int64_t from, int64_t to) {
    return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  }

  // Reads the slice that begins with the heap's first row.
  absl::Status ReadSlice() {
    if (started_) {
      const int64_t from = sorted_ ? TimeOf(*FirstCursor()) : heap_.front().time;
      (request_.descending ? rest_.max_ns : rest_.min_ns) = from;
    }
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
      if (fits) {
        slice_ = slice;
        if (has_cutoff_) (request_.descending ? slice_.min_ns : slice_.max_ns) = cutoff_;
        break;
      }
      length_ = Distance(slice.min_ns, slice.max_ns) / 2;
    }
    if (Bytes() < kSliceBytes / 4 && length_ < UINT64_MAX / 2) length_ *= 2;
    RankSeries();
    cursors_.swap(new_cursors_);
    next_texts_.swap(new_next_texts_);
    std::swap(next_arena_, new_next_arena_);
    if (!sorted_) return absl::OkStatus();
    SortSlice();
    return absl::OkStatus();
  }

  // Of a row of the slice, its place among those that are sorted included.
  size_t RowBytes() const { return sizeof(int64_t) + rows_.row_bytes() + 2 * sizeof(KeyedRow); }
  size_t Bytes() const { return times_.size() * RowBytes() + texts_.bytes(); }
  size_t FixedBytes() const {
    return inputs_.size() * (sizeof(MergeInput) + 2 * sizeof(Cursor) + sizeof(Item)) +
           2 * (next_texts_.size() * sizeof(FieldValue) + next_arena_.bytes()) +
           tag_values_.size() * sizeof(FieldValue) + tag_texts_.bytes();
  }

  absl::Status Collect(const model::TimeRange& slice, bool* fits) {
    Clear();
    ReadRequest request = request_;
    request.range = rest_;
    auto reader = source_.NewReader(request);
    for (uint32_t i = 0; i < inputs_.size(); ++i) {
      if (i % 64 == 0) RETURN_IF_ERROR(query_.Check());
      const Cursor& old = cursors_[i];
      new_cursors_[i].more = false;
      if (!old.more) continue;
      if (started_ && !slice.Contains(old.next)) {
        SetNext(i, old.next, next_texts_.data() + i * stored_ties_);
        continue;
      }
      RETURN_IF_ERROR(reader->Seek(inputs_[i].series));
      RETURN_IF_ERROR(CollectSeries(slice, i, reader.get()));
      // One instant is as narrow as a slice gets.
      if (Bytes() > kSliceBytes && slice.min_ns < slice.max_ns) {
        *fits = false;
        return absl::OkStatus();
      }
    }
    engine::ScanCounters counters;
    reader->TakeCounters(&counters);
    query_.AddCounters(counters);
    return memory_.Set(Bytes() + FixedBytes());
  }

  void Clear() {
    times_.clear();
    rows_.Clear();
    texts_ = TextArena();
    new_cursors_.assign(inputs_.size(), Cursor());
    new_next_texts_.assign(inputs_.size() * stored_ties_, FieldValue());
    new_next_arena_ = TextArena();
    has_cutoff_ = false;
  }

  void SetNext(uint32_t input, int64_t time, const FieldValue* texts) {
    new_cursors_[input].more = true;
    new_cursors_[input].next = time;
    for (size_t t = 0; t < stored_ties_; ++t) {
      new_next_texts_[input * stored_ties_ + t] = new_next_arena_.Keep(texts[t]);
    }
  }

  // Keeps a series' rows of the slice and what the heap needs of the one behind.
  absl::Status CollectSeries(const model::TimeRange& slice, uint32_t input, RowReader* reader) {
    Cursor& cursor = new_cursors_[input];
    cursor.at = cursor.end = static_cast<uint32_t>(times_.size());
    while (true) {
      RETURN_IF_ERROR(reader->Next(&step_));
      if (step_.kind == ScanStep::Kind::kEnd) return absl::OkStatus();
      const model::ColumnBatch& batch = step_.rows;
      KeepTags(input, batch);
      const size_t copied = driven_ ? 0 : CopyRows(slice, batch);
      cursor.end = static_cast<uint32_t>(times_.size());
      for (size_t i = copied; i < batch.rows; ++i) {
        const int64_t time = batch.times[i];
        if (driven_ && batch.columns[0].At(i).is_null()) continue;
        if (!slice.Contains(time) || (has_cutoff_ && Before(cutoff_, time))) {
          row_.clear();
          for (size_t t = 0; t < stored_ties_; ++t) {
            row_.push_back(batch.columns[stored_[first_tie_ + t]].At(i));
          }
          SetNext(input, time, row_.data());
          return absl::OkStatus();
        }
        times_.push_back(time);
        row_.clear();
        for (const size_t column : stored_) {
          row_.push_back(texts_.Keep(batch.columns[column].At(i)));
        }
        rows_.AppendRow(row_);
        cursor.end = static_cast<uint32_t>(times_.size());
      }
      if (Bytes() > 2 * kSliceBytes && slice.min_ns < slice.max_ns) return absl::OkStatus();
      if (rows_wanted_ > 0 && times_.size() > 4 * rows_wanted_ + 65536) {
        Prune(input);
        if (cursor.more) return absl::OkStatus();
      }
    }
  }

  // Keeps the rows of a batch that lie in the slice, which are those at its front; returns how
  // many.
  size_t CopyRows(const model::TimeRange& slice, const model::ColumnBatch& batch) {
    const auto within = [&](int64_t time) {
      return slice.Contains(time) && !(has_cutoff_ && Before(cutoff_, time));
    };
    const int64_t* end = std::partition_point(batch.times, batch.times + batch.rows, within);
    const auto rows = static_cast<size_t>(end - batch.times);
    MakeRoom();
    times_.insert(times_.end(), batch.times, end);
    rows_.Append(batch, stored_, rows, texts_);
    return rows;
  }

  // Of a large slice all the room it may ever take: pages that are not used cost nothing, but to
  // move the rows, again and again, to fresh ones is half of what it takes to collect them.
  void MakeRoom() {
    constexpr size_t kFewRows = 1 << 14;
    if (times_.size() < kFewRows) return;
    const size_t most = kSliceBytes / RowBytes();
    times_.reserve(most);
    rows_.Reserve(most);
  }

  // A series' tags are the same in all its rows.
  void KeepTags(uint32_t input, const model::ColumnBatch& batch) {
    if (tags_known_[input] || batch.rows == 0) return;
    tags_known_[input] = true;
    for (size_t i = 0; i < tags_.size(); ++i) {
      tag_values_[input * tags_.size() + i] = tag_texts_.Keep(batch.columns[tags_[i]].At(0));
    }
  }

  // Keeps the rows that can still be among the wanted ones, of the series up to `last`.
  void Prune(uint32_t last) {
    HugeVector<int64_t> times = times_;
    const auto nth = times.begin() + static_cast<ptrdiff_t>(rows_wanted_ - 1);
    std::nth_element(times.begin(), nth, times.end(),
                     [this](int64_t a, int64_t b) { return Before(a, b); });
    cutoff_ = *nth;
    has_cutoff_ = true;
    TextArena texts;
    uint32_t kept = 0;
    for (uint32_t input = 0; input <= last; ++input) {
      Cursor& cursor = new_cursors_[input];
      const uint32_t begin = std::exchange(cursor.at, kept);
      uint32_t row = begin;
      for (; row < cursor.end && !Before(cutoff_, times_[row]); ++row, ++kept) {
        times_[kept] = times_[row];
        rows_.MoveRow(row, kept, texts);
      }
      if (row < cursor.end) {
        row_.clear();
        for (size_t t = 0; t < stored_ties_; ++t) row_.push_back(rows_.At(row, first_tie_ + t));
        SetNext(input, times_[row], row_.data());
      }
      cursor.end = kept;
    }
    times_.resize(kept);
    rows_.Truncate(kept);
    texts_ = std::move(texts);
  }

  const RowSource& source_;
  const std::vector<MergeInput> inputs_;
  const ReadRequest request_;
  const size_t rows_wanted_;
  const bool driven_;
  const size_t width_;
  const size_t first_tie_;
  const size_t ties_;
  std::vector<Place> places_;  // of each column
  std::vector<Span> spans_;
  std::vector<size_t> tags_;            // columns
  std::vector<size_t> stored_;          // the other ones
  size_t stored_ties_ = 0;              // of the ties, those that are not tags
  std::vector<FieldValue> tag_values_;  // inputs * tags_
  std::vector<bool> tags_known_;
  TextArena tag_texts_;
  bool ranked_ = false;
  std::vector<uint32_t> ranks_;  // of the inputs by their ties; empty: they must be compared
  // Where no two inputs have one rank, the slice is sorted, and there is no heap.
  bool sorted_ = false;
  std::vector<uint32_t> by_rank_;
  std::vector<uint32_t> picked_;  // rows, scratch of TakeRows()
  KeyedRows order_;  // the rows of the slice, by the distance of their times from the first
  KeyedRows sort_room_;
  size_t next_sorted_ = 0;
  QueryState& query_;
  MemoryUse memory_;
  bool started_ = false;
  model::TimeRange rest_;  // not yet read
  model::TimeRange slice_;
  model::TimeRange shard_;
  uint64_t length_ = UINT64_MAX;
  std::vector<Cursor> cursors_;
  std::vector<FieldValue> next_texts_;  // inputs * stored_ties_
  TextArena next_arena_;
  // What Collect() makes of them.
  std::vector<Cursor> new_cursors_;
  std::vector<FieldValue> new_next_texts_;
  TextArena new_next_arena_;
  HugeVector<int64_t> times_;
  PackedRows rows_{0};  // of each of times_, the columns stored_
  TextArena texts_;
  std::vector<Item> heap_;
  Less less_{this};
  ScanStep step_;
  std::vector<FieldValue> row_;
  bool has_cutoff_ = false;
  int64_t cutoff_ = 0;
  size_t block_rows_ = 0;
  std::vector<int64_t> block_times_;
  std::vector<FieldValue> block_values_;
  std::vector<uint32_t> block_members_;
};

}  // namespace

std::unique_ptr<RowMerger> MakeSliceMerger(const RowSource& source, std::vector<MergeInput> inputs,
                                           const ReadRequest& request, const MergeOptions& options,
                                           QueryState& query) {
  return std::make_unique<SliceMerger>(source, std::move(inputs), request, options, query);
}

}  // namespace varve::query
