#include "http/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/strings.h"
#include "http/statistic_table.h"
#include "tests/http/fakes.h"

namespace varve::http {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(StatisticTableTest, NamesAreUniqueAndInOrder) {
  std::set<std::string_view> groups;
  std::map<std::string_view, std::string_view> metrics;  // to their help
  for (const StatisticGroup& group : StatisticGroups()) {
    EXPECT_TRUE(groups.insert(group.name).second) << group.name;
    EXPECT_TRUE(group.help.ends_with('.')) << group.name;
    EXPECT_FALSE(group.statistics.empty()) << group.name;
    EXPECT_TRUE(std::is_sorted(group.tags.begin(), group.tags.end(),
                               [](const auto& a, const auto& b) { return a.name < b.name; }))
        << group.name;
    std::set<std::string_view> names;
    for (const Statistic& statistic : group.statistics) {
      EXPECT_TRUE(names.insert(statistic.name).second) << group.name << " " << statistic.name;
      EXPECT_TRUE(statistic.help.ends_with('.')) << statistic.name;
      EXPECT_GT(statistic.divisor, 0);
      if (statistic.metric.empty()) continue;
      EXPECT_TRUE(metrics.emplace(statistic.metric, statistic.help).second) << statistic.metric;
    }
  }
}

// What `promtool check metrics` holds names to.
TEST(StatisticTableTest, MetricsAreNamedAsPrometheusWants) {
  for (const StatisticGroup& group : StatisticGroups()) {
    for (const Statistic& statistic : group.statistics) {
      const std::string name(statistic.metric);
      if (name.empty()) continue;
      EXPECT_THAT(name, MatchesRegex("(varve|process)_[a-z0-9_]+"));
      EXPECT_EQ(statistic.kind == StatisticKind::kCounter, name.ends_with("_total")) << name;
      EXPECT_EQ(statistic.divisor != 1, name.find("_seconds") != std::string::npos) << name;
      for (const char* bad : {"_ms", "_ns", "_nanoseconds", "_count", "_sum", "_bucket"}) {
        EXPECT_FALSE(name.ends_with(bad)) << name;
      }
      if (name.find("bytes") != std::string::npos) {
        EXPECT_TRUE(name.ends_with("_bytes") || name.ends_with("_bytes_total") ||
                    name == "varve_retention_bytes_dropped_total")
            << name;
      }
    }
  }
}

TEST(StatisticTableTest, IsDocumented) {
  std::ifstream file(VARVE_SOURCE_DIR "/docs/monitoring.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const size_t begin = text.find("## The statistics\n");
  ASSERT_NE(begin, std::string::npos);
  const size_t end = text.find("\n## ", begin);
  EXPECT_EQ(text.substr(begin, end == std::string::npos ? end : end - begin), StatisticsMarkdown())
      << "put what `varved statistics` prints into docs/monitoring.md";
}

class CollectTest : public ::testing::Test {
 protected:
  CollectTest() {
    catalog_ = *meta::Catalog::Open(base::Env::Default(), folder_.path());
    EXPECT_TRUE(catalog_->CreateDatabase("d", std::nullopt).ok());
    services_.env = &base::Env::Default();
    services_.catalog = catalog_.get();
    services_.store = &store_;
    services_.metrics = &metrics_;
    services_.start_ns = 1;
  }

  std::map<std::string, query::StatisticsRow> Rows() {
    std::map<std::string, query::StatisticsRow> rows;
    for (query::StatisticsRow& row : CollectStatistics(services_)) {
      std::string key = row.module;
      for (const auto& [name, value] : row.tags) base::StrAppend(key, ",", name, "=", value);
      EXPECT_TRUE(rows.emplace(key, row).second) << key;
    }
    return rows;
  }
  static int64_t Value(const query::StatisticsRow& row, std::string_view name) {
    const auto at = std::find(row.names.begin(), row.names.end(), name);
    EXPECT_NE(at, row.names.end()) << name;
    return std::get<int64_t>(row.values[static_cast<size_t>(at - row.names.begin())]);
  }

  TemporaryFolder folder_;
  std::unique_ptr<meta::Catalog> catalog_;
  FakeStore store_;
  Metrics metrics_;
  Services services_;
};

TEST_F(CollectTest, FieldsHoldWhatTheirNamesSay) {
  metrics_.CountAnswer(204);
  metrics_.CountAnswer(404);
  metrics_.CountAnswer(404);
  metrics_.CountAnswer(503);
  metrics_.write_latency.Observe(3'000'000, services_.env->MonotonicNs());
  store_.status.writes = 9;
  store_.status.writes_refused = 2;
  store_.status.points_written = 100;
  store_.status.points_dropped = 5;
  store_.status.wal_bytes = 1000;
  store_.status.wal.open_bytes = 300;
  store_.status.wal.folder = "/wal";
  const auto rows = Rows();
  const auto& http = rows.at("httpd,bind=127.0.0.1:8086");
  EXPECT_EQ(Value(http, "clientError"), 2);
  EXPECT_EQ(Value(http, "serverError"), 1);
  EXPECT_EQ(Value(rows.at("varve_http_status,code=404"), "answers"), 2);
  EXPECT_EQ(rows.count("varve_http_status,code=200"), 0u);
  const auto& write = rows.at("write");
  EXPECT_EQ(Value(write, "pointReq"), 105);
  EXPECT_EQ(Value(write, "writeOk"), 7);
  EXPECT_EQ(Value(write, "writeError"), 2);
  EXPECT_EQ(Value(write, "writeDrop"), 5);
  EXPECT_EQ(Value(rows.at("tsm1_wal,path=/wal"), "oldSegmentsDiskBytes"), 700);
  const auto& latency = rows.at("varve_latency,operation=write");
  EXPECT_EQ(Value(latency, "count"), 1);
  EXPECT_EQ(Value(latency, "sumNs"), 3'000'000);
  EXPECT_GT(Value(latency, "p99Ns"), 2'500'000);
  EXPECT_GT(Value(rows.at("varve_process"), "residentBytes"), 1'000'000);
  EXPECT_GT(Value(rows.at("varve_process"), "openFiles"), 2);
  // What is not run is not told of.
  EXPECT_EQ(rows.count("varve_retention") + rows.count("cq") + rows.count("varve_monitor"), 0u);
}

TEST_F(CollectTest, AShardHasInfluxDbsTags) {
  const auto target = catalog_->FindTarget("d", "");
  ASSERT_TRUE(target.ok());
  const auto route = catalog_->RouteShard(*target, 0);
  ASSERT_TRUE(route.ok());
  const std::string tags = base::StrCat("database=d,engine=varve,id=", route->shard,
                                        ",path=,retentionPolicy=autogen,walPath=");
  store_.shard = route->shard;
  auto rows = Rows();
  EXPECT_EQ(Value(rows.at("shard," + tags), "numSeries"), 7);
  for (const char* group : {"tsm1_cache", "tsm1_engine", "tsm1_filestore"}) {
    EXPECT_EQ(rows.count(base::StrCat(group, ",", tags)), 1u);
  }
  EXPECT_EQ(Value(rows.at("database,database=d"), "numShards"), 1);
  // A shard that the catalog no longer names is on its way out.
  ASSERT_TRUE(catalog_->DropShards({route->shard}).ok());
  EXPECT_EQ(Value(Rows().at("database,database=d"), "numShards"), 0);
}

TEST_F(CollectTest, DiagnosticsTellOfTheMachine) {
  std::set<std::string> modules;
  for (const query::StatisticsRow& row : CollectDiagnostics(services_)) modules.insert(row.module);
  EXPECT_EQ(modules, (std::set<std::string>{"build", "network", "runtime", "system"}));
}

}  // namespace
}  // namespace varve::http
