#include "query/series_list.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/query_state.h"

namespace varve::query {
namespace {

constexpr size_t kSeriesPerCheck = 4096;
// How many beyond those wanted are gathered before the rest is dropped.
constexpr size_t kSlack = 1 << 16;

// Bytes that order as the tags of a series key do: separators below all else, nothing escaped.
void OrderOf(std::string_view key, std::string* out) {
  out->clear();
  for (size_t i = 0; i < key.size(); ++i) {
    const bool escapes = key[i] == '\\' && i + 1 < key.size() &&
                         (key[i + 1] == ',' || key[i + 1] == '=' || key[i + 1] == ' ');
    if (escapes) {
      out->push_back(key[++i]);
    } else {
      out->push_back(key[i] == ',' ? '\0' : key[i] == '=' ? '\1' : key[i]);
    }
  }
}

}  // namespace

absl::Status SeriesList::Gather(const std::vector<ViewPtr>& views, const SeriesOf& series_of) {
  views_ = views;
  std::string key;
  std::string order;
  for (uint32_t v = 0; v < views_.size(); ++v) {
    const engine::ReadView& view = *views_[v];
    ASSIGN_OR_RETURN(const index::SeriesSet series, series_of(view));
    size_t visited = 0;
    for (const model::SeriesId id : series.ToVector()) {
      view.KeyOf(id, &key);
      OrderOf(key, &order);
      entries_.push_back({texts_.Copy(order), v, id});
      if (++visited % kSeriesPerCheck != 0) continue;
      RETURN_IF_ERROR(context_.interrupted());
      if (wanted_ < SIZE_MAX - kSlack && entries_.size() > wanted_ + kSlack) Settle();
      RETURN_IF_ERROR(CheckMemory());
    }
  }
  Settle();
  return CheckMemory();
}

std::string SeriesList::KeyOf(const Entry& entry) const {
  std::string key;
  views_[entry.view]->KeyOf(entry.series, &key);
  return key;
}

void SeriesList::Settle() {
  // Two keys may read alike without their escapes; then they decide themselves.
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    return a.order != b.order ? a.order < b.order : KeyOf(a) < KeyOf(b);
  });
  const auto same = [this](const Entry& a, const Entry& b) {
    return a.order == b.order && KeyOf(a) == KeyOf(b);
  };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  if (entries_.size() <= wanted_) return;
  entries_.resize(wanted_);
  TextArena kept;
  for (Entry& entry : entries_) entry.order = kept.Copy(entry.order);
  texts_ = std::move(kept);
}

absl::Status SeriesList::CheckMemory() const {
  const uint64_t limit = context_.environment.limits.memory_bytes;
  const size_t bytes = entries_.capacity() * sizeof(Entry) + texts_.bytes();
  return limit == 0 || bytes <= limit ? absl::OkStatus() : MemoryLimitExceeded(bytes, limit);
}

}  // namespace varve::query
