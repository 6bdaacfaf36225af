// The chooser: its cost is the real size, and it picks what each kind of column was made for.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/tsm/codec/coded_column.h"
#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"
#include "tsm/codec/entropy.h"
#include "tsm/codec/float_split.h"
#include "tsm/codec/frames.h"
#include "tsm/codec/scale.h"
#include "tsm/codec/word_plan.h"

namespace varve::tsm {
namespace {

std::vector<uint64_t> Words(const std::vector<int64_t>& values) {
  return {values.begin(), values.end()};
}

TEST(ChoiceTest, CostIsTheRealSize) {
  for (const size_t n : {1, 2, 3, 60, 1024, 1025, 8192}) {
    for (const auto& sample : samples::Integers(n, 5)) {
      SCOPED_TRACE(sample.name + " " + std::to_string(n));
      const std::vector<uint64_t> words = Words(sample.values);
      std::string frames;
      const codec::FramesPlan frames_plan = codec::PlanFrames(words);
      codec::EncodeFrames(words, frames_plan, frames);
      EXPECT_EQ(frames_plan.bytes, frames.size());
      for (const bool cold : {false, true}) {
        const codec::WordPlan plan = codec::PlanWords(words, {.cold = cold});
        std::string out;
        codec::WriteWords(words, plan, out);
        EXPECT_EQ(plan.bytes, out.size());
      }
    }
    for (const auto& sample : samples::Floats(n, 5)) {
      const codec::SplitPlan plan = codec::PlanSplit(sample.values, {});
      std::string out;
      codec::WriteSplit(sample.values, plan, out);
      EXPECT_EQ(plan.bytes, out.size()) << sample.name;
    }
  }
}

template <typename AllSamples>
void ExpectCodecs(const AllSamples& all, bool cold,
                  const std::map<std::string, std::string>& codecs) {
  for (const auto& sample : all) {
    const auto found = codecs.find(sample.name);
    if (found == codecs.end()) continue;
    EXPECT_EQ(CodecName(samples::Encode(sample.values, {.cold = cold})), found->second)
        << sample.name;
  }
}

TEST(ChoiceTest, EachKindOfColumnGetsItsCodec) {
  ExpectCodecs(samples::Integers(1024, 9), false,
               {{"clock_10s", "step"},
                {"clock_ms_jitter", "delta"},
                {"counter", "delta"},
                {"accelerating", "delta2"},
                {"http_codes", "dictionary"},
                {"constant", "constant"},
                {"spikes", "packed"}});
  ExpectCodecs(samples::Integers(8192, 9), true,
               {{"held", "runs"}, {"http_codes", "dictionary"}, {"spikes_both_ways", "entropy"}});
  ExpectCodecs(samples::Floats(1024, 9), false,
               {{"cpu_walk_0_100", "decimal+delta"},
                {"two_decimals", "decimal+delta"},
                {"uniform_2_decimals", "decimal+packed"},
                {"idle_100_minus_cpu", "near decimal+packed"},
                {"single_precision_0.1", "single decimal+delta"},
                {"full_precision_drift", "bits+delta"},
                {"full_precision_noise", "split+packed"},
                {"full_precision_states", "bits+dictionary"},
                {"random_bits", "raw"}});
  ExpectCodecs(
      samples::Floats(8192, 9), true,
      {{"cpu_walk_0_100", "decimal+delta+entropy"}, {"two_decimals", "decimal+delta+entropy"}});
  ExpectCodecs(samples::Booleans(1024, 9), false,
               {{"true", "constant"}, {"coin", "bits"}, {"door", "runs"}});
  ExpectCodecs(samples::Texts(1024, 9), false,
               {{"status", "dictionary"}, {"log_lines", "text"}, {"constant", "constant"}});
}

TEST(ChoiceTest, NameOfAnyBytes) {
  EXPECT_EQ(CodecName(""), "unknown");
  EXPECT_EQ(CodecName(std::string(1, '\0')), "unknown");
  EXPECT_EQ(CodecName("\xff"), "unknown");
  EXPECT_EQ(CodecName("\x10"), "decimal");
  EXPECT_EQ(CodecName("\x10\x02\xff"), "decimal+unknown");
}

double EntropyBytes(const std::vector<uint64_t>& words) {
  std::map<uint64_t, double> counts;
  for (const uint64_t word : words) ++counts[word];
  double bits = 0;
  for (const auto& [word, count] : counts) {
    bits += count * std::log2(static_cast<double>(words.size()) / count);
  }
  return bits / 8;
}

TEST(ChoiceTest, EntropyCodingIsCloseToTheEntropy) {
  const std::vector<double> walk = samples::DecimalWalk(8193, 1, 1, 1, 0, 100);
  std::vector<uint64_t> steps;
  for (size_t i = 1; i < walk.size(); ++i) {
    steps.push_back(static_cast<uint64_t>(static_cast<int64_t>(walk[i] - walk[i - 1])));
  }
  const auto model = codec::EntropyModel::Count(steps);
  ASSERT_TRUE(model.has_value());
  std::string out;
  model->Encode(steps, out);
  const double entropy = EntropyBytes(steps);
  EXPECT_LT(static_cast<double>(out.size()), entropy * 1.02);
  EXPECT_NEAR(static_cast<double>(model->EstimateBytes()), static_cast<double>(out.size()), 16);
}

TEST(ChoiceTest, EntropyModelRefusesWhatSpreadsTooFar) {
  EXPECT_FALSE(codec::EntropyModel::Count(std::vector<uint64_t>{0, 1, uint64_t{1} << 60, 2, 3}));
  EXPECT_TRUE(codec::EntropyModel::Count(std::vector<uint64_t>{0, 1, uint64_t{1} << 50, 2, 3}));
}

TEST(ChoiceTest, CommonFactor) {
  const auto factor = [](const std::vector<uint64_t>& words, uint64_t range) {
    return codec::CommonFactor(words, range);
  };
  EXPECT_EQ(factor({5, 5 + 6000, 5 + 4000}, 6000), 2000U);
  EXPECT_EQ(factor({0, 7, 14, 15}, 15), 1U);
  EXPECT_EQ(factor({100, 0, 300}, 300), 100U);  // differences of both signs
  EXPECT_EQ(factor({0, uint64_t{1} << 63}, uint64_t{1} << 63), 1U);
  for (const uint64_t d : {1ULL, 2ULL, 3ULL, 12ULL, 1000ULL, 4096ULL, 10'000'000'000ULL}) {
    const codec::ExactDivisor divisor(d);
    for (const int64_t k : {0LL, 1LL, -1LL, 77LL, -123456LL, 900'000'000LL}) {
      const auto multiple = static_cast<uint64_t>(k * static_cast<int64_t>(d));
      EXPECT_TRUE(divisor.Divides(multiple));
      EXPECT_EQ(static_cast<int64_t>(divisor.Divide(multiple)), k);
      EXPECT_EQ(divisor.Divides(multiple + 1), d == 1);
    }
  }
}

}  // namespace
}  // namespace varve::tsm
