// How long requests took.
#pragma once

#include <string>
#include <vector>

namespace varve::bench {

class Latencies {
 public:
  void Add(double ms) { ms_.push_back(ms); }
  void Add(const Latencies& others) { ms_.insert(ms_.end(), others.ms_.begin(), others.ms_.end()); }

  // The members "p50_ms", "p95_ms", "p99_ms" and "max_ms" of a JSON object.
  std::string Quantiles() const;

  // A JSON object: how many took at most so many milliseconds, and more than the limit before;
  // limits are powers of two, those of none are left out.
  std::string Histogram() const;

 private:
  std::vector<double> ms_;
};

}  // namespace varve::bench
