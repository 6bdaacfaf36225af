#include "tsm/merge_input.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "tsm/file_reader.h"

namespace varve::tsm {
namespace {

const FileReaderImpl& Implementation(const MergeInput& input) {
  return static_cast<const FileReaderImpl&>(*input.file);
}

}  // namespace

MergeStream::MergeStream(const MergeInput& input, std::span<const Tombstone> tombstones)
    : tombstones_(tombstones),
      sequence_(input.sequence),
      cold_(Implementation(input).header().cold),
      cursor_(std::make_unique<FileCursor>(
          std::static_pointer_cast<const FileReaderImpl>(input.file))) {}

absl::StatusOr<bool> MergeStream::NextSeries() { return cursor_->NextSeries(); }

absl::Status MergeStream::Begin() {
  DeletedRanges(tombstones_, series(), sequence_, &deleted_);
  chunk_ = 0;
  decoded_ = false;
  return Settle();
}

bool MergeStream::Touched(const model::TimeRange& range, bool* covered) const {
  bool touched = false;
  *covered = false;
  for (const model::TimeRange& deleted : deleted_) {
    touched = touched || deleted.Overlaps(range);
    *covered = *covered || deleted.Contains(range);
  }
  return touched;
}

absl::Status MergeStream::Settle() {
  while (!done() && !decoded_) {
    bool covered;
    if (!Touched(chunk().range, &covered)) return absl::OkStatus();
    if (!covered) {
      RETURN_IF_ERROR(Decode());
      if (!runs_.empty()) return absl::OkStatus();
      decoded_ = false;
    }
    ++chunk_;
  }
  return absl::OkStatus();
}

absl::Status MergeStream::SkipChunk() {
  ++chunk_;
  decoded_ = false;
  return Settle();
}

absl::Status MergeStream::Decode() {
  if (decoded_) return absl::OkStatus();
  RETURN_IF_ERROR(cursor_->ReadTimes(chunk_, &times_));
  const std::vector<ColumnMeta>& columns = chunk().columns;
  if (columns_.size() < columns.size()) columns_.resize(columns.size());
  fields_.clear();
  batch_.rows = chunk().rows;
  batch_.times = times_.data();
  batch_.columns.clear();
  for (size_t i = 0; i < columns.size(); ++i) {
    RETURN_IF_ERROR(cursor_->ReadColumn(chunk_, i, &columns_[i]));
    fields_.push_back(columns[i].field);
    batch_.columns.push_back(columns_[i].View());
    bytes_read_ += columns[i].bytes;
  }
  decoded_ = true;
  FindRuns();
  return absl::OkStatus();
}

void MergeStream::FindRuns() {
  runs_.clear();
  run_ = 0;
  size_t row = 0;
  for (const model::TimeRange& deleted : deleted_) {
    const auto from = std::lower_bound(times_.begin(), times_.end(), deleted.min_ns);
    const auto to = std::upper_bound(from, times_.end(), deleted.max_ns);
    const auto first = static_cast<size_t>(from - times_.begin());
    if (first > row) runs_.emplace_back(row, first);
    row = std::max(row, static_cast<size_t>(to - times_.begin()));
  }
  if (row < times_.size()) runs_.emplace_back(row, times_.size());
  row_ = runs_.empty() ? 0 : runs_[0].first;
}

size_t MergeStream::RowAt(int64_t time) const {
  const auto begin = times_.begin() + static_cast<ptrdiff_t>(row_);
  const auto end = times_.begin() + static_cast<ptrdiff_t>(run_end());
  return static_cast<size_t>(std::lower_bound(begin, end, time) - times_.begin());
}

absl::Status MergeStream::Advance(size_t row) {
  row_ = row;
  if (row_ < run_end()) return absl::OkStatus();
  if (++run_ < runs_.size()) {
    row_ = runs_[run_].first;
    return absl::OkStatus();
  }
  return SkipChunk();
}

uint64_t MergeStream::TakeBytesRead() { return std::exchange(bytes_read_, 0); }

}  // namespace varve::tsm
