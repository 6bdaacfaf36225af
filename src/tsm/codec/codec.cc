#include "tsm/codec.h"

#include "base/check.h"
#include "base/status.h"
#include "tsm/codec/block.h"
#include "tsm/codec/names.h"
#include "tsm/codec/words.h"

namespace varve::tsm {
namespace {

template <typename T>
std::span<const uint64_t> AsWords(std::span<const T> values) {
  static_assert(sizeof(T) == 8);
  return {reinterpret_cast<const uint64_t*>(values.data()), values.size()};
}
std::span<uint64_t> AsWords(std::span<int64_t> values) {
  return {reinterpret_cast<uint64_t*>(values.data()), values.size()};
}

void CheckCount(size_t count) { CHECK(count >= 1 && count <= kMaxBlockValues) << count; }

// Runs a decoder over the whole of `block`.
template <typename Decoder>
absl::Status DecodeWhole(std::string_view block, size_t count, Decoder decoder) {
  if (count < 1 || count > kMaxBlockValues) {
    return base::DataLoss("no block has so many values: count=", count);
  }
  base::ByteReader in(block);
  RETURN_IF_ERROR(decoder(in));
  if (in.remaining() > 0) {
    return base::DataLoss("bytes behind the end of a block: offset=", in.offset());
  }
  return absl::OkStatus();
}

}  // namespace

void EncodeTimes(std::span<const int64_t> times, const EncodeOptions& options, std::string& out) {
  EncodeIntegers(times, options, out);
}
absl::Status DecodeTimes(std::string_view block, std::span<int64_t> out) {
  return DecodeIntegers(block, out);
}

void EncodeFloats(std::span<const double> values, const EncodeOptions& options, std::string& out) {
  CheckCount(values.size());
  codec::EncodeFloatBlock(values, options, out);
}
absl::Status DecodeFloats(std::string_view block, std::span<double> out, size_t wanted,
                          GroupPlace grouped) {
  return DecodeWhole(block, out.size(), [&](base::ByteReader& in) {
    return codec::DecodeFloatBlock(in, out, wanted, grouped);
  });
}

void EncodeIntegers(std::span<const int64_t> values, const EncodeOptions& options,
                    std::string& out) {
  CheckCount(values.size());
  codec::EncodeWords(AsWords(values), options, out);
}
absl::Status DecodeIntegers(std::string_view block, std::span<int64_t> out, size_t wanted,
                            GroupPlace grouped) {
  return DecodeUnsigneds(block, AsWords(out), wanted, grouped);
}

void EncodeUnsigneds(std::span<const uint64_t> values, const EncodeOptions& options,
                     std::string& out) {
  CheckCount(values.size());
  codec::EncodeWords(values, options, out);
}
absl::Status DecodeUnsigneds(std::string_view block, std::span<uint64_t> out, size_t wanted,
                             GroupPlace grouped) {
  return DecodeWhole(block, out.size(), [&](base::ByteReader& in) {
    return codec::DecodeWords(in, out, wanted, grouped);
  });
}

bool AddFloats(std::string_view block, size_t count, size_t wanted, codec::EntropyGroup& group) {
  return count >= 1 && count <= kMaxBlockValues &&
         codec::AddFloatBlock(base::ByteReader(block), count, wanted, group);
}
bool AddIntegers(std::string_view block, size_t count, size_t wanted, codec::EntropyGroup& group) {
  return count >= 1 && count <= kMaxBlockValues &&
         codec::AddWords(base::ByteReader(block), count, wanted, group);
}

void EncodeBooleans(std::span<const uint8_t> values, const EncodeOptions& options,
                    std::string& out) {
  CheckCount(values.size());
  codec::EncodeBooleanBlock(values, options, out);
}
absl::Status DecodeBooleans(std::string_view block, std::span<uint8_t> out) {
  return DecodeWhole(block, out.size(),
                     [&](base::ByteReader& in) { return codec::DecodeBooleanBlock(in, out); });
}

void EncodeStrings(std::span<const std::string_view> values, const EncodeOptions& options,
                   std::string& out) {
  CheckCount(values.size());
  codec::EncodeStringBlock(values, options, out);
}
absl::Status DecodeStrings(std::string_view block, std::span<std::string_view> out,
                           std::string& text) {
  return DecodeWhole(block, out.size(),
                     [&](base::ByteReader& in) { return codec::DecodeStringBlock(in, out, text); });
}

std::string CodecName(std::string_view block) { return codec::NameOf(block); }

}  // namespace varve::tsm
