#include "http/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"
#include "base/status.h"

namespace varve::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for the gzip wrapper
constexpr size_t kHeaderBytes = 10;
constexpr size_t kPieceBytes = 64 << 10;

struct Inflater {
  Inflater() { ready = inflateInit2(&stream, kGzipWindow) == Z_OK; }
  ~Inflater() { inflateEnd(&stream); }
  z_stream stream{};
  bool ready;
};

}  // namespace

absl::StatusOr<std::string> Gunzip(std::string_view packed, size_t bytes_max) {
  std::string out;
  if (packed.empty()) return base::InvalidArgument("EOF");
  if (packed.size() < kHeaderBytes) return base::InvalidArgument("unexpected EOF");
  if (packed.substr(0, 3) != std::string_view("\x1f\x8b\x08", 3)) {
    return base::InvalidArgument("gzip: invalid header");
  }
  Inflater inflater;
  if (!inflater.ready) return base::ResourceExhausted("no memory for gzip");
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  size_t left = packed.size();
  size_t size = 0;
  while (true) {
    if (size == out.size()) {
      if (size > bytes_max) return base::ResourceExhausted("body unpacks to more than the limit");
      out.resize(std::min(bytes_max + 1, std::max(size * 2, packed.size() * 4 + kPieceBytes)));
    }
    const size_t feed = std::min<size_t>(left, 1u << 30);
    const size_t room = std::min<size_t>(out.size() - size, 1u << 30);
    stream.avail_in = static_cast<uInt>(feed);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    left -= feed - stream.avail_in;
    size += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      if (left == 0) break;
      if (inflateReset(&stream) != Z_OK) return base::InvalidArgument("gzip: invalid header");
      continue;
    }
    if (result == Z_BUF_ERROR || (result == Z_OK && left == 0 && stream.avail_out != 0)) {
      return base::InvalidArgument("unexpected EOF");
    }
    if (result != Z_OK) {
      const std::string_view why = stream.msg == nullptr ? "" : stream.msg;
      if (why.find("check") != std::string_view::npos && why.find("data") != std::string_view::npos)
        return base::InvalidArgument("gzip: invalid checksum");
      if (why.find("header") != std::string_view::npos)
        return base::InvalidArgument("gzip: invalid header");
      return base::InvalidArgument("flate: corrupt input before offset ", packed.size() - left);
    }
  }
  if (size > bytes_max) return base::ResourceExhausted("body unpacks to more than the limit");
  out.resize(size);
  return out;
}

struct GzipSink::State {
  z_stream stream{};
  char piece[kPieceBytes];
};

GzipSink::GzipSink(ByteSink& out) : out_(out), state_(std::make_unique<State>()) {
  // Level 1: answers are packed while someone waits for them.
  CHECK_EQ(deflateInit2(&state_->stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

GzipSink::~GzipSink() { deflateEnd(&state_->stream); }

absl::Status GzipSink::Deflate(std::string_view bytes, int mode) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(state_->piece);
    stream.avail_out = kPieceBytes;
    deflate(&stream, mode);
    const size_t made = kPieceBytes - stream.avail_out;
    if (made != 0) {
      RETURN_IF_ERROR(out_.Write({state_->piece, made}, mode != Z_NO_FLUSH && stream.avail_out));
    }
  } while (stream.avail_out == 0);
  return absl::OkStatus();
}

absl::Status GzipSink::Write(std::string_view bytes, bool flush) {
  constexpr size_t kFeedMax = 1u << 30;
  while (bytes.size() > kFeedMax) {
    RETURN_IF_ERROR(Deflate(bytes.substr(0, kFeedMax), Z_NO_FLUSH));
    bytes.remove_prefix(kFeedMax);
  }
  if (bytes.empty() && !flush) return absl::OkStatus();
  return Deflate(bytes, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
}

absl::Status GzipSink::Finish() { return Deflate({}, Z_FINISH); }

}  // namespace varve::http
