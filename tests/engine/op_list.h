// Random lists of operations on a store, and what must be stored after them.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/types.h"
#include "tests/engine/store_fixture.h"

namespace varve::engine {

struct Op {
  enum class Kind { kWrite, kDelete, kFlush, kCompact, kReopen, kCutPower };
  Kind kind = Kind::kFlush;
  std::string lines;        // kWrite
  std::string measurement;  // kDelete
  model::TimeRange range;   // kDelete
  // As a line of a test.
  std::string Text() const;
};

// Measurements m0 and m1, three series each; fields a (float), b (integer), c (string), d
// (boolean); times 0 to 2,999, mostly ascending, so three shards of 1,000.
std::vector<Op> RandomOps(std::mt19937_64& random, size_t count, bool with_restarts);

// What is stored, kept the simple way.
class StoreModel {
 public:
  void Apply(const Op& op);
  // As DumpView().
  std::string Dump() const;

 private:
  using Row = std::map<std::string, std::string>;
  std::map<std::string, std::map<std::string, std::map<int64_t, Row>>> measurements_;
};

}  // namespace varve::engine
