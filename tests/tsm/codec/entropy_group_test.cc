// A group decodes exactly what each block decoded by itself holds, and finds the same damage.
#include "tsm/codec/entropy_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tsm/codec.h"
#include "tsm/codec/entropy.h"

namespace varve::tsm::codec {
namespace {

class EntropyGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EntropyGroup::IsSupported()) GTEST_SKIP() << "no vectors on this machine";
  }

  // Steps of deviation `step` around `centre`, none too far for a direct token.
  std::vector<uint64_t> Steps(size_t count, double step, int64_t centre) {
    std::normal_distribution<double> normal(0, step);
    std::vector<uint64_t> residuals;
    for (size_t i = 0; i < count; ++i) {
      const double at = std::clamp(normal(random_), -3.0, 3.0);
      residuals.push_back(static_cast<uint64_t>(std::llround(at) + centre));
    }
    return residuals;
  }
  static std::string Encoded(const std::vector<uint64_t>& residuals) {
    std::string block;
    EntropyModel::Count(residuals)->Encode(residuals, block);
    return block;
  }
  // What decoding a block by itself says; nothing when it is malformed.
  static std::optional<std::vector<uint64_t>> Alone(const std::string& block, size_t count,
                                                    size_t wanted) {
    std::vector<uint64_t> out(count);
    base::ByteReader in(block);
    if (!DecodeEntropy(in, wanted, out).ok()) return std::nullopt;
    out.resize(std::min(wanted, count));
    return out;
  }
  std::optional<std::vector<uint64_t>> Grouped(size_t place, const std::string& block, size_t count,
                                               size_t wanted) {
    std::vector<uint64_t> out(count);
    base::ByteReader in(block);
    if (!group_.Take(place, in, {}, wanted, out).ok()) return std::nullopt;
    EXPECT_TRUE(wanted < count || in.remaining() == 0);
    out.resize(std::min(wanted, count));
    return out;
  }

  std::mt19937_64 random_{20261201};
  EntropyGroup group_;
};

TEST_F(EntropyGroupTest, GivesWhatEachBlockHolds) {
  for (const size_t blocks : {1, 2, 3, 4, 5, 8}) {
    for (const size_t count : {67, 300, 1030, 4319, 8192}) {
      for (const size_t wanted : {SIZE_MAX, count / 2, size_t{3}, size_t{0}}) {
        group_.Clear();
        std::vector<std::vector<uint64_t>> residuals;
        std::vector<std::string> encoded;
        for (size_t i = 0; i < blocks; ++i) {
          // From one token to all, some with hardly any words, lengths that differ by a few.
          constexpr double kSteps[] = {0.7, 0, 0.1, 0.02, 1.5, 3, 0.5, 2};
          residuals.push_back(Steps(count - i % 3, kSteps[i], i % 2 == 0 ? 0 : -1234567));
          encoded.push_back(Encoded(residuals.back()));
        }
        for (size_t i = 0; i < blocks; ++i) {
          ASSERT_TRUE(group_.Add(base::ByteReader(encoded[i]), residuals[i].size(), wanted));
        }
        group_.Decode();
        for (size_t i = 0; i < blocks; ++i) {
          auto expected = residuals[i];
          expected.resize(std::min(wanted, expected.size()));
          EXPECT_EQ(Grouped(i, encoded[i], residuals[i].size(), wanted), expected)
              << "blocks=" << blocks << " count=" << count << " wanted=" << wanted << " i=" << i;
        }
      }
    }
  }
}

TEST_F(EntropyGroupTest, FindsWhatIsDamaged) {
  constexpr size_t kCount = 700;
  const std::string good = Encoded(Steps(kCount, 0.8, 0));
  const std::string hurt = Encoded(Steps(kCount, 0.3, 5));
  const auto expect_same = [&](const std::string& block, const std::string& what) {
    for (const size_t wanted : {SIZE_MAX, kCount / 3}) {
      group_.Clear();
      ASSERT_TRUE(group_.Add(base::ByteReader(good), kCount, wanted));
      const auto alone = Alone(block, kCount, wanted);
      if (!group_.Add(base::ByteReader(block), kCount, wanted)) continue;
      ASSERT_TRUE(group_.Add(base::ByteReader(good), kCount, wanted));
      group_.Decode();
      EXPECT_EQ(Grouped(1, block, kCount, wanted), alone) << what << " wanted=" << wanted;
      for (const size_t place : {0, 2}) {
        EXPECT_EQ(Grouped(place, good, kCount, wanted), Alone(good, kCount, wanted)) << what;
      }
    }
  };
  for (size_t at = 0; at < hurt.size(); ++at) {
    for (const int flip : {1, 16, 128, 255}) {
      std::string block = hurt;
      block[at] = static_cast<char>(block[at] ^ flip);
      expect_same(block, "byte " + std::to_string(at) + " ^ " + std::to_string(flip));
    }
    expect_same(hurt.substr(0, at), "first " + std::to_string(at) + " bytes");
  }
}

TEST_F(EntropyGroupTest, RefusesWhatIsUnlike) {
  const std::string first = Encoded(Steps(2000, 0.8, 0));
  ASSERT_TRUE(group_.Add(base::ByteReader(first), 2000, SIZE_MAX));
  std::vector<uint64_t> far = Steps(2000, 0.8, 0);
  far[7] = 100;  // its token has bits behind it
  EXPECT_FALSE(group_.Add(base::ByteReader(Encoded(far)), 2000, SIZE_MAX));
  // Another size of table, another number of values.
  EXPECT_FALSE(group_.Add(base::ByteReader(Encoded(Steps(600, 0.8, 0))), 600, SIZE_MAX));
  EXPECT_FALSE(group_.Add(base::ByteReader(Encoded(Steps(1900, 0.8, 0))), 1900, SIZE_MAX));
  EXPECT_FALSE(group_.Add(base::ByteReader(""), 2000, SIZE_MAX));
  EXPECT_EQ(group_.size(), 1U);
}

}  // namespace
}  // namespace varve::tsm::codec
