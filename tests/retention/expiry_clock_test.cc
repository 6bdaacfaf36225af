#include "retention/expiry_clock.h"

#include <gtest/gtest.h>

namespace varve::retention {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNow = 1000 * kDay;

// Two clocks, read once a minute.
struct Clocks {
  ExpiryClock clock;
  int64_t wall = kNow;
  int64_t monotonic = 5 * kHour;

  explicit Clocks(std::optional<int64_t> believed = std::nullopt) : clock(believed) {}
  int64_t Read() { return clock.Observe(wall, monotonic); }
  int64_t Pass(int64_t ns) {
    for (int64_t left = ns; left > 0; left -= kMinute) {
      wall += kMinute;
      monotonic += kMinute;
      Read();
    }
    return Read();
  }
};

TEST(ExpiryClockTest, GoesWithTheWallClockWhileThatIsSteady) {
  Clocks c;
  EXPECT_EQ(c.Read(), kNow);
  EXPECT_EQ(c.Pass(kDay), kNow + kDay);
  c.wall += 20 * kSecond;  // corrected by a little
  EXPECT_EQ(c.Read(), kNow + kDay + 20 * kSecond);
  EXPECT_EQ(c.clock.doubt_ns(), 0);
}

TEST(ExpiryClockTest, AJumpForwardThatIsTakenBackNeverHappened) {
  Clocks c;
  c.Read();
  c.wall += 365 * kDay;
  EXPECT_EQ(c.Read(), kNow);
  EXPECT_EQ(c.clock.doubt_ns(), 365 * kDay);
  EXPECT_EQ(c.Pass(23 * kHour), kNow + 23 * kHour);
  c.wall -= 365 * kDay;
  EXPECT_EQ(c.Read(), kNow + 23 * kHour);
  EXPECT_EQ(c.clock.doubt_ns(), 0);
  EXPECT_EQ(c.Pass(10 * kDay), kNow + 10 * kDay + 23 * kHour);
}

TEST(ExpiryClockTest, AJumpForwardIsBelievedWhenItHasLastedItsOwnWidth) {
  Clocks c;
  c.Read();
  c.wall += 2 * kHour;
  EXPECT_EQ(c.Pass(2 * kHour - kMinute), kNow + 2 * kHour - kMinute);
  EXPECT_EQ(c.Pass(2 * kMinute), c.wall);
}

TEST(ExpiryClockTest, AndAWideOneAfterADay) {
  Clocks c;
  c.Read();
  c.wall += 300 * kDay;
  EXPECT_LT(c.Pass(kDay - kMinute), kNow + kDay);
  EXPECT_EQ(c.Pass(2 * kMinute), c.wall);
}

TEST(ExpiryClockTest, AnotherJumpIsDoubtedFromItsOwnStart) {
  Clocks c;
  c.Read();
  c.wall += 10 * kDay;
  c.Pass(20 * kHour);
  c.wall += 10 * kDay;
  EXPECT_EQ(c.Pass(20 * kHour), kNow + 40 * kHour);
  EXPECT_EQ(c.Pass(5 * kHour), c.wall);
}

TEST(ExpiryClockTest, AJumpBackCountsAtOnceAndTheWayForthIsNoJump) {
  Clocks c;
  c.Read();
  c.wall -= 30 * kDay;
  EXPECT_EQ(c.Read(), kNow - 30 * kDay);
  EXPECT_EQ(c.Pass(kHour), kNow - 30 * kDay + kHour);
  c.wall += 30 * kDay;
  EXPECT_EQ(c.Read(), kNow + kHour);
}

TEST(ExpiryClockTest, TimeBetweenProcessesIsAJump) {
  Clocks c(kNow - 6 * kHour);
  EXPECT_EQ(c.Read(), kNow - 6 * kHour);
  EXPECT_EQ(c.Pass(5 * kHour), kNow - kHour);
  EXPECT_EQ(c.Pass(kHour), c.wall);
}

}  // namespace
}  // namespace varve::retention
