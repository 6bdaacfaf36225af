// Rows of small answers, gathered and handed to a sink in batches.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "query/executor.h"

namespace varve::query {

// One thread at a time. Call Begin() for each series, Add() for each row, Finish() at the end.
class RowWriter {
 public:
  explicit RowWriter(ResultSink& sink) : sink_(sink) {}

  absl::Status Begin(SeriesHeader header) {
    absl::Status status = Finish();
    header_ = std::move(header);
    batch_.header = &header_;
    batch_.new_series = true;
    open_ = true;
    return status;
  }

  // `cells` may hold what Keep() gave.
  absl::Status Add(std::initializer_list<Cell> cells) {
    batch_.cells.insert(batch_.cells.end(), cells.begin(), cells.end());
    return ++batch_.rows < kBatchRows ? absl::OkStatus() : Flush();
  }
  absl::Status Add(const std::vector<Cell>& cells) {
    batch_.cells.insert(batch_.cells.end(), cells.begin(), cells.end());
    return ++batch_.rows < kBatchRows ? absl::OkStatus() : Flush();
  }
  // A string that lives until its row is handed out.
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  // Hands out what is left; a series without rows is handed out, too.
  absl::Status Finish() {
    if (!open_) return absl::OkStatus();
    open_ = false;
    if (batch_.rows == 0 && !batch_.new_series) return absl::OkStatus();
    return Flush();
  }

 private:
  static constexpr size_t kBatchRows = 1000;

  absl::Status Flush() {
    absl::Status status = sink_.Rows(batch_);
    batch_.rows = 0;
    batch_.cells.clear();
    batch_.new_series = false;
    texts_.clear();
    return status;
  }

  ResultSink& sink_;
  SeriesHeader header_;
  RowBatch batch_;
  std::deque<std::string> texts_;
  bool open_ = false;
};

}  // namespace varve::query
