// Series segments with so many values of one tag that not all are interned.
#include "index/segment_column.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "index/section_file.h"
#include "index/series_segment.h"
#include "index/series_segment_builder.h"

namespace varve::index {
namespace {

constexpr uint32_t kSeries = 150'000;  // more than twice as many as are interned in any case

// Builds a segment of one tag's values, reads every key back, and returns how the tag is coded.
std::string CodingOf(const std::function<std::string(uint32_t)>& value_of) {
  const auto key_of = [&](uint32_t i) { return base::StrCat("m,t=", value_of(i), ",z=", i % 2); };
  SeriesSegmentBuilder builder(0, 0, 0);
  builder.AddMeasurement("m");
  for (uint32_t i = 0; i < kSeries; ++i) builder.AddSeries(i, 0, key_of(i));
  auto file = SectionFile::FromBytes(builder.Finish(), "s", kSeriesSegmentFormats);
  EXPECT_TRUE(file.ok()) << file.status();
  const auto segment = SeriesSegment::Open(*std::move(file));
  EXPECT_TRUE(segment.ok()) << segment.status();
  EXPECT_TRUE((*segment)->Verify().ok());
  std::string key;
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kSeries; ++i) {
    (*segment)->KeyOf(i, &key);
    wrong += key != key_of(i) ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0u);
  const std::string text = (*segment)->Describe();
  const size_t at = text.find(" coding ") + 8;
  return text.substr(at, text.find('\n', at) - at);
}

TEST(SegmentColumnTest, NumbersOfValuesThatAllDiffer) {
  // 150,000 numbers take 18 bits, the two patterns one.
  EXPECT_EQ(CodingOf([](uint32_t i) { return base::StrCat(i % 2 == 0 ? "a" : "b", i); }),
            "2 entries 2 bits 19");
}

TEST(SegmentColumnTest, PatternsAndNumbersThatComeLate) {
  EXPECT_EQ(CodingOf([](uint32_t i) {
              if (i < 100'000) return base::StrCat("m", i);
              return i % 3 == 0 ? base::StrCat("late-", i, "-00", i % 10, "/", 1023 - i % 1024)
                                : base::StrCat("m", 5'000'000'000 + i);
            }),
            // 33 bits of the first number, 4 of the second, 10 of the third, 2 of the pattern. A
            // number of one digit and two zeros before it is written with a width of 3.
            "2 entries 2 bits 48");
}

TEST(SegmentColumnTest, ALateValueWithoutAPattern) {
  EXPECT_EQ(CodingOf([](uint32_t i) {
              return i == 120'000 ? std::string("x\1y") : base::StrCat("m", i);
            }),
            "3 entries 0 bits 0");
}

TEST(SegmentColumnTest, TextIsShorterThanALateNumber) {
  EXPECT_EQ(CodingOf([](uint32_t i) {
              return i < 140'000 ? base::StrCat(i) : base::StrCat(999'999'999'999'000'000 + i);
            }),
            "3 entries 0 bits 0");
}

TEST(SegmentColumnTest, TextsHaveNoNumbersToKeep) {
  const auto letters = [](uint64_t number) {
    std::string text(12, 'a');
    for (size_t i = 0; number > 0; number /= 26) text[i++] = static_cast<char>('a' + number % 26);
    return text;
  };
  // Each twice: 75,000 entries of 17 bits.
  EXPECT_EQ(CodingOf([&](uint32_t i) { return letters(i / 2); }), "1 entries 75000 bits 17");
  // Every one has its own pattern.
  EXPECT_EQ(CodingOf([&](uint32_t i) { return letters(i) + "1"; }), "3 entries 0 bits 0");
}

}  // namespace
}  // namespace varve::index
