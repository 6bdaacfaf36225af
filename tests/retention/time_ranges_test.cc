// Sets of times against a plain set, and the file that keeps them.
#include "retention/time_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "retention/document.h"
#include "retention/progress.h"

namespace varve::retention {
namespace {

TEST(TimeRangesTest, IsTheUnionOfWhatWasAdded) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    TimeRanges ranges;
    std::set<int64_t> plain;
    for (int i = 0; i < 30; ++i) {
      const int64_t start = static_cast<int64_t>(random() % 200);
      const int64_t end = start + static_cast<int64_t>(random() % 12);
      const int64_t cut = static_cast<int64_t>(random() % 200);
      switch (random() % 8) {
        case 0:
          ranges.CutBefore(cut % 20);
          plain.erase(plain.begin(), plain.lower_bound(cut % 20));
          break;
        case 1:
          ranges.CutFrom(180 + cut % 20);
          plain.erase(plain.lower_bound(180 + cut % 20), plain.end());
          break;
        default:
          ranges.Add({start, end});
          for (int64_t t = start; t < end; ++t) plain.insert(t);
      }
      std::set<int64_t> found;
      int64_t last_end = -1;
      for (const Span& span : ranges.spans()) {
        EXPECT_GT(span.start_ns, last_end);
        last_end = span.end_ns;
        for (int64_t t = span.start_ns; t < span.end_ns; ++t) found.insert(t);
      }
      ASSERT_EQ(found, plain);
    }
  }
}

TEST(TimeRangesTest, IsBounded) {
  TimeRanges ranges;
  for (int64_t i = 0; i < 10'000; ++i) ranges.Add({i * 10, i * 10 + 1});
  EXPECT_EQ(ranges.spans().size(), TimeRanges::kMaxSpans);
  EXPECT_EQ(ranges.spans().front().start_ns, 0);
  EXPECT_EQ(ranges.spans().back().end_ns, 99'991);
}

TEST(ProgressTest, ComesBackAndNothingElseDoes) {
  ProgressMap progress;
  progress[{3, "a"}].text_checksum = 7;
  progress[{3, "a"}].last_run = -5;
  progress[{3, "a"}].pending.Add({10, 20});
  progress[{3, "a"}].pending.Add({30, 35});
  progress[{4, ""}].text_checksum = 9;
  const std::string body = EncodeProgress(progress);
  const auto decoded = DecodeProgress(body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(EncodeProgress(*decoded), body);
  EXPECT_EQ(decoded->at({3, "a"}).last_run, -5);
  EXPECT_FALSE(decoded->at({4, ""}).last_run.has_value());
  for (size_t size = 1; size < body.size(); ++size) {
    EXPECT_FALSE(DecodeProgress(body.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeProgress(body + "x").ok());
}

TEST(DocumentTest, EveryDamageIsFound) {
  const std::string bytes = WrapDocument("VTST", "body");
  ASSERT_TRUE(UnwrapDocument("VTST", bytes).ok());
  EXPECT_EQ(*UnwrapDocument("VTST", bytes), "body");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(UnwrapDocument("VTST", damaged).ok()) << i;
  }
  EXPECT_FALSE(UnwrapDocument("VTST", bytes.substr(0, 15)).ok());
}

}  // namespace
}  // namespace varve::retention
