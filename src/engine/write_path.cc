// How a request becomes a record of the log.
#include <algorithm>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "engine/store_impl.h"

namespace varve::engine {
namespace {

constexpr size_t kPooledSessions = 64;

// Waits for the result that a WriteDone is called with.
class ResultWaiter {
 public:
  WriteDone Callback() {
    return [this](WriteResult result) {
      absl::MutexLock lock(&mu_);
      result_ = std::move(result);
      finished_ = true;
      arrived_.Signal();
    };
  }
  WriteResult Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    while (!finished_) arrived_.Wait(&mu_);
    return std::move(result_);
  }

 private:
  absl::Mutex mu_;
  absl::CondVar arrived_;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  WriteResult result_ ABSL_GUARDED_BY(mu_);
};

// What a write without a target is told. InfluxDB reads the points after it has looked for the
// database and before it looks for the policy.
absl::Status WithoutTarget(const absl::Status& missing, LineSource& lines) {
  constexpr std::string_view kPolicy = "retention policy";
  if (base::MessageOf(missing).substr(0, kPolicy.size()) != kPolicy) return missing;
  lines.Restart();
  model::Line line;
  if (lines.Next({&line, 1}) != 0 || lines.error().empty()) return missing;
  return base::InvalidArgument(lines.error());
}

}  // namespace

std::unique_ptr<WriteSession> StoreImpl::TakeSession() {
  absl::MutexLock lock(&sessions_mu_);
  if (sessions_.empty()) return std::make_unique<WriteSession>();
  auto session = std::move(sessions_.back());
  sessions_.pop_back();
  return session;
}

void StoreImpl::ReturnSession(std::unique_ptr<WriteSession> session) {
  session->End();
  absl::MutexLock lock(&sessions_mu_);
  if (sessions_.size() < kPooledSessions) sessions_.push_back(std::move(session));
}

void StoreImpl::Refuse(const WriteDone& done, absl::Status status) {
  writes_refused_.fetch_add(1, std::memory_order_relaxed);
  WriteResult result;
  result.status = std::move(status);
  done(std::move(result));
}

absl::Status StoreImpl::Admit() {
  if (const absl::Status health = log_->health(); !health.ok()) {
    return base::Unavailable("write-ahead log is sealed: ", base::MessageOf(health));
  }
  return space_.CheckForWrite();
}

absl::StatusOr<int64_t> StoreImpl::ReserveCache(size_t bytes) {
  const auto wanted = static_cast<int64_t>(bytes);
  const int64_t reserved = reserved_bytes_.fetch_add(wanted) + wanted;
  const int64_t held = cache_bytes_->load();
  if (static_cast<uint64_t>(held + reserved) <= options_.cache_bytes_max) return wanted;
  reserved_bytes_.fetch_sub(wanted);
  cache_full_at_ns_ = std::max<int64_t>(env_.MonotonicNs(), 1);
  WakeFlusher();
  return base::Unavailable("cache full (", held, " of ", options_.cache_bytes_max,
                           " bytes) and its flush is behind: retry later");
}

void StoreImpl::Write(const WriteRequest& request, WriteDone done) {
  const int64_t now_ns = env_.NowNs();
  BodySource lines(request.body, request.precision, now_ns);
  WriteLines(request.database, request.retention_policy, now_ns, lines, std::move(done));
}

WriteResult StoreImpl::WriteAndWait(const WriteRequest& request) {
  ResultWaiter waiter;
  Write(request, waiter.Callback());
  return waiter.Wait();
}

WriteResult StoreImpl::WritePoints(std::string_view database, std::string_view retention_policy,
                                   const std::vector<Point>& points) {
  ResultWaiter waiter;
  PointSource lines(points);
  WriteLines(database, retention_policy, env_.NowNs(), lines, waiter.Callback());
  return waiter.Wait();
}

void StoreImpl::WriteLines(std::string_view database, std::string_view policy, int64_t now_ns,
                           LineSource& lines, WriteDone done) {
  writes_.fetch_add(1, std::memory_order_relaxed);
  auto target = router_.FindTarget(database, policy);
  if (!target.ok()) return Refuse(done, WithoutTarget(target.status(), lines));
  if (absl::Status status = Admit(); !status.ok()) return Refuse(done, std::move(status));
  auto state = OpenDatabase(target->database);
  if (!state.ok()) return Refuse(done, state.status());

  auto session = TakeSession();
  session->Begin(*std::move(state), *std::move(target));
  const WriteContext context{router_, *log_, options_, now_ns};
  if (absl::Status status = session->Run(context, lines); !status.ok()) {
    // A full disk passes; a client that waits may succeed.
    Refuse(done, absl::IsResourceExhausted(status) ? base::Unavailable(base::MessageOf(status))
                                                   : std::move(status));
  } else {
    LogBatch(*session, std::move(done));
  }
  ReturnSession(std::move(session));
}

void StoreImpl::LogBatch(WriteSession& session, WriteDone done) {
  WriteResult result;
  result.status = session.Verdict();
  result.points_dropped = session.CountDropped();
  points_dropped_.fetch_add(result.points_dropped, std::memory_order_relaxed);
  const auto schema = session.TakeSchemaRecords();
  for (const auto& record : schema) {
    const auto type = static_cast<uint8_t>(RecordType::kSchema);
    absl::Status status =
        log_->Append(type, record.Encode(), [pin = session.pin()](absl::Status, wal::Lsn) {});
    if (!status.ok()) return Refuse(done, std::move(status));
  }
  // An empty batch only waits until the schema is applied.
  if (session.rows() == 0 && schema.empty()) return done(std::move(result));

  const auto reserved = ReserveCache(session.CacheBytesEstimate());
  if (!reserved.ok()) return Refuse(done, reserved.status());
  result.points_written = session.rows();
  result.values_written = session.values();
  // Shared, because Append() may refuse without having called it.
  auto shared_done = std::make_shared<WriteDone>(std::move(done));
  const auto finish = [this, shared_done, result = std::move(result), bytes = *reserved,
                       pin = session.pin()](absl::Status status, wal::Lsn) mutable {
    reserved_bytes_.fetch_sub(bytes);
    if (!status.ok()) return Refuse(*shared_done, std::move(status));
    points_written_.fetch_add(result.points_written, std::memory_order_relaxed);
    values_written_.fetch_add(result.values_written, std::memory_order_relaxed);
    (*shared_done)(std::move(result));
  };
  absl::Status status =
      log_->Append(static_cast<uint8_t>(RecordType::kWriteBatch), session.TakeBatch(), finish);
  if (status.ok()) return;
  reserved_bytes_.fetch_sub(*reserved);
  Refuse(*shared_done, std::move(status));
}

}  // namespace varve::engine
