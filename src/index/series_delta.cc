#include "index/series_delta.h"

#include <utility>

namespace varve::index {

void SeriesSpellings::Add(std::string_view spelling, uint64_t hash, SeriesRef ref) {
  SeriesRef known;
  if (young_->Find(spelling, hash, &known)) return;
  if (young_->memory_bytes() + spelling.size() > bytes_max_ / 2) {
    old_ = std::exchange(young_, std::make_unique<Generation>());
  }
  young_->spellings.Add(spelling, hash);
  young_->refs.push_back(ref);
}

}  // namespace varve::index
