// ORDER BY: all rows sorted, or, with a limit, a heap of the best ones.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/status.h"
#include "query/shape.h"
#include "query/shape_rows.h"

namespace varve::query {
namespace {

using model::FieldType;
using model::FieldValue;

// Texts that nothing refers to any more are dropped when they take more than those that are kept,
// and at least so many bytes.
constexpr size_t kGarbageBytes = 1 << 16;
constexpr size_t kRowsPerCheck = 4096;

// Numbers go before texts, texts before booleans: a column of a subquery may mix types.
int RankOf(FieldType type) {
  if (type == FieldType::kString) return 1;
  return type == FieldType::kBoolean ? 2 : 0;
}

template <typename T>
int Compare(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int CompareNumbers(const FieldValue& a, const FieldValue& b) {
  const auto as_float = [](const FieldValue& v) {
    if (v.type() == FieldType::kFloat) return v.as_float();
    return v.type() == FieldType::kInteger ? static_cast<double>(v.as_integer())
                                           : static_cast<double>(v.as_unsigned());
  };
  if (a.type() == FieldType::kInteger && b.type() == FieldType::kInteger) {
    return Compare(a.as_integer(), b.as_integer());
  }
  if (a.type() == FieldType::kUnsigned && b.type() == FieldType::kUnsigned) {
    return Compare(a.as_unsigned(), b.as_unsigned());
  }
  return Compare(as_float(a), as_float(b));
}

// Neither is null.
int CompareValues(const FieldValue& a, const FieldValue& b) {
  const int rank_a = RankOf(a.type());
  const int rank_b = RankOf(b.type());
  if (rank_a != rank_b) return Compare(rank_a, rank_b);
  if (rank_a == 0) return CompareNumbers(a, b);
  if (rank_a == 1) return Compare(a.as_string(), b.as_string());
  return Compare(a.as_boolean(), b.as_boolean());
}

class OrderSink final : public ShapingSink {
 public:
  OrderSink(const RowShape& shape, bool as_table, QueryState& query, RowSink& next)
      : shape_(shape),
        as_table_(as_table),
        query_(query),
        next_(next),
        row_(shape),
        stride_(shape.keys.size() + shape.width),
        candidate_(stride_),
        rows_max_(shape.limit > 0 ? shape.limit + shape.offset : SIZE_MAX),
        memory_(query) {
    // A sum that does not fit is a limit no answer reaches.
    if (rows_max_ < shape.limit) rows_max_ = SIZE_MAX;
  }

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    name_ = name;
    tags_ = tags;
    group_ = nullptr;
    ++groups_;
    row_.SetTags(tags_);
    return absl::OkStatus();
  }

  absl::Status Rows(size_t rows, const int64_t* times, const FieldValue* values) override {
    for (size_t i = 0; i < rows; ++i, values += row_.width()) {
      Offer(times[i], values);
      if (++offered_ % kRowsPerCheck == 0) RETURN_IF_ERROR(query_.Check());
    }
    return memory_.Set(HeldBytes());
  }

  absl::Status Finish() override {
    const auto before = [this](const Row& a, const Row& b) { return Before(a, b); };
    std::sort(rows_.begin(), rows_.end(), before);
    rows_.erase(rows_.begin(),
                rows_.begin() + static_cast<ptrdiff_t>(std::min(rows_.size(), shape_.offset)));
    if (as_table_) {
      std::sort(rows_.begin(), rows_.end(),
                [](const Row& a, const Row& b) { return a.sequence < b.sequence; });
    }
    for (size_t begin = 0; begin < rows_.size();) {
      size_t end = begin;
      while (end < rows_.size() && rows_[end].group == rows_[begin].group) ++end;
      RETURN_IF_ERROR(next_.Begin(rows_[begin].group->name, rows_[begin].group->tags));
      RETURN_IF_ERROR(HandOut(begin, end));
      begin = end;
    }
    return absl::OkStatus();
  }

 private:
  struct HeldGroup {
    HeldGroup(uint64_t nth, const std::string& of, const TagPairs& with, size_t* counter)
        : place(nth), name(of), tags(with), counted_in(counter) {
      bytes = sizeof(HeldGroup) + name.capacity();
      for (const auto& [key, value] : tags) {
        bytes += sizeof(tags[0]) + key.capacity() + value.capacity();
      }
      *counted_in += bytes;
    }
    ~HeldGroup() { *counted_in -= bytes; }
    HeldGroup(const HeldGroup&) = delete;
    HeldGroup& operator=(const HeldGroup&) = delete;

    uint64_t place;  // among all groups
    std::string name;
    TagPairs tags;
    size_t bytes = 0;
    size_t* counted_in;
  };
  struct Row {
    int64_t time = 0;
    uint64_t sequence = 0;  // groups come in order, and so do the rows of each
    size_t slot = 0;        // of its keys and values
    std::shared_ptr<const HeldGroup> group;
  };

  static constexpr size_t kRowBytes = sizeof(Row);

  // Keys, then the values that stay, of a slot.
  FieldValue* Cells(size_t slot) { return cells_.data() + slot * stride_; }
  const FieldValue* Cells(size_t slot) const { return cells_.data() + slot * stride_; }

  // The order of the answer: keys, nulls behind all else; then time; then the groups.
  int CompareKeys(const FieldValue* a, int64_t time_a, const FieldValue* b, int64_t time_b) const {
    for (size_t i = 0; i < shape_.keys.size(); ++i) {
      const RowShape::Key& key = shape_.keys[i];
      int order = 0;
      if (key.is_time) {
        order = Compare(time_a, time_b);
      } else if (a[i].is_null() || b[i].is_null()) {
        order = Compare(a[i].is_null(), b[i].is_null());
        if (order != 0) return order;
      } else {
        order = CompareValues(a[i], b[i]);
      }
      if (order != 0) return key.ascending ? order : -order;
    }
    return Compare(time_a, time_b);
  }
  bool Before(const Row& a, const Row& b) const {
    const int order = CompareKeys(Cells(a.slot), a.time, Cells(b.slot), b.time);
    if (order != 0) return order < 0;
    return a.group->place != b.group->place ? a.group->place < b.group->place
                                            : a.sequence < b.sequence;
  }

  void Offer(int64_t time, const FieldValue* values) {
    const std::span<const FieldValue> row = row_.Of(values);
    for (size_t i = 0; i < shape_.keys.size(); ++i) {
      if (shape_.keys[i].is_time) continue;
      FieldValue key = shape_.keys[i].value.Evaluate(row);
      if (key.type() == FieldType::kFloat && std::isnan(key.as_float())) key = {};
      candidate_[i] = key;
    }
    const uint64_t sequence = sequence_++;
    const auto before = [this](const Row& a, const Row& b) { return Before(a, b); };
    size_t slot = rows_.size();
    if (rows_.size() == rows_max_) {
      // A row that comes later stands behind its equals.
      const Row& worst = rows_.front();
      if (CompareKeys(candidate_.data(), time, Cells(worst.slot), worst.time) >= 0) return;
      std::pop_heap(rows_.begin(), rows_.end(), before);
      slot = rows_.back().slot;
      CountTexts(slot, false);
      rows_.pop_back();
    } else {
      cells_.resize(cells_.size() + stride_);
    }
    std::copy(values, values + shape_.width,
              candidate_.begin() + static_cast<ptrdiff_t>(shape_.keys.size()));
    for (size_t i = 0; i < stride_; ++i) Cells(slot)[i] = texts_.Keep(candidate_[i]);
    CountTexts(slot, true);
    if (group_ == nullptr) {
      group_ = std::make_shared<const HeldGroup>(groups_, name_, tags_, &group_bytes_);
    }
    rows_.push_back({time, sequence, slot, group_});
    if (rows_max_ == SIZE_MAX) return;
    std::push_heap(rows_.begin(), rows_.end(), before);
    if (texts_.bytes() > kGarbageBytes + 2 * text_bytes_) DropGarbage();
  }

  void CountTexts(size_t slot, bool kept) {
    for (size_t i = 0; i < stride_; ++i) {
      const FieldValue& value = Cells(slot)[i];
      if (value.type() != FieldType::kString) continue;
      text_bytes_ += kept ? value.as_string().size() : -value.as_string().size();
    }
  }
  void DropGarbage() {
    TextArena texts;
    for (const Row& row : rows_) {
      for (size_t i = 0; i < stride_; ++i) Cells(row.slot)[i] = texts.Keep(Cells(row.slot)[i]);
    }
    texts_ = std::move(texts);
  }

  size_t HeldBytes() const {
    return cells_.capacity() * sizeof(FieldValue) + rows_.capacity() * kRowBytes + texts_.bytes() +
           group_bytes_;
  }

  absl::Status HandOut(size_t begin, size_t end) {
    std::vector<int64_t> times;
    std::vector<FieldValue> values;
    for (size_t i = begin; i < end; ++i) {
      const FieldValue* kept = Cells(rows_[i].slot) + shape_.keys.size();
      times.push_back(rows_[i].time);
      values.insert(values.end(), kept, kept + shape_.width);
      if (times.size() < model::kBatchRows && i + 1 < end) continue;
      RETURN_IF_ERROR(next_.Rows(times.size(), times.data(), values.data()));
      times.clear();
      values.clear();
    }
    return absl::OkStatus();
  }

  const RowShape& shape_;
  const bool as_table_;
  QueryState& query_;
  RowSink& next_;
  ShapedRow row_;
  const size_t stride_;
  std::vector<FieldValue> candidate_;
  size_t rows_max_;
  MemoryUse memory_;

  size_t group_bytes_ = 0;  // outlives the groups
  std::string name_;        // of the group whose rows come
  TagPairs tags_;
  std::shared_ptr<const HeldGroup> group_;  // null until one of its rows is kept
  uint64_t groups_ = 0;
  uint64_t sequence_ = 0;
  uint64_t offered_ = 0;

  std::vector<Row> rows_;  // with a limit a heap, the row to give up first in front
  std::vector<FieldValue> cells_;
  TextArena texts_;
  size_t text_bytes_ = 0;  // of what cells_ refers to
};

}  // namespace

std::unique_ptr<ShapingSink> MakeOrderSink(const RowShape& shape, bool as_table, QueryState& query,
                                           RowSink& next) {
  return std::make_unique<OrderSink>(shape, as_table, query, next);
}

}  // namespace varve::query
