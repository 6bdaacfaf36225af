// Restoring decimals: a division for each value, or without it where there is fused multiply-add.
//
// The quotient must be the correctly rounded one on every machine, for the encoder verified that
// one. With r = 1 / power correctly rounded and q = k * r, the value q + (k - q * power) * r with
// two fused operations is the correctly rounded k / power (Markstein, "Computation of elementary
// functions on the IBM RISC System/6000 processor", 1990, theorem 8): there is neither overflow nor
// underflow for k below 2^51 and powers up to 10^22.
#include <array>

#include "base/check.h"
#include "tsm/codec/decimal.h"
#include "tsm/codec/decimal_format.h"

namespace varve::tsm::codec {
namespace {

template <bool kSingle>
void Divide(std::span<const uint64_t> words, double power, std::span<double> out) {
  for (size_t i = 0; i < words.size(); ++i) {
    const double quotient = IntegerOf(words[i]) / power;
    out[i] = kSingle ? static_cast<double>(static_cast<float>(quotient)) : quotient;
  }
}

#if defined(__x86_64__)
#define VARVE_FMA_TARGET __attribute__((target("avx2,fma")))
bool HasFma() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
#else
#define VARVE_FMA_TARGET
constexpr bool HasFma() {
#if defined(__FP_FAST_FMA)
  return true;
#else
  return false;
#endif
}
#endif

template <bool kSingle>
VARVE_FMA_TARGET void DivideByFma(std::span<const uint64_t> words, double power,
                                  std::span<double> out) {
  const double reciprocal = 1 / power;
  const uint64_t* const from = words.data();
  double* const to = out.data();
  const size_t n = words.size();
  for (size_t i = 0; i < n; ++i) {
    const double integer = std::bit_cast<double>(from[i] + kRounderBits) - kRounder;
    const double guess = integer * reciprocal;
    const double remainder = __builtin_fma(-guess, power, integer);
    const double quotient = __builtin_fma(remainder, reciprocal, guess);
    to[i] = kSingle ? static_cast<double>(static_cast<float>(quotient)) : quotient;
  }
}

template <bool kSingle>
void Restore(std::span<const uint64_t> words, unsigned exponent, std::span<double> out) {
  DCHECK_LE(exponent, kDecimalExponentMax);
  if (HasFma()) {
    DivideByFma<kSingle>(words, kPowersOfTen[exponent], out);
  } else {
    Divide<kSingle>(words, kPowersOfTen[exponent], out);
  }
}

}  // namespace

void RestoreDecimals(std::span<const uint64_t> words, unsigned exponent, std::span<double> out) {
  if (exponent > 0) {
    Restore<false>(words, exponent, out);
    return;
  }
  for (size_t i = 0; i < words.size(); ++i) out[i] = IntegerOf(words[i]);
}

void RestoreSingleDecimals(std::span<const uint64_t> words, unsigned exponent,
                           std::span<double> out) {
  Restore<true>(words, exponent, out);
}

}  // namespace varve::tsm::codec
