// The format, frozen: blocks written by an earlier build decode to the values beside them, and the
// same values still encode to the same bytes. GOLDEN_UPDATE=1 writes the files anew, which is right
// only for a codec that no released file holds.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/tsm/codec/coded_column.h"
#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm {
namespace {

const std::string kFolder = VARVE_SOURCE_DIR "/tests/golden/blocks/";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// The codec and the values, one to a line.
template <typename T>
std::string Dump(const std::string& block, const std::vector<T>& values) {
  std::string text =
      "codec " + CodecName(block) + "\ncount " + std::to_string(values.size()) + "\n";
  for (const T& value : values) text += samples::ToText(value) + "\n";
  return text;
}

template <typename T>
void CheckGolden(const std::string& name, const std::vector<T>& values, bool cold) {
  SCOPED_TRACE(name);
  const std::string encoded = samples::Encode(values, {.cold = cold});
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    WriteAll(kFolder + name + ".block", encoded);
    WriteAll(kFolder + name + ".txt", Dump(encoded, values));
    return;
  }
  const std::string block = ReadAll(kFolder + name + ".block");
  std::vector<T> decoded(values.size());
  const absl::Status status = samples::Decode(block, decoded);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Dump(block, decoded), ReadAll(kFolder + name + ".txt"));
  EXPECT_TRUE(samples::SameValues(decoded, values));
  EXPECT_TRUE(encoded == block) << "encodes to other bytes, by " << CodecName(encoded);
}

// Of the samples, those whose names are listed, hot and cold.
template <typename Samples>
void CheckSamples(const std::string& type, const Samples& all, const std::set<std::string>& names,
                  bool cold) {
  size_t checked = 0;
  for (const auto& sample : all) {
    if (!names.contains(sample.name)) continue;
    CheckGolden(type + "_" + sample.name + (cold ? "_cold" : ""), sample.values, cold);
    ++checked;
  }
  EXPECT_EQ(checked, names.size());
}

constexpr size_t kCount = 200;
constexpr uint64_t kSeed = 11;

TEST(GoldenTest, Times) {
  CheckSamples("time", samples::Integers(kCount, kSeed),
               {"clock_10s", "clock_ms_jitter", "clock_with_gaps"}, false);
}

TEST(GoldenTest, Integers) {
  const auto all = samples::Integers(kCount, kSeed);
  CheckSamples("integer", all,
               {"constant", "counter", "counter_with_resets", "accelerating", "memory_pages",
                "spikes", "spikes_both_ways", "http_codes", "held", "extremes", "random_bits"},
               false);
  CheckSamples("integer", samples::Integers(3000, kSeed),
               {"spikes_both_ways", "http_codes", "held", "counter_with_resets", "accelerating"},
               true);
}

TEST(GoldenTest, Floats) {
  CheckSamples("float", samples::Floats(kCount, kSeed),
               {"cpu_walk_0_100", "two_decimals", "battery", "oddities", "decimals_with_oddities",
                "idle_100_minus_cpu", "single_precision_0.1", "full_precision_drift",
                "full_precision_noise", "full_precision_states", "random_bits", "constant"},
               false);
  CheckSamples("float", samples::Floats(3000, kSeed),
               {"cpu_walk_0_100", "two_decimals", "idle_100_minus_cpu", "full_precision_noise"},
               true);
}

TEST(GoldenTest, Unsigneds) {
  std::vector<uint64_t> values;
  for (uint64_t i = 0; i < kCount; ++i) values.push_back((uint64_t{1} << 63) - 5 + i * 7 % 11);
  CheckGolden("unsigned_around_2_63", values, false);
}

TEST(GoldenTest, Booleans) {
  CheckSamples("boolean", samples::Booleans(kCount, kSeed), {"true", "coin", "door"}, false);
}

TEST(GoldenTest, Strings) {
  CheckSamples("string", samples::Texts(kCount, kSeed),
               {"status", "status_held", "constant", "empty", "random_bytes"}, false);
}

// Zstandard does not promise the same bytes from release to release, only that it reads the old.
TEST(GoldenTest, CompressedStringsDecode) {
  const auto all = samples::Texts(kCount, kSeed);
  const auto& values = all[2].values;
  ASSERT_EQ(all[2].name, "log_lines");
  const std::string path = kFolder + "string_log_lines";
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    const std::string block = samples::Encode(values, {});
    WriteAll(path + ".block", block);
    WriteAll(path + ".txt", Dump(block, values));
    return;
  }
  const std::string block = ReadAll(path + ".block");
  std::vector<std::string> decoded(values.size());
  ASSERT_TRUE(samples::Decode(block, decoded).ok());
  EXPECT_EQ(decoded, values);
}

}  // namespace
}  // namespace varve::tsm
