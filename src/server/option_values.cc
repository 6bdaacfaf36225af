#include <charconv>
#include <limits>

#include "base/status.h"
#include "server/options.h"

namespace varve::server {
namespace {

struct Unit {
  std::string_view name;
  int64_t size;
};
// Longer names first where one begins another.
constexpr Unit kDurationUnits[] = {
    {"ns", 1},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"u", 1'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3600'000'000'000},
    {"d", 86'400'000'000'000},
    {"w", 604'800'000'000'000},
};

// The bounds of a range such as "0 to 64; 0: one", "1s or more", "0: no limit".
void ParseRange(const OptionSpec& spec, int64_t* least, int64_t* greatest) {
  *least = 0;
  *greatest = std::numeric_limits<int64_t>::max();
  const std::string_view range = spec.range.substr(0, spec.range.find(';'));
  const auto number = [&](std::string_view text) -> int64_t {
    if (spec.kind == OptionKind::kDuration) return ParseDuration(text).value_or(0);
    return static_cast<int64_t>(ParseBytes(text).value_or(0));
  };
  if (const size_t to = range.find(" to "); to != std::string_view::npos) {
    *least = number(range.substr(0, to));
    *greatest = number(range.substr(to + 4));
  } else if (const size_t more = range.find(" or more"); more != std::string_view::npos) {
    *least = number(range.substr(0, more));
  }
}

bool IsChoice(std::string_view choices, std::string_view word) {
  while (true) {
    const size_t bar = choices.find('|');
    if (choices.substr(0, bar) == word) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  const absl::Status bad = base::InvalidArgument(
      "\"", text, "\" is no duration: expected a number and a unit, as in 10s, 5m, 1h30m, 500ms");
  if (text == "0") return 0;
  if (text.empty()) return bad;
  int64_t total = 0;
  while (!text.empty()) {
    int64_t count = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), count);
    if (result.ec != std::errc() || count < 0) return bad;
    text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kDurationUnits) {
      if (unit == nullptr && text.substr(0, candidate.name.size()) == candidate.name) {
        unit = &candidate;
      }
    }
    if (unit == nullptr) return bad;
    text.remove_prefix(unit->name.size());
    if (count > (std::numeric_limits<int64_t>::max() - total) / unit->size) return bad;
    total += count * unit->size;
  }
  return total;
}

std::string DurationText(int64_t ns) {
  if (ns == 0) return "0s";
  std::string text;
  for (const Unit& unit :
       {Unit{"h", 3600'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"s", 1'000'000'000},
        Unit{"ms", 1'000'000}, Unit{"us", 1'000}, Unit{"ns", 1}}) {
    if (ns < unit.size) continue;
    base::StrAppend(text, ns / unit.size, unit.name);
    ns %= unit.size;
  }
  return text;
}

absl::StatusOr<uint64_t> ParseBytes(std::string_view text) {
  const absl::Status bad = base::InvalidArgument(
      "\"", text, "\" is no size: expected a number of bytes, or one with k, m or g, as in 25m");
  uint64_t count = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), count);
  if (result.ec != std::errc()) return bad;
  const std::string_view unit = text.substr(static_cast<size_t>(result.ptr - text.data()));
  unsigned shift = 0;
  if (unit == "k" || unit == "K") {
    shift = 10;
  } else if (unit == "m" || unit == "M") {
    shift = 20;
  } else if (unit == "g" || unit == "G") {
    shift = 30;
  } else if (!unit.empty()) {
    return bad;
  }
  if (count > (static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) >> shift)) return bad;
  return count << shift;
}

std::string BytesText(uint64_t bytes) {
  if (bytes == 0) return "0";
  if (bytes % (uint64_t{1} << 30) == 0) return base::StrCat(bytes >> 30, "g");
  if (bytes % (uint64_t{1} << 20) == 0) return base::StrCat(bytes >> 20, "m");
  if (bytes % (uint64_t{1} << 10) == 0) return base::StrCat(bytes >> 10, "k");
  return base::StrCat(bytes);
}

absl::Status SetOption(const OptionSpec& spec, std::string_view text, Options* options) {
  int64_t least = 0;
  int64_t greatest = 0;
  int64_t value = 0;
  switch (spec.kind) {
    case OptionKind::kText:
    case OptionKind::kList:
      options->*std::get<std::string Options::*>(spec.target) = text;
      return absl::OkStatus();
    case OptionKind::kChoice:
      if (!IsChoice(spec.range, text)) {
        return base::InvalidArgument("\"", text, "\" is none of ", spec.range);
      }
      options->*std::get<std::string Options::*>(spec.target) = text;
      return absl::OkStatus();
    case OptionKind::kBool:
      if (text != "true" && text != "false") {
        return base::InvalidArgument("\"", text, "\" is neither true nor false");
      }
      options->*std::get<bool Options::*>(spec.target) = text == "true";
      return absl::OkStatus();
    case OptionKind::kDuration: {
      ASSIGN_OR_RETURN(value, ParseDuration(text));
      break;
    }
    case OptionKind::kCount: {
      const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
      if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 0) {
        return base::InvalidArgument("\"", text, "\" is no whole number");
      }
      break;
    }
    case OptionKind::kBytes: {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseBytes(text));
      value = static_cast<int64_t>(bytes);
      break;
    }
  }
  ParseRange(spec, &least, &greatest);
  if (value < least || value > greatest) {
    return base::InvalidArgument("\"", text, "\" is out of range: ", spec.range);
  }
  if (spec.kind == OptionKind::kDuration) {
    options->*std::get<int64_t Options::*>(spec.target) = value;
  } else {
    options->*std::get<uint64_t Options::*>(spec.target) = static_cast<uint64_t>(value);
  }
  return absl::OkStatus();
}

std::string OptionText(const OptionSpec& spec, const Options& options) {
  switch (spec.kind) {
    case OptionKind::kText:
    case OptionKind::kList:
    case OptionKind::kChoice:
      return options.*std::get<std::string Options::*>(spec.target);
    case OptionKind::kBool:
      return options.*std::get<bool Options::*>(spec.target) ? "true" : "false";
    case OptionKind::kDuration:
      return DurationText(options.*std::get<int64_t Options::*>(spec.target));
    case OptionKind::kCount:
      return base::StrCat(options.*std::get<uint64_t Options::*>(spec.target));
    case OptionKind::kBytes:
      break;
  }
  return BytesText(options.*std::get<uint64_t Options::*>(spec.target));
}

}  // namespace varve::server
