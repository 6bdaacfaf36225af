// The values of one tag key while a series segment is built: gathered, then coded the shortest way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/bit_stream.h"
#include "index/bytes_table.h"
#include "index/number_pattern.h"
#include "index/series_segment.h"

namespace varve::index {

// Interns the values, until there are so many that nearly each is another and all have their
// numbers (number_pattern.h): of those that follow only pattern and numbers are kept, which costs
// neither a look-up nor the text. Which coding is the shortest is decided when all are known.
//
// One thread at a time. Use: Add() each value of each series; Choose(); then what writes.
class SegmentColumn {
 public:
  // `literal`: what stands before the value in a key: ",host=". Empty when it has no name.
  explicit SegmentColumn(std::string_view literal) : literal_(literal) {}

  const std::string& literal() const { return literal_; }

  // Returns what Put() is to be given for the value.
  uint32_t Add(std::string_view value);

  // Decides the coding. Entries of the dictionary count on from `first_entry`; returns how many
  // there are.
  uint32_t Choose(uint32_t first_entry);
  ValueCoding coding() const { return coding_; }

  // The column's directory entry (docs/format.md, "Series segment").
  void AppendMeta(std::string* out) const;
  // Calls visit(std::string_view) for every entry of the dictionary.
  template <typename Visit>
  void ForEachEntry(Visit visit) const {
    const BytesTable* entries = Entries();
    for (uint32_t i = 0; entries != nullptr && i < entries->size(); ++i) visit(entries->Get(i));
  }
  // Writes a value: to `raw` if that is its coding, to `bits` otherwise.
  void Put(uint32_t code, BitWriter& bits, std::string* raw) const;

 private:
  // A code with this bit is a place in loose_, another is an id in values_.
  static constexpr uint32_t kLooseMark = 0x80000000;

  struct NumberRange {
    uint64_t min = ~uint64_t{0};
    uint64_t max = 0;
    unsigned bits() const { return max >= min ? BitsFor(max - min) : 0; }
  };
  struct Numbers {
    uint32_t pattern = 0;
    size_t count = 0;
    uint64_t of[kPatternNumbersMax];
  };

  // Takes the numbers out of a value and widens the ranges. False when the value has no pattern.
  bool Split(std::string_view value, Numbers* numbers);
  // Splits the interned values that have not been, up to the first that has no pattern.
  bool SplitInterned();
  bool ShouldStopInterning();
  uint32_t AddLoose(const Numbers& numbers);
  Numbers NumbersOf(uint32_t code) const;
  unsigned number_bits() const;
  uint64_t NumbersBytes() const;
  // The dictionary of the coding; null when it has none.
  const BytesTable* Entries() const;

  const std::string literal_;
  uint64_t uses_ = 0;
  uint64_t raw_bytes_ = 0;
  BytesTable values_;
  uint32_t look_at_ = 1 << 16;  // distinct values at which to look whether to go on interning
  bool interns_ = true;
  std::vector<uint64_t> loose_;  // of each value: pattern, then its numbers
  BytesTable patterns_;
  std::vector<uint8_t> counts_;       // of the numbers in a pattern
  std::vector<uint32_t> pattern_of_;  // of the first values, by id
  std::vector<NumberRange> ranges_;
  mutable std::string scratch_;

  ValueCoding coding_ = ValueCoding::kRaw;
  uint32_t first_entry_ = 0;
  unsigned entry_bits_ = 0;
};

}  // namespace varve::index
