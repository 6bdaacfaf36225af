#include "tsm/page_frame.h"

#include <zstd.h>

#include <cstring>

#include "base/coding.h"
#include "base/status.h"
#include "tsm/file_format.h"

namespace varve::tsm {
namespace {

constexpr int kZstdLevel = 3;
// A page is compressed when that saves an eighth: less is not worth the time of every reader.
constexpr size_t kWorthwhile = 8;

}  // namespace

struct PagePacker::Context {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd{ZSTD_createCCtx(), &ZSTD_freeCCtx};
};

PagePacker::PagePacker() : context_(std::make_unique<Context>()) {}
PagePacker::~PagePacker() = default;

void PagePacker::Pack(std::string_view body, std::string& out) {
  const size_t start = out.size();
  base::PutFixed<uint32_t>(out, 0);
  compressed_.resize(ZSTD_compressBound(body.size()));
  const size_t n = ZSTD_compressCCtx(context_->zstd.get(), compressed_.data(), compressed_.size(),
                                     body.data(), body.size(), kZstdLevel);
  if (ZSTD_isError(n) == 0 && n + body.size() / kWorthwhile < body.size()) {
    out.push_back(static_cast<char>(kPageZstd));
    base::PutVarint(out, body.size());
    out.append(compressed_.data(), n);
  } else {
    out.push_back(0);
    out.append(body);
  }
  const uint32_t checksum = ShortChecksum(std::string_view(out).substr(start + 4));
  std::memcpy(out.data() + start, &checksum, sizeof(checksum));
}

namespace {

// One for each thread that reads: making one takes as long as a small query.
ZSTD_DCtx* ThreadContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(),
                                                                                  &ZSTD_freeDCtx};
  return context.get();
}

}  // namespace

absl::Status PageUnpacker::Unpack(std::string_view page, std::string_view kind, uint64_t offset,
                                  std::string_view* body) {
  const auto malformed = [&] { return base::DataLoss("malformed ", kind, ": offset=", offset); };
  if (page.size() < kPageHeadBytes) return malformed();
  if (base::LoadFixed<uint32_t>(page.data()) != ShortChecksum(page.substr(4))) {
    return base::DataLoss("wrong ", kind, " checksum: offset=", offset);
  }
  const auto flags = static_cast<uint8_t>(page[4]);
  page.remove_prefix(kPageHeadBytes);
  is_packed_ = false;
  if (flags == 0) {
    *body = page;
    return absl::OkStatus();
  }
  base::ByteReader in(page);
  uint64_t size;
  if (flags != kPageZstd || !in.GetVarint(&size) || size > kPageBodyBytesMax) return malformed();
  page.remove_prefix(in.offset());
  // What is believed of the size is what the frame itself agrees with.
  if (ZSTD_getFrameContentSize(page.data(), page.size()) != size) return malformed();
  if (buffer_ == nullptr || buffer_.use_count() > 1) buffer_ = std::make_shared<std::string>();
  buffer_->resize(size);
  const size_t n =
      ZSTD_decompressDCtx(ThreadContext(), buffer_->data(), size, page.data(), page.size());
  if (ZSTD_isError(n) != 0 || n != size) return malformed();
  *body = *buffer_;
  is_packed_ = true;
  return absl::OkStatus();
}

absl::Status PageUnpacker::Unpack(std::string_view page, std::string_view kind, uint64_t offset,
                                  PageCache& cache, uint64_t file, std::string_view* body) {
  cached_ = cache.Find(file, offset);
  if (cached_ != nullptr) {
    *body = *cached_;
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(Unpack(page, kind, offset, body));
  // From here on the cache may hold the buffer too: the next page gets another.
  if (is_packed_) cache.Add(file, offset, buffer_);
  return absl::OkStatus();
}

}  // namespace varve::tsm
