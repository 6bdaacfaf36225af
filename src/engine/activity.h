// What flushes and compactions did, since the store or the shard was opened.
#pragma once

#include <atomic>
#include <cstdint>

namespace varve::engine {

struct Activity {
  uint64_t flushes = 0;  // that ended well, as the sums below
  uint64_t flush_errors = 0;
  uint64_t flush_ns = 0;
  uint64_t flush_bytes = 0;  // of the files they wrote
  uint64_t compactions = 0;
  uint64_t compaction_errors = 0;
  uint64_t compaction_ns = 0;
  uint64_t compaction_bytes_in = 0;
  uint64_t compaction_bytes_out = 0;
  int64_t flushes_active = 0;  // now
  int64_t compactions_active = 0;
};

// Thread safety: every method may be called from any thread.
class ActivityCounters {
 public:
  void BeginFlush() { flushes_active_.fetch_add(1); }
  void EndFlush(bool ok, int64_t duration_ns, uint64_t bytes) {
    flushes_active_.fetch_sub(1);
    if (!ok) return Count(flush_errors_, 1);
    Count(flushes_, 1);
    Count(flush_ns_, static_cast<uint64_t>(duration_ns));
    Count(flush_bytes_, bytes);
  }
  // There was nothing to do after all.
  void CancelFlush() { flushes_active_.fetch_sub(1); }
  void BeginCompaction() { compactions_active_.fetch_add(1); }
  void EndCompaction(bool ok, int64_t duration_ns, uint64_t bytes_in, uint64_t bytes_out) {
    compactions_active_.fetch_sub(1);
    if (!ok) return Count(compaction_errors_, 1);
    Count(compactions_, 1);
    Count(compaction_ns_, static_cast<uint64_t>(duration_ns));
    Count(compaction_bytes_in_, bytes_in);
    Count(compaction_bytes_out_, bytes_out);
  }
  // A compaction that was cancelled counts as none.
  void CancelCompaction() { compactions_active_.fetch_sub(1); }

  Activity Read() const {
    return {flushes_.load(),        flush_errors_.load(),        flush_ns_.load(),
            flush_bytes_.load(),    compactions_.load(),         compaction_errors_.load(),
            compaction_ns_.load(),  compaction_bytes_in_.load(), compaction_bytes_out_.load(),
            flushes_active_.load(), compactions_active_.load()};
  }

 private:
  using Counter = std::atomic<uint64_t>;
  static void Count(Counter& counter, uint64_t n) {
    counter.fetch_add(n, std::memory_order_relaxed);
  }

  Counter flushes_{0};
  Counter flush_errors_{0};
  Counter flush_ns_{0};
  Counter flush_bytes_{0};
  Counter compactions_{0};
  Counter compaction_errors_{0};
  Counter compaction_ns_{0};
  Counter compaction_bytes_in_{0};
  Counter compaction_bytes_out_{0};
  std::atomic<int64_t> flushes_active_{0};
  std::atomic<int64_t> compactions_active_{0};
};

}  // namespace varve::engine
