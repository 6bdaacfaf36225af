// Collects lines of line protocol in bodies of so many lines each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varve::bench {

class BodyWriter {
 public:
  explicit BodyWriter(uint64_t lines_per_body) : lines_per_body_(lines_per_body) {}

  // The text of the body to append a line to; EndLine() after it.
  std::string& text() { return bodies_.back(); }

  // Appends the time and ends the line, which has `values` values.
  void EndLine(int64_t time_ns, uint64_t values);

  uint64_t lines() const { return lines_; }
  uint64_t values() const { return values_; }
  std::vector<std::string> Take();

 private:
  const uint64_t lines_per_body_;
  std::vector<std::string> bodies_{1};
  uint64_t lines_in_body_ = 0;
  uint64_t lines_ = 0;
  uint64_t values_ = 0;
};

// Appends a whole number.
void AppendInteger(std::string& out, int64_t value);

// Appends `hundredths` / 100 with two decimals, such as 58.13 or -0.05.
void AppendHundredths(std::string& out, int64_t hundredths);

}  // namespace varve::bench
