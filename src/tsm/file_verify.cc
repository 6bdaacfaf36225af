// FileReader::Verify: every byte is under a checksum, so it checks all of them, that nothing lies
// between what they cover, and that the index says of the rows what the rows are.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tsm/file_cursor.h"
#include "tsm/file_reader.h"
#include "tsm/statistics.h"

namespace varve::tsm {
namespace {

struct Extent {
  uint64_t offset;
  uint64_t bytes;
};

// Pages and the data of their chunks fill the file from its header to its directory.
absl::Status CheckExtents(const FileReaderImpl& file) {
  std::vector<Extent> extents;
  PageReader page;
  for (uint64_t i = 0; i < file.pages(); ++i) {
    const PageRef ref = file.page(i);
    RETURN_IF_ERROR(page.Load(file.bytes(), ref), "file=", file.path());
    extents.push_back({ref.offset, ref.bytes});
    if (page.data_bytes() > 0) extents.push_back({page.data_at(), page.data_bytes()});
  }
  std::ranges::sort(extents, {}, &Extent::offset);
  uint64_t at = kTsmHeaderBytes;
  for (const Extent& extent : extents) {
    if (extent.offset != at) break;
    at += extent.bytes;
  }
  if (at != file.footer().directory_offset) {
    return base::DataLoss("tsm bytes that belong to nothing: offset=", at, " [file=", file.path(),
                          "]");
  }
  return absl::OkStatus();
}

bool SameStatistics(const model::FieldStatistics& a, const model::FieldStatistics& b) {
  return a.count == b.count && a.min == b.min && a.max == b.max && a.sum == b.sum &&
         a.first == b.first && a.last == b.last && a.min_time == b.min_time &&
         a.max_time == b.max_time && a.first_time == b.first_time && a.last_time == b.last_time;
}

struct Counts {
  uint64_t chunks = 0;
  uint64_t values = 0;
  uint64_t series = 0;
  model::TimeRange range{model::kMaxTimeNs, model::kMinTimeNs};
};

class Verifier {
 public:
  explicit Verifier(std::shared_ptr<const FileReaderImpl> file)
      : file_(std::move(file)), cursor_(file_) {}

  absl::Status Run() {
    RETURN_IF_ERROR(CheckExtents(*file_));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, cursor_.NextSeries());
      if (!more) break;
      if (counts_.series == 0 && cursor_.series() != file_->footer().min_series) return Disagree();
      last_series_ = cursor_.series();
      ++counts_.series;
      for (size_t i = 0; i < cursor_.chunks().size(); ++i) RETURN_IF_ERROR(CheckChunk(i));
    }
    const TsmFooter& footer = file_->footer();
    if (counts_.chunks != footer.chunks || counts_.values != footer.values ||
        counts_.series != footer.series || counts_.range != footer.range ||
        last_series_ != footer.max_series) {
      return Disagree();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Disagree() const {
    return base::DataLoss("tsm footer disagrees with the chunks: offset=",
                          file_->bytes().size() - kTsmFooterBytes, " [file=", file_->path(), "]");
  }
  absl::Status Wrong(std::string_view what, uint64_t offset) const {
    return base::DataLoss(what, ": series=", cursor_.series(), " offset=", offset,
                          " [file=", file_->path(), "]");
  }

  absl::Status CheckChunk(size_t index) {
    const ChunkMeta& chunk = cursor_.chunks()[index];
    RETURN_IF_ERROR(cursor_.ReadTimes(index, &times_));
    if (std::ranges::adjacent_find(times_, std::greater_equal<>()) != times_.end()) {
      return Wrong("tsm times do not ascend", cursor_.page().offset());
    }
    ++counts_.chunks;
    counts_.range.min_ns = std::min(counts_.range.min_ns, chunk.range.min_ns);
    counts_.range.max_ns = std::max(counts_.range.max_ns, chunk.range.max_ns);
    for (size_t i = 0; i < chunk.columns.size(); ++i) {
      const ColumnMeta& column = chunk.columns[i];
      RETURN_IF_ERROR(cursor_.ReadColumn(index, i, &decoded_));
      dense_.Gather(decoded_.View(), chunk.rows);
      const ColumnSummary summary = Summarize(dense_.values(), dense_.count(), dense_.rows());
      const auto statistics = ToStatistics(summary, [this](uint32_t row) { return times_[row]; });
      if (!SameStatistics(statistics, column.statistics)) {
        return Wrong("tsm statistics disagree with their block", column.offset);
      }
      counts_.values += column.statistics.count;
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const FileReaderImpl> file_;
  FileCursor cursor_;
  Counts counts_;
  model::SeriesId last_series_ = 0;
  std::vector<int64_t> times_;
  DecodedColumn decoded_;
  DenseColumn dense_;
};

}  // namespace

absl::Status FileReaderImpl::Verify() {
  return Verifier(std::static_pointer_cast<const FileReaderImpl>(shared_from_this())).Run();
}

}  // namespace varve::tsm
