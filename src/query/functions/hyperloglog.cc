#include "query/functions/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/escaping.h"
#include "base/strings.h"
#include "base/xxh64.h"

namespace varve::query {
namespace {

constexpr std::string_view kPrefix = "HLL_";
constexpr char kVersion = 2;
constexpr char kSparse = 1;
constexpr char kDense = 0;
constexpr size_t kHeaderBytes = 3;
// Up to here counting empty registers is more exact than their mean.
constexpr double kLinearMax = 50000;

void AppendBigEndian(uint32_t v, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(v >> shift));
}
uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<uint8_t>(bytes[i]);
  return v;
}

void AppendVarint(uint32_t v, std::string* out) {
  for (; v >= 0x80; v >>= 7) out->push_back(static_cast<char>(v | 0x80));
  out->push_back(static_cast<char>(v));
}
bool ReadVarint(std::string_view* bytes, uint32_t* v) {
  *v = 0;
  for (int shift = 0; shift < 32 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    *v |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

uint64_t LinearCount(double registers, double empty) {
  return static_cast<uint64_t>(registers * std::log(registers / empty));
}

}  // namespace

// The index of 25 bits; where its last 9 are zero, those behind it count too, and are written down.
uint32_t HyperLogLog::Encode(uint64_t hash) {
  constexpr int kRest = 64 - kSparsePrecision;
  constexpr uint32_t kMiddle = (uint32_t{1} << (kSparsePrecision - kPrecision)) - 1;
  const auto index = static_cast<uint32_t>(hash >> kRest);
  if ((index & kMiddle) != 0) return index << 1;
  const uint64_t rest = hash << kSparsePrecision | ((uint64_t{1} << kSparsePrecision) - 1);
  const auto zeros = static_cast<uint32_t>(std::countl_zero(rest)) + 1;
  return index << 7 | zeros << 1 | 1;
}

void HyperLogLog::PutEncoded(uint32_t encoded) {
  constexpr int kMiddleBits = kSparsePrecision - kPrecision;
  if ((encoded & 1) != 0) {
    Put(encoded >> (32 - kPrecision),
        static_cast<uint8_t>((encoded >> 1 & 0x3f) + static_cast<uint32_t>(kMiddleBits)));
    return;
  }
  const uint32_t middle = encoded << (32 - kMiddleBits - 1);
  Put(encoded >> (kMiddleBits + 1) & (kRegisters - 1),
      static_cast<uint8_t>(std::countl_zero(middle) + 1));
}

void HyperLogLog::Add(std::string_view value) {
  const uint64_t hash = base::Xxh64(value);
  if (registers_.empty()) return AddEncoded(Encode(hash));
  const uint64_t rest = hash << kPrecision | uint64_t{1} << (kPrecision - 1);
  Put(static_cast<uint32_t>(hash >> (64 - kPrecision)),
      static_cast<uint8_t>(std::countl_zero(rest) + 1));
}

void HyperLogLog::AddEncoded(uint32_t encoded) {
  pending_.insert(encoded);
  if (pending_.size() * 100 <= kRegisters) return;
  Settle();
  if (SparseBytes().size() > kRegisters) MakeDense();
}

void HyperLogLog::Settle() {
  if (pending_.empty()) return;
  const auto middle = static_cast<ptrdiff_t>(sparse_.size());
  sparse_.insert(sparse_.end(), pending_.begin(), pending_.end());
  std::sort(sparse_.begin() + middle, sparse_.end());
  std::inplace_merge(sparse_.begin(), sparse_.begin() + middle, sparse_.end());
  sparse_.erase(std::unique(sparse_.begin(), sparse_.end()), sparse_.end());
  pending_.clear();
}

void HyperLogLog::MakeDense() {
  registers_.assign(kRegisters, 0);
  for (const uint32_t encoded : sparse_) PutEncoded(encoded);
  for (const uint32_t encoded : pending_) PutEncoded(encoded);
  sparse_ = {};
  pending_ = {};
}

void HyperLogLog::Merge(const HyperLogLog& other) {
  if (registers_.empty() && !other.registers_.empty()) MakeDense();
  if (!other.registers_.empty()) {
    for (uint32_t i = 0; i < kRegisters; ++i) Put(i, other.registers_[i]);
    return;
  }
  const auto take = [this](uint32_t encoded) {
    if (registers_.empty()) {
      AddEncoded(encoded);
    } else {
      PutEncoded(encoded);
    }
  };
  for (const uint32_t encoded : other.sparse_) take(encoded);
  for (const uint32_t encoded : other.pending_) take(encoded);
}

uint64_t HyperLogLog::Count() const {
  if (registers_.empty()) {
    constexpr double kSparseRegisters = uint32_t{1} << kSparsePrecision;
    size_t seen = sparse_.size();
    for (const uint32_t encoded : pending_) {
      if (!std::binary_search(sparse_.begin(), sparse_.end(), encoded)) ++seen;
    }
    return LinearCount(kSparseRegisters, kSparseRegisters - static_cast<double>(seen));
  }
  constexpr double kAlpha = 0.7213 / (1 + 1.079 / kRegisters);
  double sum = 0;
  uint32_t empty = 0;
  for (const uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    if (rank == 0) ++empty;
  }
  if (empty > 0) {
    const uint64_t linear = LinearCount(kRegisters, empty);
    if (kRegisters * std::log(kRegisters / static_cast<double>(empty)) <= kLinearMax) {
      return linear;
    }
  }
  double estimate = kAlpha * kRegisters * kRegisters / sum;
  if (estimate <= 5.0 * kRegisters) estimate -= HyperLogLogBias(estimate);
  return static_cast<uint64_t>(std::max(0.0, estimate));
}

std::string HyperLogLog::SparseBytes() const {
  std::string out;
  uint32_t last = 0;
  for (const uint32_t encoded : sparse_) {
    AppendVarint(encoded - last, &out);
    last = encoded;
  }
  return out;
}

std::string HyperLogLog::ToText() {
  std::string bytes{kVersion, static_cast<char>(kPrecision)};
  if (registers_.empty()) {
    Settle();
    bytes.push_back(kSparse);
    AppendBigEndian(0, &bytes);  // values not yet sorted
    AppendBigEndian(static_cast<uint32_t>(sparse_.size()), &bytes);
    AppendBigEndian(sparse_.empty() ? 0 : sparse_.back(), &bytes);
    const std::string list = SparseBytes();
    AppendBigEndian(static_cast<uint32_t>(list.size()), &bytes);
    bytes += list;
  } else {
    bytes.push_back(kDense);
    AppendBigEndian(kRegisters, &bytes);
    bytes.append(registers_.begin(), registers_.end());
  }
  std::string text;
  absl::Base64Escape(base::ToAbsl(bytes), &text);
  return std::string(kPrefix) + text;
}

std::optional<HyperLogLog> HyperLogLog::FromText(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  HyperLogLog sketch;
  if (text.empty()) return sketch;
  std::string decoded;
  if (!absl::Base64Unescape(base::ToAbsl(text), &decoded)) return std::nullopt;
  std::string_view bytes = decoded;
  if (bytes.size() < kHeaderBytes + 4 || bytes[1] != kPrecision) return std::nullopt;
  const bool dense = bytes[2] == kDense;
  bytes.remove_prefix(kHeaderBytes);
  const uint32_t first = ReadBigEndian(bytes);
  bytes.remove_prefix(4);
  if (dense) {
    if (first != kRegisters || bytes.size() != kRegisters) return std::nullopt;
    sketch.registers_.assign(bytes.begin(), bytes.end());
    return sketch;
  }
  if (bytes.size() / 4 < first) return std::nullopt;
  for (uint32_t i = 0; i < first; ++i) {
    sketch.pending_.insert(ReadBigEndian(bytes));
    bytes.remove_prefix(4);
  }
  if (bytes.size() < 12) return std::nullopt;
  const uint32_t count = ReadBigEndian(bytes);
  bytes.remove_prefix(12);
  uint32_t last = 0;
  while (!bytes.empty()) {
    uint32_t delta = 0;
    if (!ReadVarint(&bytes, &delta)) return std::nullopt;
    last += delta;
    sketch.sparse_.push_back(last);
  }
  if (sketch.sparse_.size() != count ||
      !std::is_sorted(sketch.sparse_.begin(), sketch.sparse_.end())) {
    return std::nullopt;
  }
  return sketch;
}

}  // namespace varve::query
