#include "tsm/file_reader.h"

#include <utility>

#include "base/status.h"
#include "tsm/file_cursor.h"
#include "tsm/page_cache.h"

namespace varve::tsm {

DecodedColumn::DecodedColumn() : state_(std::make_unique<State>()) {}
DecodedColumn::~DecodedColumn() = default;
DecodedColumn::DecodedColumn(DecodedColumn&&) noexcept = default;
DecodedColumn& DecodedColumn::operator=(DecodedColumn&&) noexcept = default;

absl::StatusOr<std::shared_ptr<FileReader>> FileReader::Open(base::Env& env,
                                                             const std::string& folder,
                                                             const FileInfo& info) {
  const std::string path = base::JoinPath(folder, info.name);
  ASSIGN_OR_RETURN(std::unique_ptr<base::MappedFile> file, env.MapFile(path));
  const std::string_view bytes = file->bytes();
  TsmHeader header;
  TsmFooter footer;
  RETURN_IF_ERROR(ReadHeader(bytes, &header), "file=", path);
  RETURN_IF_ERROR(ReadFooter(bytes, &footer), "file=", path);
  FileInfo found{info.name,    bytes.size(),      footer.chunks,    footer.values,
                 footer.range, footer.min_series, footer.max_series};
  // A name alone is enough to open a file; what the manifest knows must be so.
  if (info.bytes != 0 && info != found) {
    return base::DataLoss("tsm file is not the one the manifest names: bytes=", found.bytes,
                          " expected=", info.bytes, " [file=", path, "]");
  }
  return std::make_shared<FileReaderImpl>(path, std::move(found), header, footer, std::move(file));
}

FileReaderImpl::FileReaderImpl(std::string path, FileInfo info, TsmHeader header, TsmFooter footer,
                               std::unique_ptr<base::MappedFile> file)
    : path_(std::move(path)),
      info_(std::move(info)),
      header_(header),
      footer_(footer),
      file_(std::move(file)),
      number_(PageCache::OfProcess().NewFile()) {}

std::unique_ptr<FileReader::Cursor> FileReaderImpl::NewCursor() {
  return std::make_unique<FileCursor>(
      std::static_pointer_cast<const FileReaderImpl>(shared_from_this()));
}

uint64_t FileReaderImpl::FindPage(model::SeriesId series) const {
  uint64_t low = 0;
  uint64_t high = pages();
  while (low < high) {  // the first page that begins above `series`
    const uint64_t middle = (low + high) / 2;
    if (first_series(middle) <= series) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? pages() : low - 1;
}

}  // namespace varve::tsm
