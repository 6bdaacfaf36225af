#include "meta/policy_rules.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status.h"

namespace varve::meta {
namespace {

constexpr int64_t kHourNs = 3600 * int64_t{1'000'000'000};
constexpr int64_t kDayNs = 24 * kHourNs;
constexpr size_t kMaxNameBytes = 255;

absl::Status CheckDuration(const std::optional<int64_t>& duration_ns) {
  if (duration_ns.has_value() && *duration_ns != 0 && *duration_ns < kHourNs) {
    return base::InvalidArgument("retention policy duration must be at least 1h0m0s");
  }
  return absl::OkStatus();
}

absl::Status SetMeasurement(const model::MeasurementDuration& change, RetentionPolicy* policy) {
  if (change.measurement.empty()) return base::InvalidArgument("invalid name");
  RETURN_IF_ERROR(CheckDuration(change.duration_ns));
  if (policy->duration_ns != 0 && change.duration_ns >= policy->duration_ns) {
    return base::InvalidArgument(
        "measurement retention must be shorter than the retention policy's duration");
  }
  auto& list = policy->measurements;
  const auto at = std::lower_bound(
      list.begin(), list.end(), change.measurement,
      [](const auto& item, const std::string& name) { return item.measurement < name; });
  const bool known = at != list.end() && at->measurement == change.measurement;
  if (change.duration_ns == 0) {
    if (known) list.erase(at);
  } else if (known) {
    at->duration_ns = change.duration_ns;
  } else {
    list.insert(at, change);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(std::string_view name) {
  const bool has_bad_byte = std::any_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (name.empty() || name == "." || name == ".." || has_bad_byte) {
    return base::InvalidArgument("invalid name");
  }
  if (name.size() > kMaxNameBytes) return base::InvalidArgument("name too long");
  return absl::OkStatus();
}

int64_t ShardGroupDuration(int64_t given_ns, int64_t policy_duration_ns) {
  if (given_ns > 0) return std::max(given_ns, kHourNs);
  if (policy_duration_ns == 0 || policy_duration_ns >= 180 * kDayNs) return 7 * kDayNs;
  return policy_duration_ns >= 2 * kDayNs ? kDayNs : kHourNs;
}

absl::StatusOr<RetentionPolicy> MakePolicy(const PolicySpec& spec) {
  RETURN_IF_ERROR(CheckName(spec.name));
  RETURN_IF_ERROR(CheckDuration(spec.duration_ns));
  RetentionPolicy policy;
  policy.name = spec.name;
  policy.duration_ns = spec.duration_ns.value_or(0);
  policy.replication = spec.replication.value_or(1);
  policy.future_write_limit_ns = spec.future_write_limit_ns;
  policy.past_write_limit_ns = spec.past_write_limit_ns;
  if (policy.replication < 1) {
    return base::InvalidArgument("replication factor must be greater than 0");
  }
  policy.shard_group_duration_ns =
      ShardGroupDuration(spec.shard_group_duration_ns.value_or(0), policy.duration_ns);
  if (policy.duration_ns != 0 && policy.duration_ns < policy.shard_group_duration_ns) {
    return base::InvalidArgument(
        "retention policy duration must be greater than the shard duration");
  }
  for (const auto& change : spec.measurements) RETURN_IF_ERROR(SetMeasurement(change, &policy));
  return policy;
}

bool Matches(const PolicySpec& spec, const RetentionPolicy& policy) {
  return spec.duration_ns.value_or(policy.duration_ns) == policy.duration_ns &&
         spec.replication.value_or(policy.replication) == policy.replication &&
         ShardGroupDuration(spec.shard_group_duration_ns.value_or(0), policy.duration_ns) ==
             policy.shard_group_duration_ns;
}

absl::Status AlterPolicy(const PolicySpec& change, RetentionPolicy* target) {
  RetentionPolicy changed = *target;
  RetentionPolicy* const policy = &changed;
  RETURN_IF_ERROR(CheckDuration(change.duration_ns));
  const int64_t duration = change.duration_ns.value_or(policy->duration_ns);
  const int64_t shard_duration =
      change.shard_group_duration_ns.value_or(policy->shard_group_duration_ns);
  const bool either_changes =
      change.duration_ns.has_value() || change.shard_group_duration_ns.has_value();
  if (either_changes && duration > 0 && duration < shard_duration) {
    return base::InvalidArgument(
        "retention policy duration must be greater than the shard duration");
  }
  policy->duration_ns = duration;
  policy->replication = change.replication.value_or(policy->replication);
  if (change.shard_group_duration_ns.has_value()) {
    policy->shard_group_duration_ns = ShardGroupDuration(shard_duration, duration);
  }
  if (change.future_write_limit_ns.has_value()) {
    policy->future_write_limit_ns = change.future_write_limit_ns;
  }
  if (change.past_write_limit_ns.has_value()) {
    policy->past_write_limit_ns = change.past_write_limit_ns;
  }
  for (const auto& measurement : change.measurements) {
    RETURN_IF_ERROR(SetMeasurement(measurement, policy));
  }
  *target = std::move(changed);
  return absl::OkStatus();
}

const ShardGroup* FindShardGroup(const RetentionPolicy& policy, int64_t time_ns) {
  const auto& groups = policy.shard_groups;
  const auto it =
      std::lower_bound(groups.begin(), groups.end(), time_ns,
                       [](const ShardGroup& group, int64_t t) { return group.range.max_ns < t; });
  return it != groups.end() && it->range.Contains(time_ns) ? &*it : nullptr;
}

model::TimeRange NewShardGroupRange(const RetentionPolicy& policy, int64_t time_ns) {
  // Nanoseconds from the first instant of the year 1 to 1970, which no int64 holds.
  constexpr __int128 kYearOneToEpochNs = static_cast<__int128>(62'135'596'800) * 1'000'000'000;
  const __int128 since_year_one = time_ns + kYearOneToEpochNs;
  const __int128 start = time_ns - since_year_one % policy.shard_group_duration_ns;
  const __int128 last = start + policy.shard_group_duration_ns - 1;
  model::TimeRange range;
  range.min_ns = start < model::kMinTimeNs ? model::kMinTimeNs : static_cast<int64_t>(start);
  range.max_ns = last > model::kMaxTimeNs ? model::kMaxTimeNs : static_cast<int64_t>(last);
  for (const ShardGroup& group : policy.shard_groups) {
    if (group.range.max_ns < time_ns) {
      range.min_ns = std::max(range.min_ns, group.range.max_ns + 1);
    } else if (group.range.min_ns > time_ns) {
      range.max_ns = std::min(range.max_ns, group.range.min_ns - 1);
    }
  }
  return range;
}

}  // namespace varve::meta
