// Any body: no bad read, and the fast reader gives what the full grammar gives.

#include "model/line_protocol.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/line_grammar.h"
#include "model/series_key.h"

using namespace varve::model;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Same(const Line& a, const Line& b) {
  if (a.text != b.text || a.raw_key != b.raw_key || a.time_ns != b.time_ns ||
      a.has_time != b.has_time || a.fields.size() != b.fields.size()) {
    return false;
  }
  for (size_t i = 0; i < a.fields.size(); ++i) {
    if (a.fields[i].raw_name != b.fields[i].raw_name) return false;
    if (!(a.fields[i].value == b.fields[i].value)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const TimeRule rule{1, 7};
  LineReader reader(body, Precision::kNs, 7);
  std::vector<LineField> fields;
  std::string text;
  std::string why;
  size_t errors = 0;
  Line fast;
  Line full;
  for (size_t at = 0; at < body.size();) {
    const size_t end = FindLineEnd(body, at);
    const LineKind kind = ParseLine(body.substr(at, end - at), rule, &fields, &text, &full, &why);
    at = end + 1;
    if (kind == LineKind::kBad) ++errors;
    if (kind != LineKind::kGood) continue;
    Require(reader.Next(&fast));
    Require(Same(fast, full));
    Require(ParseRawSeriesKey(fast.raw_key).ok());
  }
  Require(!reader.Next(&fast));
  Require(reader.errors() == errors);
  return 0;
}
