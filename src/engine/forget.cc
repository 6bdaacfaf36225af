// Which databases forget series, and when.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "engine/store_impl.h"

namespace varve::engine {

absl::Status StoreImpl::ForgetSeries() {
  absl::Status result;
  for (const auto& database : Databases()) {
    const absl::Status status = ForgetSeriesOf(*database);
    if (!status.ok()) database->forgetter().Want();
    result.Update(status);
  }
  return result;
}

absl::Status StoreImpl::ForgetSeriesOf(DatabaseState& database) {
  SeriesForgetter& forgetter = database.forgetter();
  SeriesForgetter::Shards shards;
  {
    absl::MutexLock lock(&apply_mu_);
    shards = database.Shards();
    wal::Lsn first_unflushed = Shard::kNoLsn;
    for (const auto& shard : shards) {
      first_unflushed = std::min(first_unflushed, shard->first_unflushed_lsn());
    }
    forgetter.Settle(first_unflushed, applied_lsn_);
  }
  // What cannot be read now may name any series, and be mended later.
  const bool readable =
      log_->health().ok() &&
      std::all_of(shards.begin(), shards.end(), [](const auto& s) { return s->IsWhole(); });
  if (!forgetter.is_busy() || !readable) return absl::OkStatus();
  if (!forgetter.is_watching()) {
    if (forgetter.TakeWish()) {
      RETURN_IF_ERROR(database.FlushTable());
    }
    forgetter.BeginRound(shards);
  }
  if (!forgetter.is_watching() || !forgetter.CanEndRound()) return absl::OkStatus();

  uint64_t forgotten = 0;
  for (auto& series : forgetter.Candidates(database.Shards())) {
    absl::MutexLock lock(&apply_mu_);
    forgotten += forgetter.Forget(std::move(series), database.Shards());
  }
  forgetter.EndRound();
  if (forgotten == 0) return absl::OkStatus();
  database.DropUnusedLayouts();
  database.tag_values().Clear();
  return database.FlushTable();
}

}  // namespace varve::engine
