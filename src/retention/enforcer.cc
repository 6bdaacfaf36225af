#include "retention/enforcer.h"

#include <algorithm>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "base/coding.h"
#include "base/status.h"
#include "retention/document.h"

namespace varve::retention {
namespace {

constexpr std::string_view kMagic = "VRET";
constexpr char kFileName[] = "RETENTION";

// Whether a shard that ends with `last_ns` is older than `duration_ns` at `now_ns`. The sum may lie
// beyond what an int64 holds.
bool HasExpired(int64_t last_ns, int64_t duration_ns, int64_t now_ns) {
  return static_cast<__int128>(last_ns) + 1 + duration_ns < now_ns;
}

constexpr int64_t kQuarterNs = 900 * int64_t{1'000'000'000};

// Points of a measurement are deleted so much at a time: an eighth of what a shard holds.
int64_t StepOf(const meta::RetentionPolicy& policy, int64_t duration_ns) {
  return std::max(std::min(policy.shard_group_duration_ns, duration_ns) / 8, kQuarterNs);
}

int64_t FloorTo(int64_t time_ns, int64_t step_ns) {
  const int64_t rest = time_ns % step_ns;
  return time_ns - (rest < 0 ? rest + step_ns : rest);
}

}  // namespace

std::vector<ExpiredShard> ExpiredShards(const meta::CatalogData& catalog, int64_t now_ns) {
  std::vector<ExpiredShard> expired;
  for (const meta::Database& database : catalog.databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      if (policy.duration_ns == 0) continue;
      for (const meta::ShardGroup& group : policy.shard_groups) {
        if (!HasExpired(group.range.max_ns, policy.duration_ns, now_ns)) break;
        expired.push_back(
            {database.name, policy.name, database.id, group.shard, group.range, /*bytes=*/0});
      }
    }
  }
  return expired;
}

absl::StatusOr<std::unique_ptr<Enforcer>> Enforcer::Open(Environment environment) {
  std::unique_ptr<Enforcer> enforcer(new Enforcer(std::move(environment)));
  RETURN_IF_ERROR(enforcer->Load());
  return enforcer;
}

std::string Enforcer::path() const { return base::JoinPath(environment_.folder, kFileName); }

absl::Status Enforcer::Load() {
  absl::MutexLock work(&work_mu_);
  absl::MutexLock lock(&mu_);
  std::optional<int64_t> believed_ns;
  auto body = LoadDocument(*environment_.env, path(), kMagic);
  if (absl::IsDataLoss(body.status())) {
    if (environment_.on_error) environment_.on_error(body.status());
    body = std::string();
  }
  RETURN_IF_ERROR(body.status());
  if (!body->empty()) {
    base::ByteReader reader(*body);
    int64_t time_ns = 0;
    uint64_t policies = 0;
    if (reader.GetFixed(&time_ns)) believed_ns = time_ns;
    reader.GetVarint(&policies);
    for (uint64_t i = 0; i < policies && !reader.failed(); ++i) {
      uint64_t database = 0;
      std::string_view policy;
      if (reader.GetVarint(&database) && reader.GetString(&policy) && reader.GetFixed(&time_ns)) {
        dropped_through_[{static_cast<model::DatabaseId>(database), std::string(policy)}] = time_ns;
      }
    }
    uint64_t measurements = 0;
    if (reader.remaining() > 0) reader.GetVarint(&measurements);
    for (uint64_t i = 0; i < measurements && !reader.failed(); ++i) {
      uint64_t database = 0;
      std::string_view policy;
      std::string_view measurement;
      Deleted deleted;
      if (reader.GetVarint(&database) && reader.GetString(&policy) &&
          reader.GetString(&measurement) && reader.GetFixed(&deleted.cleared_ns) &&
          reader.GetFixed(&deleted.through_ns) && reader.GetSignedVarint(&deleted.duration_ns)) {
        deleted_[{{static_cast<model::DatabaseId>(database), std::string(policy)},
                  std::string(measurement)}] = deleted;
      }
    }
  }
  clock_ = std::make_unique<ExpiryClock>(believed_ns);
  return absl::OkStatus();
}

absl::Status Enforcer::Save() {
  const auto catalog = environment_.catalog->Get();
  std::string body;
  base::PutFixed(body, clock_->believed_ns());
  {
    absl::MutexLock lock(&mu_);
    // What was dropped since needs no mark.
    const auto is_gone = [&](const PolicyKey& key) {
      return std::none_of(catalog->databases.begin(), catalog->databases.end(),
                          [&](const meta::Database& database) {
                            return database.id == key.first &&
                                   database.FindPolicy(key.second) != nullptr;
                          });
    };
    std::erase_if(dropped_through_, [&](const auto& entry) { return is_gone(entry.first); });
    std::erase_if(deleted_, [&](const auto& entry) { return is_gone(entry.first.first); });
    base::PutVarint(body, dropped_through_.size());
    for (const auto& [key, time_ns] : dropped_through_) {
      base::PutVarint(body, key.first);
      base::PutString(body, key.second);
      base::PutFixed(body, time_ns);
    }
    base::PutVarint(body, deleted_.size());
    for (const auto& [key, deleted] : deleted_) {
      base::PutVarint(body, key.first.first);
      base::PutString(body, key.first.second);
      base::PutString(body, key.second);
      base::PutFixed(body, deleted.cleared_ns);
      base::PutFixed(body, deleted.through_ns);
      base::PutSignedVarint(body, deleted.duration_ns);
    }
  }
  return base::WriteFileAtomically(*environment_.env, path(), WrapDocument(kMagic, body));
}

int64_t Enforcer::ReadClock() {
  const int64_t now_ns =
      clock_->Observe(environment_.env->NowNs(), environment_.env->MonotonicNs());
  absl::MutexLock lock(&mu_);
  status_.clock_doubt_ns = clock_->doubt_ns();
  return now_ns;
}

void Enforcer::Tick() {
  absl::MutexLock work(&work_mu_);
  ReadClock();
  const int64_t monotonic_ns = environment_.env->MonotonicNs();
  const uint64_t version = environment_.catalog->Get()->version;
  if (checked_ && version == checked_version_ &&
      monotonic_ns - checked_at_ns_ < environment_.check_interval_ns) {
    return;
  }
  EnforceLocked().IgnoreError();  // on_error was told
}

absl::Status Enforcer::Enforce() {
  absl::MutexLock work(&work_mu_);
  return EnforceLocked();
}

absl::Status Enforcer::EnforceLocked() {
  const int64_t now_ns = ReadClock();
  const bool by_interval = !checked_ || environment_.env->MonotonicNs() - checked_at_ns_ >=
                                            environment_.check_interval_ns;
  absl::Status status = RemoveDropped();
  auto expired = ExpiredShards(*environment_.catalog->Get(), now_ns);
  if (!expired.empty()) {
    status.Update(Drop(std::move(expired)));
  } else if (by_interval) {
    status.Update(Save());  // what the clock is believed to be
  }
  status.Update(DeletePoints(now_ns));
  checked_ = true;
  checked_at_ns_ = environment_.env->MonotonicNs();
  checked_version_ = environment_.catalog->Get()->version;
  if (!status.ok() && environment_.on_error) environment_.on_error(status);
  absl::MutexLock lock(&mu_);
  ++status_.checks;
  if (!status.ok()) ++status_.failures;
  status_.last_error = std::string(base::MessageOf(status));
  status_.last_check_ns = environment_.env->NowNs();
  return status;
}

absl::Status Enforcer::Drop(std::vector<ExpiredShard> expired) {
  absl::MutexLock drop(&drop_mu_);
  absl::flat_hash_map<model::ShardId, uint64_t> bytes;
  for (const auto& shard : environment_.store->Shards()) bytes[shard.shard] = shard.disk_bytes;
  std::vector<model::ShardId> ids;
  {
    absl::MutexLock lock(&mu_);
    for (ExpiredShard& shard : expired) {
      ids.push_back(shard.shard);
      shard.bytes = bytes[shard.shard];
      auto [at, is_new] =
          dropped_through_.try_emplace({shard.database, shard.policy_name}, shard.range.max_ns + 1);
      at->second = std::max(at->second, shard.range.max_ns + 1);
    }
  }
  // First that it may be incomplete, then out of the catalog, then the files: a crash in between
  // leaves a mark too many, or files that the store removes when it opens.
  RETURN_IF_ERROR(Save());
  RETURN_IF_ERROR(environment_.catalog->DropShards(ids).status());
  dropped_.insert(dropped_.end(), expired.begin(), expired.end());
  return RemoveDropped();
}

std::vector<Enforcer::Deletion> Enforcer::PlanDeletions(int64_t now_ns) {
  std::vector<Deletion> deletions;
  const auto catalog = environment_.catalog->Get();
  absl::MutexLock lock(&mu_);
  std::set<MeasurementKey> kept_short;
  for (const meta::Database& database : catalog->databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const auto& [measurement, duration_ns] : policy.measurements) {
        const MeasurementKey key{{database.id, policy.name}, measurement};
        kept_short.insert(key);
        const int64_t step_ns = StepOf(policy, duration_ns);
        const int64_t before_ns = FloorTo(now_ns - duration_ns, step_ns);
        Deleted& known = deleted_[key];
        if (known.duration_ns == duration_ns && before_ns <= known.cleared_ns) {
          // A step less is the clock's doubt, more a clock that was set back.
          if (before_ns + step_ns < known.cleared_ns) known.cleared_ns = before_ns;
          continue;
        }
        Deletion deletion{
            key, {database.name, policy.name, measurement, before_ns}, duration_ns, {}};
        // From the beginning of time: shards that have lost the measurement cost nothing, and
        // points that came in while it was kept longer, or just in time for the last deletion, go,
        // too.
        deletion.request.database = database.id;
        deletion.request.measurements = {measurement};
        deletion.request.range = {model::kMinTimeNs, before_ns - 1};
        for (const meta::ShardGroup& group : policy.shard_groups) {
          if (!deletion.request.range.Overlaps(group.range)) continue;
          deletion.request.shards.push_back(group.shard);
        }
        if (!deletion.request.shards.empty()) deletions.push_back(std::move(deletion));
      }
    }
  }
  for (auto& [key, deleted] : deleted_) {
    if (!kept_short.contains(key)) deleted.duration_ns = 0;
  }
  return deletions;
}

absl::Status Enforcer::DeletePoints(int64_t now_ns) {
  const std::vector<Deletion> deletions = PlanDeletions(now_ns);
  if (deletions.empty()) return absl::OkStatus();
  absl::MutexLock drop(&drop_mu_);
  {
    absl::MutexLock lock(&mu_);
    for (const Deletion& deletion : deletions) {
      Deleted& known = deleted_[deletion.key];
      known.through_ns = std::max(known.through_ns, deletion.points.before_ns);
    }
  }
  // First that it may be incomplete: a crash in between leaves a mark too many.
  RETURN_IF_ERROR(Save());
  absl::Status result;
  for (const Deletion& deletion : deletions) {
    const absl::Status status = environment_.store->Delete(deletion.request);
    result.Update(status);
    if (!status.ok()) continue;
    {
      absl::MutexLock lock(&mu_);
      Deleted& known = deleted_[deletion.key];
      known.cleared_ns = deletion.points.before_ns;
      known.duration_ns = deletion.duration_ns;
    }
    if (environment_.on_deleted) environment_.on_deleted(deletion.points);
  }
  result.Update(Save());
  return result;
}

absl::Status Enforcer::RemoveDropped() {
  absl::Status result;
  std::vector<ExpiredShard> left;
  for (const ExpiredShard& shard : dropped_) {
    const absl::Status status = environment_.store->DropShard(shard.database, shard.shard);
    result.Update(status);
    if (!status.ok()) {
      left.push_back(shard);
      continue;
    }
    {
      absl::MutexLock lock(&mu_);
      ++status_.shards_dropped;
      status_.bytes_dropped += shard.bytes;
      status_.last_drop_ns = environment_.env->NowNs();
      recent_drops_.push_back({shard.shard, shard.database_name, shard.policy_name, shard.range,
                               status_.last_drop_ns, shard.bytes});
      if (recent_drops_.size() > kRecentDrops) recent_drops_.pop_front();
    }
    if (environment_.on_dropped) environment_.on_dropped(shard);
  }
  dropped_ = std::move(left);
  return result;
}

std::optional<int64_t> Enforcer::DroppedThrough(model::DatabaseId database,
                                                const std::string& policy) const {
  absl::MutexLock lock(&mu_);
  const auto found = dropped_through_.find({database, policy});
  if (found == dropped_through_.end()) return std::nullopt;
  return found->second;
}

std::optional<int64_t> Enforcer::DeletedThrough(
    model::DatabaseId database, const std::string& policy,
    const std::function<bool(const std::string& measurement)>& of) const {
  std::optional<int64_t> through;
  const PolicyKey wanted{database, policy};
  absl::MutexLock lock(&mu_);
  for (auto at = deleted_.lower_bound({wanted, ""}); at != deleted_.end(); ++at) {
    if (at->first.first != wanted) break;
    if (at->second.through_ns > model::kMinTimeNs && of(at->first.second)) {
      through = std::max(through.value_or(model::kMinTimeNs), at->second.through_ns);
    }
  }
  return through;
}

void Enforcer::WithoutDrops(const std::function<void()>& read) const {
  absl::ReaderMutexLock lock(&drop_mu_);
  read();
}

std::vector<query::DroppedShard> Enforcer::RecentDrops() const {
  absl::MutexLock lock(&mu_);
  return {recent_drops_.begin(), recent_drops_.end()};
}

EnforcerStatus Enforcer::Status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

}  // namespace varve::retention
