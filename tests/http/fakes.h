// Stand-ins for the rooms below http, and a client that speaks raw bytes.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"
#include "base/status.h"
#include "engine/store.h"
#include "http/server.h"
#include "meta/catalog.h"
#include "query/executor.h"
#include "tests/temporary_folder.h"

namespace varve::http {

// Answers every write with `result`, on a thread of its own as the log does.
class FakeStore : public engine::Store {
 public:
  ~FakeStore() override {
    absl::MutexLock lock(&mu_);
    for (std::thread& thread : threads_) thread.join();
  }
  engine::WriteResult result;
  engine::StoreStatus status;
  model::ShardId shard = 3;  // the one that Shards() tells of

  std::vector<std::string> bodies() {
    absl::MutexLock lock(&mu_);
    return bodies_;
  }
  model::Precision precision() {
    absl::MutexLock lock(&mu_);
    return precision_;
  }

  void Write(const engine::WriteRequest& request, engine::WriteDone done) override {
    absl::MutexLock lock(&mu_);
    bodies_.emplace_back(request.body);
    precision_ = request.precision;
    if (request.database == "nosuch") {
      engine::WriteResult missing;
      missing.status = base::NotFound("database not found: \"nosuch\"");
      done(missing);
      return;
    }
    threads_.emplace_back([result = result, done = std::move(done)] { done(result); });
  }
  engine::WriteResult WriteAndWait(const engine::WriteRequest&) override { return result; }
  engine::WriteResult WritePoints(std::string_view, std::string_view,
                                  const std::vector<engine::Point>&) override {
    return result;
  }
  absl::Status Delete(const engine::DeleteRequest&) override { return absl::OkStatus(); }
  std::string MeasurementName(model::DatabaseId, model::MeasurementId) const override { return ""; }
  absl::Status DropShard(model::DatabaseId, model::ShardId) override { return absl::OkStatus(); }
  absl::Status DropDatabase(model::DatabaseId) override { return absl::OkStatus(); }
  absl::StatusOr<std::shared_ptr<const engine::ReadView>> OpenView(
      model::DatabaseId, const std::vector<engine::KnownShard>&) override {
    return base::Unimplemented("no views here");
  }
  absl::Status Flush(bool) override { return absl::OkStatus(); }
  absl::Status TryRecover() override { return absl::OkStatus(); }
  std::vector<engine::ShardStatus> Shards() const override {
    engine::ShardStatus one;
    one.shard = shard;
    one.series = 7;
    return {one};
  }
  std::vector<engine::DatabaseStatus> DatabaseStatuses() const override { return {}; }
  engine::StoreStatus Status() const override { return status; }

 private:
  absl::Mutex mu_;
  std::vector<std::string> bodies_ ABSL_GUARDED_BY(mu_);
  model::Precision precision_ ABSL_GUARDED_BY(mu_) = model::Precision::kNs;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
};

// Answers with what `run` does.
class FakeExecutor : public query::Executor {
 public:
  std::function<absl::Status(const query::QueryRequest&, query::ResultSink&)> run;
  absl::Status Run(const query::QueryRequest& request, query::ResultSink& sink) override {
    return run(request, sink);
  }
};

// What a query does while it runs, again and again.
inline void GoOn(const query::QueryRequest& request) {
  if (request.thread != nullptr) request.thread->GoesOn();
  std::this_thread::yield();
}

// Hands `rows` rows of (time, 1.5) to the sink.
inline absl::Status SendRows(query::ResultSink& sink, size_t rows) {
  query::SeriesHeader header{"m", {}, {"time", "v"}, ""};
  RETURN_IF_ERROR(sink.BeginStatement(0));
  for (size_t at = 0; at < rows;) {
    query::RowBatch batch;
    batch.header = &header;
    batch.new_series = at == 0;
    batch.rows = std::min<size_t>(1000, rows - at);
    for (size_t i = 0; i < batch.rows; ++i, ++at) {
      batch.cells.push_back(query::Cell::Time(static_cast<int64_t>(at)));
      batch.cells.push_back(query::Cell::Float(1.5));
    }
    RETURN_IF_ERROR(sink.Rows(batch));
  }
  return sink.EndStatement(absl::OkStatus());
}

// A TCP connection to the server under test.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  void Send(std::string_view bytes);
  // Reads until `text` came, the connection ended, or ten seconds passed; returns all of it.
  std::string ReadUntil(std::string_view text);
  std::string ReadAll() { return ReadUntil(""); }
  void Close();

 private:
  int socket_;
};

}  // namespace varve::http
