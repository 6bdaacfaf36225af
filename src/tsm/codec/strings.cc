#include "base/strings.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/status.h"
#include "tsm/codec/block.h"
#include "tsm/codec/codec_id.h"
#include "tsm/codec/text.h"
#include "tsm/codec/words.h"

namespace varve::tsm::codec {
namespace {

// What is this small is taken without a look at the alternative.
constexpr size_t kSmallDictionary = 32;

struct TextDictionary {
  std::vector<std::string_view> entries;  // in order of their first use
  std::vector<uint64_t> indexes;
};

// nullopt when texts are hardly ever repeated.
std::optional<TextDictionary> BuildDictionary(std::span<const std::string_view> values) {
  const size_t entries_max = values.size() / 2;
  absl::flat_hash_map<absl::string_view, uint64_t> places;
  TextDictionary dictionary;
  dictionary.indexes.reserve(values.size());
  for (const std::string_view value : values) {
    const auto [place, is_new] = places.try_emplace(base::ToAbsl(value), dictionary.entries.size());
    if (is_new) {
      if (dictionary.entries.size() == entries_max) return std::nullopt;
      dictionary.entries.push_back(value);
    }
    dictionary.indexes.push_back(place->second);
  }
  return dictionary;
}

void WriteDictionary(const TextDictionary& dictionary, const EncodeOptions& options,
                     std::string& out) {
  out.push_back(static_cast<char>(CodecId::kTextDictionary));
  base::PutVarint(out, dictionary.entries.size());
  WriteTexts(dictionary.entries, options, out);
  EncodeWords(dictionary.indexes, options, out);
}

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed string block: offset=", in.offset());
}

absl::Status DecodeDictionary(base::ByteReader& in, std::span<std::string_view> out,
                              std::string& text) {
  uint64_t count;
  if (!in.GetVarint(&count) || count == 0 || count > out.size()) return Malformed(in);
  std::vector<std::string_view> entries(count);
  RETURN_IF_ERROR(ReadTexts(in, entries, text));
  std::vector<uint64_t> indexes(out.size());
  RETURN_IF_ERROR(DecodeWords(in, indexes));
  if (*std::max_element(indexes.begin(), indexes.end()) >= count) return Malformed(in);
  for (size_t i = 0; i < out.size(); ++i) out[i] = entries[indexes[i]];
  return absl::OkStatus();
}

absl::Status DecodeConstant(base::ByteReader& in, std::span<std::string_view> out) {
  std::string_view value;
  if (!in.GetString(&value)) return Malformed(in);
  std::fill(out.begin(), out.end(), value);
  return absl::OkStatus();
}

}  // namespace

void EncodeStringBlock(std::span<const std::string_view> values, const EncodeOptions& options,
                       std::string& out) {
  if (std::all_of(values.begin(), values.end(), [&](auto v) { return v == values[0]; })) {
    out.push_back(static_cast<char>(CodecId::kTextConstant));
    base::PutString(out, values[0]);
    return;
  }
  std::string coded;
  const auto dictionary = BuildDictionary(values);
  if (dictionary) WriteDictionary(*dictionary, options, coded);
  // A large dictionary may take more than the texts compressed together.
  if (!dictionary || dictionary->entries.size() > kSmallDictionary) {
    std::string text(1, static_cast<char>(CodecId::kText));
    WriteTexts(values, options, text);
    if (!dictionary || text.size() < coded.size()) coded = std::move(text);
  }
  out += coded;
}

absl::Status DecodeStringBlock(base::ByteReader& in, std::span<std::string_view> out,
                               std::string& text) {
  CodecId codec;
  if (!in.GetFixed(&codec)) return Malformed(in);
  switch (codec) {
    case CodecId::kTextConstant:
      return DecodeConstant(in, out);
    case CodecId::kTextDictionary:
      return DecodeDictionary(in, out, text);
    case CodecId::kText:
      return ReadTexts(in, out, text);
    default:
      return Malformed(in);
  }
}

}  // namespace varve::tsm::codec
