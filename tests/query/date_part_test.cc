#include "query/date_part.h"

#include <gtest/gtest.h>

#include <random>

#include "model/types.h"

namespace varve::query {
namespace {

constexpr DatePart kAll[] = {DatePart::kYear,        DatePart::kQuarter,    DatePart::kMonth,
                             DatePart::kWeek,        DatePart::kDay,        DatePart::kHour,
                             DatePart::kMinute,      DatePart::kSecond,     DatePart::kMillisecond,
                             DatePart::kMicrosecond, DatePart::kNanosecond, DatePart::kDow,
                             DatePart::kDoy,         DatePart::kEpoch,      DatePart::kIsodow};

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// What the calendar of the library says.
int64_t Expected(DatePart part, int64_t ns, absl::TimeZone zone) {
  const absl::Time time = absl::FromUnixNanos(ns);
  const absl::TimeZone::CivilInfo info = zone.At(time);
  const absl::CivilDay day(info.cs);
  const int64_t fraction = absl::ToInt64Nanoseconds(info.subsecond);
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;  // Monday is 0 there
  switch (part) {
    case DatePart::kYear:
      return info.cs.year();
    case DatePart::kQuarter:
      return (info.cs.month() + 2) / 3;
    case DatePart::kMonth:
      return info.cs.month();
    case DatePart::kWeek: {
      const absl::CivilDay thursday =
          absl::NextWeekday(day - (weekday == 0 ? 7 : weekday), absl::Weekday::thursday);
      return (absl::GetYearDay(thursday) - 1) / 7 + 1;
    }
    case DatePart::kDay:
      return info.cs.day();
    case DatePart::kHour:
      return info.cs.hour();
    case DatePart::kMinute:
      return info.cs.minute();
    case DatePart::kSecond:
      return info.cs.second();
    case DatePart::kMillisecond:
      return info.cs.second() * int64_t{1'000} + fraction / 1'000'000;
    case DatePart::kMicrosecond:
      return info.cs.second() * int64_t{1'000'000} + fraction / 1'000;
    case DatePart::kNanosecond:
      return info.cs.second() * int64_t{1'000'000'000} + fraction;
    case DatePart::kDow:
      return weekday;
    case DatePart::kDoy:
      return absl::GetYearDay(day);
    case DatePart::kEpoch:
      return absl::ToUnixSeconds(time);
    case DatePart::kIsodow:
      return weekday == 0 ? 7 : weekday;
  }
  return -1;
}

TEST(DatePartTest, AgreesWithTheCalendarInEveryZone) {
  constexpr uint32_t kSeed = 1;
  std::mt19937_64 random(kSeed);
  for (const char* name : {"UTC", "Europe/Berlin", "America/Havana", "Asia/Kathmandu",
                           "Australia/Lord_Howe", "Pacific/Apia"}) {
    const absl::TimeZone zone = Zone(name);
    for (const DatePart part : kAll) {
      PartReader reader(part, zone);
      for (int i = 0; i < 2000; ++i) {
        // The ends of time, the seconds around 1970, and runs of neighbours.
        int64_t ns = static_cast<int64_t>(random());
        if (i == 0) ns = model::kMinTimeNs;
        if (i == 1) ns = model::kMaxTimeNs;
        if (i % 4 == 2) ns %= 3'000'000'000;
        for (const int64_t t : {ns, ns / 2 + 1'800'000'000'000}) {
          ASSERT_EQ(reader.At(t), Expected(part, t, zone)) << name << " " << t;
          ASSERT_EQ(PartOf(part, t, zone), Expected(part, t, zone)) << name << " " << t;
        }
      }
    }
  }
}

// A reader keeps the offset it found; it must let go of it at the very second it ends.
TEST(DatePartTest, SeesTheClocksChange) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  constexpr int64_t kAhead = 1'711'846'800;  // 2024-03-31T01:00:00Z, 02:00 becomes 03:00
  PartReader reader(DatePart::kHour, berlin);
  EXPECT_EQ(reader.At((kAhead - 1) * 1'000'000'000), 1);
  EXPECT_EQ(reader.At(kAhead * 1'000'000'000 - 1), 1);
  EXPECT_EQ(reader.At(kAhead * 1'000'000'000), 3);
  EXPECT_EQ(reader.At(kAhead * 1'000'000'000 - 1), 1);
}

TEST(DatePartTest, NamesAreReadInAnyCase) {
  EXPECT_EQ(ParseDatePart("DOW"), DatePart::kDow);
  EXPECT_EQ(ParseDatePart("isodow"), DatePart::kIsodow);
  EXPECT_EQ(ParseDatePart("weekday"), std::nullopt);
  EXPECT_EQ(PartOfFunction("weekday"), DatePart::kDow);
  EXPECT_EQ(PartOfFunction("epoch"), std::nullopt);
}

}  // namespace
}  // namespace varve::query
