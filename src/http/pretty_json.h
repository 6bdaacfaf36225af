// Lays compact JSON out with four spaces, as Go's json.MarshalIndent does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "http/encoder.h"

namespace varve::http {

// A filter in front of another sink; takes JSON in pieces of any size. One thread at a time.
class PrettyJson : public ByteSink {
 public:
  // `out` must outlive the filter.
  explicit PrettyJson(ByteSink& out) : out_(out) {}
  absl::Status Write(std::string_view bytes, bool flush) override;

 private:
  void Take(char c);
  void NewLine();

  ByteSink& out_;
  std::string text_;
  size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool just_opened_ = false;  // an empty container stays on its line
};

}  // namespace varve::http
