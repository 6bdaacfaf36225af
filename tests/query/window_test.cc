#include "query/window.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

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

Windows Months(int64_t months, int64_t origin, int64_t offset_ns, absl::TimeZone zone) {
  Interval interval;
  interval.duration_ns = months * 30 * kDay;
  interval.months = months;
  interval.origin = origin;
  interval.offset_ns = offset_ns;
  return Windows(interval, model::TimeRange{}, true, zone);
}

Windows Weeks(int64_t weeks, int64_t origin, absl::TimeZone zone) {
  Interval interval;
  interval.duration_ns = weeks * 7 * kDay;
  interval.days = weeks * 7;
  interval.origin = origin;
  return Windows(interval, model::TimeRange{}, true, zone);
}

int64_t Utc(int year, int month, int day) {
  return absl::ToUnixNanos(absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone()));
}

TEST(CalendarTest, MonthsAreAsLongAsTheyAre) {
  const Windows months = Months(1, 0, 0, absl::UTCTimeZone());
  EXPECT_EQ(months.At(Utc(2024, 2, 29)).start_ns, Utc(2024, 2, 1));
  EXPECT_EQ(months.At(Utc(2024, 2, 29)).end_ns, Utc(2024, 3, 1));
  EXPECT_EQ(months.At(Utc(1900, 2, 28)).end_ns, Utc(1900, 3, 1));
  EXPECT_EQ(months.At(-1).start_ns, Utc(1969, 12, 1));
  EXPECT_EQ(months.At(-1).end_ns, 0);
  EXPECT_EQ(months.Next(Utc(2023, 12, 1), true), Utc(2024, 1, 1));
  EXPECT_EQ(months.Next(Utc(2024, 1, 1), false), Utc(2023, 12, 1));
}

TEST(CalendarTest, SeveralMonthsAreCountedFromJanuary1970) {
  const Windows quarters = Months(3, 0, 0, absl::UTCTimeZone());
  EXPECT_EQ(quarters.At(Utc(1969, 12, 31)).start_ns, Utc(1969, 10, 1));
  EXPECT_EQ(quarters.At(Utc(2026, 11, 20)).start_ns, Utc(2026, 10, 1));
  const Windows fiscal = Months(12, 3, 0, absl::UTCTimeZone());
  EXPECT_EQ(fiscal.At(Utc(2026, 3, 31)).start_ns, Utc(2025, 4, 1));
  EXPECT_EQ(fiscal.At(Utc(2026, 4, 1)).start_ns, Utc(2026, 4, 1));
}

TEST(CalendarTest, WindowsMoveAndAreCounted) {
  const Windows months = Months(1, 0, 0, absl::UTCTimeZone());
  EXPECT_EQ(months.Move(Utc(2024, 3, 15), -1), Utc(2024, 2, 1));
  EXPECT_EQ(months.Move(Utc(2024, 1, 15), 1), Utc(2024, 3, 1) - 1);
  EXPECT_EQ(months.CountWithin({Utc(2024, 1, 31), Utc(2024, 3, 1)}), 3u);
  EXPECT_EQ(months.CountWithin({Utc(2024, 1, 1), Utc(2025, 1, 1) - 1}), 12u);
}

TEST(CalendarTest, TheEndsOfTimeDoNotOverflow) {
  for (const Windows& windows :
       {Months(3'500, 0, 0, Berlin()), Months(1, 0, 31 * kDay, Berlin()), Weeks(1, 4, Berlin())}) {
    const Window first = windows.At(model::kMinTimeNs);
    EXPECT_LE(first.start_ns, model::kMinTimeNs);
    EXPECT_GT(first.end_ns, model::kMinTimeNs);
    EXPECT_LE(windows.Next(first.start_ns, false), model::kMinTimeNs);
    const Window last = windows.At(model::kMaxTimeNs);
    EXPECT_LT(last.start_ns, model::kMaxTimeNs);
    EXPECT_GT(last.end_ns, model::kMaxTimeNs);
    EXPECT_GT(windows.Next(last.start_ns, true), model::kMaxTimeNs);
  }
}

// The first instant of every day between two in a zone, found by walking the clock.
std::vector<std::pair<absl::CivilDay, int64_t>> DayStarts(absl::TimeZone zone, int64_t from,
                                                          int64_t to) {
  std::vector<std::pair<absl::CivilDay, int64_t>> starts;
  const int64_t step = 15 * 60 * kSecond;  // no zone's clock changes out of step with it since 1980
  absl::CivilDay latest = absl::CivilDay(zone.At(absl::FromUnixNanos(from)).cs);
  for (int64_t t = from; t < to; t += step) {
    const absl::CivilDay day(zone.At(absl::FromUnixNanos(t)).cs);
    if (day <= latest) continue;  // clocks set back show a day again: it has begun before
    for (++latest; latest <= day; ++latest) starts.emplace_back(latest, t);
    latest = day;
  }
  return starts;
}

// Windows of the calendar against that walk: where a month, or a week's day, begins.
TEST(CalendarTest, BeginsWhereTheClockDoesInEveryZone) {
  const char* kZones[] = {"UTC",
                          "Europe/Berlin",
                          "America/New_York",
                          "America/Sao_Paulo",    // skipped midnights until 2018
                          "America/Havana",       // midnights that came twice
                          "Asia/Beirut",          // skipped midnights
                          "Asia/Kolkata",         // half an hour
                          "Asia/Kathmandu",       // three quarters
                          "Australia/Lord_Howe",  // sets its clocks by half an hour
                          "Pacific/Apia",         // left out 2011-12-30
                          "Pacific/Kiritimati",   // left out 1994-12-31
                          "Africa/Casablanca"};
  constexpr uint32_t kSeed = 20240331;
  std::mt19937_64 random(kSeed);
  for (const char* name : kZones) {
    absl::TimeZone zone;
    ASSERT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
    const int64_t from = Utc(1985 + static_cast<int>(random() % 30), 6, 15);
    const int64_t to = from + 3 * 365 * kDay;
    const auto days = DayStarts(zone, from, to);
    const int64_t months = 1 + static_cast<int64_t>(random() % 4);
    const int64_t origin = static_cast<int64_t>(random() % 7);
    const int64_t offset = static_cast<int64_t>(random() % 48) * kHour - kDay;
    const Windows by_month = Months(months, 0, offset, zone);
    const Windows by_week = Weeks(2, origin, zone);

    std::vector<int64_t> month_starts;
    std::vector<int64_t> week_starts;
    for (const auto& [day, start] : days) {
      const int64_t month = absl::CivilMonth(day) - absl::CivilMonth(1970, 1);
      if (day.day() == 1 && month % months == 0) month_starts.push_back(start + offset);
      const int64_t number = day - absl::CivilDay(1970, 1, 1);
      if ((number - origin) % 14 == 0) week_starts.push_back(start);
    }
    const auto check = [&](const Windows& windows, const std::vector<int64_t>& starts) {
      for (size_t i = 0; i + 1 < starts.size(); ++i) {
        const int64_t length = starts[i + 1] - starts[i];
        for (int n = 0; n < 20; ++n) {
          const int64_t at = n == 0 ? 0
                             : n == 1
                                 ? length - 1
                                 : static_cast<int64_t>(random() % static_cast<uint64_t>(length));
          const Window window = windows.At(starts[i] + at);
          ASSERT_EQ(window.start_ns, starts[i]) << name << " seed " << kSeed << " + " << at;
          ASSERT_EQ(window.end_ns, starts[i + 1]) << name << " seed " << kSeed << " + " << at;
        }
        ASSERT_EQ(windows.Next(starts[i], true), starts[i + 1]) << name;
        ASSERT_EQ(windows.Next(starts[i + 1], false), starts[i]) << name;
      }
    };
    ASSERT_GT(month_starts.size(), 8u);
    check(by_month, month_starts);
    check(by_week, week_starts);
  }
}

}  // namespace
}  // namespace varve::query
