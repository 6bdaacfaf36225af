#include "engine/series_forgetter.h"

#include <algorithm>
#include <utility>

namespace varve::engine {
namespace {

// How many series are forgotten while the apply lock is held: some milliseconds' worth.
constexpr size_t kPieceSeries = 1 << 16;

}  // namespace

void SeriesForgetter::NoteRemoved(std::span<const model::SeriesId> series) {
  removed_later_ |= index::SeriesSet(series);
}

void SeriesForgetter::Settle(wal::Lsn first_unflushed, wal::Lsn applied) {
  if ((removed_.empty() && removed_later_.empty()) || first_unflushed <= removed_through_) return;
  if (!removed_.empty()) Want();
  removed_ = std::exchange(removed_later_, {});
  removed_through_ = applied;
  if (first_unflushed <= applied) return;
  if (!removed_.empty()) Want();
  removed_ = {};
}

void SeriesForgetter::Subtract(const Shards& shards, index::SeriesSet* series) {
  for (const auto& shard : shards) *series -= shard->IndexView()->AllSeries();
}

void SeriesForgetter::BeginRound(const Shards& shards) {
  index::SeriesSet unused = table_.FlushedSeries().series;
  Subtract(shards, &unused);
  if (unused.empty()) return;
  table_.Watch(unused);
  // Only now: a write that begins from here on looks series up while they are watched.
  auto next = std::make_shared<int>();
  absl::MutexLock lock(&mu_);
  before_round_ = generation_;
  generation_ = std::move(next);
  is_watching_ = true;
}

std::vector<index::SeriesSet> SeriesForgetter::Candidates(const Shards& shards) const {
  index::SeriesSet unused = table_.Watched();
  Subtract(shards, &unused);
  const std::vector<model::SeriesId> ids = unused.ToVector();
  std::vector<index::SeriesSet> pieces;
  for (size_t at = 0; at < ids.size(); at += kPieceSeries) {
    pieces.emplace_back(std::span(ids).subspan(at, std::min(kPieceSeries, ids.size() - at)));
  }
  return pieces;
}

uint64_t SeriesForgetter::Forget(index::SeriesSet series, const Shards& shards) {
  Subtract(shards, &series);
  series -= removed_;
  series -= removed_later_;
  return table_.Forget(series);
}

void SeriesForgetter::EndRound() {
  table_.Watch({});
  is_watching_ = false;
}

}  // namespace varve::engine
