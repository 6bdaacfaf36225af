#include "body_writer.h"

#include <charconv>
#include <utility>

namespace varve::bench {

void BodyWriter::EndLine(int64_t time_ns, uint64_t values) {
  std::string& body = bodies_.back();
  body += ' ';
  AppendInteger(body, time_ns);
  body += '\n';
  ++lines_;
  values_ += values;
  if (++lines_in_body_ < lines_per_body_) return;
  const size_t expected_bytes = body.size() + body.size() / 50;
  bodies_.emplace_back().reserve(expected_bytes);
  lines_in_body_ = 0;
}

std::vector<std::string> BodyWriter::Take() {
  if (bodies_.back().empty()) bodies_.pop_back();
  return std::move(bodies_);
}

void AppendInteger(std::string& out, int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  out.append(buffer, end);
}

void AppendHundredths(std::string& out, int64_t hundredths) {
  if (hundredths < 0) {
    out += '-';
    hundredths = -hundredths;
  }
  AppendInteger(out, hundredths / 100);
  const char decimals[3] = {'.', static_cast<char>('0' + hundredths / 10 % 10),
                            static_cast<char>('0' + hundredths % 10)};
  out.append(decimals, sizeof(decimals));
}

}  // namespace varve::bench
