// Dates and zones of condition.h, read as Go's time package reads them.
#include "query/time_text.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "query/condition.h"

namespace varve::query {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes pieces of a date from the front of a text.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }
  bool Skip(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // One space or more.
  bool SkipSpaces() {
    if (!Skip(' ')) return false;
    while (Skip(' ')) {
    }
    return true;
  }
  // A number of `min` to `max` digits.
  bool Number(size_t min, size_t max, int* out) {
    size_t n = 0;
    *out = 0;
    while (n < max && n < text_.size() && IsDigit(text_[n])) *out = *out * 10 + (text_[n++] - '0');
    text_.remove_prefix(n);
    return n >= min;
  }
  // ".5": up to nine digits; nothing is no fraction.
  int64_t FractionNs() {
    if (text_.size() < 2 || text_[0] != '.' || !IsDigit(text_[1])) return 0;
    int64_t ns = 0;
    int64_t scale = 100'000'000;
    size_t n = 1;
    for (; n < text_.size() && n <= 9 && IsDigit(text_[n]); ++n) {
      ns += (text_[n] - '0') * scale;
      scale /= 10;
    }
    text_.remove_prefix(n);
    return ns;
  }

 private:
  std::string_view text_;
};

struct ClockTime {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t ns = 0;

  bool Read(DateReader* in) {
    if (!in->Number(1, 2, &hour) || !in->Skip(':') || !in->Number(2, 2, &minute) ||
        !in->Skip(':') || !in->Number(2, 2, &second)) {
      return false;
    }
    ns = in->FractionNs();
    return hour < 24 && minute < 60 && second < 60;
  }
};

// Where a clock change makes a time doubtful the choice is Go's: the offset in force when the clock
// reading is taken for UTC, corrected once.
absl::Time InZone(absl::CivilSecond civil, absl::TimeZone zone) {
  const absl::Time as_utc = absl::FromCivil(civil, absl::UTCTimeZone());
  const auto offset = [&](absl::Time t) { return absl::Seconds(zone.At(t).offset); };
  return as_utc - offset(as_utc - offset(as_utc));
}

bool ReadOffset(DateReader* in, absl::Duration* offset) {
  if (in->Skip('Z')) return in->AtEnd();
  const bool west = in->Skip('-');
  int hours = 0;
  int minutes = 0;
  if (!west && !in->Skip('+')) return false;
  if (!in->Number(2, 2, &hours) || !in->Skip(':') || !in->Number(2, 2, &minutes)) return false;
  *offset = absl::Hours(hours) + absl::Minutes(minutes);
  if (west) *offset = -*offset;
  return in->AtEnd();
}

}  // namespace

absl::StatusOr<absl::TimeZone> LoadTimeZone(std::string_view name) {
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  if (name == "Local") return absl::LocalTimeZone();
  // Names that abseil takes and a zone database does not have.
  const bool foreign = name[0] == '/' || name[0] == '\\' || name.find("..") != name.npos ||
                       name.substr(0, 6) == "Fixed/" || name.substr(0, 5) == "libc:" ||
                       name == "localtime";
  absl::TimeZone zone;
  if (foreign || !absl::LoadTimeZone(base::ToAbsl(name), &zone)) {
    return base::InvalidArgument("unable to find time zone ", name);
  }
  return zone;
}

bool LooksLikeTime(std::string_view text) {
  DateReader in(text.substr(0, std::min<size_t>(text.size(), 10)));
  int ignored = 0;
  return in.Number(4, 4, &ignored) && in.Skip('-') && in.Number(2, 2, &ignored) && in.Skip('-') &&
         in.Number(2, 2, &ignored) && (text.size() == 10 || text[10] != '\n');
}

std::optional<absl::Time> ParseAnyTime(std::string_view text, absl::TimeZone zone) {
  if (!LooksLikeTime(text)) return std::nullopt;
  DateReader in(text);
  int year = 0;
  int month = 0;
  int day = 0;
  in.Number(4, 4, &year);
  in.Skip('-');
  in.Number(2, 2, &month);
  in.Skip('-');
  in.Number(2, 2, &day);
  const absl::CivilDay date(year, month, day);
  if (date.month() != month || date.day() != day) return std::nullopt;
  if (in.AtEnd()) return InZone(absl::CivilSecond(date), zone);

  ClockTime clock;
  const bool rfc3339 = in.Skip('T');
  if (!rfc3339 && !in.SkipSpaces()) return std::nullopt;
  if (!clock.Read(&in)) return std::nullopt;
  const absl::CivilSecond civil(year, month, day, clock.hour, clock.minute, clock.second);
  const absl::Duration fraction = absl::Nanoseconds(clock.ns);
  if (!rfc3339) {
    if (!in.AtEnd()) return std::nullopt;
    return InZone(civil, zone) + fraction;
  }
  absl::Duration offset;
  if (!ReadOffset(&in, &offset)) return std::nullopt;
  return absl::FromCivil(civil, absl::UTCTimeZone()) + fraction - offset;
}

int64_t ToNsSaturated(absl::Time time) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (time < absl::FromUnixNanos(kMin)) return kMin;
  if (time > absl::FromUnixNanos(kMax)) return kMax;
  return absl::ToUnixNanos(time);
}

std::optional<int64_t> ParseTimeString(std::string_view text, absl::TimeZone zone) {
  const std::optional<absl::Time> time = ParseAnyTime(text, zone);
  if (!time.has_value()) return std::nullopt;
  return ToNsSaturated(*time);
}

}  // namespace varve::query
