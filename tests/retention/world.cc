#include "tests/retention/world.h"

#include <utility>

namespace varve::retention {
namespace {

std::string CellText(const query::Cell& cell) {
  switch (cell.kind) {
    case query::Cell::Kind::kNull:
      return "null";
    case query::Cell::Kind::kFloat:
      return base::StrCat(cell.float_value);
    case query::Cell::Kind::kUnsigned:
      return base::StrCat(cell.unsigned_value);
    case query::Cell::Kind::kBoolean:
      return cell.boolean_value ? "true" : "false";
    case query::Cell::Kind::kString:
      return std::string(cell.text);
    case query::Cell::Kind::kInteger:
    case query::Cell::Kind::kTime:
      break;
  }
  return base::StrCat(cell.integer_value);
}

class LineSink : public query::ResultSink {
 public:
  std::string text;

  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch& batch) override {
    const size_t columns = batch.header->columns.size();
    for (size_t row = 0; row < batch.rows; ++row) {
      text += batch.header->name;
      for (const auto& [key, value] : batch.header->tags) {
        base::StrAppend(text, ",", key, "=", value);
      }
      text += ":";
      for (size_t i = 0; i < columns; ++i) {
        base::StrAppend(text, " ", CellText(batch.cells[row * columns + i]));
      }
      text += "\n";
    }
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    if (!status.ok()) base::StrAppend(text, "ERR: ", base::MessageOf(status), "\n");
    return absl::OkStatus();
  }
};

std::vector<engine::KnownShard> KnownShards(const meta::CatalogData& catalog) {
  std::vector<engine::KnownShard> known;
  for (const auto& database : catalog.databases) {
    for (const auto& policy : database.policies) {
      for (const auto& group : policy.shard_groups) {
        known.push_back({database.id, group.shard, group.range});
      }
    }
  }
  return known;
}

template <typename T>
void Take(absl::StatusOr<T> from, T* to) {
  ASSERT_TRUE(from.ok()) << from.status();
  *to = *std::move(from);
}

}  // namespace

World::World() {
  env.SetNowNs(kStartNs);
  Open();
  Do("CREATE DATABASE d");
}

void World::Open() {
  Take(meta::Catalog::Open(env, "/meta", {}), &catalog);
  ContinuousQueryService::Options running;
  running.folder = "/meta";
  running.on_run = [this](const QueryRun& run) {
    runs.push_back(base::StrCat(run.again ? "again " : "", run.name, " ",
                                (run.span.start_ns - kStartNs) / kSecondNs, "..",
                                (run.span.end_ns - kStartNs) / kSecondNs));
  };
  running.on_error = [this](const QueryError& error) {
    errors.push_back(base::StrCat(error.name, ": ", base::MessageOf(error.status)));
  };
  const auto late = std::make_shared<engine::LateWrites>();
  Take(ContinuousQueryService::Open(env, *catalog, late, std::move(running)), &queries);
  engine::StoreOptions options;
  options.late_writes = late;
  options.before_truncate = [this] { return queries->SaveNotes(); };
  options.data_folder = "/data";
  options.wal_folder = "/wal";
  options.background = false;
  Take(engine::Store::Open(env, options, KnownShards(*catalog->Get()), *catalog), &store);
  workers = std::make_unique<base::ThreadPool>(1, 16);
  query::Executor::Environment environment;
  environment.env = &env;
  guarded = GuardDeclared(*catalog, declarations);
  environment.catalog = guarded.get();
  environment.store = store.get();
  environment.workers = workers.get();
  environment.continuous_queries = queries.get();
  environment.facts.dropped_shards = [this] { return enforcer->RecentDrops(); };
  executor = query::Executor::Create(std::move(environment));
  Enforcer::Environment enforcing;
  enforcing.env = &env;
  enforcing.catalog = catalog.get();
  enforcing.store = store.get();
  enforcing.folder = "/meta";
  enforcing.on_dropped = [this](const ExpiredShard& shard) {
    dropped.push_back(base::StrCat(shard.policy_name, ":", shard.shard));
  };
  enforcing.on_deleted = [this](const ExpiredPoints& points) {
    deleted.push_back(base::StrCat(points.policy_name, ":", points.measurement));
  };
  enforcing.on_error = [this](const absl::Status& error) {
    errors.emplace_back(base::MessageOf(error));
  };
  Take(Enforcer::Open(std::move(enforcing)), &enforcer);
  queries->Attach(*store, *executor, enforcer.get());
}

void World::Close() {
  enforcer.reset();
  executor.reset();
  workers.reset();
  store.reset();
  guarded.reset();
  queries.reset();
  catalog.reset();
}

std::string World::Query(std::string_view text, std::string_view database) {
  query::QueryRequest request;
  request.text = std::string(text);
  request.database = std::string(database);
  LineSink sink;
  const absl::Status status = executor->Run(request, sink);
  if (!status.ok()) base::StrAppend(sink.text, "ERR: ", base::MessageOf(status), "\n");
  return sink.text;
}

std::string World::Write(std::string_view body, std::string_view policy) {
  engine::WriteRequest request;
  request.database = "d";
  request.retention_policy = policy;
  request.body = body;
  return std::string(base::MessageOf(store->WriteAndWait(request).status));
}

}  // namespace varve::retention
