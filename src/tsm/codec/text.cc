#include "tsm/codec/text.h"

#include <zstd.h>

#include <vector>

#include "base/status.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

constexpr char kPlain = 0;
constexpr char kZstd = 1;
constexpr size_t kCompressBytesMin = 64;
constexpr int kHotLevel = 1;
constexpr int kColdLevel = 6;

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed texts: offset=", in.offset());
}

// Returns the compressed bytes, or nothing when they are not worth it.
std::string Compress(std::string_view bytes, const EncodeOptions& options) {
  if (bytes.size() < kCompressBytesMin) return {};
  std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t n = ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(),
                                 options.cold ? kColdLevel : kHotLevel);
  if (ZSTD_isError(n) || n > bytes.size() / 100 * 85) return {};
  compressed.resize(n);
  return compressed;
}

absl::Status Decompress(const base::ByteReader& in, std::string_view compressed, size_t size,
                        std::string& room) {
  // The frame must say the same size before memory is spent on it.
  if (ZSTD_getFrameContentSize(compressed.data(), compressed.size()) != size) return Malformed(in);
  room.resize(size);
  const size_t n = ZSTD_decompress(room.data(), room.size(), compressed.data(), compressed.size());
  return n == size ? absl::OkStatus() : Malformed(in);
}

}  // namespace

void WriteTexts(std::span<const std::string_view> texts, const EncodeOptions& options,
                std::string& out) {
  std::vector<uint64_t> lengths;
  lengths.reserve(texts.size());
  size_t total = 0;
  for (const std::string_view text : texts) {
    lengths.push_back(text.size());
    total += text.size();
  }
  EncodeWords(lengths, options, out);
  std::string bytes;
  bytes.reserve(total);
  for (const std::string_view text : texts) bytes += text;
  const std::string compressed = Compress(bytes, options);
  out.push_back(compressed.empty() ? kPlain : kZstd);
  if (!compressed.empty()) base::PutVarint(out, compressed.size());
  out += compressed.empty() ? bytes : compressed;
}

absl::Status ReadTexts(base::ByteReader& in, std::span<std::string_view> out, std::string& room) {
  std::vector<uint64_t> lengths(out.size());
  RETURN_IF_ERROR(DecodeWords(in, lengths));
  uint64_t total = 0;
  for (const uint64_t length : lengths) {
    if (length > kMaxDecodedTextBytes - total) return Malformed(in);
    total += length;
  }
  char coding;
  if (!in.GetFixed(&coding)) return Malformed(in);
  std::string_view bytes;
  if (coding == kPlain) {
    if (!in.GetBytes(total, &bytes)) return Malformed(in);
  } else if (coding == kZstd) {
    uint64_t compressed_size;
    std::string_view compressed;
    if (!in.GetVarint(&compressed_size) || !in.GetBytes(compressed_size, &compressed)) {
      return Malformed(in);
    }
    RETURN_IF_ERROR(Decompress(in, compressed, total, room));
    bytes = room;
  } else {
    return Malformed(in);
  }
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = bytes.substr(0, lengths[i]);
    bytes.remove_prefix(lengths[i]);
  }
  return absl::OkStatus();
}

}  // namespace varve::tsm::codec
