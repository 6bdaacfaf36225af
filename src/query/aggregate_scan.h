// Aggregates the series of groups window by window, on all worker threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "query/call_plan.h"
#include "query/execute.h"

namespace varve::query {

// The windows met so far, numbered as they came.
class SlotTable {
 public:
  // The slot of the window that starts at `start_ns`, new or known. Neighbours come one after the
  // other, which costs no search.
  uint32_t SlotOf(int64_t start_ns) {
    if (last_ < starts_.size()) {
      if (starts_[last_] == start_ns) return last_;
      if (last_ + 1 < starts_.size() && starts_[last_ + 1] == start_ns) return ++last_;
    }
    return Find(start_ns);
  }
  // The slot of a window, if it was met.
  std::optional<uint32_t> Known(int64_t start_ns) const;
  size_t size() const { return starts_.size(); }
  const std::vector<int64_t>& starts() const { return starts_; }

 private:
  uint32_t Find(int64_t start_ns);

  std::vector<int64_t> starts_;
  // Windows mostly come in ascending order; while they do, they are found by halving.
  bool ascending_ = true;
  absl::flat_hash_map<int64_t, uint32_t> slots_;
  uint32_t last_ = 0;
};

// What some leaves have computed of one group, or of a part of its series.
struct GroupState {
  SlotTable slots;
  std::vector<std::unique_ptr<Aggregator>> aggregators;  // one per leaf
  size_t counted_bytes = 0;                              // as last told to the query's budget
};

// Runs leaves that share a range of time in one pass over the rows.
class AggregateScan {
 public:
  // Everything passed must outlive the scan. `leaves`: with a function and a type.
  AggregateScan(const PreparedSelect& select, const GroupedSources& grouped,
                std::vector<const LeafPlan*> leaves, const std::vector<VarRef>& aux,
                QueryState& query);

  // Scans the `groups` and calls `done` for each, in order, on the calling thread, with its place
  // among them; states are released afterwards. Where the order of series cannot matter they are
  // read in that of their source, whatever group they belong to: neighbours share pages of the
  // files.
  absl::Status Scan(std::span<const uint32_t> groups,
                    const std::function<absl::Status(size_t place, const GroupState&)>& done);

  // From now on, reads only the rows of `range`, which ends where windows do.
  void Restrict(const model::TimeRange& range) ABSL_LOCKS_EXCLUDED(mu_);

  const std::vector<const LeafPlan*>& leaves() const { return leaves_; }

 private:
  struct Task;
  // A series to read, and the group it counts for, by its place among those scanned.
  struct Member {
    uint32_t source;
    uint32_t series;
    uint32_t group;
  };
  // A reader, and the state that what it reads goes into.
  struct Reader {
    std::unique_ptr<RowReader> rows;
    const GroupState* state = nullptr;
    Window window;  // the one that was found last
  };
  std::vector<Member> MembersOf(std::span<const uint32_t> groups) const;
  absl::Status RunTask(std::span<const Member> members, Task* task);
  absl::Status ScanSeries(Reader* reader, size_t series, GroupState* state, Task* task);
  absl::Status CountUse(GroupState* state, Task* task);
  void AddRows(const model::ColumnBatch& rows, Reader* reader, GroupState* state, Task* task);
  void AddStatistics(const engine::ScanStep& step, Reader* reader, GroupState* state);
  // The window `t` lies in, without looking for it where that is the last one again.
  const Window& WindowOf(int64_t t, Reader* reader) const {
    Window& window = reader->window;
    if (t < window.start_ns || t >= window.end_ns) window = windows_.At(t);
    return window;
  }
  std::unique_ptr<GroupState> NewState() const;
  // Leaves nothing in `from`.
  void Merge(GroupState& from, GroupState* to) const;
  // Whether a block may change a window of what `reader` reads for.
  bool MayTake(const Reader& reader, const model::FieldStatistics& statistics) const;
  void FindWindows();
  std::unique_ptr<Reader> TakeReader(size_t source) ABSL_LOCKS_EXCLUDED(mu_);
  void ReturnReader(size_t source, std::unique_ptr<Reader> reader) ABSL_LOCKS_EXCLUDED(mu_);

  const PreparedSelect& select_;
  const GroupedSources& grouped_;
  std::vector<const LeafPlan*> leaves_;
  QueryState& query_;
  Windows windows_;
  ReadRequest request_;
  std::vector<size_t> columns_;  // of each leaf, in the request
  bool statistics_ = false;      // those of blocks will do for all leaves
  bool order_matters_ = false;   // what comes out may depend on the order of a group's series
  size_t aux_begin_ = 0;         // where the aux columns stand in the request
  // The starts of all windows that are read, where they are few and there is one leaf, which may
  // then want nothing of a block any more. Else none.
  std::vector<int64_t> window_starts_;

  absl::Mutex mu_;
  std::vector<std::vector<std::unique_ptr<Reader>>> idle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace varve::query
