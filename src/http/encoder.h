// Turns the answer of a query into bytes: JSON, CSV or MessagePack, whole or in chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "query/executor.h"

namespace varve::http {

// Where encoded bytes go. One thread at a time.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes `bytes`. With `flush` the client should see them soon.
  virtual absl::Status Write(std::string_view bytes, bool flush) = 0;
};

enum class Format : uint8_t { kJson, kCsv, kMsgPack };

struct EncodeOptions {
  Format format = Format::kJson;
  bool pretty = false;  // JSON only
  bool chunked = false;
  size_t chunk_size = 10000;    // rows of a series in one chunk; only with `chunked`
  uint64_t held_bytes_max = 0;  // MessagePack: see Encoder; 0: any number
  // Column 0's times are printed as nanoseconds divided by this, towards zero. Absent: RFC 3339 in
  // JSON, nanoseconds in CSV, extension type 5 in MessagePack.
  std::optional<int64_t> epoch_ns;
  // All times are RFC 3339, whatever the format; epoch_ns is not set then.
  bool rfc3339 = false;
};

// The executor's sink; Finish() ends the answer. JSON and CSV hold some 64 KiB at most, whatever
// the size of the answer; MessagePack, which writes lengths first, holds an answer (in chunks: a
// chunk) whole, and answers RESOURCE_EXHAUSTED to rows beyond held_bytes_max. NaN and infinities
// are printed as null.
class Encoder : public query::ResultSink {
 public:
  // The rows of the series being written were cut: it is marked "partial".
  virtual void MarkSeriesPartial() = 0;
  // Writes what is left.
  virtual absl::Status Finish() = 0;
};

// `out` must outlive the encoder.
std::unique_ptr<Encoder> NewEncoder(const EncodeOptions& options, ByteSink& out);
std::unique_ptr<Encoder> NewJsonEncoder(const EncodeOptions& options, ByteSink& out);
std::unique_ptr<Encoder> NewCsvEncoder(const EncodeOptions& options, ByteSink& out);
std::unique_ptr<Encoder> NewMsgPackEncoder(const EncodeOptions& options, ByteSink& out);

// True for series that InfluxDB sends in one chunk of their own whatever the chunk size, without a
// word on what follows: those of SHOW MEASUREMENTS, SHOW TAG KEYS and SHOW TAG VALUES.
bool IsSentWhole(const query::SeriesHeader& header);

// "application/json" and so on.
std::string_view ContentType(Format format);
// What the Accept header asks for; JSON when it asks for nothing that there is. The highest quality
// wins, then the more precise type, as in InfluxDB 1.8; then JSON, which 1.6 answers every list
// with; then what stands first.
Format NegotiateFormat(std::string_view accept);
// The body of an error answer.
std::string EncodeError(Format format, bool pretty, std::string_view text);

// Parses the `epoch` parameter: its unit in nanoseconds, nanoseconds for an unknown word, absent
// for "".
std::optional<int64_t> ParseEpoch(std::string_view text);

// Appends one CSV field as Go's encoding/csv quotes it.
void AppendCsvField(std::string& out, std::string_view text);

}  // namespace varve::http
