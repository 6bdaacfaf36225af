#include "server/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/status.h"
#include "server/config_file.h"
#include "server/edit_distance.h"
#include "server/option_documents.h"
#include "server/serve.h"

namespace varve::server {
namespace {

std::string Apply(std::string_view document, Options* options,
                  std::vector<std::string>* ignored = nullptr) {
  std::vector<std::string> unused;
  const absl::Status status =
      ApplyToml(document, "varve.conf", options, ignored == nullptr ? &unused : ignored);
  return std::string(base::MessageOf(status));
}

TEST(OptionsTest, DefaultsAreInRange) {
  const Options options = DefaultOptions();
  EXPECT_EQ(options.http_bind_address, "127.0.0.1:8086");
  EXPECT_EQ(options.max_body_size, 25'000'000u);
  EXPECT_EQ(options.wal_sync, "always");
  EXPECT_EQ(options.cache_bytes_max, uint64_t{1} << 30);
}

TEST(OptionsTest, DurationsAndSizesReadAndPrint) {
  EXPECT_EQ(ParseDuration("1h30m").value(), 5400'000'000'000);
  EXPECT_EQ(ParseDuration("500ms").value(), 500'000'000);
  EXPECT_EQ(ParseDuration("0").value(), 0);
  EXPECT_EQ(DurationText(5400'000'000'000), "1h30m");
  EXPECT_EQ(DurationText(0), "0s");
  EXPECT_FALSE(ParseDuration("10").ok());
  EXPECT_FALSE(ParseDuration("s").ok());
  EXPECT_FALSE(ParseDuration("-1s").ok());
  EXPECT_FALSE(ParseDuration("99999999999999999w").ok());
  EXPECT_EQ(ParseBytes("25m").value(), 25u << 20);
  EXPECT_EQ(ParseBytes("1g").value(), 1u << 30);
  EXPECT_EQ(ParseBytes("1000").value(), 1000u);
  EXPECT_EQ(BytesText(1u << 30), "1g");
  EXPECT_EQ(BytesText(1000), "1000");
  EXPECT_FALSE(ParseBytes("1x").ok());
  EXPECT_FALSE(ParseBytes("99999999999999999999g").ok());
}

TEST(OptionsTest, ListsAreReadFromTomlAndText) {
  Options options = DefaultOptions();
  EXPECT_EQ(Apply("[tls]\nciphers = [\"A\", \"B\"]\n", &options), "");
  EXPECT_EQ(MakeTlsOptions(options).ciphers, (std::vector<std::string>{"A", "B"}));
  EXPECT_NE(ConfigurationToml(options).find("  ciphers = [\"A\", \"B\"]\n"), std::string::npos);
  EXPECT_EQ(Apply("[tls]\nciphers = \"C,D\"\n", &options), "");
  EXPECT_EQ(MakeTlsOptions(options).ciphers, (std::vector<std::string>{"C", "D"}));
  EXPECT_EQ(Apply("[tls]\nciphers = []\n", &options), "");
  EXPECT_TRUE(MakeTlsOptions(options).ciphers.empty());
  EXPECT_NE(ConfigurationToml(options).find("  ciphers = []\n"), std::string::npos);
  EXPECT_EQ(Apply("[tls]\nciphers = [1]\n", &options),
            "varve.conf:2: tls.ciphers: expected a list of text");
}

TEST(OptionsTest, TomlSetsWhatItNames) {
  Options options = DefaultOptions();
  EXPECT_EQ(Apply("root-dir = \"/srv\"\n[http]\nbind-address = \":9999\"\nauth-enabled = true\n"
                  "max-body-size = 10\n[coordinator]\nquery-timeout = \"30s\"\n"
                  "[http.headers]\nX-A = \"b\"\n",
                  &options),
            "");
  EXPECT_EQ(options.root_dir, "/srv");
  EXPECT_EQ(options.http_bind_address, ":9999");
  EXPECT_TRUE(options.auth_enabled);
  EXPECT_EQ(options.max_body_size, 10u);
  EXPECT_EQ(options.query_timeout_ns, 30'000'000'000);
  ASSERT_EQ(options.http_headers.size(), 1u);
  EXPECT_EQ(options.http_headers[0].second, "b");
}

TEST(OptionsTest, ErrorsNameFileAndLine) {
  Options options = DefaultOptions();
  EXPECT_EQ(Apply("[http]\n\nbind-adress = \"x\"\n", &options),
            "varve.conf:3: unknown key http.bind-adress; did you mean http.bind-address?");
  EXPECT_EQ(Apply("[data]\nwal-sync = \"maybe\"\n", &options),
            "varve.conf:2: data.wal-sync: \"maybe\" is none of always|interval|off");
  EXPECT_EQ(
      Apply("[data]\nmax-concurrent-compactions = 99\n", &options),
      "varve.conf:2: data.max-concurrent-compactions: \"99\" is out of range: 0 to 64; 0: one");
  EXPECT_EQ(Apply("[htp]\nx = 1\n", &options), "varve.conf:1: unknown section [htp]");
  EXPECT_EQ(Apply("[http]\nauth-enabled = 1.5\n", &options),
            "varve.conf:2: http.auth-enabled: expected text, a whole number, true or false");
  EXPECT_EQ(Apply("[http\n", &options).substr(0, 13), "varve.conf:1:");
}

TEST(OptionsTest, KeysOfInfluxDbThatMeanNothingAreListed) {
  Options options = DefaultOptions();
  std::vector<std::string> ignored;
  EXPECT_EQ(
      Apply("reporting-disabled = true\nbind-address = \"127.0.0.1:8088\"\n"
            "[shard-precreation]\nenabled = true\n[[graphite]]\nenabled = false\n[[graphite]]\n"
            "enabled = true\n",
            &options, &ignored),
      "");
  std::sort(ignored.begin(), ignored.end());
  EXPECT_EQ(ignored, (std::vector<std::string>{"bind-address", "graphite.enabled",
                                               "reporting-disabled", "shard-precreation.enabled"}));
}

TEST(OptionsTest, NoKeyIsBothUsedAndIgnored) {
  for (const OptionSpec& spec : OptionTable()) {
    for (const std::string_view key : IgnoredKeys()) {
      EXPECT_NE(spec.Name(), key);
      if (key.ends_with(".*")) {
        EXPECT_NE(base::StrCat(spec.section, ".*"), key);
      }
    }
  }
}

TEST(OptionsTest, NoTwoOptionsShareAVariable) {
  std::map<std::string, std::string> seen;
  for (const OptionSpec& spec : OptionTable()) {
    const auto [found, added] = seen.emplace(spec.Environment(), spec.Name());
    EXPECT_TRUE(added) << spec.Name() << " and " << found->second;
  }
}

TEST(OptionsTest, TheEnvironmentOverridesAndVarveWins) {
  const std::map<std::string, std::string> variables = {
      {"INFLUXDB_HTTP_BIND_ADDRESS", ":1"},
      {"VARVE_HTTP_BIND_ADDRESS", ":2"},
      {"INFLUXDB_HTTP_AUTH_ENABLED", "true"},
      {"VARVE_ROOT_DIR", "/a"},
  };
  const auto lookup = [&](const std::string& name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  Options options = DefaultOptions();
  ASSERT_TRUE(ApplyEnvironment(lookup, &options).ok());
  EXPECT_EQ(options.http_bind_address, ":2");
  EXPECT_TRUE(options.auth_enabled);
  EXPECT_EQ(options.root_dir, "/a");
  const absl::Status bad = ApplyEnvironment(
      [](const std::string& name) { return name == "VARVE_HTTP_MAX_BODY_SIZE" ? "x" : nullptr; },
      &options);
  EXPECT_EQ(base::MessageOf(bad).substr(0, 47), "environment variable VARVE_HTTP_MAX_BODY_SIZE: ");
}

TEST(OptionsTest, ThePrintedConfigurationReadsBack) {
  Options options = DefaultOptions();
  ASSERT_EQ(Apply("[http]\nrealm = \"a \\\"b\\\"\"\nmax-row-limit = 7\n", &options), "");
  const std::string printed = ConfigurationToml(options);
  Options again = DefaultOptions();
  ASSERT_EQ(Apply(printed, &again), "");
  EXPECT_EQ(ConfigurationToml(again), printed);
  EXPECT_EQ(again.realm, "a \"b\"");
}

TEST(OptionsTest, ASampleSaysOnlyWhatIsNoDefault) {
  Options options = DefaultOptions();
  options.root_dir = "/var/lib/varve";
  const std::string sample = ConfigurationSample(options);
  EXPECT_NE(sample.find("\nroot-dir = \"/var/lib/varve\"\n"), std::string::npos);
  EXPECT_NE(sample.find("\n  # auth-enabled = false\n"), std::string::npos);
  Options again = DefaultOptions();
  EXPECT_EQ(Apply(sample, &again), "");
  EXPECT_EQ(ConfigurationToml(again), ConfigurationToml(options));
}

TEST(OptionsTest, TheManualHasEveryKey) {
  const std::string manual = ConfigurationManual();
  for (const OptionSpec& spec : OptionTable()) {
    std::string key(spec.key);
    for (size_t at = 0; (at = key.find('-', at)) != key.npos; at += 2) key.insert(at, "\\");
    EXPECT_NE(manual.find("\n.B " + key + "\n"), std::string::npos) << spec.Name();
  }
}

TEST(OptionsTest, TheConfigurationPageIsUpToDate) {
  std::ifstream file(VARVE_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), ConfigurationMarkdown())
      << "make it again: varved config --markdown > docs/configuration.md";
}

TEST(OptionsTest, AddressesAreTakenApart) {
  Options options = DefaultOptions();
  const auto address = [&](const char* text) {
    options.http_bind_address = text;
    const auto http = MakeHttpOptions(options);
    return http.ok() ? base::StrCat(http->address, " ", http->port) : std::string("bad");
  };
  EXPECT_EQ(address(":8086"), "0.0.0.0 8086");
  EXPECT_EQ(address("localhost:1"), "127.0.0.1 1");
  EXPECT_EQ(address("[::1]:8086"), "::1 8086");
  EXPECT_EQ(address("8086"), "bad");
  EXPECT_EQ(address("a:99999"), "bad");
}

TEST(EditDistanceTest, CountsEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("same", "same"), 0u);
}

}  // namespace
}  // namespace varve::server
