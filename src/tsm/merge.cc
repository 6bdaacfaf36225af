#include "tsm/merge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "tsm/file_writer.h"
#include "tsm/merge_input.h"

namespace varve::tsm {
namespace {

using model::SeriesId;

// Between two calls of the throttle, which looks at the clock.
constexpr uint64_t kThrottleBytes = 64 << 10;

class Merger {
 public:
  Merger(base::Env& env, const std::string& folder, std::span<const MergeInput> inputs,
         std::span<const Tombstone> tombstones, const MergeOptions& options)
      : env_(env), folder_(folder), options_(options) {
    for (const MergeInput& input : inputs) {
      streams_.push_back(std::make_unique<MergeStream>(input, tombstones));
    }
  }

  absl::Status Run();
  std::vector<FileInfo>& files() { return files_; }

 private:
  absl::Status MergeSeries(SeriesId series);
  absl::Status TakeChunk(SeriesId series, MergeStream& stream);
  absl::Status TakeRows(SeriesId series, MergeStream& stream, std::optional<int64_t> bound);
  absl::Status JoinRow(SeriesId series);
  absl::Status OpenWriter();
  absl::Status FinishWriter();
  // Tells the throttle what is due, if that is so much.
  void Throttle(uint64_t least);

  base::Env& env_;
  const std::string& folder_;
  const MergeOptions& options_;
  std::vector<std::unique_ptr<MergeStream>> streams_;  // from the oldest to the newest
  std::vector<MergeStream*> active_;                   // those that hold the series, same order
  std::vector<MergeStream*> tied_;                     // those at the earliest time, same order
  std::vector<FileWriterImpl::Cell> cells_;
  std::unique_ptr<FileWriterImpl> writer_;
  uint64_t throttled_bytes_ = 0;  // of writer_
  uint64_t due_bytes_ = 0;        // read and written, and not yet told to the throttle
  std::vector<FileInfo> files_;
};

absl::Status Merger::OpenWriter() {
  if (writer_ != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::unique_ptr<FileWriter> writer,
                   FileWriter::Create(env_, folder_, options_.next_name(), options_.writer));
  writer_.reset(static_cast<FileWriterImpl*>(writer.release()));
  throttled_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status Merger::FinishWriter() {
  if (writer_ == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(FileInfo info, writer_->Finish());
  files_.push_back(std::move(info));
  Throttle(1);
  writer_.reset();
  return absl::OkStatus();
}

void Merger::Throttle(uint64_t least) {
  for (const auto& stream : streams_) due_bytes_ += stream->TakeBytesRead();
  if (writer_ != nullptr) {
    due_bytes_ += writer_->bytes_written() - throttled_bytes_;
    throttled_bytes_ = writer_->bytes_written();
  }
  if (due_bytes_ >= least) {
    if (options_.throttle) options_.throttle(due_bytes_);
    due_bytes_ = 0;
  }
}

absl::Status Merger::TakeChunk(SeriesId series, MergeStream& stream) {
  // A chunk that is nearly full is copied as it is, when its coding is the one wanted and copying
  // does not leave a small chunk before it.
  const size_t full = writer_->chunk_rows();
  const size_t waiting = writer_->waiting_rows(series);
  const bool copy = stream.can_copy() && stream.cold() == options_.writer.cold &&
                    stream.chunk().rows * 4 >= full * 3 && (waiting == 0 || waiting * 4 >= full);
  if (copy) {
    ASSIGN_OR_RETURN(const RawChunk raw, stream.Raw());
    RETURN_IF_ERROR(writer_->AddRaw(series, raw));
    due_bytes_ += raw.data.size();
    return stream.SkipChunk();
  }
  RETURN_IF_ERROR(stream.Decode());
  RETURN_IF_ERROR(
      writer_->AddRows(series, stream.fields(), stream.batch(), 0, stream.batch().rows));
  return stream.Advance(stream.run_end());
}

absl::Status Merger::TakeRows(SeriesId series, MergeStream& stream, std::optional<int64_t> bound) {
  RETURN_IF_ERROR(stream.Decode());
  const size_t end = bound.has_value() ? stream.RowAt(*bound) : stream.run_end();
  RETURN_IF_ERROR(writer_->AddRows(series, stream.fields(), stream.batch(), stream.row(), end));
  return stream.Advance(end);
}

// Joins the rows that the tied streams have at one time: of each field the newest value.
absl::Status Merger::JoinRow(SeriesId series) {
  cells_.clear();
  for (size_t i = tied_.size(); i-- > 0;) {
    MergeStream& stream = *tied_[i];
    RETURN_IF_ERROR(stream.Decode());
    const size_t known = cells_.size();
    size_t at = 0;  // in the known cells, which ascend by field as the stream's columns do
    for (size_t c = 0; c < stream.fields().size(); ++c) {
      const model::FieldId field = stream.fields()[c];
      while (at < known && cells_[at].field < field) ++at;
      if (at < known && cells_[at].field == field) continue;
      const model::FieldValue value = stream.batch().columns[c].At(stream.row());
      if (!value.is_null()) cells_.push_back({field, value});
    }
    std::inplace_merge(cells_.begin(), cells_.begin() + static_cast<ptrdiff_t>(known), cells_.end(),
                       [](const auto& a, const auto& b) { return a.field < b.field; });
  }
  if (!cells_.empty()) {
    RETURN_IF_ERROR(writer_->AddRow(series, tied_[0]->time(), cells_));
  }
  for (MergeStream* stream : tied_) RETURN_IF_ERROR(stream->Advance(stream->row() + 1));
  return absl::OkStatus();
}

absl::Status Merger::MergeSeries(SeriesId series) {
  active_.clear();
  for (const auto& stream : streams_) {
    if (stream->series() != series) continue;
    RETURN_IF_ERROR(stream->Begin());
    active_.push_back(stream.get());
  }
  while (true) {
    tied_.clear();
    std::optional<int64_t> bound;  // the earliest time of a stream that is not tied
    for (MergeStream* stream : active_) {
      if (stream->done()) continue;
      if (!tied_.empty() && stream->time() > tied_[0]->time()) {
        bound = bound.has_value() ? std::min(*bound, stream->time()) : stream->time();
        continue;
      }
      if (!tied_.empty() && stream->time() < tied_[0]->time()) {
        bound = tied_[0]->time();
        tied_.clear();
      }
      tied_.push_back(stream);
    }
    if (tied_.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(OpenWriter());
    if (tied_.size() > 1) {
      RETURN_IF_ERROR(JoinRow(series));
      continue;
    }
    MergeStream& stream = *tied_[0];
    const bool alone = !bound.has_value() || stream.chunk().range.max_ns < *bound;
    if (alone && stream.at_whole_chunk()) {
      RETURN_IF_ERROR(TakeChunk(series, stream));
    } else {
      RETURN_IF_ERROR(TakeRows(series, stream, bound));
    }
    Throttle(kThrottleBytes);
  }
}

absl::Status Merger::Run() {
  std::vector<MergeStream*> live;
  for (const auto& stream : streams_) {
    ASSIGN_OR_RETURN(const bool more, stream->NextSeries());
    if (more) live.push_back(stream.get());
  }
  while (!live.empty()) {
    if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) {
      return base::Cancelled("merge cancelled");
    }
    if (writer_ != nullptr && writer_->bytes_written() >= options_.file_bytes_max) {
      RETURN_IF_ERROR(FinishWriter());
    }
    SeriesId series = model::kNoId;
    for (const MergeStream* stream : live) series = std::min(series, stream->series());
    RETURN_IF_ERROR(MergeSeries(series));
    for (size_t i = 0; i < live.size();) {
      bool more = true;
      if (live[i]->series() == series) {
        ASSIGN_OR_RETURN(more, live[i]->NextSeries());
      }
      if (more) {
        ++i;
      } else {
        live.erase(live.begin() + static_cast<ptrdiff_t>(i));
      }
    }
  }
  return FinishWriter();
}

}  // namespace

absl::StatusOr<std::vector<FileInfo>> MergeFiles(base::Env& env, const std::string& folder,
                                                 std::span<const MergeInput> inputs,
                                                 std::span<const Tombstone> tombstones,
                                                 const MergeOptions& options) {
  CHECK(options.next_name != nullptr) << "a merge needs names for its files";
  absl::Status status;
  std::vector<FileInfo> files;
  {
    Merger merger(env, folder, inputs, tombstones, options);
    status = merger.Run();
    files = std::move(merger.files());
  }
  if (!status.ok()) {
    // Best effort: what no manifest names is removed when the shard is next opened.
    for (const FileInfo& file : files) {
      env.RemoveFile(base::JoinPath(folder, file.name)).IgnoreError();
    }
    return status;
  }
  return files;
}

}  // namespace varve::tsm
