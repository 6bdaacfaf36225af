#include "tsm/inspect.h"

#include <bit>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "tsm/codec.h"
#include "tsm/file_cursor.h"
#include "tsm/file_reader.h"
#include "tsm/inspect_text.h"
#include "tsm/manifest.h"
#include "tsm/rollup.h"

namespace varve::tsm {

using model::FieldType;
using model::FieldValue;

std::string ValueText(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kNone:
      return "-";
    case FieldType::kFloat:
      return base::StrCat(value.as_float());
    case FieldType::kInteger:
      return base::StrCat(value.as_integer(), "i");
    case FieldType::kUnsigned:
      return base::StrCat(value.as_unsigned(), "u");
    case FieldType::kBoolean:
      return value.as_boolean() ? "true" : "false";
    case FieldType::kString:
      return base::StrCat("\"", value.as_string(), "\"");
  }
  return "?";
}

namespace {

std::string FormatRange(const model::TimeRange& range) {
  return base::StrCat("[", range.min_ns, ", ", range.max_ns, "]");
}

// The codec of a block that may begin with its validity.
std::string CodecOf(std::string_view block, size_t rows, size_t count) {
  if (rows == count) return CodecName(block);
  std::vector<uint64_t> validity;
  return base::StrCat("nulls+", CodecName(SplitValidity(block, rows, count, &validity)));
}

class Dumper {
 public:
  Dumper(std::shared_ptr<const FileReaderImpl> file, const DumpOptions& options, std::ostream& out)
      : file_(std::move(file)), options_(options), out_(out), cursor_(file_) {}

  absl::Status Run() {
    DumpFixed();
    RETURN_IF_ERROR(DumpPages());
    if (!options_.chunks) return absl::OkStatus();
    while (true) {
      ASSIGN_OR_RETURN(const bool more, cursor_.NextSeries());
      if (!more) return absl::OkStatus();
      out_ << "series " << cursor_.series() << "\n";
      for (size_t i = 0; i < cursor_.chunks().size(); ++i) RETURN_IF_ERROR(DumpChunk(i));
    }
  }

 private:
  void DumpFixed() {
    const TsmFooter& footer = file_->footer();
    out_ << "tsm version " << kTsmVersion << (file_->header().cold ? " cold" : "") << ", "
         << file_->bytes().size() << " bytes\n"
         << "footer: " << footer.series << " series [" << footer.min_series << ", "
         << footer.max_series << "], " << footer.chunks << " chunks, " << footer.values
         << " values, times " << FormatRange(footer.range) << "\n"
         << "directory: " << footer.pages << " pages at " << footer.directory_offset << "\n";
  }

  absl::Status DumpPages() {
    PageReader page;
    for (uint64_t i = 0; i < file_->pages(); ++i) {
      const PageRef ref = file_->page(i);
      RETURN_IF_ERROR(page.Load(file_->bytes(), ref), "file=", file_->path());
      out_ << "page " << i << ": series from " << ref.first_series << ", at " << ref.offset << ", "
           << ref.bytes << " bytes (" << page.body().size() << " unpacked), data at "
           << page.data_at() << ", " << page.data_bytes() << " bytes\n";
      for (size_t layout = 0; layout < page.layouts().size(); ++layout) {
        out_ << "  layout " << layout << ":";
        for (const LayoutColumn& column : page.layouts()[layout].columns) {
          out_ << " " << column.field << ":" << model::FieldTypeName(column.type);
        }
        out_ << "\n";
      }
    }
    return absl::OkStatus();
  }

  absl::Status DumpChunk(size_t index) {
    const ChunkMeta& chunk = cursor_.chunks()[index];
    const ChunkHead& head = cursor_.head(index);
    ASSIGN_OR_RETURN(const std::string_view time_block, cursor_.ReadTimeBlock(index));
    out_ << "  chunk " << index << ": " << chunk.rows << " rows, times " << FormatRange(chunk.range)
         << ", layout " << head.layout;
    if (head.in_page) {
      out_ << ", in the page";
    } else if (head.regular) {
      out_ << ", step " << head.step_ns;
    } else {
      out_ << ", times " << CodecName(time_block) << " " << time_block.size() << " bytes";
    }
    out_ << "\n";
    for (size_t i = 0; i < chunk.columns.size(); ++i) RETURN_IF_ERROR(DumpColumn(index, i));
    return options_.rows ? DumpRows(index) : absl::OkStatus();
  }

  absl::Status DumpColumn(size_t chunk, size_t index) {
    const ColumnMeta& column = cursor_.chunks()[chunk].columns[index];
    const model::FieldStatistics& s = column.statistics;
    ASSIGN_OR_RETURN(const std::string_view block, cursor_.ReadBlock(chunk, index));
    out_ << "    field " << column.field << " " << model::FieldTypeName(column.type);
    if (!cursor_.head(chunk).in_page) {
      out_ << " " << CodecOf(block, cursor_.chunks()[chunk].rows, s.count);
    }
    out_ << " " << column.bytes << " bytes at " << column.offset << ": count " << s.count
         << ", first " << ValueText(s.first) << " @" << s.first_time << ", last "
         << ValueText(s.last) << " @" << s.last_time;
    if (!s.min.is_null()) {
      out_ << ", min " << ValueText(s.min) << " @" << s.min_time << ", max " << ValueText(s.max)
           << " @" << s.max_time << ", sum " << ValueText(s.sum);
    }
    out_ << "\n";
    return absl::OkStatus();
  }

  absl::Status DumpRows(size_t index) {
    const ChunkMeta& chunk = cursor_.chunks()[index];
    RETURN_IF_ERROR(cursor_.ReadTimes(index, &times_));
    if (columns_.size() < chunk.columns.size()) columns_.resize(chunk.columns.size());
    for (size_t i = 0; i < chunk.columns.size(); ++i) {
      RETURN_IF_ERROR(cursor_.ReadColumn(index, i, &columns_[i]));
    }
    for (size_t row = 0; row < chunk.rows; ++row) {
      out_ << "      " << times_[row];
      for (size_t i = 0; i < chunk.columns.size(); ++i) {
        out_ << " " << ValueText(columns_[i].View().At(row));
      }
      out_ << "\n";
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const FileReaderImpl> file_;
  const DumpOptions& options_;
  std::ostream& out_;
  FileCursor cursor_;
  std::vector<int64_t> times_;
  std::vector<DecodedColumn> columns_;
};

}  // namespace

absl::Status DumpFile(base::Env& env, const std::string& path, const DumpOptions& options,
                      std::ostream& out) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  FileInfo info;
  info.name = slash == std::string::npos ? path : path.substr(slash + 1);
  ASSIGN_OR_RETURN(const std::shared_ptr<FileReader> file, FileReader::Open(env, folder, info));
  RETURN_IF_ERROR(Dumper(std::static_pointer_cast<const FileReaderImpl>(file), options, out).Run());
  const auto rollup = RollupReader::Open(env, folder, *file);
  if (absl::IsNotFound(rollup.status())) return absl::OkStatus();
  RETURN_IF_ERROR(rollup.status());
  return (*rollup)->Dump(options.chunks, out);
}

absl::Status DumpManifest(base::Env& env, const std::string& folder, std::ostream& out) {
  ASSIGN_OR_RETURN(const Manifest manifest, LoadManifest(env, folder));
  out << "manifest: flushed lsn " << manifest.flushed_lsn << ", next sequence "
      << manifest.next_sequence << "\n";
  for (const ManifestFile& file : manifest.files) {
    out << "file " << file.info.name << ": sequence " << file.sequence << ", level " << file.level
        << ", " << file.info.bytes << " bytes, " << file.info.chunks << " chunks, "
        << file.info.values << " values, series [" << file.info.min_series << ", "
        << file.info.max_series << "], times " << FormatRange(file.info.range) << "\n";
  }
  for (const Tombstone& tombstone : manifest.tombstones) {
    out << "tombstone: sequence " << tombstone.sequence << ", times "
        << FormatRange(tombstone.range) << ", " << tombstone.series->size() << " series\n";
  }
  return absl::OkStatus();
}

}  // namespace varve::tsm
