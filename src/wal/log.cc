#include "wal/log.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/status.h"
#include "wal/recovery.h"
#include "wal/segment_format.h"
#include "wal/segment_writer.h"

namespace varve::wal {
namespace {

// What one write and one fdatasync carry at most, so that a long queue still moves steadily.
constexpr uint64_t kGroupBytesMax = 8 << 20;

struct Pending {
  Lsn lsn;
  uint8_t type;
  std::string payload;
  Log::Done done;
};

// A segment that takes no more records.
struct ClosedSegment {
  std::string file;
  Lsn last_lsn;
  uint64_t bytes;
};

std::string ParentOf(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

// Ownership of the segment being written: the log thread alone touches `writer_` and
// `written_lsn_`, except that TryRecover() does while the log is sealed and the thread idle
// (`busy_` is false). Everything shared is guarded by `mu_`, which is never held across a system
// call.
class LogImpl final : public Log {
 public:
  LogImpl(base::Env& env, LogOptions options, Applier applier)
      : env_(env), options_(std::move(options)), applier_(std::move(applier)) {}
  ~LogImpl() override;

  absl::Status Start(Lsn after);

  absl::Status Append(uint8_t type, std::string payload, Done done) override;
  absl::StatusOr<Lsn> AppendAndWait(uint8_t type, std::string payload) override;
  absl::Status Truncate(Lsn through) override;
  Lsn applied() const override { return applied_.load(); }
  uint64_t bytes() const override { return closed_bytes_.load() + open_bytes_.load(); }
  LogStatus Status() const override;
  absl::Status health() const override {
    absl::MutexLock lock(&mu_);
    return seal_;
  }
  absl::Status TryRecover() override;

 private:
  absl::Status Begin();
  void StartSealed(const absl::Status& why, Lsn applied);
  void Run();
  // What the log thread found to do.
  struct Work {
    std::vector<Pending> group;
    bool roll = false;    // begin a new segment
    bool stop = false;    // nothing is left and the log is closing
    bool sealed = false;  // and so nothing may be written
  };

  Work WaitForWork();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || (seal_.ok() && (!queue_.empty() || roll_requested_));
  }
  absl::Status Commit(const std::vector<Pending>& group);
  absl::Status WriteGroup(const std::vector<Pending>& group);
  absl::Status SyncAsPolicySays();
  absl::Status SyncWriter();
  absl::Status OpenSegment();
  absl::Status CloseSegment();
  void RetireWriter();
  absl::Status Repair();
  void Apply(std::vector<Pending>& group);
  void Seal(const absl::Status& why, std::vector<Pending>& group);
  void Rest(const Work& work);

  base::Env& env_;
  const LogOptions options_;
  const Applier applier_;

  std::unique_ptr<SegmentWriter> writer_;  // null: none is open, OpenSegment() is due
  std::optional<RecoveredLog> recovered_;  // read, and not mended yet
  Lsn written_lsn_ = 0;
  Lsn previous_lsn_ = 0;  // of the last record before the segment being written; 0: there is none
  int64_t last_sync_ns_ = 0;
  bool sync_failed_ = false;

  std::atomic<Lsn> applied_{0};
  std::atomic<uint64_t> closed_bytes_{0};
  std::atomic<uint64_t> open_bytes_{0};
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> bytes_written_{0};
  std::atomic<uint64_t> sync_errors_{0};
  mutable base::LatencyHistogram syncs_;

  mutable absl::Mutex mu_;
  absl::CondVar work_;   // HasWork() became true
  absl::CondVar state_;  // the log thread came to rest, or sealed the log
  std::deque<Pending> queue_ ABSL_GUARDED_BY(mu_);
  uint64_t queue_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  Lsn next_lsn_ ABSL_GUARDED_BY(mu_) = 1;
  absl::Status seal_ ABSL_GUARDED_BY(mu_);
  bool recoverable_ ABSL_GUARDED_BY(mu_) = false;
  bool recovering_ ABSL_GUARDED_BY(mu_) = false;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool roll_requested_ ABSL_GUARDED_BY(mu_) = false;
  Lsn open_last_lsn_ ABSL_GUARDED_BY(mu_) = 0;  // of the segment being written; 0: it is empty
  std::deque<ClosedSegment> closed_ ABSL_GUARDED_BY(mu_);

  // Held while segments are removed, which must happen oldest first. Taken before mu_.
  absl::Mutex truncate_mu_;

  std::thread thread_;  // last: it uses all of the above
};

absl::Status LogImpl::Start(Lsn after) {
  RETURN_IF_ERROR(env_.CreateDirs(options_.folder));
  RETURN_IF_ERROR(env_.SyncDir(ParentOf(options_.folder)));
  Lsn replayed = 0;
  const auto replay = [&](const Record& record) {
    if (record.lsn > after) applier_(record);
    replayed = record.lsn;
  };
  absl::StatusOr<RecoveredLog> read = ReadLog(env_, options_.folder, replay);
  if (absl::IsDataLoss(read.status()) && options_.open_damaged) {
    StartSealed(read.status(), std::max(replayed, after));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(read.status());
  recovered_ = *std::move(read);
  written_lsn_ = std::max({recovered_->last_lsn, after, options_.lsn_floor});
  const absl::Status begun = Begin();
  if (absl::IsResourceExhausted(begun) && options_.open_damaged) {
    StartSealed(begun, written_lsn_);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(begun);
  applied_ = written_lsn_;
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

// Mends the log that was read, and begins its next segment.
absl::Status LogImpl::Begin() {
  RETURN_IF_ERROR(RepairTail(env_, options_.folder, &*recovered_));
  previous_lsn_ = recovered_->last_lsn;
  RETURN_IF_ERROR(OpenSegment());
  last_sync_ns_ = env_.MonotonicNs();
  {
    absl::MutexLock lock(&mu_);
    next_lsn_ = written_lsn_ + 1;
    for (const SegmentInfo& segment : recovered_->segments) {
      // The newest may be empty, and is replaced when it has the name of the one opened next.
      if (segment.records == 0 && segment.first_lsn == next_lsn_) continue;
      const Lsn last = segment.first_lsn + segment.records - 1;
      closed_.push_back({segment.file, last, segment.bytes});
      closed_bytes_ += segment.bytes;
    }
  }
  recovered_.reset();
  return absl::OkStatus();
}

// The segments stay as they are, listed nowhere, so that nothing removes them.
void LogImpl::StartSealed(const absl::Status& why, Lsn applied) {
  written_lsn_ = applied;
  applied_ = applied;
  {
    absl::MutexLock lock(&mu_);
    next_lsn_ = applied + 1;
    seal_ = why;
    recoverable_ = absl::IsResourceExhausted(why);
  }
  thread_ = std::thread([this] { Run(); });
}

LogImpl::~LogImpl() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    work_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status LogImpl::Append(uint8_t type, std::string payload, Done done) {
  CHECK_NE(type, uint8_t{0}) << "record type 0 is the log's own";
  absl::MutexLock lock(&mu_);
  if (!seal_.ok()) return base::Unavailable("write-ahead log is sealed: ", base::MessageOf(seal_));
  if (stopping_) return base::Unavailable("write-ahead log is closing");
  if (!queue_.empty() && queue_bytes_ + payload.size() > options_.queue_bytes_max) {
    return base::Unavailable("write-ahead log is behind: ", queue_bytes_, " bytes are waiting");
  }
  queue_bytes_ += payload.size();
  queue_.push_back({next_lsn_++, type, std::move(payload), std::move(done)});
  work_.Signal();
  return absl::OkStatus();
}

absl::StatusOr<Lsn> LogImpl::AppendAndWait(uint8_t type, std::string payload) {
  absl::Notification finished;
  absl::StatusOr<Lsn> result = base::Internal("not called back");
  RETURN_IF_ERROR(Append(type, std::move(payload), [&](absl::Status status, Lsn lsn) {
    if (status.ok()) {
      result = lsn;
    } else {
      result = std::move(status);
    }
    finished.Notify();
  }));
  finished.WaitForNotification();
  return result;
}

LogImpl::Work LogImpl::WaitForWork() {
  Work work;
  absl::MutexLock lock(&mu_);
  bool due = false;  // what an interval left over may have to be synced
  while (!HasWork() && !due) {
    if (options_.sync == SyncPolicy::kInterval) {
      due = work_.WaitWithTimeout(&mu_, absl::Milliseconds(options_.sync_interval_ms));
    } else {
      work_.Wait(&mu_);
    }
  }
  work.sealed = !seal_.ok();
  if (!work.sealed) {
    uint64_t bytes = 0;
    while (!queue_.empty() && bytes < kGroupBytesMax) {
      bytes += queue_.front().payload.size();
      work.group.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queue_bytes_ -= bytes;
    work.roll = roll_requested_;
    busy_ = true;
  }
  work.stop = stopping_ && work.group.empty();
  return work;
}

void LogImpl::Run() {
  for (;;) {
    Work work = WaitForWork();
    if (!work.sealed) {
      absl::Status status = Commit(work.group);
      if (status.ok()) Apply(work.group);
      if (status.ok() && (work.stop || work.roll)) status = CloseSegment();
      if (status.ok() && work.roll && !work.stop) status = OpenSegment();
      if (!status.ok()) Seal(status, work.group);
      Rest(work);
    }
    if (work.stop) return;
  }
}

// Writes and, as the policy says, syncs. An empty group only syncs what an interval left over.
absl::Status LogImpl::Commit(const std::vector<Pending>& group) {
  if (!group.empty()) RETURN_IF_ERROR(WriteGroup(group));
  return SyncAsPolicySays();
}

absl::Status LogImpl::WriteGroup(const std::vector<Pending>& group) {
  if (writer_ != nullptr && writer_->bytes() >= options_.segment_bytes_max) {
    RETURN_IF_ERROR(CloseSegment());
  }
  if (writer_ == nullptr) RETURN_IF_ERROR(OpenSegment());
  for (const Pending& pending : group) writer_->Add(pending.lsn, pending.type, pending.payload);
  RETURN_IF_ERROR(writer_->Write());
  written_lsn_ = group.back().lsn;
  records_.fetch_add(group.size(), std::memory_order_relaxed);
  bytes_written_.fetch_add(writer_->bytes() - open_bytes_.load(), std::memory_order_relaxed);
  open_bytes_ = writer_->bytes();
  absl::MutexLock lock(&mu_);
  open_last_lsn_ = written_lsn_;
  return absl::OkStatus();
}

absl::Status LogImpl::SyncAsPolicySays() {
  if (options_.sync == SyncPolicy::kOff || writer_ == nullptr) return absl::OkStatus();
  if (options_.sync == SyncPolicy::kInterval) {
    const int64_t now = env_.MonotonicNs();
    if (now - last_sync_ns_ < options_.sync_interval_ms * 1'000'000) return absl::OkStatus();
    last_sync_ns_ = now;
  }
  return SyncWriter();
}

absl::Status LogImpl::SyncWriter() {
  if (writer_->synced_bytes() == writer_->bytes()) return absl::OkStatus();
  const int64_t start_ns = env_.MonotonicNs();
  absl::Status status = writer_->Sync();
  const int64_t now_ns = env_.MonotonicNs();
  syncs_.Observe(now_ns - start_ns, now_ns);
  if (!status.ok()) {
    sync_failed_ = true;
    sync_errors_.fetch_add(1, std::memory_order_relaxed);
  }
  return status;
}

// Closes the segment being written, so that a flipped bit anywhere in it can no longer be taken for
// the end of an unsynced write.
absl::Status LogImpl::CloseSegment() {
  if (writer_ == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(SyncWriter());
  RETURN_IF_ERROR(writer_->WriteEndMark());
  RETURN_IF_ERROR(SyncWriter());
  RETURN_IF_ERROR(writer_->Close());
  RetireWriter();
  return absl::OkStatus();
}

// Lists the segment being written among the closed ones. An empty one is left to be overwritten:
// the next segment has its name.
void LogImpl::RetireWriter() {
  const SegmentHeader header = writer_->header();
  const uint64_t bytes = writer_->bytes();
  writer_.reset();
  open_bytes_ = 0;
  absl::MutexLock lock(&mu_);
  open_last_lsn_ = 0;
  if (written_lsn_ < header.first_lsn) return;
  previous_lsn_ = written_lsn_;
  closed_bytes_ += bytes;
  closed_.push_back({SegmentFileName(header.first_lsn), written_lsn_, bytes});
}

absl::Status LogImpl::OpenSegment() {
  const SegmentHeader header{written_lsn_ + 1, previous_lsn_};
  ASSIGN_OR_RETURN(writer_, SegmentWriter::Create(env_, options_.folder, header, &sync_failed_));
  open_bytes_ = writer_->bytes();
  return absl::OkStatus();
}

void LogImpl::Apply(std::vector<Pending>& group) {
  for (Pending& pending : group) {
    applier_({pending.lsn, pending.type, pending.payload});
    applied_ = pending.lsn;
    if (pending.done) pending.done(absl::OkStatus(), pending.lsn);
  }
  group.clear();
}

// Refuses what waits, and all that comes until TryRecover().
void LogImpl::Seal(const absl::Status& why, std::vector<Pending>& group) {
  std::deque<Pending> refused;
  {
    absl::MutexLock lock(&mu_);
    seal_ = why;
    recoverable_ = absl::IsResourceExhausted(why) && !sync_failed_;
    refused.swap(queue_);
    queue_bytes_ = 0;
    state_.SignalAll();
  }
  const absl::Status status =
      base::Unavailable("write-ahead log is sealed: ", base::MessageOf(why));
  for (Pending& pending : group) {
    if (pending.done) pending.done(status, 0);
  }
  for (Pending& pending : refused) {
    if (pending.done) pending.done(status, 0);
  }
}

LogStatus LogImpl::Status() const {
  LogStatus status;
  status.folder = options_.folder;
  status.open_bytes = open_bytes_.load();
  status.records = records_.load();
  status.bytes_written = bytes_written_.load();
  status.sync_errors = sync_errors_.load();
  status.syncs = syncs_.All();
  status.recent_syncs = syncs_.Recent(env_.MonotonicNs());
  absl::MutexLock lock(&mu_);
  status.segments = closed_.size() + (status.open_bytes == 0 ? 0 : 1);
  return status;
}

void LogImpl::Rest(const Work& work) {
  absl::MutexLock lock(&mu_);
  busy_ = false;
  if (work.roll) roll_requested_ = false;
  state_.SignalAll();
}

absl::Status LogImpl::TryRecover() {
  {
    absl::MutexLock lock(&mu_);
    if (seal_.ok()) return absl::OkStatus();
    if (!recoverable_) {
      return base::FailedPrecondition("write-ahead log stays sealed until a restart: ",
                                      base::MessageOf(seal_));
    }
    if (recovering_) return base::Unavailable("write-ahead log is being recovered");
    recovering_ = true;
    while (busy_) state_.Wait(&mu_);
  }
  absl::Status status = Repair();
  absl::MutexLock lock(&mu_);
  recovering_ = false;
  if (status.ok()) {
    seal_ = absl::OkStatus();
    next_lsn_ = written_lsn_ + 1;  // the refused records' numbers were never seen
  } else {
    recoverable_ = absl::IsResourceExhausted(status) && !sync_failed_;
  }
  return status;
}

// Cuts off what a failed write left, durably, and begins a new segment.
absl::Status LogImpl::Repair() {
  if (recovered_) return Begin();
  if (writer_ != nullptr) {
    const std::string& path = writer_->path();
    RETURN_IF_ERROR(env_.TruncateFile(path, writer_->bytes()));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::WritableFile> file, env_.AppendFile(path));
    if (absl::Status status = file->Sync(); !status.ok()) {
      sync_failed_ = true;
      return status;
    }
    RetireWriter();
  }
  return OpenSegment();
}

absl::Status LogImpl::Truncate(Lsn through) {
  absl::MutexLock truncating(&truncate_mu_);
  {
    absl::MutexLock lock(&mu_);
    if (seal_.ok() && open_last_lsn_ != 0 && open_last_lsn_ <= through) {
      roll_requested_ = true;
      work_.Signal();
      while (roll_requested_ && seal_.ok()) state_.Wait(&mu_);
      roll_requested_ = false;
    }
  }
  for (;;) {
    ClosedSegment oldest;
    {
      absl::MutexLock lock(&mu_);
      if (closed_.empty() || closed_.front().last_lsn > through) return absl::OkStatus();
      oldest = closed_.front();
    }
    const absl::Status removed = env_.RemoveFile(base::JoinPath(options_.folder, oldest.file));
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
    // Synced one by one: a power cut must not leave a hole between two segments.
    RETURN_IF_ERROR(env_.SyncDir(options_.folder));
    closed_bytes_ -= oldest.bytes;
    absl::MutexLock lock(&mu_);
    closed_.pop_front();
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> Log::Open(base::Env& env, LogOptions options, Lsn after,
                                               Applier applier) {
  auto log = std::make_unique<LogImpl>(env, std::move(options), std::move(applier));
  RETURN_IF_ERROR(log->Start(after));
  return log;
}

}  // namespace varve::wal
