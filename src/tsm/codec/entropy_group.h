// Entropy coded residuals of several blocks, decoded side by side in vectors.
//
// A rANS state waits for itself at every step, and a block has four of them: by itself it leaves
// most of a core idle. Here the four states of a block are neighbouring lanes, eight blocks take
// turns, and no table is spread: a lane's token is the number of tokens that begin at or before its
// slot, found by comparing with the start of each. (Giesen, "Interleaved entropy coders", 2014, has
// the idea of states as lanes.) That is for blocks whose tokens are all direct, as those of small
// steps are.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec/entropy_format.h"
#include "tsm/codec/residuals.h"

namespace varve::tsm::codec {

// Add blocks, then Decode(), then Take() each. One thread at a time; reusable.
class EntropyGroup {
 public:
  static constexpr size_t kBlocksMax = 8;
  // Fewer are as fast one after the other.
  static constexpr size_t kBlocksMin = 3;

  // Whether this machine has the instructions; else a group must not be used.
  static bool IsSupported();

  void Clear() { count_ = 0; }
  size_t size() const { return count_; }
  // Adds a block of `count` residuals of which the first `wanted` are needed. `in` stands where
  // DecodeEntropy() would begin; its bytes are borrowed until Clear(). False, and nothing is added:
  // the block is malformed or unlike those added before. Not when size() is kBlocksMax.
  bool Add(base::ByteReader in, size_t count, size_t wanted);
  // Decodes what all blocks have in common.
  void Decode();
  // The words whose residuals are those of the i-th block added, from 0, of which the first
  // `wanted` are needed; `in` is what Add() was given, and ends up behind the block. DATA_LOSS as
  // DecodeEntropy().
  absl::Status Take(size_t i, base::ByteReader& in, const ResidualForm& form, size_t wanted,
                    std::span<uint64_t> out) const;

 private:
  // Vectors take this many turns, of one step for each state, between looking at where the words
  // end.
  static constexpr size_t kTurnsAtOnce = 16;
  static constexpr size_t kBytesAtOnce = kTurnsAtOnce * entropy::kStates * 2;

  // The words of a block on their way. The last ones move to a room of their own with zeros behind
  // them, so that vectors may load beyond.
  struct Words {
    const char* at;
    const char* end;
    bool in_tail;
    std::array<char, 2 * kBytesAtOnce> tail;
  };
  struct Block {
    uint64_t centre;
    size_t bytes;  // all up to the end of the words
    size_t wanted;
    std::array<uint16_t, entropy::kDirectTokens + 1> starts;  // of each token, and of none
    std::array<uint32_t, entropy::kStates> states;
    Words words;
    bool malformed;
  };

  struct Vectors;

  // Calls put(n, token) for each residual that is needed; false where DecodeEntropy() would fail.
  template <typename Put>
  bool ForEachToken(size_t i, size_t count, size_t wanted, const Put& put) const;
  void PrepareWords();
  void FindOverruns();
  void DecodeTurns();

  unsigned table_bits_ = 0;
  size_t count_ = 0;
  size_t turns_ = 0;   // decoded
  size_t stride_ = 0;  // bytes of tokens from one turn to the next
  std::array<Block, kBlocksMax> blocks_;
  std::unique_ptr<uint8_t[]> tokens_;  // turn by turn four of each block
};

}  // namespace varve::tsm::codec
