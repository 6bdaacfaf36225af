#include <algorithm>
#include <atomic>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "tsm/file_format.h"
#include "tsm/inspect_text.h"
#include "tsm/page_cache.h"
#include "tsm/page_frame.h"
#include "tsm/rollup.h"
#include "tsm/rollup_format.h"

namespace varve::tsm {
namespace {

constexpr std::string_view kPageKind = "rollup page";

class RollupFile final : public RollupReader {
 public:
  RollupFile(std::string path, const RollupFooter& footer, std::unique_ptr<base::MappedFile> file)
      : path_(std::move(path)),
        footer_(footer),
        file_(std::move(file)),
        number_(PageCache::OfProcess().NewFile()) {}

  std::unique_ptr<Cursor> NewCursor() override;
  uint64_t bytes() const override { return file_->bytes().size(); }
  bool damaged() const override { return damaged_.load(std::memory_order_relaxed); }
  absl::Status Verify() override;
  absl::Status Dump(bool series, std::ostream& out) override;

  uint64_t pages() const { return footer_.pages; }
  // Its number in PageCache::OfProcess().
  uint64_t number() const { return number_; }
  PageRef page(uint64_t i) const {
    return LoadPageRef(file_->bytes().data() + footer_.directory_offset + i * kPageRefBytes);
  }
  std::string_view page_bytes(const PageRef& ref) const {
    return file_->bytes().substr(ref.offset, ref.bytes);
  }
  // The last page that begins at or below `series`; pages() when there is none.
  uint64_t FindPage(model::SeriesId series) const {
    uint64_t low = 0;
    uint64_t high = pages();
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (page(middle).first_series <= series) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? pages() : low - 1;
  }
  // Marks the file and names it in the error.
  absl::Status Damaged(const absl::Status& status) const {
    damaged_.store(true, std::memory_order_relaxed);
    return base::Annotate(status, "file=", path_);
  }

 private:
  const std::string path_;
  const RollupFooter footer_;
  const std::unique_ptr<base::MappedFile> file_;
  const uint64_t number_;
  mutable std::atomic<bool> damaged_{false};
};

class RollupCursor final : public RollupReader::Cursor {
 public:
  explicit RollupCursor(std::shared_ptr<const RollupFile> file) : file_(std::move(file)) {}

  void SelectFields(std::span<const model::FieldId> fields) override {
    selection_.fields.assign(fields.begin(), fields.end());
    std::ranges::sort(selection_.fields);
  }
  void SelectTimes(const model::TimeRange& range) override { selection_.range = range; }

  absl::StatusOr<bool> Seek(model::SeriesId series) override {
    used_ = 0;
    hours_.clear();
    if (entries_.empty() || series < entries_.front().series || series > entries_.back().series) {
      const uint64_t page = file_->FindPage(series);
      if (page == file_->pages()) return false;
      if (entries_.empty() || page != page_) RETURN_IF_ERROR(LoadPage(page, /*verify=*/false));
    }
    const auto at = std::ranges::lower_bound(entries_, series, {}, &Entry::series);
    if (at == entries_.end() || at->series != series) return false;
    if (!GetRollupEntry(at->bytes, selection_, &hours_, &columns_, &used_)) {
      used_ = 0;
      return Malformed();
    }
    return true;
  }

  std::span<const int64_t> hours() const override { return hours_; }
  const RollupColumn* Find(model::FieldId field) const override {
    const auto used = columns();
    const auto at = std::ranges::lower_bound(used, field, {}, &RollupColumn::field);
    return at == used.end() || at->field != field ? nullptr : &*at;
  }
  std::span<const RollupColumn> columns() const { return std::span(columns_).first(used_); }

  // Unpacks a page and finds its entries. `verify`: of its bytes as they are in the file now.
  absl::Status LoadPage(uint64_t page, bool verify) {
    entries_.clear();
    page_ = page;
    const PageRef ref = file_->page(page);
    std::string_view body;
    const std::string_view bytes = file_->page_bytes(ref);
    const absl::Status status =
        verify ? unpacker_.Unpack(bytes, kPageKind, ref.offset, &body)
               : unpacker_.Unpack(bytes, kPageKind, ref.offset, PageCache::OfProcess(),
                                  file_->number(), &body);
    if (!status.ok()) return file_->Damaged(status);
    base::ByteReader in(body);
    uint64_t series;
    if (!in.GetVarint(&series) || series != ref.first_series) return Malformed();
    while (in.remaining() > 0) {
      uint64_t step;
      std::string_view entry;
      if (!in.GetVarint(&step) || !in.GetString(&entry) || entries_.empty() != (step == 0) ||
          step > model::kNoId || series + step >= model::kNoId) {
        entries_.clear();
        return Malformed();
      }
      series += step;
      entries_.push_back({static_cast<model::SeriesId>(series), entry});
    }
    return entries_.empty() ? Malformed() : absl::OkStatus();
  }
  // Of the loaded page.
  std::vector<model::SeriesId> page_series() const {
    std::vector<model::SeriesId> series;
    for (const Entry& entry : entries_) series.push_back(entry.series);
    return series;
  }

 private:
  struct Entry {
    model::SeriesId series;
    std::string_view bytes;
  };
  absl::Status Malformed() const {
    return file_->Damaged(
        base::DataLoss("malformed ", kPageKind, ": offset=", file_->page(page_).offset));
  }

  const std::shared_ptr<const RollupFile> file_;
  RollupSelection selection_;
  PageUnpacker unpacker_;
  uint64_t page_ = 0;
  std::vector<Entry> entries_;  // of the loaded page
  std::vector<int64_t> hours_;
  std::vector<RollupColumn> columns_;  // the first used_ are in use
  size_t used_ = 0;
};

std::unique_ptr<RollupReader::Cursor> RollupFile::NewCursor() {
  return std::make_unique<RollupCursor>(
      std::static_pointer_cast<const RollupFile>(shared_from_this()));
}

absl::Status RollupFile::Verify() {
  RollupCursor cursor(std::static_pointer_cast<const RollupFile>(shared_from_this()));
  uint64_t count = 0;
  for (uint64_t i = 0; i < pages(); ++i) {
    RETURN_IF_ERROR(cursor.LoadPage(i, /*verify=*/true));
    for (const model::SeriesId series : cursor.page_series()) {
      RETURN_IF_ERROR(cursor.Seek(series).status());
      ++count;
    }
  }
  if (count == footer_.series) return absl::OkStatus();
  return Damaged(base::DataLoss("rollup footer disagrees with the pages: series=", count));
}

absl::Status RollupFile::Dump(bool series, std::ostream& out) {
  out << "rollup version " << kRollupVersion << ", " << bytes() << " bytes, " << footer_.series
      << " series in " << pages() << " pages\n";
  if (!series) return absl::OkStatus();
  RollupCursor cursor(std::static_pointer_cast<const RollupFile>(shared_from_this()));
  for (uint64_t i = 0; i < pages(); ++i) {
    RETURN_IF_ERROR(cursor.LoadPage(i, /*verify=*/true));
    for (const model::SeriesId id : cursor.page_series()) {
      RETURN_IF_ERROR(cursor.Seek(id).status());
      out << "series " << id << "\n";
      for (const RollupColumn& column : cursor.columns()) {
        out << "  field " << column.field << " " << model::FieldTypeName(column.type) << "\n";
        for (size_t hour = 0; hour < column.spans.size(); ++hour) {
          const model::FieldStatistics& s = column.spans[hour];
          if (s.count == 0) continue;
          out << "    " << cursor.hours()[hour] << ": count " << s.count << ", first "
              << ValueText(s.first) << " @" << s.first_time << ", last " << ValueText(s.last)
              << " @" << s.last_time;
          if (!s.min.is_null()) {
            out << ", min " << ValueText(s.min) << ", max " << ValueText(s.max) << ", sum "
                << ValueText(s.sum);
          }
          out << "\n";
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<RollupReader>> RollupReader::Open(base::Env& env,
                                                                 const std::string& folder,
                                                                 const FileReader& file) {
  const std::string path = base::JoinPath(folder, RollupName(file.info().name));
  if (!env.Exists(path)) return base::NotFound("no rollup: file=", path);
  ASSIGN_OR_RETURN(std::unique_ptr<base::MappedFile> mapped, env.MapFile(path));
  RollupSource source;
  RollupFooter footer;
  RETURN_IF_ERROR(ReadRollupHeader(mapped->bytes(), &source), "file=", path);
  RETURN_IF_ERROR(ReadRollupFooter(mapped->bytes(), &footer), "file=", path);
  if (source != RollupSource{file.info().bytes, file.footer_checksum()}) {
    return base::DataLoss("rollup of another file: bytes=", source.bytes, " [file=", path, "]");
  }
  return std::make_shared<RollupFile>(path, footer, std::move(mapped));
}

}  // namespace varve::tsm
