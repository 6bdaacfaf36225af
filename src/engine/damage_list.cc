#include "engine/damage_list.h"

#include <algorithm>

namespace varve::engine {

void DamageList::Note(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return;
  {
    absl::MutexLock lock(&mu_);
    if (entries_.size() >= kEntriesMax) return;
    if (std::find(entries_.begin(), entries_.end(), status) != entries_.end()) return;
    entries_.push_back(status);
  }
  if (on_damage_) on_damage_(status);
}

std::vector<absl::Status> DamageList::List() const {
  absl::MutexLock lock(&mu_);
  return entries_;
}

}  // namespace varve::engine
