// Numbers of any field type as 64-bit integers, which is what files keep of them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "model/types.h"
#include "tsm/scalar.h"

namespace varve::tsm {

inline bool IsNumber(model::FieldType type) {
  return type == model::FieldType::kFloat || type == model::FieldType::kInteger ||
         type == model::FieldType::kUnsigned;
}

inline uint64_t BitsOf(const model::FieldValue& value) {
  switch (value.type()) {
    case model::FieldType::kFloat:
      return std::bit_cast<uint64_t>(value.as_float());
    case model::FieldType::kInteger:
      return static_cast<uint64_t>(value.as_integer());
    default:
      return value.as_unsigned();
  }
}

inline model::FieldValue FromBits(model::FieldType type, uint64_t bits) {
  switch (type) {
    case model::FieldType::kFloat:
      return model::FieldValue::Float(std::bit_cast<double>(bits));
    case model::FieldType::kInteger:
      return model::FieldValue::Integer(static_cast<int64_t>(bits));
    default:
      return model::FieldValue::Unsigned(bits);
  }
}

inline model::FieldValue FromMantissa(model::FieldType type, unsigned exponent, uint64_t mantissa) {
  if (type != model::FieldType::kFloat) return FromBits(type, mantissa);
  return model::FieldValue::Float(FromDecimal(static_cast<int64_t>(mantissa), exponent));
}

// How a sum is written: as an integer at the exponent of the values it sums; likewise, and the
// steps from there to the float; as its bits.
inline constexpr uint8_t kSumScaled = 0;
inline constexpr uint8_t kSumScaledUlps = 1;
inline constexpr uint8_t kSumRaw = 2;
// More steps than this are no rounding: eight raw bytes are as good.
inline constexpr int64_t kUlpsMax = 1 << 20;

struct SumCode {
  uint8_t mode = kSumRaw;
  uint64_t mantissa = 0;
  int64_t ulps = 0;
};

inline SumCode CodeSum(model::FieldType type, unsigned exponent, const model::FieldValue& sum) {
  if (type != model::FieldType::kFloat) return {kSumScaled, BitsOf(sum), 0};
  if (exponent == kNotDecimal) return {};
  const double value = sum.as_float();
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < 9007199254740992.0)) return {};
  const auto mantissa = static_cast<int64_t>(std::nearbyint(scaled));
  // Neighbouring doubles of one sign have neighbouring bits.
  const auto ulps = static_cast<int64_t>(std::bit_cast<uint64_t>(value) -
                                         std::bit_cast<uint64_t>(FromDecimal(mantissa, exponent)));
  if (ulps == 0) return {kSumScaled, static_cast<uint64_t>(mantissa), 0};
  if (ulps < -kUlpsMax || ulps > kUlpsMax) return {};
  return {kSumScaledUlps, static_cast<uint64_t>(mantissa), ulps};
}

}  // namespace varve::tsm
