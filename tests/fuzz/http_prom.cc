// The messages of Prometheus' remote protocol, packed and bare. What is read is written again as a
// ReadResponse, which must be a message too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/prom_messages.h"

namespace {

constexpr uint64_t kUnpackedMax = 1 << 20;

void TryMessages(std::string_view bytes) {
  namespace http = varve::http;
  size_t series_count = 0;
  http::PromReadResponse response;
  const absl::Status status =
      http::ReadWriteRequest(bytes, [&](const http::PromSeries& series) -> absl::Status {
        std::vector<std::pair<std::string, std::string>> labels;
        for (const auto& [name, value] : series.labels) labels.emplace_back(name, value);
        if (labels.empty()) labels.emplace_back("a", "b");
        response.BeginSeries(labels);
        for (const http::PromSample& sample : series.samples) response.AddSample(sample);
        ++series_count;
        return absl::OkStatus();
      });
  // A ReadResponse nests like a WriteRequest, one level deeper.
  const std::string written = response.Finish();
  if (status.ok() && series_count > 0) {
    CHECK(http::ReadWriteRequest(written, [](const http::PromSeries&) {
            return absl::OkStatus();
          }).ok());
  }
  (void)http::ParseReadRequest(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  TryMessages(input);
  const auto unpacked = varve::http::Unsnap(input, kUnpackedMax);
  if (unpacked.ok()) {
    CHECK(unpacked->size() <= kUnpackedMax);
    CHECK(varve::http::Unsnap(varve::http::Snap(*unpacked), kUnpackedMax).value() == *unpacked);
    TryMessages(*unpacked);
  }
  return 0;
}
