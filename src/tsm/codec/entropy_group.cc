#include "tsm/codec/entropy_group.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/status.h"
#include "tsm/codec.h"
#include "tsm/codec/entropy_head.h"

namespace varve::tsm::codec {
namespace {

using namespace entropy;

absl::Status Malformed(const base::ByteReader& in) {
  return base::DataLoss("malformed entropy coding: offset=", in.offset());
}

// Blocks that differ by more values are not decoded side by side.
constexpr size_t kWantedDifferenceMax = 16;

}  // namespace

bool EntropyGroup::Add(base::ByteReader in, size_t count, size_t wanted) {
  DCHECK_LT(count_, kBlocksMax);
  EntropyHead head;
  const size_t start = in.offset();
  if (!head.Read(in, count) || !head.all_direct()) return false;
  wanted = std::min(wanted, count);
  if (count_ == 0) {
    table_bits_ = head.table_bits;
  } else if (head.table_bits != table_bits_ ||
             std::max(wanted, blocks_[0].wanted) - std::min(wanted, blocks_[0].wanted) >
                 kWantedDifferenceMax) {
    return false;
  }
  Block& block = blocks_[count_++];
  block.centre = head.centre;
  block.bytes = in.offset() - start;
  block.wanted = wanted;
  block.states = head.states;
  block.malformed = false;
  block.words.at = head.words.data();
  block.words.end = block.words.at + head.words.size();
  block.words.in_tail = false;
  uint16_t at = 0;
  size_t next = 0;
  for (size_t token = 0; token < kDirectTokens; ++token) {
    block.starts[token] = at;
    if (next < head.present && head.tokens[next] == token) at += head.shares[next++];
  }
  block.starts[kDirectTokens] = at;
  return true;
}

void EntropyGroup::PrepareWords() {
  for (Block& block : std::span(blocks_)) {
    Words& words = block.words;
    const auto left = static_cast<size_t>(words.end - words.at);
    if (words.in_tail || left >= kBytesAtOnce) continue;
    words.tail.fill(0);
    std::memcpy(words.tail.data(), words.at, left);
    words.at = words.tail.data();
    words.end = words.at + left;
    words.in_tail = true;
  }
}

// A block that took more words than it has goes on with zeros, which no one looks at.
void EntropyGroup::FindOverruns() {
  for (Block& block : std::span(blocks_)) {
    Words& words = block.words;
    if (!words.in_tail || words.at <= words.end) continue;
    block.malformed = true;
    words.at = words.end = words.tail.data();
  }
}

void EntropyGroup::Decode() {
  DCHECK(count_ > 0);
  size_t wanted = SIZE_MAX;
  for (const Block& block : std::span(blocks_).first(count_)) {
    wanted = std::min(wanted, block.wanted);
  }
  turns_ = wanted / kStates;
  if (tokens_ == nullptr) {
    tokens_ = std::make_unique_for_overwrite<uint8_t[]>(kBlocksMax * kMaxBlockValues);
  }
  // What there are too few of stands in for the others.
  for (size_t i = count_; i < kBlocksMax; ++i) blocks_[i] = blocks_[0];
  DecodeTurns();
}

template <typename Put>
bool EntropyGroup::ForEachToken(size_t i, size_t count, size_t wanted, const Put& put) const {
  const Block& block = blocks_[i];
  const uint8_t* tokens = tokens_.get() + i * kStates;
  size_t n = 0;
  for (size_t turn = 0; turn < turns_; ++turn, tokens += stride_) {
    for (size_t s = 0; s < kStates; ++s) put(n++, tokens[s]);
  }
  // The few values behind.
  std::array<uint32_t, kStates> states = block.states;
  const char* at = block.words.at;
  for (; n < wanted; ++n) {
    uint32_t& state = states[n % kStates];
    const uint32_t slot = state & ((1U << table_bits_) - 1);
    size_t token = 0;
    while (block.starts[token + 1] <= slot) ++token;
    const uint32_t start = block.starts[token];
    const uint32_t share = block.starts[token + 1] - start;
    state = share * (state >> table_bits_) + slot - start;
    put(n, token);
    if (state >= kStateLow) continue;
    if (at == block.words.end) return false;
    state = state << 16 | base::LoadFixed<uint16_t>(at);
    at += sizeof(uint16_t);
  }
  if (wanted < count) return true;
  return at == block.words.end &&
         std::all_of(states.begin(), states.end(), [](uint32_t s) { return s == kStateLow; });
}

absl::Status EntropyGroup::Take(size_t i, base::ByteReader& in, const ResidualForm& form,
                                size_t wanted, std::span<uint64_t> out) const {
  const Block& block = blocks_[i];
  std::string_view passed;
  if (block.malformed || !in.GetBytes(block.bytes, &passed)) return Malformed(in);
  std::array<uint64_t, kDirectTokens> residuals;
  for (size_t token = 0; token < kDirectTokens; ++token) {
    residuals[token] = ResidualOf(token, block.centre);
  }
  const size_t order = form.order;
  const size_t count = out.size() - order;
  wanted = std::clamp(wanted, order, out.size());
  uint64_t* const to = out.data() + order;
  bool whole;
  if (order == 1) {
    for (uint64_t& residual : residuals) residual *= form.scale;
    uint64_t word = out[0] = form.base;
    whole = ForEachToken(i, count, wanted - order,
                         [&](size_t n, size_t token) { to[n] = word += residuals[token]; });
  } else {
    whole = ForEachToken(i, count, wanted - order,
                         [&](size_t n, size_t token) { to[n] = residuals[token]; });
    Restore(form, out.first(wanted));
  }
  return whole ? absl::OkStatus() : Malformed(in);
}

}  // namespace varve::tsm::codec
