#include "query/keyed_rows.h"

#include <array>
#include <numeric>
#include <utility>

namespace varve::query {
namespace {

constexpr unsigned kDigitBits = 13;

// The greatest number that divides all that were added. Times are multiples of a second, or ten:
// without that, their order hangs on a few digits.
class CommonDivisor {
 public:
  void Add(uint64_t number) {
    if (Guess(number) * divisor_ == number) return;
    divisor_ = std::gcd(divisor_, number);
    inverse_ = 1 / static_cast<double>(divisor_);
  }
  // Of a number that was added.
  uint64_t Quotient(uint64_t number) const {
    if (divisor_ <= 1) return number;
    const uint64_t guess = Guess(number);
    return guess * divisor_ == number ? guess : number / divisor_;
  }

 private:
  // The quotient, where there is no remainder and the number is one of a double.
  uint64_t Guess(uint64_t number) const {
    if (number >> 53 != 0) return 0;
    return static_cast<uint64_t>(
        static_cast<int64_t>(static_cast<double>(static_cast<int64_t>(number)) * inverse_ + 0.5));
  }

  uint64_t divisor_ = 0;
  double inverse_ = 0;
};

}  // namespace

void SortByKey(KeyedRows& rows, KeyedRows& room) {
  CommonDivisor divisor;
  for (const KeyedRow& row : rows) divisor.Add(row.key);
  uint64_t bits = 0;
  for (KeyedRow& row : rows) {
    row.key = divisor.Quotient(row.key);
    bits |= row.key;
  }
  room.resize(rows.size());
  for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += kDigitBits) {
    const auto digit = [shift](const KeyedRow& row) {
      return (row.key >> shift) & ((1U << kDigitBits) - 1);
    };
    std::array<uint32_t, 1U << kDigitBits> places{};
    for (const KeyedRow& row : rows) ++places[digit(row)];
    uint32_t at = 0;
    for (uint32_t& place : places) at += std::exchange(place, at);
    for (const KeyedRow& row : rows) room[places[digit(row)]++] = row;
    rows.swap(room);
  }
}

}  // namespace varve::query
