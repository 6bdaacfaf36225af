// Counts the values of each tag of a database, to hold max_values_per_tag.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/strings.h"
#include "model/series_key.h"

namespace varve::engine {

// A tag value beyond the limit.
struct TagValueExcess {
  std::string key;
  std::string value;
  uint64_t count = 0;  // values the tag has
};

// Keeps the values of the tags it was asked about, so it costs memory only where the limit
// is set. Thread safety: every method may be called from any thread.
class TagValueLimit {
 public:
  // Calls its argument with each value the tag has in the database's shards.
  using Lister = std::function<void(const std::string& tag_key,
                                    const std::function<void(std::string_view)>& add)>;

  // Takes in the tags of a new series; false, and nothing taken in, when one of them would exceed
  // `limit` values. `list` fills in what a tag had before the first call that names it.
  bool Admit(const model::SeriesKey& key, uint64_t limit, const Lister& list,
             TagValueExcess* excess) ABSL_LOCKS_EXCLUDED(mu_);
  // Counts anew from here on: values may be gone from the shards.
  void Clear() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Mutex mu_;
  // Measurement, a zero byte, tag key -> its values.
  base::StringMap<base::StringSet> values_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::engine
