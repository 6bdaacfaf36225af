// A progress bar on stderr; silent when that is no terminal.
#pragma once

#include <cstdint>
#include <string>

namespace varve::cli {

// One thread at a time.
class ProgressBar {
 public:
  // Progress goes from 0 to `total`.
  explicit ProgressBar(uint64_t total);
  // Draws at most ten times a second.
  void Update(uint64_t done, uint64_t points);
  // Removes the bar.
  void Finish();

 private:
  void Draw(uint64_t done, uint64_t points);

  const uint64_t total_;
  const bool visible_;
  int64_t start_ns_;
  int64_t drawn_ns_ = 0;
};

}  // namespace varve::cli
