#include "base/coding.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "base/status.h"
#include "base/strings.h"

namespace varve::base {
namespace {

TEST(CodingTest, RoundTrips) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t word = random() >> (random() % 64);
    const auto number = static_cast<int64_t>(random() % 2 == 0 ? word : ~word);
    std::string bytes;
    PutVarint(bytes, word);
    PutSignedVarint(bytes, number);
    PutFixed<uint32_t>(bytes, static_cast<uint32_t>(word));
    PutString(bytes, "text");
    ByteReader reader(bytes);
    uint64_t word_back;
    int64_t number_back;
    uint32_t fixed;
    std::string_view text;
    ASSERT_TRUE(reader.GetVarint(&word_back) && reader.GetSignedVarint(&number_back) &&
                reader.GetFixed(&fixed) && reader.GetString(&text));
    EXPECT_EQ(word_back, word);
    EXPECT_EQ(number_back, number);
    EXPECT_EQ(fixed, static_cast<uint32_t>(word));
    EXPECT_EQ(text, "text");
    EXPECT_EQ(reader.remaining(), 0);
  }
}

TEST(CodingTest, FailedReadersStayFailed) {
  std::string_view bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02tail", 14);
  ByteReader reader(bytes);
  uint64_t value;
  EXPECT_FALSE(reader.GetVarint(&value));
  uint8_t byte;
  EXPECT_FALSE(reader.GetFixed(&byte));
  EXPECT_TRUE(reader.failed());
  std::string longer;
  PutVarint(longer, std::numeric_limits<uint64_t>::max());
  std::string_view text;
  EXPECT_FALSE(ByteReader(longer).GetString(&text));
  uint16_t narrow;
  EXPECT_FALSE(ByteReader(longer).GetVarintAs(&narrow));
}

TEST(StatusTest, AnnotatesAndPassesOn) {
  const auto inner = []() -> absl::Status { return NotFound("no ", 5); };
  const auto middle = [&]() -> absl::StatusOr<int> {
    RETURN_IF_ERROR(inner(), "file=", "x");
    return 1;
  };
  const auto outer = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const int value, middle());
    return Internal(value);
  };
  EXPECT_EQ(outer(), absl::NotFoundError("no 5 [file=x]"));
}

}  // namespace
}  // namespace varve::base
