#include "query/date_part.h"

#include <array>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "base/strings.h"

namespace varve::query {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, 15> kNames = {
    "year",        "quarter",     "month",      "week", "day", "hour",  "minute", "second",
    "millisecond", "microsecond", "nanosecond", "dow",  "doy", "epoch", "isodow"};

struct Function {
  std::string_view name;
  DatePart part;
};
constexpr std::array<Function, 10> kFunctions = {{{"year", DatePart::kYear},
                                                  {"quarter", DatePart::kQuarter},
                                                  {"month", DatePart::kMonth},
                                                  {"week", DatePart::kWeek},
                                                  {"day", DatePart::kDay},
                                                  {"hour", DatePart::kHour},
                                                  {"minute", DatePart::kMinute},
                                                  {"second", DatePart::kSecond},
                                                  {"weekday", DatePart::kDow},
                                                  {"yearday", DatePart::kDoy}}};

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDaySeconds = 86'400;

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Nanoseconds since the second began.
int64_t FractionOf(int64_t time_ns) {
  const int64_t rest = time_ns % kSecondNs;
  return rest < 0 ? rest + kSecondNs : rest;
}

// Monday is 1, Sunday 7; day 0 is 1970-01-01, a Thursday.
int64_t IsoWeekday(int64_t day) { return (day + 3) - 7 * FloorDivide(day + 3, 7) + 1; }

int64_t DayNumber(absl::CivilDay day) { return day - absl::CivilDay(1970, 1, 1); }

// The week of the ISO year in which the week's Thursday lies.
int64_t IsoWeek(int64_t day) {
  const int64_t thursday = day - IsoWeekday(day) + 4;
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + thursday;
  return (thursday - DayNumber(absl::CivilDay(civil.year(), 1, 1))) / 7 + 1;
}

// `offset`: seconds east of UTC.
int64_t PartAt(DatePart part, int64_t second, int64_t fraction, int64_t offset) {
  const int64_t local = second + offset;
  const int64_t day = FloorDivide(local, kDaySeconds);
  const int64_t in_day = local - day * kDaySeconds;
  switch (part) {
    case DatePart::kHour:
      return in_day / 3600;
    case DatePart::kMinute:
      return in_day / 60 % 60;
    case DatePart::kSecond:
      return in_day % 60;
    case DatePart::kMillisecond:
      return in_day % 60 * 1'000 + fraction / 1'000'000;
    case DatePart::kMicrosecond:
      return in_day % 60 * 1'000'000 + fraction / 1'000;
    case DatePart::kNanosecond:
      return in_day % 60 * kSecondNs + fraction;
    case DatePart::kDow:
      return IsoWeekday(day) % 7;
    case DatePart::kIsodow:
      return IsoWeekday(day);
    case DatePart::kWeek:
      return IsoWeek(day);
    default:
      break;
  }
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + day;
  switch (part) {
    case DatePart::kYear:
      return civil.year();
    case DatePart::kQuarter:
      return (civil.month() - 1) / 3 + 1;
    case DatePart::kMonth:
      return civil.month();
    case DatePart::kDay:
      return civil.day();
    default:  // kDoy
      return day - DayNumber(absl::CivilDay(civil.year(), 1, 1)) + 1;
  }
}

}  // namespace

int64_t PartOf(DatePart part, int64_t time_ns, absl::TimeZone zone) {
  const int64_t second = FloorDivide(time_ns, kSecondNs);
  if (part == DatePart::kEpoch) return second;
  const int64_t offset = zone.At(absl::FromUnixSeconds(second)).offset;
  return PartAt(part, second, FractionOf(time_ns), offset);
}

std::optional<DatePart> ParseDatePart(std::string_view word) {
  const std::string lower = absl::AsciiStrToLower(base::ToAbsl(word));
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == lower) return static_cast<DatePart>(i);
  }
  return std::nullopt;
}

std::optional<DatePart> PartOfFunction(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return function.part;
  }
  return std::nullopt;
}

std::string DatePartNames() {
  std::string names;
  for (const std::string_view name : kNames) {
    base::StrAppend(names, names.empty() ? "" : ", ", name);
  }
  return names;
}

void PartReader::FindOffset(int64_t second) {
  const absl::Time time = absl::FromUnixSeconds(second);
  offset_ = zone_.At(time).offset;
  absl::TimeZone::CivilTransition transition;
  from_ = std::numeric_limits<int64_t>::min();
  to_ = std::numeric_limits<int64_t>::max();
  // A transition at the very time has already happened, so it is looked for one step on.
  if (zone_.PrevTransition(time + absl::Seconds(1), &transition)) {
    from_ = absl::ToUnixSeconds(zone_.At(transition.to).trans);
  }
  if (zone_.NextTransition(time, &transition)) {
    to_ = absl::ToUnixSeconds(zone_.At(transition.to).trans);
  }
  if (second < from_ || second >= to_) {
    from_ = second;
    to_ = second + 1;
  }
}

int64_t PartReader::At(int64_t time_ns) {
  const int64_t second = FloorDivide(time_ns, kSecondNs);
  if (part_ == DatePart::kEpoch) return second;
  if (second < from_ || second >= to_) FindOffset(second);
  return PartAt(part_, second, FractionOf(time_ns), offset_);
}

}  // namespace varve::query
