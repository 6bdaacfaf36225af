// Rows put in order by a number, as distances of their times are.
#pragma once

#include <cstdint>
#include <vector>

#include "base/huge_pages.h"

namespace varve::query {

struct KeyedRow {
  uint64_t key;
  uint32_t row;
  uint32_t input;  // the series it is of
};
using KeyedRows = std::vector<KeyedRow, base::HugePageAllocator<KeyedRow>>;

// Sorts by key; rows of one key stay in order. What divides all keys is taken out of them. `room`
// is scratch, as large as `rows` afterwards.
void SortByKey(KeyedRows& rows, KeyedRows& room);

}  // namespace varve::query
