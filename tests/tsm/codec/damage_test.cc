// Damaged blocks: a decoder says DATA_LOSS or returns wrong values, and never reads outside the
// block (which the sanitizers check) or fails in another way.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/tsm/codec/coded_column.h"
#include "tests/tsm/codec/samples.h"
#include "tsm/codec.h"

namespace varve::tsm {
namespace {

template <typename T>
absl::Status TryDecode(std::string_view block, size_t count) {
  std::vector<T> decoded(count);
  return samples::Decode(samples::ExactBytes(block).view(), decoded);
}

template <typename T>
void ExpectTruncationsAreFound(const std::string& block, size_t count) {
  // Every prefix of a short block; of a long one its first and last bytes and some between.
  const size_t stride = 1 + block.size() / 100;
  for (size_t n = 0; n < block.size();
       n += n < 40 || n + 40 > block.size() ? 1 : std::min(stride, block.size() - 40 - n + 1)) {
    const absl::Status status = TryDecode<T>(block.substr(0, n), count);
    ASSERT_TRUE(absl::IsDataLoss(status))
        << "first " << n << " of " << block.size() << ": " << status;
  }
  EXPECT_TRUE(absl::IsDataLoss(TryDecode<T>(block + "x", count)));
}

template <typename T>
void ExpectFlipsAreHarmless(std::string block, size_t count) {
  const size_t stride = 1 + block.size() / 80;
  for (size_t at = 0; at < block.size(); at += at < 40 ? 1 : stride) {
    for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      const char old = block[at];
      block[at] = static_cast<char>(old ^ flip);
      const absl::Status status = TryDecode<T>(block, count);
      EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
      block[at] = old;
    }
  }
}

template <typename T, typename Samples>
void ExpectDamageIsContained(Samples make) {
  for (const size_t n : {1, 2, 5, 70, 1100}) {
    for (const auto& sample : make(n, 7)) {
      for (const bool cold : {false, true}) {
        const std::string block = samples::Encode(sample.values, {.cold = cold});
        SCOPED_TRACE("sample=" + sample.name + " count=" + std::to_string(n) +
                     (cold ? " cold" : " hot") + " codec=" + CodecName(block));
        ExpectTruncationsAreFound<T>(block, n);
        ExpectFlipsAreHarmless<T>(block, n);
        // A count other than that encoded.
        for (const size_t other : {size_t{1}, n + 1, 2 * n, kMaxBlockValues}) {
          const absl::Status status = TryDecode<T>(block, other);
          EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
        }
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(DamageTest, Floats) { ExpectDamageIsContained<double>(samples::Floats); }
TEST(DamageTest, IntegersAndTimes) { ExpectDamageIsContained<int64_t>(samples::Integers); }
TEST(DamageTest, Booleans) { ExpectDamageIsContained<uint8_t>(samples::Booleans); }
TEST(DamageTest, Strings) { ExpectDamageIsContained<std::string>(samples::Texts); }

TEST(DamageTest, CountsThatNoBlockHas) {
  const std::string block = samples::Encode(std::vector<int64_t>{7}, {});
  EXPECT_TRUE(absl::IsDataLoss(TryDecode<int64_t>(block, 0)));
  EXPECT_TRUE(absl::IsDataLoss(TryDecode<int64_t>(block, kMaxBlockValues + 1)));
}

TEST(DamageTest, RandomBytesBehindEveryCodecNumber) {
  std::mt19937_64 random(3);
  for (int codec = 0; codec < 256; ++codec) {
    for (int round = 0; round < 20; ++round) {
      std::string block(1, static_cast<char>(codec));
      const size_t n = random() % 60;
      for (size_t i = 0; i < n; ++i)
        block.push_back(static_cast<char>(random() >> (random() % 60)));
      const size_t count = 1 + random() % 100;
      for (const absl::Status& status :
           {TryDecode<double>(block, count), TryDecode<int64_t>(block, count),
            TryDecode<uint8_t>(block, count), TryDecode<std::string>(block, count)}) {
        EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
      }
    }
  }
}

}  // namespace
}  // namespace varve::tsm
