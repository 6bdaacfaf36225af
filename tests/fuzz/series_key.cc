// Any bytes as a raw and as a canonical series key: no bad read; what parses lists its tags again.

#include "model/series_key.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace varve::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string value;
  (void)DecodeSeriesKey(text);
  (void)MeasurementOf(text);
  (void)FindTag(text, text.substr(0, 3), &value);
  const absl::StatusOr<SeriesKey> key = ParseRawSeriesKey(text);
  if (!key.ok()) return 0;
  const std::string canonical = key->Encode();
  for (size_t i = 1; i < key->tags.size(); ++i) {
    if (!(key->tags[i - 1].key < key->tags[i].key)) std::abort();
  }
  // A backslash at the end of a name hides the comma behind it, in InfluxDB as here.
  if (text.find('\\') != std::string_view::npos) return 0;
  if (DecodeSeriesKey(canonical) != *key) std::abort();
  for (const Tag& tag : key->tags) {
    if (!FindTag(canonical, tag.key, &value) || value != tag.value) std::abort();
  }
  return 0;
}
