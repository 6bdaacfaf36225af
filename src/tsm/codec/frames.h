// Residuals as frames: up to 1,024 values each, packed at a width of their own above a base of
// their own, the few that do not fit patched afterwards.
//
// Sources: frame of reference, Goldstein, Ramakrishnan and Shaft, "Compressing Relations and
// Indexes", ICDE 1998; patches, Zukowski, Heman, Nes and Boncz, "Super-Scalar RAM-CPU Cache
// Compression", ICDE 2006 (here with the high bits of the exceptions packed apart, as in Lemire and
// Boytsov, "Decoding billions of integers per second through vectorization", 2015). Arithmetic is
// modulo 2^64, so every input is exact. Bytes: docs/format.md, "Frames".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "base/coding.h"
#include "tsm/codec.h"

namespace varve::tsm::codec {

inline constexpr size_t kFrameValues = 1024;

// How one frame is coded, and what that costs.
struct FramePlan {
  uint64_t base = 0;
  uint8_t width = 0;
  uint8_t high_width = 0;  // bits of an exception above `width`
  bool zigzag = false;     // values lie on both sides of base, not above it
  uint16_t exceptions = 0;
  size_t bytes = 0;  // exactly what the frame will take
};

// How all frames of a block are coded.
struct FramesPlan {
  std::array<FramePlan, kMaxBlockValues / kFrameValues> frames;
  size_t bytes = 0;  // exactly what EncodeFrames() will append
};

// Picks the cheapest coding of each frame of `values`, which may be empty.
FramesPlan PlanFrames(std::span<const uint64_t> values);
// `plan` is that of the same values.
void EncodeFrames(std::span<const uint64_t> values, const FramesPlan& plan, std::string& out);
// DATA_LOSS if the frames are short or malformed.
absl::Status DecodeFrames(base::ByteReader& in, std::span<uint64_t> out);

}  // namespace varve::tsm::codec
