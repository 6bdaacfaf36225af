// Log records of the engine from any bytes: decoding refuses or gives a record that encodes again.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engine/records.h"

using namespace varve::engine;

namespace {

template <typename Record>
void Check(std::string_view bytes) {
  const auto record = Record::Decode(bytes);
  if (!record.ok()) return;
  const std::string again = record->Encode();
  CHECK(Record::Decode(again).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check<DefinitionsRecord>(bytes);
  Check<DeleteRecord>(bytes);
  Check<RemoveSeriesRecord>(bytes);
  Check<SchemaRecord>(bytes);
  return 0;
}
