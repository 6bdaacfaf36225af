// [[database]] tables of the configuration file: what is read, and what is said of mistakes.
#include <gtest/gtest.h>

#include "base/status.h"
#include "server/config_file.h"
#include "server/option_documents.h"

namespace varve::server {
namespace {

constexpr char kBuilding[] = R"([[database]]
name = "building"

  [[database.retention-policy]]
  name = "realtime"
  duration = "30d"
  shard-duration = "1d"
  default = true

  [[database.retention-policy]]
  name = "minute"
  duration = "INF"

  [[database.continuous-query]]
  name = "minute_means"
  query = "SELECT mean(t) AS t INTO minute.sensors FROM realtime.sensors GROUP BY time(1m), *"
  resample-every = "1m"
  resample-for = "1h"
)";

std::string Apply(const std::string& document, Options* options) {
  std::vector<std::string> ignored;
  *options = DefaultOptions();
  return std::string(base::MessageOf(ApplyToml(document, "v.conf", options, &ignored)));
}
// The message about `document`, with one text replaced.
std::string Mistake(std::string document, const std::string& from, const std::string& to) {
  const size_t at = document.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  Options options;
  return Apply(document.replace(at, from.size(), to), &options);
}

TEST(DeclaredTomlTest, ReadsAllOfIt) {
  Options options;
  ASSERT_EQ(Apply(kBuilding, &options), "");
  ASSERT_EQ(options.databases.size(), 1u);
  const auto& database = options.databases[0];
  EXPECT_EQ(database.name, "building");
  EXPECT_EQ(database.place, "v.conf:1");
  ASSERT_EQ(database.policies.size(), 2u);
  EXPECT_EQ(database.policies[0].place, "v.conf:4");
  EXPECT_EQ(database.policies[0].spec.name, "realtime");
  EXPECT_EQ(database.policies[0].spec.duration_ns, 30 * 86'400'000'000'000);
  EXPECT_EQ(database.policies[0].spec.shard_group_duration_ns, 86'400'000'000'000);
  EXPECT_TRUE(database.policies[0].is_default);
  EXPECT_EQ(database.policies[1].spec.duration_ns, 0);
  EXPECT_FALSE(database.policies[1].spec.shard_group_duration_ns.has_value());
  ASSERT_EQ(database.queries.size(), 1u);
  EXPECT_EQ(database.queries[0].name, "minute_means");
  EXPECT_EQ(database.queries[0].resample_every_ns, 60'000'000'000);
  EXPECT_EQ(database.queries[0].resample_for_ns, 3'600'000'000'000);
}

TEST(DeclaredTomlTest, WhatIsPrintedReadsTheSame) {
  Options options;
  ASSERT_EQ(Apply(kBuilding, &options), "");
  const std::string printed = ConfigurationToml(options);
  Options again;
  ASSERT_EQ(Apply(printed, &again), "");
  EXPECT_EQ(ConfigurationToml(again), printed);
  ASSERT_EQ(again.databases.size(), 1u);
  EXPECT_EQ(again.databases[0].queries[0].select, options.databases[0].queries[0].select);
}

TEST(DeclaredTomlTest, MeasurementsOfAPolicyAreReadAndPrinted) {
  const std::string document = R"([[database]]
name = "building"

  [[database.retention-policy]]
  name = "realtime"
  duration = "30d"

    [[database.retention-policy.measurement]]
    name = "debug"
    duration = "3d"
)";
  Options options;
  ASSERT_EQ(Apply(document, &options), "");
  const auto& spec = options.databases[0].policies[0].spec;
  ASSERT_EQ(spec.measurements.size(), 1u);
  EXPECT_EQ(spec.measurements[0].measurement, "debug");
  EXPECT_EQ(spec.measurements[0].duration_ns, 3 * 86'400'000'000'000);
  Options again;
  ASSERT_EQ(Apply(ConfigurationToml(options), &again), "");
  EXPECT_EQ(again.databases[0].policies[0].spec.measurements, spec.measurements);

  EXPECT_EQ(Mistake(document, "\"3d\"", "\"INF\""),
            "v.conf:10: retention-policy.measurement.duration: expected a duration such as "
            "\"30s\", \"1h\", \"7d\"");
  EXPECT_EQ(Mistake(document, "\"3d\"", "\"30d\""),
            "v.conf:4: retention-policy realtime: measurement retention must be shorter than the "
            "retention policy's duration");
  EXPECT_EQ(Mistake(document, "name = \"debug\"", ""),
            "v.conf:8: retention-policy.measurement.name: is missing");
  EXPECT_EQ(Mistake(document, "name = \"debug\"", "match = \"debug\""),
            "v.conf:9: unknown key retention-policy.measurement.match; there are name, duration");
}

TEST(DeclaredTomlTest, MistakesAreNamedByLineAndKey) {
  EXPECT_EQ(Mistake(kBuilding, "30d", "30x"),
            "v.conf:6: retention-policy.duration: expected a duration of 1h or more, or \"INF\"");
  EXPECT_EQ(Mistake(kBuilding, "30d", "30m"),
            "v.conf:4: retention-policy realtime: retention policy duration must be at least "
            "1h0m0s");
  EXPECT_EQ(Mistake(kBuilding, "\"30d\"", "30"),
            "v.conf:6: retention-policy.duration: expected a duration of 1h or more, or \"INF\"");
  EXPECT_EQ(Mistake(kBuilding, "default = true", "default = 1"),
            "v.conf:8: retention-policy.default: expected true or false");
  EXPECT_EQ(Mistake(kBuilding, "shard-duration", "shard"),
            "v.conf:7: unknown key retention-policy.shard; there are name, duration, "
            "shard-duration, replication, default, measurement");
  EXPECT_EQ(Mistake(kBuilding, "name = \"minute\"", "name = \"realtime\""),
            "v.conf:10: retention-policy.name: realtime is declared in v.conf:4, too");
  EXPECT_EQ(Mistake(kBuilding, "duration = \"INF\"", "default = true"),
            "v.conf:10: retention-policy.default: realtime in v.conf:4 is the default already");
  EXPECT_EQ(Mistake(kBuilding, "resample-every = \"1m\"", "resample-every = \"\""),
            "v.conf:17: continuous-query.resample-every: expected a duration such as \"30s\", "
            "\"1h\", \"7d\"");
  EXPECT_EQ(Mistake(kBuilding, "name = \"building\"", ""), "v.conf:1: database.name: is missing");
  EXPECT_EQ(Mistake(kBuilding, "name = \"building\"", "nam = \"building\""),
            "v.conf:2: unknown key database.nam; there are name, retention-policy, "
            "continuous-query");
}

}  // namespace
}  // namespace varve::server
