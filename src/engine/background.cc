// Flush, compaction and log truncation: when, and by whom.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "engine/store_impl.h"

namespace varve::engine {
namespace {

constexpr absl::Duration kFlusherRound = absl::Seconds(1);
constexpr absl::Duration kCompactorRound = absl::Seconds(10);
constexpr int64_t kRecoverEveryNs = 3'000'000'000;
constexpr int64_t kForgetAgainNs = 10'000'000'000;  // after an error
// Memory pressure: beyond this share of cache_bytes_max the largest caches go first.
constexpr uint64_t kPressureShare = 2;

}  // namespace

void StoreImpl::StartBackground() {
  if (!options_.background) return;
  threads_.emplace_back([this] { RunFlusher(); });
  for (size_t i = 0; i < std::max<size_t>(options_.background_threads, 1); ++i) {
    threads_.emplace_back([this] { RunCompactor(); });
  }
}

void StoreImpl::StopBackground() {
  {
    absl::MutexLock lock(&background_mu_);
    stopping_ = true;
    flusher_.SignalAll();
    compactor_.SignalAll();
  }
  stop_compaction_ = true;
  for (const auto& shard : AllShards()) shard->CancelCompaction();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void StoreImpl::WakeFlusher() {
  if (flush_asked_.exchange(true)) return;
  absl::MutexLock lock(&background_mu_);
  flush_wanted_ = true;
  flusher_.Signal();
}

void StoreImpl::WakeCompactor() {
  absl::MutexLock lock(&background_mu_);
  compact_wanted_ = true;
  compactor_.SignalAll();
}

void StoreImpl::RunFlusher() {
  int64_t recover_after_ns = 0;
  int64_t forget_after_ns = 0;
  bool forget_failed = false;
  while (true) {
    {
      absl::MutexLock lock(&background_mu_);
      bool due = false;
      while (!stopping_ && !flush_wanted_ && !due) {
        due = flusher_.WaitWithTimeout(&background_mu_, kFlusherRound);
      }
      if (stopping_) return;
      flush_wanted_ = false;
    }
    flush_asked_ = false;
    const int64_t now = env_.MonotonicNs();
    if (!log_->health().ok() && now >= recover_after_ns) {
      recover_after_ns = now + kRecoverEveryNs;
      TryRecover().IgnoreError();  // health() keeps telling
    }
    FreezeDue();
    FlushFrozen();
    if (now < forget_after_ns) continue;
    absl::MutexLock round(&round_mu_);
    const absl::Status forgotten = ForgetSeries();
    if (!forgotten.ok()) forget_after_ns = now + kForgetAgainNs;
    if (!forgotten.ok() || forget_failed) NoteBackground(forgotten);
    forget_failed = !forgotten.ok();
  }
}

void StoreImpl::RunCompactor() {
  while (true) {
    {
      absl::MutexLock lock(&background_mu_);
      bool due = false;
      while (!stopping_ && !compact_wanted_ && !due) {
        due = compactor_.WaitWithTimeout(&background_mu_, kCompactorRound);
      }
      if (stopping_) return;
      compact_wanted_ = false;
    }
    while (!stop_compaction_ && (CompactOne() || RollUpOne())) {
    }
  }
}

wal::Lsn StoreImpl::FlushThrough(const std::vector<std::shared_ptr<Shard>>& shards) const {
  if (log_->bytes() <= options_.wal_bytes_max) return 0;
  const wal::Lsn last = log_->applied();
  wal::Lsn first = last;
  for (const auto& shard : shards) first = std::min(first, shard->first_unflushed_lsn());
  return first + (last - first) / 2;
}

void StoreImpl::FreezeDue() {
  const int64_t now = env_.MonotonicNs();
  const wal::Lsn flush_through = FlushThrough(AllShards());
  // Sizes are taken once: they grow while this runs, and an order must not change under a sort.
  std::vector<std::pair<uint64_t, std::shared_ptr<Shard>>> shards;
  for (auto& shard : AllShards()) shards.emplace_back(shard->active_bytes(), std::move(shard));
  std::sort(shards.begin(), shards.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  uint64_t held = static_cast<uint64_t>(std::max<int64_t>(cache_bytes_->load(), 0));
  for (const auto& [bytes, shard] : shards) {
    if (!shard->has_unfrozen()) continue;
    const bool large = bytes >= options_.cache_snapshot_bytes;
    const bool cold = now - shard->last_write_ns() >= options_.cache_snapshot_cold_ns;
    const bool pressure = held > options_.cache_bytes_max / kPressureShare;
    const bool keeps_log = shard->first_unflushed_lsn() <= flush_through;
    if (!large && !cold && !pressure && !keeps_log) continue;
    // While its last snapshot is not written yet, another one only takes memory from the rest.
    if (shard->has_frozen() && !pressure) continue;
    held -= std::min(held, bytes);
    absl::MutexLock lock(&apply_mu_);
    shard->Freeze(applied_lsn_);
  }
}

void StoreImpl::FlushFrozen() {
  absl::MutexLock round(&round_mu_);
  bool flushed = false;
  for (const auto& shard : AllShards()) {
    if (!shard->has_frozen() || !shard->MayTry(env_.MonotonicNs())) continue;
    const absl::Status status = FlushShard(*shard);
    shard->NoteResult(status.ok(), env_.MonotonicNs());
    NoteBackground(status);
    flushed |= status.ok();
  }
  if (!flushed) return;
  NoteBackground(TruncateLog());
  WakeCompactor();
}

absl::Status StoreImpl::FlushShard(Shard& shard) {
  while (true) {
    uint64_t bytes = 0;
    const auto parts = shard.parts();
    for (const auto& frozen : parts->frozen) bytes += frozen.cache->bytes();
    RETURN_IF_ERROR(space_.CheckFor(bytes / 4));
    if (parts->frozen.empty()) return absl::OkStatus();
    const int64_t start_ns = env_.MonotonicNs();
    for (ActivityCounters* counters : {&activity_, &shard.activity()}) counters->BeginFlush();
    const absl::StatusOr<std::optional<uint64_t>> flushed = shard.FlushOldest();
    const int64_t duration_ns = env_.MonotonicNs() - start_ns;
    const uint64_t written = flushed.ok() ? flushed->value_or(0) : 0;
    for (ActivityCounters* counters : {&activity_, &shard.activity()}) {
      if (flushed.ok() && !flushed->has_value()) {
        counters->CancelFlush();
      } else {
        counters->EndFlush(flushed.ok(), duration_ns, written);
      }
    }
    RETURN_IF_ERROR(flushed.status());
    if (!flushed->has_value()) return absl::OkStatus();
  }
}

absl::Status StoreImpl::TruncateLog() {
  wal::Lsn through;
  {
    absl::MutexLock lock(&apply_mu_);
    through = applied_lsn_;
    if (first_unapplied_ != 0) {
      absl::ReaderMutexLock databases(&databases_mu_);
      if (damaged_.empty()) first_unapplied_ = 0;  // dropped since
    }
    if (first_unapplied_ != 0) through = std::min(through, first_unapplied_ - 1);
  }
  for (const auto& shard : AllShards()) {
    const wal::Lsn first = shard->first_unflushed_lsn();
    if (first != Shard::kNoLsn) through = std::min(through, first - 1);
  }
  for (const auto& database : Databases()) {
    const wal::Lsn first = database->first_unflushed_definition();
    if (first != 0 && first <= through) RETURN_IF_ERROR(database->FlushTable());
  }
  if (options_.before_truncate) RETURN_IF_ERROR(options_.before_truncate());
  return log_->Truncate(through);
}

absl::Status StoreImpl::CompactShard(Shard& shard, const CompactionOptions& options, bool* merged) {
  *merged = false;
  const auto files = shard.CompactionFiles();
  const auto plan = PlanCompaction(files, options);
  if (!plan) return absl::OkStatus();
  uint64_t bytes = 0;
  for (const auto& file : files) {
    if (std::binary_search(plan->sequences.begin(), plan->sequences.end(), file.sequence)) {
      bytes += file.bytes;
    }
  }
  RETURN_IF_ERROR(space_.CheckFor(bytes));
  const auto throttle = [this](uint64_t n, const std::atomic<bool>& cancel) {
    compaction_rate_.Take(n, cancel);
  };
  const int64_t start_ns = env_.MonotonicNs();
  const auto counters = {&activity_, &shard.activity()};
  for (ActivityCounters* each : counters) each->BeginCompaction();
  const absl::StatusOr<uint64_t> written = shard.Compact(*plan, throttle);
  const int64_t duration_ns = env_.MonotonicNs() - start_ns;
  for (ActivityCounters* each : counters) {
    if (absl::IsCancelled(written.status())) {
      each->CancelCompaction();
    } else {
      each->EndCompaction(written.ok(), duration_ns, bytes, written.ok() ? *written : 0);
    }
  }
  RETURN_IF_ERROR(written.status());
  *merged = true;
  return absl::OkStatus();
}

bool StoreImpl::CompactOne() {
  for (const auto& shard : AllShards()) {
    const int64_t now = env_.MonotonicNs();
    if (!shard->MayTry(now)) continue;
    CompactionOptions options;
    options.full = now - shard->last_write_ns() >= options_.compact_cold_ns;
    bool merged;
    const absl::Status status = CompactShard(*shard, options, &merged);
    if (absl::IsCancelled(status)) continue;
    if (!status.ok() || merged) {
      shard->NoteResult(status.ok(), now);
      NoteBackground(status);
    }
    if (merged) return true;
  }
  return false;
}

absl::Status StoreImpl::RollUpShard(Shard& shard, bool* made) {
  *made = false;
  if (!options_.rollups) return absl::OkStatus();
  // A rollup is a small part of its file; what it takes is less than any merge asks for.
  RETURN_IF_ERROR(space_.CheckFor(0));
  const auto throttle = [this](uint64_t n, const std::atomic<bool>& cancel) {
    compaction_rate_.Take(n, cancel);
  };
  ASSIGN_OR_RETURN(*made, shard.RollUp(options_.rollup_rows_min, throttle));
  if (*made) rollups_.fetch_add(1);
  return absl::OkStatus();
}

bool StoreImpl::RollUpOne() {
  for (const auto& shard : AllShards()) {
    const int64_t now = env_.MonotonicNs();
    if (!shard->MayTry(now)) continue;
    bool made;
    const absl::Status status = RollUpShard(*shard, &made);
    if (made) return true;
    if (status.ok() || absl::IsCancelled(status)) continue;
    shard->NoteResult(false, now);
    NoteBackground(status);
  }
  return false;
}

absl::Status StoreImpl::Flush(bool compact) {
  {
    absl::MutexLock round(&round_mu_);
    {
      absl::MutexLock lock(&apply_mu_);
      for (const auto& shard : AllShards()) shard->Freeze(applied_lsn_);
    }
    absl::Status result;
    for (const auto& shard : AllShards()) result.Update(FlushShard(*shard));
    for (const auto& database : Databases()) result.Update(database->FlushTable());
    result.Update(TruncateLog());
    result.Update(ForgetSeries());
    NoteBackground(result);
    RETURN_IF_ERROR(result);
  }
  if (!compact) return absl::OkStatus();
  CompactionOptions options;
  options.full = true;
  absl::Status result;
  for (const auto& shard : AllShards()) {
    for (bool merged = true; merged;) {
      const absl::Status status = CompactShard(*shard, options, &merged);
      if (!status.ok()) {
        result.Update(status);
        break;
      }
    }
    for (bool made = true; made;) {
      const absl::Status status = RollUpShard(*shard, &made);
      if (!status.ok()) result.Update(status);
    }
  }
  NoteBackground(result);
  return result;
}

absl::Status StoreImpl::TryRecover() {
  if (log_->health().ok()) return absl::OkStatus();
  // Definitions that were refused with the log's tail are known in memory: they must be on disk
  // before a record may use them. While the log is sealed no new ones are registered.
  for (const auto& database : Databases()) RETURN_IF_ERROR(database->FlushTable());
  return log_->TryRecover();
}

void StoreImpl::NoteBackground(const absl::Status& status) {
  damage_->Note(status);
  absl::MutexLock lock(&status_mu_);
  last_background_error_ = status;
}

}  // namespace varve::engine
