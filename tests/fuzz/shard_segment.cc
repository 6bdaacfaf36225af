// Any bytes as an index segment: opened or refused, and everything in it read, without a bad read.
#include "index/shard_segment.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/index_sections.h"

namespace varve::index {
namespace {

void ReadAll(std::string_view bytes) {
  auto file = SectionFile::FromBytes(bytes, "input", kShardSegmentFormat);
  if (!file.ok()) return;
  const auto segment = ShardSegment::Open(std::move(*file));
  if (!segment.ok()) return;
  std::vector<model::MeasurementId> measurements;
  (*segment)->AddMeasurements(&measurements);
  for (const model::MeasurementId measurement : measurements) {
    SeriesSetBuilder all;
    (*segment)->AddSeriesOf(measurement, &all);
    std::vector<std::string> keys;
    (*segment)->AddTagKeys(measurement, &keys);
    for (const std::string& key : keys) {
      (*segment)->AddHasTag(measurement, key, &all);
      const auto cursor = (*segment)->NewCursor(measurement, key);
      while (cursor->Next()) {
        cursor->AddTo(&all);
        (*segment)->AddEqual(measurement, key, cursor->value(), &all);
      }
      (*segment)->AddEqual(measurement, key, "host_7", &all);
    }
    all.Finish().Count();
  }
  (*segment)->Verify().IgnoreError();
  (*segment)->Describe();
}

}  // namespace
}  // namespace varve::index

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  varve::index::ReadAll(input);
  varve::index::ReadAll(varve::index::SectionsOfInput(input, varve::index::kShardSegmentFormat));
  return 0;
}
