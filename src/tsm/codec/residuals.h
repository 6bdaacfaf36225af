// Words turned into residuals and back: scale, and differences of order 0, 1 or 2.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tsm/codec.h"

namespace varve::tsm::codec {

// words[i] == base + scale * k[i]; the residuals are k, its differences, or the differences of
// those, without the `order` numbers that begin them (k[0] is 0 when order > 0).
struct ResidualForm {
  size_t order = 0;
  uint64_t base = 0;
  uint64_t scale = 1;
  uint64_t first_delta = 0;  // k[1] - k[0]; of order 2
};

// words.size() > order. `scale` divides all differences.
ResidualForm FormOf(std::span<const uint64_t> words, size_t order, uint64_t scale);

// Room for the residuals of one block.
class ResidualBuffer {
 public:
  ResidualBuffer() {}  // leaves the room uninitialised
  void Fill(std::span<const uint64_t> words, const ResidualForm& form);
  std::span<const uint64_t> values() const { return {values_.data(), count_}; }

 private:
  std::array<uint64_t, kMaxBlockValues> values_;
  size_t count_ = 0;
};

// Turns residuals, which lie at out[form.order] and behind, into words in place.
// out.size() >= form.order.
void Restore(const ResidualForm& form, std::span<uint64_t> out);

}  // namespace varve::tsm::codec
