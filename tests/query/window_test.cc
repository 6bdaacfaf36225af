#include "query/window.h"

#include <gtest/gtest.h>

#include <random>

namespace varve::query {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

Windows Plain(int64_t length, int64_t offset = 0) {
  return Windows({length, offset}, model::TimeRange{}, false, absl::UTCTimeZone());
}

absl::TimeZone Berlin() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &zone));
  return zone;
}

TEST(WindowTest, WindowsBeginAtMultiplesOfTheInterval) {
  const Window window = Plain(10 * kSecond).At(25 * kSecond);
  EXPECT_EQ(window.start_ns, 20 * kSecond);
  EXPECT_EQ(window.end_ns, 30 * kSecond);
}

TEST(WindowTest, TimesBefore1970RoundDown) {
  const Window window = Plain(10 * kSecond).At(-1);
  EXPECT_EQ(window.start_ns, -10 * kSecond);
  EXPECT_EQ(window.end_ns, 0);
}

TEST(WindowTest, AnOffsetMovesEveryWindow) {
  const Window window = Plain(10 * kSecond, 3 * kSecond).At(12 * kSecond);
  EXPECT_EQ(window.start_ns, 3 * kSecond);
  EXPECT_EQ(window.end_ns, 13 * kSecond);
}

TEST(WindowTest, WithoutAnIntervalTheRangeIsTheWindow) {
  const Windows windows({}, {5, 9}, false, absl::UTCTimeZone());
  EXPECT_EQ(windows.At(7).start_ns, 5);
  EXPECT_EQ(windows.At(7).end_ns, 10);
}

TEST(WindowTest, TheEndsOfTimeDoNotOverflow) {
  const Windows windows = Plain(kDay);
  EXPECT_EQ(windows.At(model::kMinTimeNs).start_ns, model::kMinTimeNs);
  EXPECT_GT(windows.At(model::kMaxTimeNs).end_ns, model::kMaxTimeNs);
}

TEST(WindowTest, ADayInAZoneHasAsManyHoursAsItHas) {
  const Windows windows({kDay, 0}, model::TimeRange{}, true, Berlin());
  const int64_t noon = 1616932800 * kSecond;  // 2021-03-28T12:00:00Z, the day the clocks went ahead
  const Window window = windows.At(noon);
  EXPECT_EQ(window.start_ns, 1616886000 * kSecond);  // 2021-03-27T23:00:00Z
  EXPECT_EQ(window.end_ns - window.start_ns, 23 * kHour);
}

TEST(WindowTest, PropertyWindowsContainTheirTimeAndTouch) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const int64_t length = 1 + static_cast<int64_t>(random() % (3 * kDay));
    const int64_t offset = static_cast<int64_t>(random() % static_cast<uint64_t>(length));
    const auto t = static_cast<int64_t>(random() % (1ULL << 61)) - (1LL << 60);
    const Windows windows = Plain(length, offset);
    const Window window = windows.At(t);
    ASSERT_LE(window.start_ns, t) << "length " << length << " offset " << offset << " t " << t;
    ASSERT_GT(window.end_ns, t) << "length " << length << " offset " << offset << " t " << t;
    ASSERT_EQ(window.end_ns - window.start_ns, length);
    ASSERT_EQ(windows.At(window.end_ns).start_ns, window.end_ns);
    ASSERT_EQ(windows.Next(window.start_ns, true), window.end_ns);
  }
}

}  // namespace
}  // namespace varve::query
