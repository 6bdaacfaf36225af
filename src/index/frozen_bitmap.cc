#include "index/frozen_bitmap.h"

#include <bit>

#include "base/coding.h"

namespace varve::index {
namespace {

constexpr uint32_t kCookie = 13766;
constexpr size_t kBitsetBytes = 8192;
enum Type : uint8_t { kBitset = 1, kArray = 2, kRun = 3 };

uint16_t LoadU16(const char* at) { return base::LoadFixed<uint16_t>(at); }

bool CheckBitset(const char* at, uint32_t count) {
  uint32_t ones = 0;
  for (size_t i = 0; i < kBitsetBytes; i += 8) {
    ones += static_cast<uint32_t>(std::popcount(base::LoadFixed<uint64_t>(at + i)));
  }
  return ones == count;
}

bool CheckArray(const char* at, uint32_t count) {
  for (uint32_t i = 1; i < count; ++i) {
    if (LoadU16(at + size_t{i} * 2 - 2) >= LoadU16(at + size_t{i} * 2)) return false;
  }
  return true;
}

bool CheckRuns(const char* at, uint32_t count, uint64_t* cardinality) {
  int64_t end = -2;  // the last value of the run before; runs do not touch
  for (uint32_t i = 0; i < count; ++i) {
    const int64_t first = LoadU16(at + size_t{i} * 4);
    const int64_t more = LoadU16(at + size_t{i} * 4 + 2);
    if (first <= end + 1 || first + more > 0xffff) return false;
    end = first + more;
    *cardinality += static_cast<uint64_t>(more) + 1;
  }
  return count > 0;
}

}  // namespace

bool CheckFrozenBitmap(std::string_view bytes, uint64_t* cardinality) {
  *cardinality = 0;
  if (bytes.size() < 4) return false;
  const auto header = base::LoadFixed<uint32_t>(bytes.data() + bytes.size() - 4);
  const size_t containers = header >> 15;
  if ((header & 0x7fff) != kCookie || containers > 0x10000 || bytes.size() < 4 + containers * 5) {
    return false;
  }
  const char* types = bytes.data() + bytes.size() - 4 - containers;
  const char* counts = types - containers * 2;
  const char* keys = counts - containers * 2;
  uint64_t zones[4] = {0, 0, 0, 0};  // bytes, by type
  for (size_t i = 0; i < containers; ++i) {
    const uint32_t count = LoadU16(counts + i * 2);
    const auto type = static_cast<uint8_t>(types[i]);
    if (i > 0 && LoadU16(keys + i * 2 - 2) >= LoadU16(keys + i * 2)) return false;
    if (type == kBitset) {
      zones[kBitset] += kBitsetBytes;
    } else if (type == kArray) {
      zones[kArray] += (count + 1) * 2;
    } else if (type == kRun) {
      zones[kRun] += count * 4;
    } else {
      return false;
    }
  }
  if (zones[kBitset] + zones[kRun] + zones[kArray] + 4 + containers * 5 != bytes.size()) {
    return false;
  }
  const char* bitset = bytes.data();
  const char* run = bitset + zones[kBitset];
  const char* array = run + zones[kRun];
  for (size_t i = 0; i < containers; ++i) {
    const uint32_t count = LoadU16(counts + i * 2);
    bool good;
    if (types[i] == kBitset) {
      good = CheckBitset(bitset, count + 1);
      bitset += kBitsetBytes;
      *cardinality += count + 1;
    } else if (types[i] == kArray) {
      good = CheckArray(array, count + 1);
      array += (count + 1) * 2;
      *cardinality += count + 1;
    } else {
      good = CheckRuns(run, count, cardinality);
      run += count * 4;
    }
    if (!good) return false;
  }
  return true;
}

}  // namespace varve::index
