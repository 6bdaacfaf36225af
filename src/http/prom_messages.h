// The messages of Prometheus' remote protocol (remote.proto, types.proto) that the endpoints need.
//
// Text is borrowed from the bytes that are read. Unknown fields are passed over, as protocol
// buffers have it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varve::http {

struct PromSample {
  double value = 0;
  int64_t time_ms = 0;
};
struct PromSeries {
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // in order of the message
  std::vector<PromSample> samples;
};

// Reads a WriteRequest and hands over its series one by one, in one object that is used again. An
// error of `take` ends the reading and is returned. INVALID_ARGUMENT: the bytes are no
// WriteRequest; series before the damage were handed over.
absl::Status ReadWriteRequest(std::string_view bytes,
                              const std::function<absl::Status(const PromSeries&)>& take);

struct PromMatcher {
  enum class Type : uint8_t { kEqual = 0, kNotEqual = 1, kMatch = 2, kNotMatch = 3 };
  Type type = Type::kEqual;
  std::string_view name;
  std::string_view value;
};
struct PromQuery {
  int64_t start_ms = 0;
  int64_t end_ms = 0;  // included
  std::vector<PromMatcher> matchers;
};
// Reads a ReadRequest. INVALID_ARGUMENT: the bytes are none, or have a matcher of an unknown type.
absl::StatusOr<std::vector<PromQuery>> ParseReadRequest(std::string_view bytes);

// Writes a ReadResponse with one result.
class PromReadResponse {
 public:
  void BeginSeries(const std::vector<std::pair<std::string, std::string>>& labels);
  void AddSample(PromSample sample);
  // Bytes held so far.
  size_t size() const { return result_.size() + series_.size(); }
  std::string Finish();

 private:
  void EndSeries();
  std::string result_;  // a QueryResult
  std::string series_;  // the TimeSeries being written
};

// A body packed with Snappy's block format. INVALID_ARGUMENT "snappy: corrupt input";
// RESOURCE_EXHAUSTED, before memory is used, when it would unpack to more than `bytes_max`.
absl::StatusOr<std::string> Unsnap(std::string_view packed, uint64_t bytes_max);
std::string Snap(std::string_view bytes);

}  // namespace varve::http
