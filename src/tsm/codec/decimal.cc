#include "tsm/codec/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "tsm/codec/decimal_format.h"
#include "tsm/codec/float_bits.h"

namespace varve::tsm::codec {
namespace {

// A correction has at most this magnitude; what is farther off is an exception.
constexpr int64_t kCorrectionMax = 63;
// Larger k lie so dense that any value is near one.
constexpr double kNearIntegerMax = 0x1p42;

// An exception costs its bits and its place.
constexpr double kBitsPerException = 76;
constexpr double kBitsPerOther = 56;  // what a value costs without decimals
constexpr size_t kSample = 32;
// When none of so many are decimals, the rest need not be tried.
constexpr size_t kHopelessSample = 12;

template <bool kSingle>
inline double Restored(double integer, double power) {
  return kSingle ? static_cast<double>(static_cast<float>(integer / power)) : integer / power;
}

// Sets *word and returns whether it restores exactly `value`.
template <bool kSingle>
inline bool ToWord(double value, double power, uint64_t* word) {
  const double scaled = value * power;
  const double sum = scaled + kRounder;
  *word = std::bit_cast<uint64_t>(sum) - kRounderBits;
  const double restored = Restored<kSingle>(IntegerOf(*word), power);
  const bool small = std::abs(scaled) < kIntegerMax;
  const bool exact = std::bit_cast<uint64_t>(restored) == std::bit_cast<uint64_t>(value);
  return static_cast<int>(small) & static_cast<int>(exact);  // no branch
}

// How far a value is from the decimal that `word`, made from it by ToWord(), restores; nullopt when
// that is too far for a correction.
std::optional<int64_t> CorrectionOf(double value, uint64_t word, double power) {
  if (!(std::abs(value * power) < kIntegerMax)) return std::nullopt;
  const double decimal = Restored<false>(IntegerOf(word), power);
  const auto correction = static_cast<int64_t>(ToOrdered(value) - ToOrdered(decimal));
  if (correction < -kCorrectionMax || correction > kCorrectionMax) return std::nullopt;
  return correction;
}

bool IsNearDecimal(double value, uint64_t word, double power) {
  const auto correction = CorrectionOf(value, word, power);
  return correction && std::abs(*correction) <= 4 && std::abs(value * power) < kNearIntegerMax;
}

// The smallest exponent from `from` on that holds `value`; nullopt if none does.
template <bool kSingle>
std::optional<unsigned> ExponentOf(double value, unsigned from) {
  uint64_t word;
  for (unsigned e = from; e <= kDecimalExponentMax; ++e) {
    if (ToWord<kSingle>(value, kPowersOfTen[e], &word)) return e;
    if (!kSingle && IsNearDecimal(value, word, kPowersOfTen[e])) return e;
    if (!(std::abs(value * kPowersOfTen[e]) < kIntegerMax)) return std::nullopt;
  }
  return std::nullopt;
}

// The exponent that makes a sample cheapest, none when most of it is no decimal at all.
template <bool kSingle>
class ExponentVote {
 public:
  ExponentVote() = default;
  // After a first vote, whose winner `exponent` turned out to hold `held` values.
  ExponentVote(const ExponentVote& first, unsigned exponent, size_t held)
      : highest_(exponent),
        magnitude_max_(first.magnitude_max_),
        total_(static_cast<double>(held)) {
    count_[exponent] = total_;
  }
  void Add(double value) {
    ++total_;
    if (const auto exponent = ExponentOf<kSingle>(value, highest_)) {
      ++count_[*exponent];
      highest_ = *exponent;
      held_ = true;
      magnitude_max_ = std::max(magnitude_max_, std::abs(value));
    }
  }
  bool any_held() const { return held_; }
  std::optional<unsigned> Winner() const {
    std::optional<unsigned> best;
    double best_bits = kBitsPerOther * total_;
    double held = 0;
    for (unsigned e = 0; e <= highest_; ++e) {
      held += count_[e];
      // Of the widest k: differences will take less, but no fewer by a digit less.
      const double k_bits = std::log2(1 + magnitude_max_ * kPowersOfTen[e]);
      const double bits = k_bits * held + kBitsPerException * (total_ - held);
      if (count_[e] > 0 && bits < best_bits) {
        best = e;
        best_bits = bits;
      }
    }
    return best;
  }

 private:
  // Values by the exponent that was needed when they came: never less than the highest so far.
  std::array<double, kDecimalExponentMax + 1> count_{};
  unsigned highest_ = 0;
  bool held_ = false;
  double magnitude_max_ = 0;
  double total_ = 0;
};

// What became of each value.
using Fates = std::array<uint8_t, kMaxBlockValues>;
constexpr uint8_t kHeld = 0;
constexpr uint8_t kFailed = 1;
constexpr uint8_t kNear = 2;

// Fills `words` and returns how many values fail.
template <bool kSingle>
size_t Convert(std::span<const double> values, double power, uint64_t* words, Fates& fates) {
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool held = ToWord<kSingle>(values[i], power, &words[i]);
    fates[i] = held ? kHeld : kFailed;
    failures += !held;
  }
  return failures;
}

// Finds corrections for those that failed; returns how many are left.
size_t Correct(std::span<const double> values, double power, Fates& fates, Decimals& decimals) {
  std::vector<uint64_t>& corrections = decimals.corrections;
  corrections.assign(values.size(), 0);
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (fates[i] != kFailed) continue;
    if (const auto correction = CorrectionOf(values[i], decimals.words[i], power)) {
      fates[i] = kNear;
      corrections[i] = static_cast<uint64_t>(*correction);
    } else {
      ++failures;
    }
  }
  return failures;
}

// Sets the exceptions apart and gives each the word before it.
void SetExceptions(const Fates& fates, Decimals& decimals) {
  std::vector<uint64_t>& words = decimals.words;
  size_t first = 0;
  while (fates[first] == kFailed) ++first;
  uint64_t last = words[first];
  for (size_t i = 0; i < words.size(); ++i) {
    if (fates[i] == kFailed) {
      decimals.exceptions.push_back(i);
      words[i] = last;
    } else {
      last = words[i];
    }
  }
}

template <bool kSingle>
std::optional<Decimals> Find(std::span<const double> values) {
  ExponentVote<kSingle> vote;
  const size_t samples = std::min(kSample, values.size());
  for (size_t i = 0; i < samples; ++i) {
    vote.Add(values[i * values.size() / samples]);
    if (i == kHopelessSample && !vote.any_held()) return std::nullopt;
  }

  Decimals decimals;
  decimals.single = kSingle;
  Fates fates;
  size_t failures = 0;
  std::optional<unsigned> exponent;
  // A sample may have missed values of more digits: let those that failed vote too, then go again.
  for (int round = 0; round < 3; ++round) {
    const std::optional<unsigned> winner = vote.Winner();
    if (!winner) return std::nullopt;
    if (winner == exponent) break;
    exponent = winner;
    const double power = kPowersOfTen[*exponent];
    decimals.words.resize(values.size());
    decimals.corrections.clear();
    failures = Convert<kSingle>(values, power, decimals.words.data(), fates);
    if (failures > 0 && !kSingle) {
      const size_t left = Correct(values, power, fates, decimals);
      if (left == failures) decimals.corrections.clear();
      failures = left;
    }
    if (failures * kSample <= values.size()) break;
    vote = ExponentVote<kSingle>(vote, *exponent, values.size() - failures);
    for (size_t i = 0; i < values.size(); ++i) {
      if (fates[i] == kFailed) vote.Add(values[i]);
    }
  }
  if (failures == values.size()) return std::nullopt;
  decimals.exponent = *exponent;
  if (failures > 0) SetExceptions(fates, decimals);
  return decimals;
}

bool IsSingle(double value) { return static_cast<double>(static_cast<float>(value)) == value; }

}  // namespace

std::optional<Decimals> FindDecimals(std::span<const double> values) {
  if (auto decimals = Find<false>(values)) return decimals;
  // Of what is no decimal in full, a sample shows whether it has but single precision.
  const size_t stride = std::max<size_t>(1, values.size() / kSample);
  for (size_t i = 0; i < values.size(); i += stride) {
    if (!IsSingle(values[i])) return std::nullopt;
  }
  return Find<true>(values);
}

void CorrectDecimals(std::span<const uint64_t> corrections, std::span<double> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = FromOrdered(ToOrdered(values[i]) + corrections[i]);
  }
}

}  // namespace varve::tsm::codec
