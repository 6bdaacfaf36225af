// Compresses 64-bit words that follow each other: the integer core that every type builds on.
//
// A word stream is one byte, its CodecId, and that codec's bytes. Words are integers modulo 2^64,
// so signed and unsigned values, and bit patterns, are all exact; what is small is judged as a
// signed number. Candidates: constant; constant step; frames (frames.h) of the values, of their
// differences or of the differences of those, a common factor taken out first; runs; a dictionary;
// for cold data an entropy coding of the same residuals (entropy.h). The choice is by the exact
// size of each. Bytes: docs/format.md, "Word streams".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec.h"

namespace varve::tsm::codec {

// Appends the stream of 1 to kMaxBlockValues words.
void EncodeWords(std::span<const uint64_t> words, const EncodeOptions& options, std::string& out);

// Reads one stream of out.size() (1 to kMaxBlockValues) words from `in`, which may go on behind it.
// DATA_LOSS if it is short or malformed. Only the first `wanted` words are needed: what the others
// then are is unspecified, and whether they are malformed may go unseen.
//   grouped  where AddWords() put the same bytes with the same count and `wanted`, if it did
absl::Status DecodeWords(base::ByteReader& in, std::span<uint64_t> out, size_t wanted = SIZE_MAX,
                         GroupPlace grouped = {});

// Adds the stream of `count` words that `in` stands before to `group`, which has room, if it is of
// a kind that can be decoded beside others.
bool AddWords(base::ByteReader in, size_t count, size_t wanted, EntropyGroup& group);

}  // namespace varve::tsm::codec
