#include "query/limited_windows.h"

#include <algorithm>

#include "query/fill.h"

namespace varve::query {
namespace {

// So many points are found window by window.
constexpr size_t kPointsMax = 4096;
// Each stretch is so many times as long as the one before: where rows are few, a handful of steps
// reads all of them.
constexpr uint64_t kGrowth = 4;

bool IsOfItsWindowOnly(const CallPlan& call) {
  const LeafPlan& leaf = call.leaf;
  return leaf.function != nullptr && leaf.function->fixed_size && leaf.InAnyOrder() &&
         leaf.options.aux_width == 0 && call.transformations.empty();
}

// In either direction; times at the very ends must not overflow.
uint64_t Distance(int64_t a, int64_t b) {
  return a < b ? static_cast<uint64_t>(b) - static_cast<uint64_t>(a)
               : static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}
// What follows saturates.
uint64_t Times(uint64_t length, uint64_t factor) {
  return length > UINT64_MAX / factor ? UINT64_MAX : length * factor;
}
int64_t Later(int64_t t, uint64_t length) {
  const uint64_t room = static_cast<uint64_t>(model::kMaxTimeNs) - static_cast<uint64_t>(t);
  return length >= room ? model::kMaxTimeNs
                        : static_cast<int64_t>(static_cast<uint64_t>(t) + length);
}
int64_t Earlier(int64_t t, uint64_t length) {
  const uint64_t room = static_cast<uint64_t>(t) - static_cast<uint64_t>(model::kMinTimeNs);
  return length >= room ? model::kMinTimeNs
                        : static_cast<int64_t>(static_cast<uint64_t>(t) - length);
}

}  // namespace

std::optional<LimitedWindows> LimitedWindows::Make(const PreparedSelect& select,
                                                   const GroupedSources& grouped,
                                                   const SelectPlan& plan,
                                                   const model::TimeRange& held) {
  const SelectStatement& statement = select.statement;
  const CompiledSelect& compiled = *select.compiled;
  if (statement.limit <= 0 || compiled.interval.zero() || compiled.lookback_ns > 0 ||
      !select.ranges.empty() || select.shape != nullptr || !grouped.streams.empty()) {
    return std::nullopt;
  }
  constexpr auto kMax = static_cast<int64_t>(kPointsMax);
  if (statement.limit > kMax || statement.offset > kMax - statement.limit) return std::nullopt;
  std::optional<model::TimeRange> range;
  for (const CallPlan& call : plan.calls) {
    if (call.leaf.type == model::FieldType::kNone) continue;
    if (!IsOfItsWindowOnly(call) || (range && *range != call.leaf.range)) return std::nullopt;
    range = call.leaf.range;
  }
  if (!range) return std::nullopt;
  const auto wanted = static_cast<size_t>(statement.limit + statement.offset);
  return LimitedWindows(select, *range, wanted, held);
}

LimitedWindows::LimitedWindows(const PreparedSelect& select, const model::TimeRange& range,
                               size_t wanted, const model::TimeRange& held)
    : ascending_(select.compiled->ascending),
      windows_(select.WindowsOver(range)),
      wanted_(wanted),
      rest_{std::max(range.min_ns, held.min_ns), std::min(range.max_ns, held.max_ns)} {
  // An open start begins with the first point, wherever that is; and where clocks change, fill()
  // may step over a window or into one twice.
  const bool opens = ascending_ && range.min_ns <= model::kMinTimeNs;
  if (FillOptionOf(select) != FillOption::kNone && !opens && !select.compiled->has_zone) {
    last_wanted_ = LastWanted(ascending_ ? range.min_ns : range.max_ns);
  }
  if (rest_.empty()) return;
  const int64_t border = ascending_ ? rest_.min_ns : rest_.max_ns;
  const std::optional<int64_t> last = LastWanted(border);
  first_length_ = last ? Distance(border, *last) : UINT64_MAX;
}

std::optional<int64_t> LimitedWindows::LastWanted(int64_t border) const {
  int64_t start = windows_.At(border).start_ns;
  for (size_t i = 1; i < wanted_; ++i) {
    const int64_t next = windows_.Next(start, ascending_);
    if (!Before(start, next) || next < model::kMinTimeNs) return std::nullopt;
    start = next;
  }
  return start;
}

model::TimeRange LimitedWindows::Next() {
  model::TimeRange next = rest_;
  if (rest_.empty()) return next;
  const uint64_t length = first_length_ ? *first_length_ : Times(last_length_, kGrowth);
  first_length_.reset();
  if (ascending_) {
    next.max_ns = std::min(rest_.max_ns, windows_.At(Later(rest_.min_ns, length)).end_ns - 1);
    rest_.min_ns = next.max_ns + 1;
  } else {
    next.min_ns = std::max(rest_.min_ns, windows_.At(Earlier(rest_.max_ns, length)).start_ns);
    rest_.max_ns = next.min_ns - 1;
  }
  last_length_ = Distance(next.min_ns, next.max_ns) + 1;
  return next;
}

bool LimitedWindows::IsSettled(const Points& points) const {
  if (points.size() >= wanted_) return true;
  return last_wanted_ && points.size() > 0 && !Before(points.times.back(), *last_wanted_);
}

}  // namespace varve::query
