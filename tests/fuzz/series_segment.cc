// Any bytes as a series segment: opened or refused, and everything in it read, without a bad read.
#include "index/series_segment.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "index/bytes_table.h"
#include "tests/fuzz/index_sections.h"

namespace varve::index {
namespace {

void ReadAll(std::string_view bytes) {
  auto file = SectionFile::FromBytes(bytes, "input", kSeriesSegmentFormats);
  if (!file.ok()) return;
  const auto segment = SeriesSegment::Open(std::move(*file));
  if (!segment.ok()) return;
  std::string key;
  std::string scratch;
  for (uint32_t i = 0; i < (*segment)->series_count(); ++i) {
    const model::SeriesId series = (*segment)->IdAt(i);
    uint32_t index;
    (*segment)->IndexOf(series, &index);
    (*segment)->KeyOf(series, &key);
    (*segment)->MeasurementOf(series);
    SeriesRef ref;
    (*segment)->Find(key, BytesTable::Hash(key), &scratch, &ref, &index);
  }
  (*segment)->Verify().IgnoreError();
  (*segment)->Describe();
}

}  // namespace
}  // namespace varve::index

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  varve::index::ReadAll(input);
  for (const auto& format : varve::index::kSeriesSegmentFormats) {
    varve::index::ReadAll(varve::index::SectionsOfInput(input, format));
  }
  return 0;
}
