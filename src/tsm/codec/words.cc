#include "tsm/codec/words.h"

#include <algorithm>
#include <memory>

#include "base/status.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/entropy.h"
#include "tsm/codec/entropy_group.h"
#include "tsm/codec/frames.h"
#include "tsm/codec/residuals.h"
#include "tsm/codec/word_plan.h"

namespace varve::tsm::codec {
namespace {

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed word stream: offset=", in.offset());
}

// What a stream may be: one within another has none within itself.
struct StreamOptions {
  bool may_nest = true;
  size_t wanted = SIZE_MAX;
  GroupPlace grouped = {};
};

absl::Status DecodeStream(base::ByteReader& in, const StreamOptions& options,
                          std::span<uint64_t> out);

absl::Status DecodeConstant(base::ByteReader& in, std::span<uint64_t> out) {
  int64_t value;
  if (!in.GetSignedVarint(&value)) return Malformed(in);
  std::fill(out.begin(), out.end(), static_cast<uint64_t>(value));
  return absl::OkStatus();
}

absl::Status DecodeStep(base::ByteReader& in, std::span<uint64_t> out) {
  int64_t first;
  int64_t step;
  if (!in.GetSignedVarint(&first) || !in.GetSignedVarint(&step)) return Malformed(in);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<uint64_t>(first) + i * static_cast<uint64_t>(step);
  }
  return absl::OkStatus();
}

// Of a stream of `count` words; false if it is malformed.
bool ReadForm(base::ByteReader& in, CodecId codec, size_t count, ResidualForm& form) {
  form.order = DeltaOrder(codec);
  int64_t base;
  int64_t first_delta = 0;
  if (!in.GetSignedVarint(&base) || !in.GetVarint(&form.scale) ||
      (form.order == 2 && !in.GetSignedVarint(&first_delta)) || count < form.order) {
    return false;
  }
  form.base = static_cast<uint64_t>(base);
  form.first_delta = static_cast<uint64_t>(first_delta);
  return true;
}

absl::Status DecodeResiduals(base::ByteReader& in, CodecId codec, const StreamOptions& options,
                             std::span<uint64_t> out) {
  ResidualForm form;
  if (!ReadForm(in, codec, out.size(), form)) return Malformed(in);
  const size_t order = form.order;
  const size_t wanted = std::clamp(options.wanted, order, out.size());
  if (const GroupPlace& grouped = options.grouped; grouped.group != nullptr) {
    return grouped.group->Take(grouped.place, in, form, wanted, out);
  }
  const std::span<uint64_t> residuals = out.subspan(order);
  RETURN_IF_ERROR(IsEntropy(codec) ? DecodeEntropy(in, wanted - order, residuals)
                                   : DecodeFrames(in, residuals));
  Restore(form, out.first(wanted));
  return absl::OkStatus();
}

// Reads the two streams inside a stream: `values`, whose count comes first, and `indexes`.
struct Nested {
  std::unique_ptr<uint64_t[]> room;
  std::span<uint64_t> values;
};
absl::Status DecodeValues(base::ByteReader& in, size_t count_max, Nested& nested) {
  uint64_t count;
  if (!in.GetVarint(&count) || count == 0 || count > count_max) return Malformed(in);
  nested.room.reset(new uint64_t[2 * count]);
  nested.values = {nested.room.get(), count};
  return DecodeStream(in, {.may_nest = false}, nested.values);
}

absl::Status DecodeRuns(base::ByteReader& in, std::span<uint64_t> out) {
  Nested nested;
  RETURN_IF_ERROR(DecodeValues(in, out.size(), nested));
  const size_t runs = nested.values.size();
  const std::span<uint64_t> lengths(nested.room.get() + runs, runs);
  RETURN_IF_ERROR(DecodeStream(in, {.may_nest = false}, lengths));
  size_t at = 0;
  for (size_t run = 0; run < runs; ++run) {
    if (lengths[run] >= out.size() - at) return Malformed(in);
    const size_t length = lengths[run] + 1;
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(at), length, nested.values[run]);
    at += length;
  }
  return at == out.size() ? absl::OkStatus() : Malformed(in);
}

absl::Status DecodeDictionary(base::ByteReader& in, std::span<uint64_t> out) {
  Nested nested;
  RETURN_IF_ERROR(DecodeValues(in, out.size(), nested));
  RETURN_IF_ERROR(DecodeStream(in, {.may_nest = false}, out));
  bool outside = false;
  for (uint64_t& word : out) {
    const bool inside = word < nested.values.size();
    outside |= !inside;
    word = nested.values[inside ? word : 0];
  }
  return outside ? Malformed(in) : absl::OkStatus();
}

absl::Status DecodeStream(base::ByteReader& in, const StreamOptions& options,
                          std::span<uint64_t> out) {
  CodecId codec;
  if (!in.GetFixed(&codec)) return Malformed(in);
  switch (codec) {
    case CodecId::kConstant:
      return DecodeConstant(in, out);
    case CodecId::kStep:
      return DecodeStep(in, out);
    case CodecId::kPacked:
    case CodecId::kDelta:
    case CodecId::kDelta2:
    case CodecId::kEntropy:
    case CodecId::kDeltaEntropy:
    case CodecId::kDelta2Entropy:
      return DecodeResiduals(in, codec, options, out);
    case CodecId::kRuns:
      return options.may_nest ? DecodeRuns(in, out) : Malformed(in);
    case CodecId::kWordDictionary:
      return options.may_nest ? DecodeDictionary(in, out) : Malformed(in);
    default:
      return Malformed(in);
  }
}

}  // namespace

void EncodeWords(std::span<const uint64_t> words, const EncodeOptions& options, std::string& out) {
  WriteWords(words, PlanWords(words, options), out);
}

absl::Status DecodeWords(base::ByteReader& in, std::span<uint64_t> out, size_t wanted,
                         GroupPlace grouped) {
  return DecodeStream(in, {.wanted = wanted, .grouped = grouped}, out);
}

bool AddWords(base::ByteReader in, size_t count, size_t wanted, EntropyGroup& group) {
  CodecId codec;
  ResidualForm form;
  if (!in.GetFixed(&codec) || !IsEntropy(codec) || !ReadForm(in, codec, count, form)) return false;
  return group.Add(in, count - form.order, std::clamp(wanted, form.order, count) - form.order);
}

}  // namespace varve::tsm::codec
