// The reader behind FileReader.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tsm/file.h"
#include "tsm/file_format.h"

namespace varve::tsm {

class FileReaderImpl final : public FileReader {
 public:
  FileReaderImpl(std::string path, FileInfo info, TsmHeader header, TsmFooter footer,
                 std::unique_ptr<base::MappedFile> file);

  const FileInfo& info() const override { return info_; }
  uint64_t footer_checksum() const override { return FooterChecksum(file_->bytes()); }
  std::unique_ptr<Cursor> NewCursor() override;
  absl::Status Verify() override;

  const std::string& path() const { return path_; }
  std::string_view bytes() const { return file_->bytes(); }
  const TsmHeader& header() const { return header_; }
  const TsmFooter& footer() const { return footer_; }

  // Its number in PageCache::OfProcess().
  uint64_t number() const { return number_; }
  uint64_t pages() const { return footer_.pages; }
  PageRef page(uint64_t i) const {
    return LoadPageRef(file_->bytes().data() + footer_.directory_offset + i * kPageRefBytes);
  }
  model::SeriesId first_series(uint64_t i) const {
    return base::LoadFixed<uint32_t>(file_->bytes().data() + footer_.directory_offset +
                                     i * kPageRefBytes + 12);
  }
  // The last page that begins at or below `series`; pages() when there is none.
  uint64_t FindPage(model::SeriesId series) const;

 private:
  const std::string path_;
  const FileInfo info_;
  const TsmHeader header_;
  const TsmFooter footer_;
  const std::unique_ptr<base::MappedFile> file_;
  const uint64_t number_;
};

}  // namespace varve::tsm
