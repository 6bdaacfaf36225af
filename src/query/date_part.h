// Parts of a time: its hour, its day of the week, ...
//
// Source of the names and values: date_part() of InfluxDB's 1.x branch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace varve::query {

enum class DatePart : uint8_t {
  kYear,
  kQuarter,  // 1 to 4
  kMonth,    // 1 to 12
  kWeek,     // of the ISO year, 1 to 53
  kDay,      // of the month
  kHour,
  kMinute,
  kSecond,
  kMillisecond,  // of the minute, as are the next two: 45.123 s are 45123
  kMicrosecond,
  kNanosecond,
  kDow,     // day of the week, 0 is Sunday
  kDoy,     // day of the year, from 1 on
  kEpoch,   // whole seconds since 1970 UTC, rounded down
  kIsodow,  // day of the week, Monday is 1, Sunday 7
};

// "dow", in any case of its letters; nullopt for another word.
std::optional<DatePart> ParseDatePart(std::string_view word);
// The part that a function of its own gives: hour(time), weekday(time), ...; nullopt for another
// name. `name` in lower case.
std::optional<DatePart> PartOfFunction(std::string_view name);
// "year, quarter, month, ...": all of them, for a message.
std::string DatePartNames();

// The part of one time in a zone.
int64_t PartOf(DatePart part, int64_t time_ns, absl::TimeZone zone);

// Takes parts out of times in one zone. Times that follow each other in order cost no search for
// the zone's offset. One thread at a time.
class PartReader {
 public:
  PartReader(DatePart part, absl::TimeZone zone) : part_(part), zone_(zone) {}
  int64_t At(int64_t time_ns);

 private:
  void FindOffset(int64_t second);

  DatePart part_;
  absl::TimeZone zone_;
  // The offset holds in [from_, to_), seconds since 1970.
  int64_t offset_ = 0;
  int64_t from_ = 1;
  int64_t to_ = 0;
};

}  // namespace varve::query
