#include <algorithm>
#include <bit>

#include "base/check.h"
#include "tsm/codec/entropy_group.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace varve::tsm::codec {

#if defined(__x86_64__)
#define VARVE_AVX2 __attribute__((target("avx2")))

namespace {

using namespace entropy;

// Two blocks, one in each half.
struct Pair {
  __m256i states;
  // By token, in bytes: low and high halves.
  __m256i shares_low, shares_high;
  __m256i starts_low, starts_high;
};
VARVE_AVX2 inline __m256i Halves(const void* low, const void* high) {
  return _mm256_set_m128i(_mm_loadu_si128(static_cast<const __m128i*>(high)),
                          _mm_loadu_si128(static_cast<const __m128i*>(low)));
}

// Of each lane's token, which is in its low half, a number of two bytes.
VARVE_AVX2 inline __m256i LookUp(__m256i low_bytes, __m256i high_bytes, __m256i tokens) {
  // A set high bit makes a zero.
  const __m256i to_low = _mm256_or_si256(tokens, _mm256_set1_epi32(static_cast<int>(0x80808000)));
  const __m256i to_high = _mm256_or_si256(_mm256_slli_epi32(tokens, 8),
                                          _mm256_set1_epi32(static_cast<int>(0x80800080)));
  return _mm256_or_si256(_mm256_shuffle_epi8(low_bytes, to_low),
                         _mm256_shuffle_epi8(high_bytes, to_high));
}

// Takes a step of eight states, whose slots and tokens are known.
VARVE_AVX2 inline void Step(Pair& pair, __m256i slots, __m256i tokens, __m128i table_bits,
                            const char*& low_at, const char*& high_at) {
  const __m256i shares = LookUp(pair.shares_low, pair.shares_high, tokens);
  const __m256i starts = LookUp(pair.starts_low, pair.starts_high, tokens);
  const __m256i quotients = _mm256_srl_epi32(pair.states, table_bits);
  const __m256i stepped =
      _mm256_add_epi32(_mm256_mullo_epi32(shares, quotients), _mm256_sub_epi32(slots, starts));
  const __m256i low = _mm256_cmpeq_epi32(_mm256_srli_epi32(stepped, 16), _mm256_setzero_si256());
  const auto mask = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(low)));
  // Low states take a block's next words in turn: a lane the one whose number is that of low lanes
  // before it. Twice that number, in both bytes, added to the bytes 0 and 1, chooses it.
  const __m256i two = _mm256_and_si256(low, _mm256_set1_epi32(0x0202));
  const __m256i choice = _mm256_add_epi32(
      _mm256_add_epi32(_mm256_slli_si256(two, 4), _mm256_set1_epi32(static_cast<int>(0x80800100))),
      _mm256_add_epi32(_mm256_slli_si256(two, 8), _mm256_slli_si256(two, 12)));
  const __m256i words = _mm256_set_m128i(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(high_at)),
                                         _mm_loadl_epi64(reinterpret_cast<const __m128i*>(low_at)));
  const __m256i taken =
      _mm256_or_si256(_mm256_slli_epi32(stepped, 16), _mm256_shuffle_epi8(words, choice));
  pair.states = _mm256_blendv_epi8(stepped, taken, low);
  low_at += 2 * std::popcount(mask & 0xf);
  high_at += 2 * std::popcount(mask >> 4);
}

}  // namespace

struct EntropyGroup::Vectors {
  // Decodes kQuads times four blocks.
  template <size_t kQuads>
  VARVE_AVX2 static void Decode(EntropyGroup& group);
};

template <size_t kQuads>
VARVE_AVX2 void EntropyGroup::Vectors::Decode(EntropyGroup& group) {
  constexpr size_t kBlocks = 4 * kQuads;
  auto& blocks = group.blocks_;
  // Blocks 0 and 2 of a quad are one pair, 1 and 3 the other: packed together they are in order.
  Pair pairs[2 * kQuads];
  __m256i thresholds[kQuads][kDirectTokens - 1];  // a token's start less one, of sixteen states
  for (size_t q = 0; q < kQuads; ++q) {
    for (size_t p = 0; p < 2; ++p) {
      Pair& pair = pairs[2 * q + p];
      const Block& low = blocks[4 * q + p];
      const Block& high = blocks[4 * q + p + 2];
      pair.states = Halves(low.states.data(), high.states.data());
      alignas(32) uint8_t bytes[4][2][kDirectTokens];
      for (size_t token = 0; token < kDirectTokens; ++token) {
        for (size_t half = 0; half < 2; ++half) {
          const auto& starts = half == 0 ? low.starts : high.starts;
          const auto share = static_cast<uint16_t>(starts[token + 1] - starts[token]);
          bytes[0][half][token] = static_cast<uint8_t>(share);
          bytes[1][half][token] = static_cast<uint8_t>(share >> 8);
          bytes[2][half][token] = static_cast<uint8_t>(starts[token]);
          bytes[3][half][token] = static_cast<uint8_t>(starts[token] >> 8);
        }
      }
      pair.shares_low = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes[0]));
      pair.shares_high = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes[1]));
      pair.starts_low = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes[2]));
      pair.starts_high = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes[3]));
    }
    for (size_t token = 1; token < kDirectTokens; ++token) {
      alignas(32) int16_t lanes[16];
      for (size_t lane = 0; lane < 16; ++lane) {
        lanes[lane] = static_cast<int16_t>(blocks[4 * q + lane / kStates].starts[token] - 1);
      }
      thresholds[q][token - 1] = _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes));
    }
  }
  const __m256i slot_mask = _mm256_set1_epi32((1 << group.table_bits_) - 1);
  const __m128i table_bits = _mm_cvtsi32_si128(static_cast<int>(group.table_bits_));
  uint8_t* to = group.tokens_.get();
  group.stride_ = kBlocks * kStates;
  const char* at[kBlocks];
  for (size_t turn = 0; turn < group.turns_; turn += kTurnsAtOnce) {
    group.PrepareWords();
    const size_t turns = std::min(kTurnsAtOnce, group.turns_ - turn);
    for (size_t b = 0; b < kBlocks; ++b) at[b] = blocks[b].words.at;
    for (size_t i = 0; i < turns; ++i) {
      for (size_t q = 0; q < kQuads; ++q, to += 4 * kStates) {
        Pair* const pair = pairs + 2 * q;
        const __m256i slots0 = _mm256_and_si256(pair[0].states, slot_mask);
        const __m256i slots1 = _mm256_and_si256(pair[1].states, slot_mask);
        const __m256i slots = _mm256_packus_epi32(slots0, slots1);
        __m256i counts[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t token = 1; token < kDirectTokens; ++token) {
          __m256i& count = counts[token % 2];
          count = _mm256_sub_epi16(count, _mm256_cmpgt_epi16(slots, thresholds[q][token - 1]));
        }
        const __m256i tokens = _mm256_add_epi16(counts[0], counts[1]);
        const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(tokens, tokens), 0x08);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
        const char** const words = at + 4 * q;
        Step(pair[0], slots0, _mm256_unpacklo_epi16(tokens, tokens), table_bits, words[0],
             words[2]);
        Step(pair[1], slots1, _mm256_unpackhi_epi16(tokens, tokens), table_bits, words[1],
             words[3]);
      }
    }
    for (size_t b = 0; b < kBlocks; ++b) blocks[b].words.at = at[b];
    group.FindOverruns();
  }
  for (size_t q = 0; q < kQuads; ++q) {
    for (size_t p = 0; p < 2; ++p) {
      alignas(32) uint32_t states[2 * kStates];
      _mm256_store_si256(reinterpret_cast<__m256i*>(states), pairs[2 * q + p].states);
      std::copy_n(states, kStates, blocks[4 * q + p].states.begin());
      std::copy_n(states + kStates, kStates, blocks[4 * q + p + 2].states.begin());
    }
  }
}

bool EntropyGroup::IsSupported() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}

void EntropyGroup::DecodeTurns() {
  if (count_ <= 4) {
    Vectors::Decode<1>(*this);
  } else {
    Vectors::Decode<2>(*this);
  }
}

#else

bool EntropyGroup::IsSupported() { return false; }
void EntropyGroup::DecodeTurns() { CHECK(false) << "a group without vectors"; }

#endif

}  // namespace varve::tsm::codec
