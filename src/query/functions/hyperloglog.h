// HyperLogLog++: how many different values there were, in 64 KiB at most.
//
// Source: Heule, Nunkesser, Hall, "HyperLogLog in Practice", 2013; parameters, hash and the text of
// a sketch are those of InfluxDB 1.x ("pkg/estimator/hll", version 2 of its marshalled form):
// precision 16, sparse precision 25, XXH64. A sketch stays sparse, and its count all but exact, up
// to some 25,000 values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace varve::query {

class HyperLogLog {
 public:
  void Add(std::string_view value);
  // Takes in what `other` has seen. Unlike InfluxDB's, two sparse sketches give a sparse one.
  void Merge(const HyperLogLog& other);
  uint64_t Count() const;
  bool empty() const { return registers_.empty() && sparse_.empty() && pending_.empty(); }

  // "HLL_" and base64.
  std::string ToText();
  // Nullopt where `text` is no sketch of this precision.
  static std::optional<HyperLogLog> FromText(std::string_view text);

  size_t bytes() const {
    return registers_.capacity() + sparse_.capacity() * sizeof(uint32_t) +
           pending_.capacity() * (sizeof(uint32_t) + 1);
  }

 private:
  static constexpr int kPrecision = 16;
  static constexpr int kSparsePrecision = 25;
  static constexpr uint32_t kRegisters = uint32_t{1} << kPrecision;

  static uint32_t Encode(uint64_t hash);
  void AddEncoded(uint32_t encoded);
  // Sorts what is pending into the list, and goes over to registers when that got too long.
  void Settle();
  void MakeDense();
  void PutEncoded(uint32_t encoded);
  void Put(uint32_t index, uint8_t rank) {
    if (rank > registers_[index]) registers_[index] = rank;
  }
  std::string SparseBytes() const;

  std::vector<uint8_t> registers_;  // empty: the sketch is sparse
  std::vector<uint32_t> sparse_;    // encoded hashes, ascending
  absl::flat_hash_set<uint32_t> pending_;
};

// Of an estimate by the mean of the registers, how much it is too large; "HyperLogLog in Practice",
// appendix, precision 16.
double HyperLogLogBias(double estimate);

}  // namespace varve::query
