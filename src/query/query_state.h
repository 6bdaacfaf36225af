// What the operators of one running query share: limits, cancellation, views, counters.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "engine/read_view.h"
#include "query/select.h"
#include "query/stage_log.h"
#include "query/time_ranges.h"

namespace varve::query {

// Where a measurement is looked for.
struct PolicyName {
  std::string database;
  std::string policy;
  friend bool operator<(const PolicyName& a, const PolicyName& b) {
    return std::tie(a.database, a.policy) < std::tie(b.database, b.policy);
  }
};

// Thread safety: every method may be called from any thread.
class QueryState {
 public:
  explicit QueryState(const SelectContext& context) : context_(context) {}

  const SelectContext& context() const { return context_; }

  // Where operators write what they took; null unless somebody asks.
  StageLog* stages() const { return stages_; }
  void SetStages(StageLog* stages) { stages_ = stages; }

  // Not OK when the query was killed, timed out or cancelled. Asked once a batch.
  absl::Status Check() const;

  // To be called on the query's thread before it waits or does in one go what may take long.
  void GiveBackThread();
  // Runs body(i) for i in [0, n): on the query's thread while that is lent, then on idle workers
  // too.
  void ParallelFor(size_t n, const std::function<void(size_t)>& body);

  // RESOURCE_EXHAUSTED with InfluxDB's text when a limit is met.
  absl::Status AddSeries(uint64_t n);
  absl::Status AddPoints(uint64_t n);
  // Counts memory the query holds; Release() gives it back.
  absl::Status Reserve(size_t bytes);
  void Release(size_t bytes) { bytes_.fetch_sub(bytes); }
  void AddCounters(const engine::ScanCounters& scan);
  void AddRowsReturned(uint64_t rows) { rows_returned_.fetch_add(rows); }
  // Writes the counts to context().counters.
  void PublishCounters() const;
  const SelectCounters counters() const;

  // Fills in the default policy. NOT_FOUND, INVALID_ARGUMENT: InfluxDB's text.
  absl::StatusOr<PolicyName> Resolve(const Measurement& measurement) const;
  // The ranges of the policy's shards, ascending.
  std::vector<model::TimeRange> ShardRanges(const PolicyName& policy) const;
  // The view of the shards of `policy` that overlap any of `ranges`; the same object when asked
  // again.
  absl::StatusOr<std::shared_ptr<const engine::ReadView>> View(const PolicyName& policy,
                                                               const TimeRanges& ranges)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The view of all shards of the database, whatever their policy; the same object when asked
  // again.
  absl::StatusOr<std::shared_ptr<const engine::ReadView>> WholeView(const std::string& database)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const SelectContext& context_;
  StageLog* stages_ = nullptr;
  std::atomic<uint64_t> series_{0};
  std::atomic<uint64_t> points_{0};
  std::atomic<size_t> bytes_{0};
  std::atomic<uint64_t> rows_returned_{0};
  std::atomic<uint64_t> rows_scanned_{0};
  std::atomic<uint64_t> blocks_decoded_{0};
  std::atomic<uint64_t> blocks_from_statistics_{0};
  std::atomic<uint64_t> hours_from_rollups_{0};
  std::atomic<uint64_t> blocks_left_out_{0};
  std::atomic<uint64_t> block_bytes_{0};
  absl::Mutex mu_;
  // By the name and the shards.
  std::map<std::pair<PolicyName, std::vector<model::ShardId>>,
           std::shared_ptr<const engine::ReadView>>
      views_ ABSL_GUARDED_BY(mu_);
};

// What a query is told that holds `bytes` where it may hold `limit`.
absl::Status MemoryLimitExceeded(uint64_t bytes, uint64_t limit);

// Memory of one operator, given back at its end.
class MemoryUse {
 public:
  explicit MemoryUse(QueryState& query) : query_(query) {}
  ~MemoryUse() { query_.Release(bytes_); }
  MemoryUse(const MemoryUse&) = delete;
  MemoryUse& operator=(const MemoryUse&) = delete;
  // Sets what is held now.
  absl::Status Set(size_t bytes) {
    if (bytes <= bytes_) {
      query_.Release(bytes_ - bytes);
      bytes_ = bytes;
      return absl::OkStatus();
    }
    absl::Status status = query_.Reserve(bytes - bytes_);
    if (status.ok()) bytes_ = bytes;
    return status;
  }
  size_t bytes() const { return bytes_; }

 private:
  QueryState& query_;
  size_t bytes_ = 0;
};

}  // namespace varve::query
