#include "retention/continuous_queries.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/status.h"
#include "retention/document.h"
#include "retention/run_order.h"

namespace varve::retention {
namespace {

constexpr std::string_view kMagic = "VCQP";
constexpr char kFileName[] = "CONTINUOUS";
constexpr int64_t kFirstRetryNs = 1'000'000'000;
constexpr int64_t kLongestRetryNs = 300 * int64_t{1'000'000'000};
constexpr int64_t kRestPerWork = 9;
// Pieces of a long run after which its progress is saved.
constexpr int kPiecesPerSave = 64;

// The answer of SELECT INTO: how many points it wrote, or its error.
class WrittenSink final : public query::ResultSink {
 public:
  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch& batch) override {
    if (batch.rows == 1 && batch.cells.size() == 2) {
      written_ = static_cast<uint64_t>(batch.cells[1].integer_value);
    }
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    status_.Update(status);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Result() const {
    if (!status_.ok()) return status_;
    return written_;
  }

 private:
  uint64_t written_ = 0;
  absl::Status status_;
};

}  // namespace

ContinuousQueryService::ContinuousQueryService(base::Env& env, meta::Catalog& catalog,
                                               std::shared_ptr<engine::LateWrites> late_writes,
                                               Options options)
    : env_(env),
      catalog_(catalog),
      late_writes_(std::move(late_writes)),
      options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<ContinuousQueryService>> ContinuousQueryService::Open(
    base::Env& env, meta::Catalog& catalog, std::shared_ptr<engine::LateWrites> late_writes,
    Options options) {
  std::unique_ptr<ContinuousQueryService> service(
      new ContinuousQueryService(env, catalog, std::move(late_writes), std::move(options)));
  RETURN_IF_ERROR(service->Load());
  return service;
}

void ContinuousQueryService::Attach(engine::Store& store, query::Executor& executor,
                                    const Enforcer* enforcer) {
  absl::MutexLock lock(&mu_);
  store_ = &store;
  executor_ = &executor;
  enforcer_ = enforcer;
}

std::string ContinuousQueryService::path() const {
  return base::JoinPath(options_.folder, kFileName);
}

absl::Status ContinuousQueryService::Load() {
  absl::MutexLock lock(&mu_);
  auto body = LoadDocument(env_, path(), kMagic);
  absl::StatusOr<ProgressMap> progress = body.ok() ? DecodeProgress(*body) : body.status();
  if (absl::IsDataLoss(progress.status())) {
    if (options_.on_error) options_.on_error({"", "", progress.status()});
    progress = ProgressMap();
  } else if (body.ok()) {
    saved_ = *std::move(body);
  }
  RETURN_IF_ERROR(progress.status());
  progress_ = *std::move(progress);
  SyncEntries();
  return absl::OkStatus();
}

absl::Status ContinuousQueryService::SaveLocked() {
  ProgressMap progress = progress_;
  for (const auto& [key, entry] : entries_) {
    for (const Span& span : entry.computing.spans()) progress[key].pending.Add(span);
  }
  std::string body = EncodeProgress(progress);
  if (body == saved_ || (saved_.empty() && progress.empty())) return absl::OkStatus();
  RETURN_IF_ERROR(base::WriteFileAtomically(env_, path(), WrapDocument(kMagic, body)));
  saved_ = std::move(body);
  return absl::OkStatus();
}

void ContinuousQueryService::SyncEntries() {
  const auto catalog = catalog_.Get();
  if (synced_ && catalog->version == synced_version_) return;
  synced_ = true;
  synced_version_ = catalog->version;
  shards_.clear();
  std::vector<QueryKey> shown;
  bool changed = false;
  for (const meta::Database& database : catalog->databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        shards_[group.shard] = {database.name, policy.name};
      }
    }
    for (const meta::ContinuousQuery& query : database.continuous_queries) {
      const QueryKey key{database.id, query.name};
      shown.push_back(key);
      const uint64_t checksum = base::Checksum(query.query);
      QueryProgress& progress = progress_[key];
      if (progress.text_checksum != checksum) {
        progress = QueryProgress();
        progress.text_checksum = checksum;
        entries_.erase(key);
      }
      if (entries_.contains(key)) continue;
      changed = true;
      Entry& entry = entries_[key];
      entry.database = database.id;
      entry.status.database = database.name;
      entry.status.name = query.name;
      auto plan = QueryPlan::Make(*catalog, database, query);
      if (plan.ok()) {
        entry.plan = *std::move(plan);
        if (progress.last_run.has_value()) {
          entry.threshold = entry.plan->NextStart(*progress.last_run);
        }
        continue;
      }
      entry.status.last_error = std::string(base::MessageOf(plan.status()));
      ++entry.status.errors;
      if (options_.on_error) options_.on_error({database.name, query.name, plan.status()});
    }
  }
  const auto is_gone = [&](const auto& item) {
    return std::find(shown.begin(), shown.end(), item.first) == shown.end();
  };
  std::erase_if(progress_, is_gone);
  if (std::erase_if(entries_, is_gone) > 0) changed = true;
  if (!changed && shown == shown_) return;
  shown_ = std::move(shown);
  OrderEntries();
  UpdateWatches();
}

void ContinuousQueryService::OrderEntries() {
  std::vector<QueryKey> keys;
  std::vector<std::shared_ptr<const QueryPlan>> plans;
  for (const QueryKey& key : shown_) {
    if (entries_[key].plan == nullptr) continue;
    keys.push_back(key);
    plans.push_back(entries_[key].plan);
  }
  const RunOrder order = OrderPlans(plans);
  order_.clear();
  for (size_t i : order.order) order_.push_back(keys[i]);
  for (size_t i = 0; i < keys.size(); ++i) entries_[keys[i]].tracked = !order.feeds_itself[i];
}

void ContinuousQueryService::UpdateWatches() {
  const auto catalog = catalog_.Get();
  absl::flat_hash_map<model::DatabaseId, engine::LateWrites::Watch> watches;
  for (const auto& [key, entry] : entries_) {
    if (!entry.tracked || !entry.threshold.has_value()) continue;
    for (const QueryPlan::SourceName& source : entry.plan->sources()) {
      const meta::Database* database = catalog->FindDatabase(source.database);
      if (database == nullptr) continue;
      const engine::LateWrites::Watch own{*entry.threshold, entry.plan->grain_ns()};
      const auto [at, is_new] = watches.try_emplace(database->id, own);
      at->second.before_ns = std::max(at->second.before_ns, own.before_ns);
      at->second.grain_ns = std::min(at->second.grain_ns, own.grain_ns);
    }
  }
  late_writes_->SetWatches(std::move(watches));
}

void ContinuousQueryService::TakeNotes() {
  for (const engine::LateWrites::Note& note : late_writes_->Take()) {
    const auto shard = shards_.find(note.shard);
    if (shard == shards_.end()) continue;  // dropped since
    const auto& [database, policy] = shard->second;
    MarkWindows(note, database, policy, store_->MeasurementName(note.database, note.measurement));
  }
}

void ContinuousQueryService::MarkWindows(const engine::LateWrites::Note& note,
                                         const std::string& database, const std::string& policy,
                                         const std::string& measurement) {
  for (auto& [key, entry] : entries_) {
    if (!entry.tracked || !entry.threshold.has_value()) continue;
    if (!entry.plan->Reads(database, policy, measurement)) continue;
    for (const model::TimeRange& range : note.ranges) {
      if (range.min_ns >= *entry.threshold) break;
      Span span = entry.plan->Windows({range.min_ns, range.max_ns + 1});
      span.end_ns = std::min(span.end_ns, *entry.threshold);
      progress_[key].pending.Add(span);
    }
  }
}

absl::Status ContinuousQueryService::SaveNotes() {
  absl::MutexLock lock(&mu_);
  if (store_ == nullptr) return base::Unavailable("the server is still starting");
  SyncEntries();
  TakeNotes();
  return SaveLocked();
}

void ContinuousQueryService::Tick() {
  absl::MutexLock work(&work_mu_);
  std::vector<QueryKey> order;
  {
    absl::MutexLock lock(&mu_);
    SyncEntries();
    order = order_;
  }
  for (const QueryKey& key : order) {
    {
      absl::MutexLock lock(&mu_);
      SyncEntries();
      TakeNotes();
    }
    if (stopping_) break;
    RunDue(key);
    RunPending(key);
  }
  absl::MutexLock lock(&mu_);
  TakeNotes();
  // What was dropped while it ran has left traces again.
  const auto is_gone = [&](const auto& item) {
    mu_.AssertHeld();
    return std::find(shown_.begin(), shown_.end(), item.first) == shown_.end();
  };
  std::erase_if(progress_, is_gone);
  std::erase_if(entries_, is_gone);
  const absl::Status status = SaveLocked();
  if (!status.ok() && options_.on_error) options_.on_error({"", "", status});
}

void ContinuousQueryService::RunDue(const QueryKey& key) {
  std::shared_ptr<const QueryPlan> plan;
  QueryPlan::Due due;
  int64_t usual_start_ns = 0;
  {
    absl::MutexLock lock(&mu_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || env_.MonotonicNs() < found->second.retry_at_ns) return;
    Entry& entry = found->second;
    QueryProgress& progress = progress_[key];
    plan = entry.plan;
    const int64_t now_ns = env_.NowNs();
    if (progress.last_run.has_value() && *progress.last_run > now_ns + plan->every_ns()) {
      // The clock was set back: go on from here, not when it has come so far again.
      progress.last_run = plan->SlotOf(now_ns);
      entry.threshold = plan->NextStart(*progress.last_run);
      UpdateWatches();
    }
    const auto next = plan->DueAt(progress.last_run, now_ns);
    if (!next.has_value()) return;
    due = *next;
    usual_start_ns = plan->UsualStart(now_ns);
    // Before the data is looked at, so that no point is missed by both.
    entry.threshold = plan->NextStart(due.last_run_ns);
    UpdateWatches();
  }
  absl::Status status;
  Span span = due.span;
  if (span.start_ns < std::min(usual_start_ns, span.end_ns)) {
    const int64_t until_ns = std::min(usual_start_ns, span.end_ns);
    status = RunCatchUp(key, *plan, {span.start_ns, until_ns});
    span.start_ns = until_ns;
  }
  if (status.ok() && span.start_ns < span.end_ns) {
    const auto written = RunPiece(*plan, span, /*again=*/false, [&](const auto& statement) {
      return RunStatement(plan->database(), statement);
    });
    status = written.status();
    if (status.ok()) {
      absl::MutexLock lock(&mu_);
      Entry& entry = entries_[key];
      ++entry.status.runs;
      entry.status.points_written += *written;
      entry.status.done_until_ns = span.end_ns;
    }
  }
  if (status.ok()) {
    absl::MutexLock lock(&mu_);
    progress_[key].last_run = due.last_run_ns;
    if (due.span.start_ns < due.span.end_ns) entries_[key].status.last_run_ns = env_.NowNs();
  }
  NoteResult(key, status);
}

absl::Status ContinuousQueryService::RunCatchUp(const QueryKey& key, const QueryPlan& plan,
                                                Span span) {
  const Span missed = Complete(plan, span);
  int pieces = 0;
  for (Span rest = missed; rest.start_ns < rest.end_ns;) {
    const Span piece = plan.FirstPiece(rest);
    rest.start_ns = piece.end_ns;
    ASSIGN_OR_RETURN(const uint64_t written,
                     RunPiece(plan, piece, /*again=*/true, [&](const auto& statement) {
                       return RunStatement(plan.database(), statement);
                     }));
    absl::MutexLock lock(&mu_);
    Entry& entry = entries_[key];
    ++entry.status.runs;
    entry.status.points_written += written;
    entry.status.done_until_ns = piece.end_ns;
    QueryProgress& progress = progress_[key];
    progress.last_run = std::max(progress.last_run.value_or(0), plan.SlotOf(piece.end_ns));
    if (++pieces % kPiecesPerSave == 0) RETURN_IF_ERROR(SaveLocked());
  }
  return absl::OkStatus();
}

void ContinuousQueryService::RunPending(const QueryKey& key) {
  std::shared_ptr<const QueryPlan> plan;
  TimeRanges computing;
  int64_t start_ns = 0;
  {
    absl::MutexLock lock(&mu_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    if (progress_[key].pending.empty() && entry.stale.empty()) return;
    const int64_t monotonic_ns = env_.MonotonicNs();
    if (monotonic_ns < entry.retry_at_ns) return;
    if (monotonic_ns < entry.recompute_at_ns) return;
    start_ns = monotonic_ns;
    plan = entry.plan;
    std::swap(entry.computing, progress_[key].pending);
    // What the next run looks at anyway.
    if (entry.threshold.has_value()) entry.computing.CutFrom(*entry.threshold);
    computing = entry.computing;
  }
  absl::Status status;
  for (const Span& span : computing.spans()) {
    for (Span rest = Complete(*plan, span); status.ok() && rest.start_ns < rest.end_ns;) {
      const Span piece = plan->FirstPiece(rest);
      rest.start_ns = piece.end_ns;
      const auto written = RunPiece(*plan, piece, /*again=*/true, [&](const auto& statement) {
        return RunStatement(plan->database(), statement);
      });
      status = written.status();
      if (!status.ok()) break;
      absl::MutexLock lock(&mu_);
      Entry& entry = entries_[key];
      entry.status.points_written += *written;
      entry.status.windows_recomputed += plan->WindowCount(piece);
    }
    if (!status.ok()) break;
    absl::MutexLock lock(&mu_);
    entries_[key].computing.CutBefore(span.end_ns);
  }
  if (status.ok()) status = RemoveStale(key);
  {
    absl::MutexLock lock(&mu_);
    Entry& entry = entries_[key];
    for (const Span& span : entry.computing.spans()) progress_[key].pending.Add(span);
    entry.computing.Clear();
    // Where late points never end, this takes a tenth of the time at most; windows gather meanwhile
    // and are computed once.
    const int64_t end_ns = env_.MonotonicNs();
    entry.recompute_at_ns =
        end_ns + std::max(options_.recompute_pause_ns, kRestPerWork * (end_ns - start_ns));
  }
  NoteResult(key, status);
}

Span ContinuousQueryService::Complete(const QueryPlan& plan, Span span) const {
  const auto catalog = catalog_.Get();
  int64_t first_ns = model::kMaxTimeNs;
  int64_t last_ns = model::kMinTimeNs;
  for (const QueryPlan::SourceName& source : plan.sources()) {
    const meta::Database* database = catalog->FindDatabase(source.database);
    const meta::RetentionPolicy* policy =
        database == nullptr ? nullptr : database->FindPolicy(source.policy);
    if (policy == nullptr || policy->shard_groups.empty()) continue;
    first_ns = std::min(first_ns, policy->shard_groups.front().range.min_ns);
    last_ns = std::max(last_ns, policy->shard_groups.back().range.max_ns);
    if (enforcer_ == nullptr) continue;
    for (const auto dropped :
         {enforcer_->DroppedThrough(database->id, source.policy),
          enforcer_->DeletedThrough(database->id, source.policy, [&](const std::string& name) {
            return source.regex != nullptr ? source.regex->Matches(name) : source.name == name;
          })}) {
      if (dropped.has_value()) {
        span.start_ns = std::max(span.start_ns, plan.FirstWindowFrom(*dropped));
      }
    }
  }
  if (last_ns < first_ns) return {};
  const Span held = plan.Windows({first_ns, last_ns});
  span = {std::max(span.start_ns, held.start_ns), std::min(span.end_ns, held.end_ns)};
  return span.start_ns < span.end_ns ? span : Span{};
}

absl::StatusOr<uint64_t> ContinuousQueryService::RunPiece(const QueryPlan& plan, Span span,
                                                          bool again, const Runner& run) {
  if (stopping_) return base::Cancelled("the server is stopping");
  const int64_t start_ns = env_.MonotonicNs();
  absl::StatusOr<uint64_t> written = 0;
  const auto compute = [&] {
    if (again) span = Complete(plan, span);
    if (span.start_ns >= span.end_ns) return;
    const auto statement = plan.Statement(span);
    written = run(statement);
  };
  // No shard may go between the look at what is complete and the reading of it.
  if (again && enforcer_ != nullptr) {
    enforcer_->WithoutDrops(compute);
  } else {
    compute();
  }
  if (written.ok() && span.start_ns < span.end_ns && options_.on_run) {
    options_.on_run(
        {plan.database(), plan.name(), span, again, *written, env_.MonotonicNs() - start_ns});
  }
  return written;
}

absl::StatusOr<uint64_t> ContinuousQueryService::RunStatement(
    const std::string& database, const query::SelectStatement& statement) {
  WrittenSink sink;
  RETURN_IF_ERROR(RunText(database, query::Format(statement), sink));
  return sink.Result();
}

absl::Status ContinuousQueryService::RunText(const std::string& database, std::string text,
                                             query::ResultSink& sink) {
  query::QueryRequest request;
  request.text = std::move(text);
  request.database = database;
  request.client = "continuous query";
  request.cancelled = &stopping_;
  return executor_->Run(request, sink);
}

void ContinuousQueryService::NoteResult(const QueryKey& key, const absl::Status& status) {
  QueryError error;
  {
    absl::MutexLock lock(&mu_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || stopping_) return;
    Entry& entry = found->second;
    if (status.ok()) {
      entry.retry_pause_ns = 0;
      entry.retry_at_ns = 0;
      entry.status.last_error.clear();
      return;
    }
    ++entry.status.errors;
    entry.status.last_error = std::string(base::MessageOf(status));
    entry.retry_pause_ns = std::clamp(entry.retry_pause_ns * 2, kFirstRetryNs, kLongestRetryNs);
    entry.retry_at_ns = env_.MonotonicNs() + entry.retry_pause_ns;
    error = {entry.status.database, entry.status.name, status};
  }
  if (options_.on_error) options_.on_error(error);
}

std::vector<query::ContinuousQueryStatus> ContinuousQueryService::Status() const {
  absl::MutexLock lock(&mu_);
  const int64_t now_ns = env_.NowNs();
  std::vector<query::ContinuousQueryStatus> result;
  for (const QueryKey& key : shown_) {
    const auto entry = entries_.find(key);
    const auto progress = progress_.find(key);
    if (entry == entries_.end() || progress == progress_.end()) continue;
    query::ContinuousQueryStatus status = entry->second.status;
    const QueryPlan* plan = entry->second.plan.get();
    if (plan != nullptr) {
      for (const TimeRanges* ranges : {&progress->second.pending, &entry->second.computing}) {
        for (const Span& span : ranges->spans()) status.windows_pending += plan->WindowCount(span);
      }
    }
    if (plan != nullptr && progress->second.last_run.has_value()) {
      status.next_run_ns = plan->NextRun(*progress->second.last_run);
      status.lag_ns = std::max<int64_t>(now_ns - status.next_run_ns, 0);
    }
    result.push_back(std::move(status));
  }
  return result;
}

absl::StatusOr<query::BackfillResult> ContinuousQueryService::Backfill(
    const std::string& database_name, const std::string& name, int64_t from_ns, int64_t to_ns,
    const Runner& run) {
  QueryKey key;
  std::shared_ptr<const QueryPlan> plan;
  {
    absl::MutexLock lock(&mu_);
    SyncEntries();
    const auto catalog = catalog_.Get();
    const meta::Database* database = catalog->FindDatabase(database_name);
    if (database == nullptr) return base::NotFound("database not found: ", database_name);
    key = {database->id, name};
    const auto found = entries_.find(key);
    if (found == entries_.end()) return base::NotFound("continuous query not found: ", name);
    if (found->second.plan == nullptr) {
      return base::InvalidArgument(found->second.status.last_error);
    }
    plan = found->second.plan;
  }
  query::BackfillResult result;
  result.range = {.min_ns = 1, .max_ns = 0};
  Span span = plan->Windows({from_ns, to_ns});
  span.end_ns = std::min(span.end_ns, plan->EndedAt(env_.NowNs()));
  span = Complete(*plan, span);
  if (span.start_ns >= span.end_ns) return result;
  result.range = {span.start_ns, span.end_ns - 1};
  while (span.start_ns < span.end_ns) {
    const Span piece = plan->FirstPiece(span);
    absl::ReaderMutexLock writing(&target_mu_);
    ASSIGN_OR_RETURN(const uint64_t written, RunPiece(*plan, piece, /*again=*/true, run));
    result.points_written += written;
    result.windows += plan->WindowCount(piece);
    span.start_ns = piece.end_ns;
  }
  absl::MutexLock lock(&mu_);
  const auto found = entries_.find(key);
  if (found != entries_.end()) found->second.status.points_written += result.points_written;
  return result;
}

}  // namespace varve::retention
