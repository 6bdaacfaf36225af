// What holds for requests as a whole: who may, how many, how long, and how they are stopped. The
// clock stands still unless a test moves it; what happens "meanwhile" happens inside a sink.
#include "query/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/faulty_env.h"
#include "base/status.h"
#include "base/strings.h"

namespace varve::query {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecondNs = 1'000'000'000;

// Keeps "ok" or the error of each statement, and the text cells of its rows.
class TestSink : public ResultSink {
 public:
  std::function<void()> meanwhile;  // called with the first rows
  std::vector<std::string> statements;
  std::vector<std::string> texts;
  std::vector<Cell> last_row;
  size_t rows = 0;

  absl::Status BeginStatement(int id) override {
    EXPECT_EQ(static_cast<size_t>(id), statements.size());
    return absl::OkStatus();
  }
  absl::Status Rows(const RowBatch& batch) override {
    rows += batch.rows;
    for (const Cell& cell : batch.cells) {
      if (cell.kind == Cell::Kind::kString) texts.emplace_back(cell.text);
    }
    const size_t width = batch.header->columns.size();
    if (batch.rows > 0)
      last_row.assign(batch.cells.end() - static_cast<ptrdiff_t>(width), batch.cells.end());
    if (const auto call = std::exchange(meanwhile, nullptr)) call();
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    statements.emplace_back(status.ok() ? "ok" : base::MessageOf(status));
    return absl::OkStatus();
  }
};

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() : workers_(1, 16) {
    env_.SetNowNs(1'000'000 * kSecondNs);
    auto catalog = meta::Catalog::Open(env_, "/meta", {});
    EXPECT_TRUE(catalog.ok()) << catalog.status();
    catalog_ = *std::move(catalog);
    engine::StoreOptions options;
    options.data_folder = "/data";
    options.wal_folder = "/wal";
    options.background = false;
    auto store = engine::Store::Open(env_, options, {}, *catalog_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    EXPECT_TRUE(catalog_->CreateDatabase("d", {}).ok());
    EXPECT_TRUE(catalog_->CreateDatabase("e", {}).ok());
    const std::vector<engine::Point> points = {{"m", 1, {{"v", model::FieldValue::Float(1)}}}};
    EXPECT_TRUE(store_->WritePoints("d", "", points).status.ok());
    MakeExecutor({});
  }

  void MakeExecutor(const QueryLimits& limits) {
    Executor::Environment environment;
    environment.env = &env_;
    environment.catalog = catalog_.get();
    environment.store = store_.get();
    environment.workers = &workers_;
    environment.limits = limits;
    environment.on_slow_query = [this](std::string_view query, std::string_view database,
                                       int64_t duration_ns) {
      slow_.push_back(
          base::StrCat(query, " on ", database, " took ", duration_ns / kSecondNs, "s"));
    };
    executor_ = Executor::Create(std::move(environment));
  }

  // Rows 1 to n, each its own value, of a series spelled as in line protocol.
  void WriteRows(const std::string& series, int n) {
    std::string body;
    for (int i = 1; i <= n; ++i) base::StrAppend(body, series, " v=", i, " ", i, "\n");
    const engine::WriteResult result = store_->WriteAndWait({.database = "d", .body = body});
    EXPECT_TRUE(result.status.ok()) << result.status;
  }

  absl::Status Run(std::string text, TestSink& sink, const Principal* principal = nullptr) {
    QueryRequest request;
    request.text = std::move(text);
    request.database = "d";
    request.principal = principal;
    request.cancelled = &cancelled_;
    return executor_->Run(request, sink);
  }
  // The outcome of each statement.
  std::vector<std::string> Outcome(std::string text) {
    TestSink sink;
    EXPECT_TRUE(Run(std::move(text), sink).ok());
    return sink.statements;
  }
  // "" when allowed, else the words of the refusal.
  std::string Refusal(std::string text, const Principal& principal) {
    TestSink sink;
    const absl::Status status = Run(std::move(text), sink, &principal);
    if (status.ok()) return "";
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    EXPECT_THAT(sink.statements, IsEmpty());
    return std::string(base::MessageOf(status));
  }

  base::FaultyEnv env_;
  base::ThreadPool workers_;
  std::unique_ptr<meta::Catalog> catalog_;
  std::unique_ptr<engine::Store> store_;
  std::unique_ptr<Executor> executor_;
  std::atomic<bool> cancelled_ = false;
  std::vector<std::string> slow_;
};

TEST_F(ExecutorTest, AKilledRequestEndsAndTheOthersGoOn) {
  TestSink sink;
  TestSink list;
  sink.meanwhile = [&] {
    ASSERT_THAT(Outcome("KILL QUERY 1"), ElementsAre("ok"));
    EXPECT_THAT(Outcome("KILL QUERY 1"), ElementsAre("already killed: 1"));
    ASSERT_TRUE(Run("SHOW QUERIES", list).ok());
  };
  // Killed within the first statement, which has many rows more to give.
  WriteRows("m", 5000);
  ASSERT_TRUE(Run("SELECT v FROM m; SELECT v FROM m; SELECT v FROM m", sink).ok());
  EXPECT_THAT(sink.statements, ElementsAre("query interrupted", "not executed", "not executed"));
  EXPECT_LE(sink.rows, 2 * model::kBatchRows);
  EXPECT_EQ(list.rows, 2u);
  EXPECT_THAT(list.texts, ElementsAre("SELECT v FROM m;\nSELECT v FROM m;\nSELECT v FROM m", "d",
                                      "0s", "killed", "SHOW QUERIES", "d", "0s", "running"));
  EXPECT_THAT(Outcome("SELECT v FROM m"), ElementsAre("ok"));
  EXPECT_THAT(Outcome("KILL QUERY 1"), ElementsAre("no such query id: 1"));
}

// Whatever a statement is doing, it ends, and its place is free for the next.
TEST_F(ExecutorTest, AKilledStatementOfAnyKindEndsAtOnce) {
  MakeExecutor({.max_concurrent = 2});
  WriteRows("m", 5000);
  for (int series = 0; series < 200; ++series) {
    WriteRows(base::StrCat("wide,host=h", series), 30);
  }
  uint64_t id = 1;
  for (const char* text :
       {"SELECT v FROM wide", "SELECT v FROM wide GROUP BY host",
        "SELECT v FROM wide ORDER BY time DESC", "SELECT mean(v) FROM wide GROUP BY host",
        "SELECT difference(v) FROM wide GROUP BY host",
        "SELECT mean(v) FROM m WHERE time > 0 AND time < 5000 GROUP BY time(1ns)",
        "SELECT v FROM (SELECT v FROM m)", "SHOW SERIES", "SHOW TAG VALUES WITH KEY = host"}) {
    TestSink sink;
    const uint64_t running = id;
    sink.meanwhile = [&] {
      EXPECT_THAT(Outcome(base::StrCat("KILL QUERY ", running)), ElementsAre("ok")) << text;
    };
    // A statement with few rows is killed with its last ones; what follows never runs.
    ASSERT_TRUE(Run(base::StrCat(text, "; SHOW DATABASES"), sink).ok());
    ASSERT_EQ(sink.statements.size(), 2u) << text;
    EXPECT_NE(sink.statements[1], "ok") << text;
    EXPECT_LE(sink.rows, 2 * model::kBatchRows) << text;
    EXPECT_THAT(Outcome("SHOW DATABASES"), ElementsAre("ok"));
    id += 3;
  }
}

TEST_F(ExecutorTest, SelectsMeetTheirLimits) {
  for (int series = 0; series < 20; ++series) WriteRows(base::StrCat("wide,host=h", series), 100);
  MakeExecutor({.max_select_points = 1999, .max_select_series = 19, .max_select_buckets = 9});
  EXPECT_THAT(Outcome("SELECT v FROM wide"),
              ElementsAre("max-select-series limit exceeded: (20/19)"));
  EXPECT_THAT(Outcome("SELECT mean(v) FROM wide WHERE host = 'h1' AND time >= 0 AND time <= 10 "
                      "GROUP BY time(1ns)"),
              ElementsAre("max-select-buckets limit exceeded: (10/9)"));
  EXPECT_THAT(Outcome("SELECT mean(v) FROM wide WHERE host = 'h1' AND time >= 0 AND time < 10 "
                      "GROUP BY time(1ns)"),
              ElementsAre("ok"));
  MakeExecutor({.max_select_points = 1999});
  EXPECT_THAT(Outcome("SELECT v FROM wide"), ElementsAre(HasSubstr("max-select-point limit")));
  EXPECT_THAT(Outcome("SELECT mean(v) FROM wide"),
              ElementsAre(HasSubstr("max-select-point limit")));
  EXPECT_THAT(Outcome("SELECT v FROM wide WHERE host != 'h3'"), ElementsAre("ok"));
}

// Whatever makes a statement hold much, it is told so, and holds nothing afterwards.
TEST_F(ExecutorTest, TheMemoryBudgetHolds) {
  WriteRows("m", 20'000);
  for (int series = 0; series < 4000; ++series) WriteRows(base::StrCat("w,host=h", series), 1);
  MakeExecutor({.memory_bytes = 120'000});
  for (const char* text :
       {"SELECT v FROM (SELECT v FROM m)", "SELECT median(v) FROM m",
        "SELECT mean(v) FROM m WHERE time > 0 AND time < 20000 GROUP BY time(1ns)",
        "SELECT count(v) FROM m WHERE time > 0 AND time < 1s GROUP BY time(1u) fill(0)",
        "SELECT distinct(v) FROM m", "SELECT top(v, 10000) FROM m", "SELECT difference(v) FROM m",
        "SELECT v FROM w GROUP BY host", "SELECT sum(v) FROM w GROUP BY host", "SHOW SERIES"}) {
    EXPECT_THAT(Outcome(text), ElementsAre(HasSubstr("query memory limit exceeded"))) << text;
  }
  for (const char* text : {"SELECT v FROM m", "SELECT mean(v), max(v) FROM m",
                           "SELECT count(v) FROM w", "SHOW SERIES LIMIT 10"}) {
    EXPECT_THAT(Outcome(text), ElementsAre("ok")) << text;
  }
}

TEST_F(ExecutorTest, SketchesCountDifferentValues) {
  WriteRows("s,host=a", 3000);
  WriteRows("s,host=b", 2000);
  const auto count = [&](std::string text) -> uint64_t {
    TestSink sink;
    EXPECT_TRUE(Run(text, sink).ok());
    EXPECT_THAT(sink.statements, ElementsAre("ok")) << text;
    if (sink.last_row.size() != 2 || sink.last_row[1].kind != Cell::Kind::kUnsigned) return 0;
    return sink.last_row[1].unsigned_value;
  };
  EXPECT_EQ(count("SELECT count_hll(sum_hll(v)) FROM s"), 3000u);
  EXPECT_EQ(count("SELECT count_hll(sum_hll(v)) FROM s WHERE host = 'b'"), 2000u);
  EXPECT_EQ(count("SELECT count_hll(sum_hll(v)) FROM s WHERE time < 1000 GROUP BY time(500ns)"),
            500u);
  // Sketches may be written and merged later.
  EXPECT_THAT(Outcome("SELECT sum_hll(v) AS h INTO t FROM s GROUP BY host"), ElementsAre("ok"));
  EXPECT_EQ(count("SELECT count_hll(merge_hll(h)) FROM t"), 3000u);
  EXPECT_EQ(count("SELECT count_hll(h) FROM t WHERE host = 'b'"), 2000u);
  EXPECT_EQ(count("SELECT count_hll(merge_hll(h)) FROM (SELECT sum_hll(v) AS h FROM s)"), 3000u);
  EXPECT_THAT(Outcome("SELECT count_hll(v) FROM s"), ElementsAre(HasSubstr("unsupported")));
  EXPECT_THAT(Outcome("SELECT sum_hll() FROM s"),
              ElementsAre("invalid number of arguments for sum_hll, expected 1, got 0"));
}

TEST_F(ExecutorTest, ADeleteMayNameItsPolicy) {
  EXPECT_THAT(Outcome("CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1; "
                      "SELECT v INTO other.m FROM m; DELETE FROM autogen.m"),
              ElementsAre("ok", "ok", "ok"));
  TestSink sink;
  ASSERT_TRUE(Run("SELECT v FROM autogen.m; SELECT v FROM other.m", sink).ok());
  EXPECT_EQ(sink.rows, 1u);
  EXPECT_THAT(Outcome("DELETE FROM nosuch.m"), ElementsAre("retention policy not found: nosuch"));
  EXPECT_THAT(Outcome("DELETE FROM m WHERE time < 10"), ElementsAre("ok"));
  TestSink empty;
  ASSERT_TRUE(Run("SELECT v FROM other.m", empty).ok());
  EXPECT_EQ(empty.rows, 0u);
}

TEST_F(ExecutorTest, PointsBeyondTheLimitsOfTheirPolicyAreDropped) {
  EXPECT_THAT(Outcome("CREATE RETENTION POLICY narrow ON d DURATION INF REPLICATION 1 "
                      "FUTURE LIMIT 1h PAST LIMIT 2h"),
              ElementsAre("ok"));
  // Now is 1,000,000 s.
  const engine::WriteResult result =
      store_->WriteAndWait({.database = "d",
                            .retention_policy = "narrow",
                            .body = "n v=1 992799\nn v=2 992800\nn v=3 1003600\nn v=4 1003601\n",
                            .precision = model::Precision::kS});
  EXPECT_EQ(base::MessageOf(result.status),
            "partial write: points beyond retention policy dropped=2");
  EXPECT_EQ(result.points_dropped, 2u);
  TestSink sink;
  ASSERT_TRUE(Run("SELECT v FROM narrow.n", sink).ok());
  EXPECT_EQ(sink.rows, 2u);
}

TEST_F(ExecutorTest, ExplainCountsWhatWouldBeRead) {
  WriteRows("s,host=a", 3000);
  WriteRows("s,host=b", 2000);
  const auto lines = [&](std::string text) {
    TestSink sink;
    EXPECT_TRUE(Run(text, sink).ok());
    return sink.texts;
  };
  EXPECT_THAT(lines("EXPLAIN SELECT mean(v) FROM s WHERE host = 'a' AND time <= 100"),
              ElementsAre("EXPRESSION: mean(v::float)", "NUMBER OF SHARDS: 1",
                          "NUMBER OF SERIES: 1", "CACHED VALUES: 100", "NUMBER OF FILES: 0",
                          "NUMBER OF BLOCKS: 0", "SIZE OF BLOCKS: 0"));
  ASSERT_TRUE(store_->Flush(false).ok());
  const auto flushed = lines("EXPLAIN VERBOSE SELECT mean(v) FROM s");
  ASSERT_GT(flushed.size(), 8u);
  EXPECT_EQ(flushed[3], "CACHED VALUES: 0");
  EXPECT_EQ(flushed[4], "NUMBER OF FILES: 2");
  EXPECT_EQ(flushed[5], "NUMBER OF BLOCKS: 5");  // of 1,024 rows at most
  EXPECT_NE(flushed[6], "SIZE OF BLOCKS: 0");
  EXPECT_THAT(
      flushed,
      Contains(
          "values: statistics of blocks, or of hours (rollups), within one window, else rows"));
  EXPECT_THAT(flushed, Contains("filter: none"));
  EXPECT_THAT(lines("EXPLAIN VERBOSE SELECT mode(v) FROM s WHERE v > 1"),
              AllOf(Contains("values: rows"), Contains("series: in the order of the answer"),
                    Contains("filter: series by the index, then row by row")));
  EXPECT_THAT(lines("EXPLAIN ANALYZE SELECT mean(v) FROM s GROUP BY host"),
              AllOf(Contains(AllOf(HasSubstr("scan: time: "), HasSubstr("rows read: 0, blocks: 0"),
                                   HasSubstr("blocks from statistics: 5"))),
                    Contains(HasSubstr("emit: time: ")), Contains(HasSubstr("groups: 2"))));
}

TEST_F(ExecutorTest, ARequestEndsWhenItsClientIsGone) {
  TestSink sink;
  sink.meanwhile = [&] { cancelled_ = true; };
  ASSERT_TRUE(Run("SHOW DATABASES; SELECT v FROM m", sink).ok());
  EXPECT_THAT(sink.statements, ElementsAre("ok", "query interrupted"));
}

TEST_F(ExecutorTest, TheTimeoutCountsForTheWholeRequest) {
  MakeExecutor({.timeout_ns = 10 * kSecondNs});
  TestSink in_time;
  in_time.meanwhile = [&] { env_.AdvanceNs(10 * kSecondNs); };
  ASSERT_TRUE(Run("SHOW DATABASES; SELECT v FROM m", in_time).ok());
  EXPECT_THAT(in_time.statements, ElementsAre("ok", "ok"));
  TestSink late;
  late.meanwhile = [&] { env_.AdvanceNs(10 * kSecondNs + 1); };
  ASSERT_TRUE(Run("SHOW DATABASES; SELECT v FROM m; SHOW DATABASES", late).ok());
  EXPECT_THAT(late.statements, ElementsAre("ok", "query-timeout limit exceeded", "not executed"));
}

TEST_F(ExecutorTest, NoMoreRequestsRunThanMay) {
  MakeExecutor({.max_concurrent = 2});
  TestSink first;
  first.meanwhile = [&] {
    TestSink second;
    second.meanwhile = [&] {
      EXPECT_THAT(Outcome("SHOW DATABASES; SHOW USERS"),
                  ElementsAre("max-concurrent-queries limit exceeded(2, 2)"));
    };
    ASSERT_TRUE(Run("SHOW DATABASES", second).ok());
    EXPECT_THAT(second.statements, ElementsAre("ok"));
    // Its place is free again.
    EXPECT_THAT(Outcome("SHOW DATABASES"), ElementsAre("ok"));
  };
  ASSERT_TRUE(Run("SELECT v FROM m", first).ok());
  EXPECT_EQ(first.meanwhile, nullptr);
  EXPECT_THAT(first.statements, ElementsAre("ok"));
}

TEST_F(ExecutorTest, WindowsOfTheCalendarAndOfRangesAreCounted) {
  MakeExecutor({.max_select_buckets = 3});
  const std::string select = "SELECT mean(v) FROM m WHERE ";
  EXPECT_THAT(Outcome(select + "time >= '2024-01-01' AND time < '2024-04-01' GROUP BY time(1mo)"),
              ElementsAre("ok"));
  EXPECT_THAT(Outcome(select + "time >= '2024-01-31' AND time < '2024-04-02' GROUP BY time(1mo)"),
              ElementsAre("max-select-buckets limit exceeded: (4/3)"));
  EXPECT_THAT(Outcome(select + "time BETWEEN 0 AND 9 OR time BETWEEN 100 AND 119 GROUP BY "
                               "time(10ns)"),
              ElementsAre("ok"));
  EXPECT_THAT(Outcome(select + "time BETWEEN 0 AND 9 OR time BETWEEN 100 AND 129 GROUP BY "
                               "time(10ns)"),
              ElementsAre("max-select-buckets limit exceeded: (4/3)"));
}

TEST_F(ExecutorTest, ReportsWhatTookLongWithoutPasswords) {
  MakeExecutor({.log_after_ns = 5 * kSecondNs});
  EXPECT_THAT(Outcome("SELECT v FROM m"), ElementsAre("ok"));
  TestSink sink;
  sink.meanwhile = [&] { env_.AdvanceNs(7 * kSecondNs); };
  ASSERT_TRUE(Run("SHOW DATABASES; CREATE USER u WITH PASSWORD 'secret'", sink).ok());
  ASSERT_EQ(slow_.size(), 1u);
  EXPECT_THAT(slow_[0], HasSubstr("PASSWORD [REDACTED] on d took 7s"));
}

TEST_F(ExecutorTest, WhatDoesNotParseTouchesNoSink) {
  TestSink sink;
  EXPECT_EQ(Run("SELECT", sink).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(sink.statements, IsEmpty());
}

TEST_F(ExecutorTest, AdministratorsMayDoEverything) {
  const Principal admin{.user = "root", .admin = true, .privileges = {}};
  EXPECT_EQ(Refusal("CREATE DATABASE f; SHOW USERS; SELECT v INTO f..n FROM m", admin), "");
}

// A thread that is wanted back whenever the query says that it goes on.
class CountingThread : public LentThread {
 public:
  bool GoesOn() override {
    ++went_on;
    return !given_back;
  }
  void GiveBack() override { given_back = true; }
  std::atomic<size_t> went_on = 0;
  std::atomic<bool> given_back = false;
};

class LentThreadTest : public ExecutorTest {
 protected:
  void RunOnLent(std::string_view text, CountingThread& thread) {
    QueryRequest request;
    request.text = text;
    request.database = "d";
    request.thread = &thread;
    TestSink sink;
    EXPECT_TRUE(executor_->Run(request, sink).ok()) << text;
    EXPECT_THAT(sink.statements, ElementsAre("ok")) << text;
  }
};

TEST_F(LentThreadTest, IsGivenBackBeforeWhatMayTakeLong) {
  WriteRows("m", 5000);
  for (int series = 0; series < 40; ++series) WriteRows(base::StrCat("wide,host=h", series), 3);
  const auto gives_back = [this](std::string_view text) {
    CountingThread thread;
    RunOnLent(text, thread);
    return thread.given_back.load();
  };
  for (const char* text :
       {"SELECT max(v) FROM m WHERE time > 0 AND time < 5000 GROUP BY time(1u)", "SELECT v FROM m",
        "SELECT mean(v) FROM wide WHERE host = 'h1'", "SELECT mean(v) FROM wide GROUP BY host",
        "SELECT percentile(v, 50), v FROM wide"}) {
    EXPECT_FALSE(gives_back(text)) << text;
  }
  for (const char* text :
       {"SHOW SERIES", "DELETE FROM nothing", "EXPLAIN ANALYZE SELECT v FROM m",
        "SELECT v INTO n FROM m", "SELECT v FROM /m/", "SELECT mean(v) FROM wide WHERE host =~ /1/",
        "SELECT v FROM wide WHERE host = other",
        "SELECT mean(v) FROM m WHERE time > 0 AND time < 50000 GROUP BY time(1ns)"}) {
    EXPECT_TRUE(gives_back(text)) << text;
  }
}

TEST_F(LentThreadTest, IsAskedAgainAndAgain) {
  WriteRows("m", 50'000);
  for (const char* text :
       {"SELECT v FROM m",
        "SELECT median(v) FROM m WHERE time > 0 AND time < 50000 GROUP BY time(1u)",
        "SELECT v FROM (SELECT v FROM m)"}) {
    CountingThread thread;
    RunOnLent(text, thread);
    EXPECT_GE(thread.went_on.load(), 5u) << text;
  }
}

TEST_F(ExecutorTest, ReadersReadTheirDatabase) {
  const Principal reader{.user = "r", .privileges = {{"d", meta::Privilege::kRead}}};
  EXPECT_EQ(Refusal("SELECT v FROM m; SHOW SERIES; SHOW TAG KEYS; SHOW RETENTION POLICIES", reader),
            "");
  EXPECT_EQ(Refusal("SELECT v FROM e..m", reader),
            "r not authorized to execute statement 'SELECT v FROM e..m', requires READ on e");
  EXPECT_THAT(Refusal("SELECT v FROM (SELECT v FROM e..m)", reader), HasSubstr("READ on e"));
  EXPECT_EQ(Refusal("SELECT a.v FROM m AS a JOIN m AS b", reader), "");
  EXPECT_THAT(Refusal("SELECT a.v FROM m AS a JOIN e..m AS b", reader), HasSubstr("READ on e"));
  EXPECT_THAT(Refusal("SELECT a.v FROM m AS a JOIN (SELECT v FROM e..m) AS b", reader),
              HasSubstr("READ on e"));
  EXPECT_THAT(Refusal("SHOW SERIES FROM e..m", reader), HasSubstr("requires READ on e"));
  EXPECT_THAT(Refusal("SELECT v INTO n FROM m", reader), HasSubstr("requires WRITE on d"));
  EXPECT_THAT(Refusal("EXPLAIN SELECT v FROM e..m", reader), HasSubstr("requires READ on e"));
  EXPECT_THAT(Refusal("DELETE FROM m", reader), HasSubstr("requires WRITE on d"));
  for (const char* text :
       {"CREATE DATABASE f", "DROP DATABASE d", "SHOW USERS", "KILL QUERY 1", "DROP MEASUREMENT m",
        "CREATE USER u WITH PASSWORD 'p'", "GRANT ALL ON d TO r", "SHOW STATS", "DROP SHARD 1"}) {
    EXPECT_THAT(Refusal(text, reader), HasSubstr("requires admin privilege")) << text;
  }
}

TEST_F(ExecutorTest, ARefusedStatementStopsTheWholeRequestBeforeItBegins) {
  const Principal writer{.user = "w", .privileges = {{"d", meta::Privilege::kWrite}}};
  EXPECT_THAT(Refusal("DELETE FROM m; SELECT v FROM m", writer), HasSubstr("requires READ on d"));
  TestSink sink;
  ASSERT_TRUE(Run("SELECT v FROM m", sink).ok());
  EXPECT_EQ(sink.rows, 1u);
}

TEST_F(ExecutorTest, DatabasesOfOthersAreNotListed) {
  const Principal reader{.user = "r", .privileges = {{"e", meta::Privilege::kAll}}};
  TestSink sink;
  ASSERT_TRUE(Run("SHOW DATABASES", sink, &reader).ok());
  EXPECT_THAT(sink.texts, ElementsAre("e"));
}

}  // namespace
}  // namespace varve::query
