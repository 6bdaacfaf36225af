#include "tsm/codec/residuals.h"

#include "tsm/codec/scale.h"

namespace varve::tsm::codec {

ResidualForm FormOf(std::span<const uint64_t> words, size_t order, uint64_t scale) {
  ResidualForm form;
  form.order = order;
  form.scale = scale;
  if (order > 0 || scale > 1) form.base = words[0];
  if (order == 2) form.first_delta = ExactDivisor(scale).Divide(words[1] - words[0]);
  return form;
}

void ResidualBuffer::Fill(std::span<const uint64_t> words, const ResidualForm& form) {
  const size_t n = words.size();
  count_ = n - form.order;
  uint64_t* const to = values_.data();
  switch (form.order) {
    case 0:
      for (size_t i = 0; i < n; ++i) to[i] = words[i] - form.base;
      break;
    case 1:
      for (size_t i = 1; i < n; ++i) to[i - 1] = words[i] - words[i - 1];
      break;
    default:
      for (size_t i = 2; i < n; ++i) to[i - 2] = words[i] - 2 * words[i - 1] + words[i - 2];
      break;
  }
  if (form.scale == 1) return;
  const ExactDivisor divisor(form.scale);
  if (form.order < 2) {
    for (size_t i = 0; i < count_; ++i) to[i] = divisor.Divide(to[i]);
    return;
  }
  // A second difference may overflow where the first ones, and their quotients, do not.
  for (size_t i = 2; i < n; ++i) {
    to[i - 2] =
        divisor.Divide(words[i] - words[i - 1]) - divisor.Divide(words[i - 1] - words[i - 2]);
  }
}

void Restore(const ResidualForm& form, std::span<uint64_t> out) {
  const uint64_t scale = form.scale;
  uint64_t word = form.base;
  switch (form.order) {
    case 0:
      if (scale == 1 && word == 0) return;
      for (uint64_t& value : out) value = word + scale * value;
      return;
    case 1:
      out[0] = word;
      if (scale == 1) {
        for (size_t i = 1; i < out.size(); ++i) out[i] = word += out[i];
      } else {
        for (size_t i = 1; i < out.size(); ++i) out[i] = word += scale * out[i];
      }
      return;
    default:
      uint64_t delta = scale * form.first_delta;
      out[0] = word;
      out[1] = word += delta;
      for (size_t i = 2; i < out.size(); ++i) {
        delta += scale * out[i];
        out[i] = word += delta;
      }
  }
}

}  // namespace varve::tsm::codec
