// What each operator of a statement took: the lines "operators" of EXPLAIN ANALYZE.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/env.h"

namespace varve::query {

enum class Stage : uint8_t {
  kOther,      // between the operators
  kGroup,      // series chosen and grouped
  kScan,       // windows aggregated, on all threads
  kMerge,      // rows put in order of time
  kTransform,  // gaps filled, transformations applied, LIMIT
  kEmit,       // rows computed and handed out
};
inline constexpr size_t kStages = 6;

struct StageCost {
  int64_t ns = 0;  // without the stages begun within it
  uint64_t rows = 0;
  bool used = false;
};

// The stages of one statement and those within it. Used by the one thread that runs it.
class StageLog {
 public:
  explicit StageLog(base::Env& env) : env_(env), since_ns_(env.MonotonicNs()) {}

  // Time goes to `stage` from here on; returns the stage it went to.
  Stage Enter(Stage stage) {
    const int64_t now_ns = env_.MonotonicNs();
    costs_[static_cast<size_t>(current_)].ns += now_ns - since_ns_;
    since_ns_ = now_ns;
    const Stage before = current_;
    current_ = stage;
    costs_[static_cast<size_t>(stage)].used = true;
    return before;
  }
  void AddRows(Stage stage, uint64_t rows) { costs_[static_cast<size_t>(stage)].rows += rows; }
  const StageCost& cost(Stage stage) const { return costs_[static_cast<size_t>(stage)]; }

 private:
  base::Env& env_;
  std::array<StageCost, kStages> costs_{};
  Stage current_ = Stage::kOther;
  int64_t since_ns_;
};

// Time goes to a stage while this lives. `log` may be null: nobody asks.
class StageScope {
 public:
  StageScope(StageLog* log, Stage stage) : log_(log), stage_(stage) {
    if (log_ != nullptr) before_ = log_->Enter(stage);
  }
  ~StageScope() {
    if (log_ != nullptr) log_->Enter(before_);
  }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;
  void AddRows(uint64_t rows) {
    if (log_ != nullptr) log_->AddRows(stage_, rows);
  }

 private:
  StageLog* log_;
  Stage stage_;
  Stage before_ = Stage::kOther;
};

}  // namespace varve::query
