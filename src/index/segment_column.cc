#include "index/segment_column.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/coding.h"

namespace varve::index {

using base::PutString;
using base::PutVarint;

namespace {

// Bytes that a dictionary of `entries` strings and its codes take.
uint64_t DictionaryBytes(const BytesTable& entries, uint64_t uses, unsigned bits) {
  uint64_t bytes = entries.size() * 4 + (uses * bits + 7) / 8;
  for (uint32_t i = 0; i < entries.size(); ++i) bytes += entries.Get(i).size();
  return bytes;
}

uint64_t PlainBytes(const BytesTable& values, uint64_t uses) {
  return DictionaryBytes(values, uses, BitsFor(values.size() - 1));
}

}  // namespace

uint32_t SegmentColumn::Add(std::string_view value) {
  ++uses_;
  raw_bytes_ += value.size() + 1;
  if (!interns_) {
    Numbers numbers;
    if (Split(value, &numbers)) return AddLoose(numbers);
  }
  const uint32_t id = values_.FindOrAdd(value);
  if (interns_ && values_.size() == look_at_) {
    interns_ = !ShouldStopInterning();
    look_at_ *= 2;
  }
  return id;
}

bool SegmentColumn::Split(std::string_view value, Numbers* numbers) {
  if (!SplitNumbers(value, &scratch_, numbers->of, &numbers->count)) return false;
  numbers->pattern = patterns_.FindOrAdd(scratch_);
  if (numbers->pattern == counts_.size()) {
    counts_.push_back(static_cast<uint8_t>(numbers->count));
  }
  if (ranges_.size() < numbers->count) ranges_.resize(numbers->count);
  for (size_t i = 0; i < numbers->count; ++i) {
    ranges_[i].min = std::min(ranges_[i].min, numbers->of[i]);
    ranges_[i].max = std::max(ranges_[i].max, numbers->of[i]);
  }
  return true;
}

bool SegmentColumn::SplitInterned() {
  Numbers numbers;
  pattern_of_.reserve(values_.size());
  for (auto id = static_cast<uint32_t>(pattern_of_.size()); id < values_.size(); ++id) {
    if (!Split(values_.Get(id), &numbers)) return false;
    pattern_of_.push_back(numbers.pattern);
  }
  return true;
}

bool SegmentColumn::ShouldStopInterning() {
  return uses_ < 2 * uint64_t{values_.size()} && SplitInterned() && !ranges_.empty() &&
         NumbersBytes() < PlainBytes(values_, uses_);
}

uint32_t SegmentColumn::AddLoose(const Numbers& numbers) {
  CHECK_LT(loose_.size(), kLooseMark);
  const auto at = static_cast<uint32_t>(loose_.size());
  loose_.push_back(numbers.pattern);
  loose_.insert(loose_.end(), numbers.of, numbers.of + numbers.count);
  return kLooseMark | at;
}

SegmentColumn::Numbers SegmentColumn::NumbersOf(uint32_t code) const {
  Numbers numbers;
  if ((code & kLooseMark) == 0) {
    numbers.pattern = pattern_of_[code];
    SplitNumbers(values_.Get(code), &scratch_, numbers.of, &numbers.count);
    return numbers;
  }
  const uint64_t* at = loose_.data() + (code & ~kLooseMark);
  numbers.pattern = static_cast<uint32_t>(*at);
  numbers.count = counts_[numbers.pattern];
  std::copy_n(at + 1, numbers.count, numbers.of);
  return numbers;
}

unsigned SegmentColumn::number_bits() const {
  unsigned sum = 0;
  for (const NumberRange& range : ranges_) sum += range.bits();
  return sum;
}

uint64_t SegmentColumn::NumbersBytes() const {
  return DictionaryBytes(patterns_, uses_, BitsFor(patterns_.size() - 1) + number_bits());
}

uint32_t SegmentColumn::Choose(uint32_t first_entry) {
  uint64_t best = raw_bytes_;
  coding_ = ValueCoding::kRaw;
  // A dictionary would not have the values that were never interned.
  if (loose_.empty()) {
    const uint64_t bytes = PlainBytes(values_, uses_);
    if (bytes <= best) {
      best = bytes;
      coding_ = ValueCoding::kDictionary;
    }
  }
  if (SplitInterned() && !ranges_.empty() && NumbersBytes() < best) {
    coding_ = ValueCoding::kNumbers;
  }
  first_entry_ = first_entry;
  const BytesTable* entries = Entries();
  if (entries == nullptr) return 0;
  entry_bits_ = BitsFor(entries->size() - 1);
  return entries->size();
}

const BytesTable* SegmentColumn::Entries() const {
  switch (coding_) {
    case ValueCoding::kDictionary:
      return &values_;
    case ValueCoding::kNumbers:
      return &patterns_;
    case ValueCoding::kRaw:
      break;
  }
  return nullptr;
}

void SegmentColumn::AppendMeta(std::string* out) const {
  PutString(*out, literal_);
  out->push_back(static_cast<char>(coding_));
  if (coding_ == ValueCoding::kRaw) return;
  PutVarint(*out, first_entry_);
  PutVarint(*out, Entries()->size());
  if (coding_ == ValueCoding::kDictionary) return;
  PutVarint(*out, ranges_.size());
  for (const NumberRange& range : ranges_) {
    PutVarint(*out, range.min);
    out->push_back(static_cast<char>(range.bits()));
  }
}

void SegmentColumn::Put(uint32_t code, BitWriter& bits, std::string* raw) const {
  if (coding_ == ValueCoding::kDictionary) {
    bits.Put(code, entry_bits_);
    return;
  }
  if (coding_ == ValueCoding::kRaw && (code & kLooseMark) == 0) {
    PutString(*raw, values_.Get(code));
    return;
  }
  const Numbers numbers = NumbersOf(code);
  if (coding_ == ValueCoding::kRaw) {
    scratch_.clear();
    JoinNumbers(patterns_.Get(numbers.pattern), std::span(numbers.of).first(numbers.count),
                &scratch_);
    PutString(*raw, scratch_);
    return;
  }
  bits.Put(numbers.pattern, entry_bits_);
  for (size_t i = 0; i < ranges_.size(); ++i) {
    bits.Put(i < numbers.count ? numbers.of[i] - ranges_[i].min : 0, ranges_[i].bits());
  }
}

}  // namespace varve::index
