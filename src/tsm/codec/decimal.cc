#include "tsm/codec/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace varve::tsm::codec {
namespace {

constexpr std::array<double, kDecimalExponentMax + 1> kPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Adding it rounds a number below 2^51 to an integer, which the low bits of the sum then hold.
// Plain additions on both sides, so that loops of it vectorise without AVX-512.
constexpr double kRounder = 0x1.8p52;
constexpr uint64_t kRounderBits = std::bit_cast<uint64_t>(kRounder);
constexpr double kIntegerMax = 0x1p51;

// A value per exponent costs log2(10) bits more; an exception its bits and its place.
constexpr double kBitsPerDigit = 3.33;
constexpr double kBitsPerException = 76;
constexpr size_t kSample = 32;

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// Sets *word and returns whether it restores exactly `value`.
inline bool ToWord(double value, double power, uint64_t* word) {
  const double scaled = value * power;
  const double sum = scaled + kRounder;
  *word = BitsOf(sum) - kRounderBits;
  const double restored = (sum - kRounder) / power;
  return (std::abs(scaled) < kIntegerMax) & (BitsOf(restored) == BitsOf(value));
}

// The smallest exponent from `from` on that holds `value`; nullopt if none does.
std::optional<unsigned> ExponentOf(double value, unsigned from) {
  uint64_t word;
  for (unsigned e = from; e <= kDecimalExponentMax; ++e) {
    if (ToWord(value, kPowersOfTen[e], &word)) return e;
    if (!(std::abs(value * kPowersOfTen[e]) < kIntegerMax)) return std::nullopt;
  }
  return std::nullopt;
}

// The exponent that makes a sample cheapest, none when most of it is no decimal at all.
class ExponentVote {
 public:
  ExponentVote() = default;
  // `held` values are known to have at most `exponent`.
  ExponentVote(unsigned exponent, size_t held)
      : highest_(exponent), total_(static_cast<double>(held)) {
    count_[exponent] = total_;
  }
  void Add(double value) {
    ++total_;
    if (const auto exponent = ExponentOf(value, highest_)) {
      ++count_[*exponent];
      highest_ = *exponent;
    }
  }
  std::optional<unsigned> Winner() const {
    std::optional<unsigned> best;
    double best_bits = 56.0 * total_;
    double held = 0;
    for (unsigned e = 0; e <= highest_; ++e) {
      held += count_[e];
      const double bits = kBitsPerDigit * e * total_ + kBitsPerException * (total_ - held);
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
  double total_ = 0;
};

// Fills `words` and returns how many values fail; their places are marked in `failed`.
size_t Convert(std::span<const double> values, double power, uint64_t* words, uint8_t* failed) {
  size_t failures = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool held = ToWord(values[i], power, &words[i]);
    failed[i] = !held;
    failures += !held;
  }
  return failures;
}

}  // namespace

std::optional<Decimals> FindDecimals(std::span<const double> values) {
  ExponentVote vote;
  const size_t samples = std::min(kSample, values.size());
  for (size_t i = 0; i < samples; ++i) vote.Add(values[i * values.size() / samples]);

  Decimals decimals;
  decimals.words.resize(values.size());
  std::array<uint8_t, kMaxBlockValues> failed;
  size_t failures = 0;
  std::optional<unsigned> exponent;
  // A sample may have missed values of more digits: let those that failed vote too, then go again.
  for (int round = 0; round < 3; ++round) {
    const std::optional<unsigned> winner = vote.Winner();
    if (!winner) return std::nullopt;
    if (winner == exponent) break;
    exponent = winner;
    failures = Convert(values, kPowersOfTen[*exponent], decimals.words.data(), failed.data());
    if (failures * kSample <= values.size()) break;
    vote = ExponentVote(*exponent, values.size() - failures);
    for (size_t i = 0; i < values.size(); ++i) {
      if (failed[i]) vote.Add(values[i]);
    }
  }
  decimals.exponent = *exponent;
  if (failures == values.size()) return std::nullopt;
  if (failures == 0) return decimals;

  const auto first =
      static_cast<size_t>(std::find(failed.begin(), failed.end(), 0) - failed.begin());
  uint64_t last = decimals.words[first];
  for (size_t i = 0; i < values.size(); ++i) {
    if (failed[i]) {
      decimals.exceptions.push_back(i);
      decimals.words[i] = last;
    } else {
      last = decimals.words[i];
    }
  }
  return decimals;
}

void RestoreDecimals(std::span<const uint64_t> words, unsigned exponent, std::span<double> out) {
  DCHECK_LE(exponent, kDecimalExponentMax);
  if (exponent == 0) {
    for (size_t i = 0; i < words.size(); ++i) {
      out[i] = std::bit_cast<double>(words[i] + kRounderBits) - kRounder;
    }
    return;
  }
  const double power = kPowersOfTen[exponent];
  for (size_t i = 0; i < words.size(); ++i) {
    out[i] = (std::bit_cast<double>(words[i] + kRounderBits) - kRounder) / power;
  }
}

}  // namespace varve::tsm::codec
