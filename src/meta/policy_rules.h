// InfluxDB's rules of retention policies and shard groups, as pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "meta/catalog.h"

namespace varve::meta {

// OK, or INVALID_ARGUMENT "invalid name" / "name too long": what a database or policy may be
// called.
absl::Status CheckName(std::string_view name);

// The shard group duration a policy gets: a given one, at least an hour; without one an hour for
// policies that keep less than two days, a day below 180 days, else a week.
int64_t ShardGroupDuration(int64_t given_ns, int64_t policy_duration_ns);

// A new policy of `spec`, checked by itself.
absl::StatusOr<RetentionPolicy> MakePolicy(const PolicySpec& spec);

// Whether CREATE DATABASE ... WITH `spec` may find `policy` there already.
bool Matches(const PolicySpec& spec, const RetentionPolicy& policy);

// Changes `policy` by ALTER RETENTION POLICY; on an error it is unchanged.
absl::Status AlterPolicy(const PolicySpec& change, RetentionPolicy* policy);

// The group that holds `time_ns`, or null.
const ShardGroup* FindShardGroup(const RetentionPolicy& policy, int64_t time_ns);

// The span of a new group for `time_ns`, which no group holds: aligned to multiples of the duration
// since the year 1, as Go's Time.Truncate does, and cut so that it overlaps no other group (groups
// made before the duration changed may stand beside it).
model::TimeRange NewShardGroupRange(const RetentionPolicy& policy, int64_t time_ns);

}  // namespace varve::meta
