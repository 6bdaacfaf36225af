// What has been found to be damaged since the store was opened.
#pragma once

#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace varve::engine {

// Thread safety: every method may be called from any thread.
class DamageList {
 public:
  // `on_damage`, when set, is called once for each entry, on the thread that found it.
  using Callback = std::function<void(const absl::Status&)>;
  explicit DamageList(Callback on_damage = {}) : on_damage_(std::move(on_damage)) {}

  // Takes DATA_LOSS only, and each message once: a query meets the same block again and again.
  void Note(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<absl::Status> List() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kEntriesMax = 100;  // a dying disk must not fill the memory

  const Callback on_damage_;
  mutable absl::Mutex mu_;
  std::vector<absl::Status> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::engine
