// Reads what a rollup page has of one series; rollup_format.cc writes it.
#include <algorithm>

#include "base/coding.h"
#include "tsm/codec/words.h"
#include "tsm/file_format.h"
#include "tsm/number_bits.h"
#include "tsm/rollup_format.h"

namespace varve::tsm {
namespace {

using model::FieldStatistics;
using model::FieldType;

// Those of the entry's hours that are wanted.
struct HourSpan {
  size_t begin = 0;
  size_t end = 0;
};

bool GetWords(base::ByteReader& in, size_t count, std::vector<uint64_t>* words) {
  words->resize(count);
  const std::span<uint64_t> all(*words);
  for (size_t at = 0; at < count; at += kRollupStreamWords) {
    const size_t n = std::min(kRollupStreamWords, count - at);
    if (!codec::DecodeWords(in, all.subspan(at, n)).ok()) return false;
  }
  return true;
}

// Reads one column. A list of words has one for each hour with a value; of those, the wanted hours
// with a value are a stretch.
class ColumnReader {
 public:
  ColumnReader(base::ByteReader& in, FieldType type) : in_(in), type_(type) {}

  //   hours  all of the entry
  bool Read(std::span<const int64_t> hours, const HourSpan& wanted,
            std::vector<FieldStatistics>* spans) {
    if (!GetWords(in_, hours.size(), &words_)) return false;
    spans->assign(wanted.end - wanted.begin, {});
    for (size_t i = 0; i < hours.size(); ++i) {
      if (words_[i] == 0) continue;
      if (i < wanted.begin) ++before_;
      ++with_value_;
      if (i < wanted.begin || i >= wanted.end) continue;
      FieldStatistics& span = (*spans)[i - wanted.begin];
      span.count = words_[i];
      spans_.push_back(&span);
      starts_.push_back(hours[i]);
    }
    if (with_value_ == 0 || !ReadTimes()) return false;
    return !IsNumber(type_) || ReadNumbers();
  }

 private:
  // The next list.
  bool GetList(std::vector<uint64_t>* words) { return GetWords(in_, with_value_, words); }

  bool ReadTimes() {
    if (!GetList(&words_) || !GetList(&more_words_)) return false;
    for (size_t i = 0; i < spans_.size(); ++i) {
      const uint64_t first = words_[before_ + i];
      const uint64_t last = more_words_[before_ + i];
      if (first > last || last >= uint64_t{kRollupSpanNs}) return false;
      FieldStatistics& span = *spans_[i];
      span.first_time = starts_[i] + static_cast<int64_t>(first);
      span.last_time = starts_[i] + static_cast<int64_t>(last);
      span.min_time = span.max_time = span.first_time;
    }
    return true;
  }

  bool ReadNumbers() {
    uint8_t exponent;
    if (!in_.GetFixed(&exponent) || exponent > kNotDecimal) return false;
    if (exponent == kNotDecimal) return ReadRawNumbers();
    std::vector<uint64_t> mins;
    if ((type_ != FieldType::kFloat && exponent != 0) || !GetList(&mins)) return false;
    for (size_t i = 0; i < spans_.size(); ++i) {
      spans_[i]->min = FromMantissa(type_, exponent, mins[before_ + i]);
    }
    // These lie above the least value.
    for (const auto member :
         {&FieldStatistics::max, &FieldStatistics::first, &FieldStatistics::last}) {
      if (!GetList(&words_)) return false;
      for (size_t i = 0; i < spans_.size(); ++i) {
        spans_[i]->*member = FromMantissa(type_, exponent, mins[before_ + i] + words_[before_ + i]);
      }
    }
    return ReadSums(exponent, mins);
  }

  bool ReadRawNumbers() {
    for (const auto member : {&FieldStatistics::min, &FieldStatistics::max, &FieldStatistics::first,
                              &FieldStatistics::last, &FieldStatistics::sum}) {
      if (!GetList(&words_)) return false;
      for (size_t i = 0; i < spans_.size(); ++i) {
        spans_[i]->*member = FromBits(type_, words_[before_ + i]);
      }
    }
    return true;
  }

  bool ReadSums(unsigned exponent, std::span<const uint64_t> mins) {
    uint8_t mode;
    if (!in_.GetFixed(&mode) || mode > kSumRaw || !GetList(&words_)) return false;
    for (size_t i = 0; i < spans_.size(); ++i) {
      const uint64_t word = words_[before_ + i];
      const uint64_t least = spans_[i]->count * mins[before_ + i];
      spans_[i]->sum =
          mode == kSumRaw ? FromBits(type_, word) : FromMantissa(type_, exponent, word + least);
    }
    if (mode != kSumScaledUlps) return true;
    if (type_ != FieldType::kFloat || !GetList(&words_)) return false;
    for (size_t i = 0; i < spans_.size(); ++i) {
      spans_[i]->sum = FromBits(type_, BitsOf(spans_[i]->sum) + words_[before_ + i]);
    }
    return true;
  }

  base::ByteReader& in_;
  const FieldType type_;
  size_t with_value_ = 0;                // hours
  size_t before_ = 0;                    // of them, those before the wanted ones
  std::vector<FieldStatistics*> spans_;  // of wanted hours with a value
  std::vector<int64_t> starts_;          // of these
  std::vector<uint64_t> words_;
  std::vector<uint64_t> more_words_;
};

bool GetHours(base::ByteReader& in, std::vector<int64_t>* hours) {
  uint64_t count;
  std::vector<uint64_t> words;
  if (!in.GetVarint(&count) || count == 0 || count > kRollupHoursMax ||
      !GetWords(in, count, &words)) {
    return false;
  }
  constexpr int64_t kHourMin = model::kMinTimeNs / kRollupSpanNs;
  constexpr int64_t kHourMax = model::kMaxTimeNs / kRollupSpanNs - 1;
  hours->clear();
  hours->reserve(count);
  int64_t previous = kHourMin - 1;
  for (const uint64_t word : words) {
    const auto hour = static_cast<int64_t>(word);
    if (hour <= previous || hour > kHourMax) return false;
    hours->push_back(hour * kRollupSpanNs);
    previous = hour;
  }
  return true;
}

HourSpan HoursWithin(std::span<const int64_t> hours, const model::TimeRange& range) {
  const auto begin = std::ranges::partition_point(
      hours, [&](int64_t hour) { return hour + (kRollupSpanNs - 1) < range.min_ns; });
  const auto end =
      std::ranges::partition_point(hours, [&](int64_t hour) { return hour <= range.max_ns; });
  const auto first = static_cast<size_t>(begin - hours.begin());
  return {first, std::max(first, static_cast<size_t>(end - hours.begin()))};
}

}  // namespace

bool GetRollupEntry(std::string_view entry, const RollupSelection& selection,
                    std::vector<int64_t>* hours, std::vector<RollupColumn>* columns,
                    size_t* count) {
  base::ByteReader in(entry);
  uint64_t column_count;
  *count = 0;
  if (!GetHours(in, hours) || !in.GetVarint(&column_count)) return false;
  const HourSpan wanted = HoursWithin(*hours, selection.range);
  uint64_t field = 0;
  for (uint64_t i = 0; i < column_count; ++i) {
    uint64_t step;
    uint8_t type;
    std::string_view body;
    if (!in.GetVarint(&step) || !in.GetFixed(&type) || !in.GetString(&body) ||
        (i > 0 && step == 0) || step > model::kNoId || field + step >= model::kNoId || type == 0 ||
        type > static_cast<uint8_t>(FieldType::kString)) {
      return false;
    }
    field += step;
    const auto id = static_cast<model::FieldId>(field);
    if (!selection.fields.empty() && !std::ranges::binary_search(selection.fields, id)) continue;
    if (*count == columns->size()) columns->emplace_back();
    RollupColumn& column = (*columns)[*count];
    column.field = id;
    column.type = static_cast<FieldType>(type);
    base::ByteReader column_in(body);
    if (!ColumnReader(column_in, column.type).Read(*hours, wanted, &column.spans) ||
        column_in.remaining() > 0) {
      return false;
    }
    ++*count;
  }
  hours->erase(hours->begin() + static_cast<ptrdiff_t>(wanted.end), hours->end());
  hours->erase(hours->begin(), hours->begin() + static_cast<ptrdiff_t>(wanted.begin));
  return in.remaining() == 0;
}

}  // namespace varve::tsm
