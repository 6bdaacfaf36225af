#include "index/series_delta.h"

#include <utility>

namespace varve::index {

void SeriesSpellings::Add(std::string_view spelling, uint64_t hash, SeriesRef ref) {
  if (const uint32_t at = young_->spellings.Find(spelling, hash); at != BytesTable::kNone) {
    young_->refs[at] = ref;
    return;
  }
  if (young_->memory_bytes() + spelling.size() > bytes_max_ / 2) {
    old_ = std::exchange(young_, std::make_unique<Generation>());
  }
  young_->spellings.Add(spelling, hash);
  young_->refs.push_back(ref);
}

}  // namespace varve::index
