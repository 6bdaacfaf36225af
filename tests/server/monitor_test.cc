#include "server/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/faulty_env.h"
#include "base/status.h"
#include "server/instance.h"

namespace varve::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSecondNs = 1'000'000'000;

// Every row as "name,tag=value: cell cell", then the errors of statements.
class TextSink : public query::ResultSink {
 public:
  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch& batch) override {
    const size_t columns = batch.header->columns.size();
    for (size_t row = 0; row < batch.rows; ++row) {
      text += batch.header->name;
      for (const auto& [key, value] : batch.header->tags) {
        base::StrAppend(text, ",", key, "=", value);
      }
      text += ':';
      for (size_t i = 0; i < columns; ++i) {
        const query::Cell& cell = batch.cells[row * columns + i];
        text += ' ';
        if (cell.kind == query::Cell::Kind::kString) {
          text += cell.text;
        } else if (cell.kind == query::Cell::Kind::kBoolean) {
          text += cell.boolean_value ? "true" : "false";
        } else {
          base::StrAppend(text, cell.integer_value);
        }
      }
      text += '\n';
    }
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    if (!status.ok()) base::StrAppend(text, "ERR: ", base::MessageOf(status), "\n");
    return absl::OkStatus();
  }

  std::string text;
};

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() {
    EXPECT_TRUE(env_.CreateDirs("/data").ok());
    Open();
  }
  ~MonitorTest() override {
    monitor_.reset();
    instance_.reset();
  }

  void Open() {
    monitor_.reset();
    instance_.reset();
    InstanceOptions options;
    SetFolders("/data/varve", &options);
    options.store.background = false;
    options.query_threads = 1;
    options.enforce_retention = false;
    options.run_continuous_queries = false;
    auto instance = Instance::Open(env_, std::move(options));
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = *std::move(instance);
    Monitor::Environment environment;
    environment.env = &env_;
    environment.catalog = &instance_->catalog();
    environment.store = &instance_->store();
    environment.database = "_internal";
    environment.hostname = "box";
    environment.statistics = [this] { return rows_; };
    environment.on_error = [this](const absl::Status& error) {
      log_.push_back(base::StrCat("error ", base::MessageOf(error)));
    };
    environment.on_recovered = [this](uint64_t missed) {
      log_.push_back(base::StrCat("recovered ", missed));
    };
    environment.on_dropped = [this] { log_.emplace_back("dropped"); };
    monitor_ = std::make_unique<Monitor>(std::move(environment));
  }

  std::string Query(std::string text) {
    query::QueryRequest request;
    request.text = std::move(text);
    request.database = "_internal";
    TextSink sink;
    const absl::Status status = instance_->executor().Run(request, sink);
    EXPECT_TRUE(status.ok()) << status;
    return sink.text;
  }

  base::FaultyEnv env_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<query::StatisticsRow> rows_ = {
      {"write", {}, {"req", "writeOk"}, {int64_t{3}, int64_t{2}}},
      {"shard", {{"database", "d"}, {"id", "1"}, {"path", ""}}, {"files"}, {int64_t{7}}},
  };
  std::vector<std::string> log_;
};

TEST_F(MonitorTest, ARowBecomesAPoint) {
  const int64_t now_ns = env_.NowNs() / (10 * kSecondNs) * 10 * kSecondNs;
  monitor_->Store(now_ns);
  EXPECT_EQ(Query("SELECT req, writeOk FROM \"write\""), base::StrCat("write: ", now_ns, " 3 2\n"));
  // A tag without a value is left out; the rest are in order, `hostname` among them.
  EXPECT_EQ(Query("SHOW SERIES"), ": shard,database=d,hostname=box,id=1\n: write,hostname=box\n");
  EXPECT_THAT(Query("SHOW FIELD KEYS FROM \"write\""), HasSubstr("write: req integer\n"));
  EXPECT_EQ(Query("SHOW DATABASES"), "databases: _internal\n");
  EXPECT_EQ(Query("SHOW RETENTION POLICIES"), ": monitor 168h0m0s 24h0m0s 1 true\n");
  const http::MonitorStatus status = monitor_->Status();
  EXPECT_EQ(status.writes, 1u);
  EXPECT_EQ(status.failures, 0u);
  EXPECT_EQ(status.points_written, 2u);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(MonitorTest, ADroppedDatabaseStaysGoneUntilTheNextStart) {
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(Query("DROP DATABASE _internal"), "");
  monitor_->Store(env_.NowNs());
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(Query("SHOW DATABASES"), "");
  EXPECT_THAT(log_, ElementsAre("dropped"));
  EXPECT_EQ(monitor_->Status().failures, 0u);
  EXPECT_EQ(monitor_->Status().last_error, "");
  Open();
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(Query("SHOW DATABASES"), "databases: _internal\n");
}

TEST_F(MonitorTest, WhatUsersChangeIsLeftAlone) {
  monitor_->Store(env_.NowNs());
  Query("ALTER RETENTION POLICY monitor ON _internal DURATION 2d");
  Query("CREATE RETENTION POLICY long ON _internal DURATION INF REPLICATION 1 DEFAULT");
  monitor_->Store(env_.NowNs());
  Open();
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(Query("SHOW RETENTION POLICIES"),
            ": monitor 48h0m0s 24h0m0s 1 false\n: long 0s 168h0m0s 1 true\n");
  EXPECT_EQ(monitor_->Status().failures, 0u);
}

TEST_F(MonitorTest, ADatabaseThatIsThereGetsThePolicy) {
  Query("CREATE DATABASE _internal");
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(Query("SHOW RETENTION POLICIES"),
            ": autogen 0s 168h0m0s 1 true\n: monitor 168h0m0s 24h0m0s 1 false\n");
  EXPECT_EQ(monitor_->Status().writes, 1u);
}

TEST_F(MonitorTest, FailuresAreCountedAndToldOnce) {
  monitor_->Store(env_.NowNs());
  Query("DROP RETENTION POLICY monitor ON _internal");
  for (int i = 0; i < 5; ++i) monitor_->Store(env_.NowNs());
  EXPECT_EQ(monitor_->Status().failures, 5u);
  EXPECT_THAT(monitor_->Status().last_error, HasSubstr("retention policy not found: monitor"));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("error retention policy not found")));
  Query("CREATE RETENTION POLICY monitor ON _internal DURATION 7d REPLICATION 1");
  monitor_->Store(env_.NowNs());
  EXPECT_EQ(monitor_->Status().writes, 2u);
  EXPECT_EQ(monitor_->Status().last_error, "");
  EXPECT_THAT(log_, ElementsAre(HasSubstr("error"), "recovered 5"));
}

TEST_F(MonitorTest, ASealedLogOrFullDiskIsPassedOver) {
  monitor_->Store(env_.NowNs());
  env_.FailFrom(1, base::FaultKind::kNoSpace);
  for (int i = 0; i < 3; ++i) monitor_->Store(env_.NowNs() + i);
  EXPECT_EQ(monitor_->Status().failures, 3u);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("error")));
  env_.ClearFaults();
  ASSERT_TRUE(instance_->store().TryRecover().ok());
  monitor_->Store(env_.NowNs());
  EXPECT_THAT(log_, ElementsAre(HasSubstr("error"), "recovered 3"));
}

TEST_F(MonitorTest, StopsWithoutWaitingForTheInterval) {
  Monitor::Environment environment;
  environment.env = &env_;
  environment.interval_ns = int64_t{365} * 24 * 3600 * kSecondNs;
  environment.statistics = [] { return std::vector<query::StatisticsRow>(); };
  Monitor monitor(std::move(environment));
  monitor.Start();
  monitor.Stop();
  monitor.Stop();
  EXPECT_EQ(monitor.Status().writes, 0u);
}

}  // namespace
}  // namespace varve::server
