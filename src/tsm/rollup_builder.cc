// Makes the rollup of a TSM file from its rows.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tsm/column_block.h"
#include "tsm/file_reader.h"
#include "tsm/file_writer.h"
#include "tsm/number_bits.h"
#include "tsm/page_frame.h"
#include "tsm/rollup.h"
#include "tsm/rollup_format.h"
#include "tsm/statistics.h"

namespace varve::tsm {
namespace {

using model::ColumnVector;
using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;

// Hours near the ends of time have no first or last instant.
constexpr int64_t kTimeMin = model::kMinTimeNs + kRollupSpanNs;
constexpr int64_t kTimeMax = model::kMaxTimeNs - kRollupSpanNs;

FieldValue Plus(const FieldValue& a, const FieldValue& b) {
  if (a.type() == FieldType::kFloat) return FieldValue::Float(a.as_float() + b.as_float());
  return FromBits(a.type(), BitsOf(a) + BitsOf(b));
}

bool IsNan(const FieldValue& v) {
  return v.type() == FieldType::kFloat && std::isnan(v.as_float());
}

bool IsLess(const FieldValue& a, const FieldValue& b) {
  switch (a.type()) {
    case FieldType::kFloat:
      return a.as_float() < b.as_float();
    case FieldType::kInteger:
      return a.as_integer() < b.as_integer();
    default:
      return a.as_unsigned() < b.as_unsigned();
  }
}

// Adds what is known of later rows.
void Extend(const FieldStatistics& later, FieldStatistics* s) {
  if (s->count == 0) {
    *s = later;
    return;
  }
  s->count += later.count;
  s->last = later.last;
  s->last_time = later.last_time;
  if (!IsNumber(later.first.type())) return;
  s->sum = Plus(s->sum, later.sum);
  if (IsNan(s->min)) {
    s->min = later.min;
    s->max = later.max;
  } else if (!IsNan(later.min)) {
    if (IsLess(later.min, s->min)) s->min = later.min;
    if (IsLess(s->max, later.max)) s->max = later.max;
  }
}

ColumnVector From(ColumnVector values, size_t begin) {
  switch (values.type) {
    case FieldType::kBoolean:
      values.booleans += begin;
      break;
    case FieldType::kString:
      values.strings += begin;
      break;
    default:
      values.integers += begin;  // every number has 64 bits
  }
  return values;
}

// The hours of one series, chunk by chunk.
class SeriesHours {
 public:
  void Clear() {
    hours_.clear();
    used_ = 0;
  }
  std::span<const int64_t> hours() const { return hours_; }
  std::span<const RollupColumn> columns() {
    for (RollupColumn& column : Used()) column.spans.resize(hours_.size());
    std::ranges::sort(Used(), {}, &RollupColumn::field);
    return Used();
  }

  // False when a field changes its type: then the series is left out.
  absl::StatusOr<bool> Add(FileReader::Cursor& cursor, size_t chunk) {
    const ChunkMeta& meta = cursor.chunks()[chunk];
    RETURN_IF_ERROR(cursor.ReadTimes(chunk, &times_));
    FindRuns();
    for (size_t i = 0; i < meta.columns.size(); ++i) {
      RollupColumn* column = Column(meta.columns[i]);
      if (column == nullptr) return false;
      column->spans.resize(hours_.size());
      const bool dense = meta.columns[i].statistics.count == meta.rows;
      if (dense && !IsNumber(column->type)) {
        AddCounts(column);
        continue;
      }
      RETURN_IF_ERROR(cursor.ReadColumn(chunk, i, &decoded_));
      dense_.Gather(decoded_.View(), meta.rows);
      AddValues(column);
    }
    return true;
  }

 private:
  // Rows [begin, end) of the chunk that lie in one hour.
  struct Run {
    uint32_t begin;
    uint32_t end;
    size_t hour;  // index into hours_
  };

  std::span<RollupColumn> Used() { return std::span(columns_).first(used_); }

  RollupColumn* Column(const ColumnMeta& meta) {
    for (RollupColumn& column : Used()) {
      if (column.field == meta.field) return column.type == meta.type ? &column : nullptr;
    }
    if (used_ == columns_.size()) columns_.emplace_back();
    RollupColumn& column = columns_[used_++];
    column.field = meta.field;
    column.type = meta.type;
    column.spans.clear();
    return &column;
  }

  void FindRuns() {
    runs_.clear();
    const auto rows = static_cast<uint32_t>(times_.size());
    for (uint32_t row = 0; row < rows;) {
      const int64_t start = HourOf(times_[row]) * kRollupSpanNs;
      if (hours_.empty() || hours_.back() != start) hours_.push_back(start);
      const auto end = std::lower_bound(times_.begin() + row, times_.end(), start + kRollupSpanNs);
      const auto to = static_cast<uint32_t>(end - times_.begin());
      runs_.push_back({row, to, hours_.size() - 1});
      row = to;
    }
  }

  void AddCounts(RollupColumn* column) {
    for (const Run& run : runs_) {
      FieldStatistics s;
      s.count = run.end - run.begin;
      s.first_time = s.min_time = s.max_time = times_[run.begin];
      s.last_time = times_[run.end - 1];
      Extend(s, &column->spans[run.hour]);
    }
  }

  void AddValues(RollupColumn* column) {
    const std::span<const uint32_t> rows = dense_.rows();
    size_t at = 0;  // in the values
    for (const Run& run : runs_) {
      size_t end = run.end;
      if (!rows.empty()) {
        const auto from = rows.begin() + static_cast<ptrdiff_t>(at);
        end = static_cast<size_t>(std::lower_bound(from, rows.end(), run.end) - rows.begin());
      }
      if (end == at) continue;
      ColumnSummary summary = Summarize(From(dense_.values(), at), end - at,
                                        rows.empty() ? rows : rows.subspan(at, end - at));
      if (!IsNumber(column->type)) {
        summary.first = summary.last = FieldValue();  // not kept, and a string would not last
      }
      const size_t base = rows.empty() ? at : 0;
      FieldStatistics s = ToStatistics(summary, [&](uint32_t row) { return times_[base + row]; });
      s.min_time = s.max_time = s.first_time;
      Extend(s, &column->spans[run.hour]);
      at = end;
    }
  }

  std::vector<int64_t> hours_;
  std::vector<RollupColumn> columns_;  // the first used_ are in use
  size_t used_ = 0;
  std::vector<Run> runs_;
  std::vector<int64_t> times_;
  DecodedColumn decoded_;
  DenseColumn dense_;
};

// Writes the pages of a rollup.
class RollupWriter {
 public:
  explicit RollupWriter(std::unique_ptr<base::WritableFile> file) : output_(std::move(file)) {}

  absl::Status Begin(const RollupSource& source) {
    std::string header;
    PutRollupHeader(source, header);
    return output_.Append(header);
  }
  absl::Status Add(model::SeriesId series, std::span<const int64_t> hours,
                   std::span<const RollupColumn> columns) {
    if (body_.empty()) {
      first_series_ = last_series_ = series;
      base::PutVarint(body_, series);
    }
    entry_.clear();
    PutRollupEntry(hours, columns, entry_);
    base::PutVarint(body_, series - last_series_);
    base::PutString(body_, entry_);
    last_series_ = series;
    ++footer_.series;
    return body_.size() < kRollupPageBytes ? absl::OkStatus() : EndPage();
  }
  absl::Status Finish() {
    RETURN_IF_ERROR(EndPage());
    std::string tail;
    for (const PageRef& ref : pages_) PutPageRef(ref, tail);
    footer_.directory_offset = output_.offset();
    footer_.pages = pages_.size();
    footer_.directory_checksum = base::Checksum(tail);
    PutRollupFooter(footer_, tail);
    RETURN_IF_ERROR(output_.Append(tail));
    return output_.Finish();
  }
  uint64_t bytes() const { return output_.offset(); }

 private:
  absl::Status EndPage() {
    if (body_.empty()) return absl::OkStatus();
    page_.clear();
    packer_.Pack(body_, page_);
    body_.clear();
    pages_.push_back({output_.offset(), static_cast<uint32_t>(page_.size()), first_series_});
    return output_.Append(page_);
  }

  OutputFile output_;
  PagePacker packer_;
  std::string body_;
  std::string entry_;
  std::string page_;
  std::vector<PageRef> pages_;
  model::SeriesId first_series_ = 0;
  model::SeriesId last_series_ = 0;
  RollupFooter footer_;
};

// Whether reading a series' hours would beat reading its rows. `bytes` receives what its chunks
// take.
bool IsWorthwhile(std::span<const ChunkMeta> chunks, uint64_t rows_per_hour_min, uint64_t* bytes) {
  uint64_t rows = 0;
  uint64_t hours = 0;
  bool crosses = false;  // else the statistics of chunks say it all
  int64_t last_hour = INT64_MIN;
  for (const ChunkMeta& chunk : chunks) {
    if (chunk.range.min_ns < kTimeMin || chunk.range.max_ns > kTimeMax) return false;
    for (const ColumnMeta& column : chunk.columns) *bytes += column.bytes;
    const int64_t first = HourOf(chunk.range.min_ns);
    const int64_t last = HourOf(chunk.range.max_ns);
    crosses |= first != last;
    hours += static_cast<uint64_t>(last - first) + (first == last_hour ? 0 : 1);
    rows += chunk.rows;
    last_hour = last;
  }
  return crosses && rows / rows_per_hour_min >= hours && hours <= kRollupHoursMax;
}

absl::Status WriteRollup(FileReader& file, const RollupOptions& options, RollupWriter& writer) {
  const auto cursor = file.NewCursor();
  SeriesHours series;
  uint64_t written = 0;
  while (true) {
    if (options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed)) {
      return base::Cancelled("rollup cancelled");
    }
    ASSIGN_OR_RETURN(const bool more, cursor->NextSeries());
    if (!more) return writer.Finish();
    uint64_t bytes = 0;
    if (!IsWorthwhile(cursor->chunks(), options.rows_per_hour_min, &bytes)) continue;
    series.Clear();
    bool fits = true;
    for (size_t chunk = 0; fits && chunk < cursor->chunks().size(); ++chunk) {
      ASSIGN_OR_RETURN(fits, series.Add(*cursor, chunk));
    }
    if (fits) RETURN_IF_ERROR(writer.Add(cursor->series(), series.hours(), series.columns()));
    if (options.throttle) options.throttle(bytes + writer.bytes() - written);
    written = writer.bytes();
  }
}

}  // namespace

std::string RollupName(std::string_view tsm_name) {
  return base::StrCat(tsm_name.substr(0, tsm_name.rfind('.')), ".rollup");
}

absl::Status BuildRollup(base::Env& env, const std::string& folder, FileReader& file,
                         const RollupOptions& options) {
  const std::string path = base::JoinPath(folder, RollupName(file.info().name));
  const std::string temporary = path + ".tmp";
  ASSIGN_OR_RETURN(std::unique_ptr<base::WritableFile> out, env.CreateFile(temporary));
  RollupWriter writer(std::move(out));
  absl::Status status = writer.Begin({file.info().bytes, file.footer_checksum()});
  if (status.ok()) status = WriteRollup(file, options, writer);
  if (!status.ok()) {
    // Best effort: a leftover is removed when the shard is next opened.
    env.RemoveFile(temporary).IgnoreError();
    return status;
  }
  RETURN_IF_ERROR(env.RenameFile(temporary, path));
  return env.SyncDir(folder);
}

}  // namespace varve::tsm
