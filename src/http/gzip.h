// gzip (RFC 1952) over zlib: bodies of requests unpacked, answers packed as they are written.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "http/encoder.h"

namespace varve::http {

// Unpacks one or more gzip members. INVALID_ARGUMENT with the words of Go's compress/gzip
// ("gzip: invalid header", "unexpected EOF", ...); RESOURCE_EXHAUSTED when the result would be
// longer than `bytes_max`, found before more memory than that is used.
absl::StatusOr<std::string> Gunzip(std::string_view packed, size_t bytes_max);

// Packs what passes through. One thread at a time.
class GzipSink : public ByteSink {
 public:
  // `out` must outlive the sink.
  explicit GzipSink(ByteSink& out);
  ~GzipSink() override;
  absl::Status Write(std::string_view bytes, bool flush) override;
  // Writes the trailer.
  absl::Status Finish();

 private:
  struct State;
  absl::Status Deflate(std::string_view bytes, int mode);
  ByteSink& out_;
  std::unique_ptr<State> state_;
};

}  // namespace varve::http
