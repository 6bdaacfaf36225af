#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string_view>

#include "generators.h"

namespace varve::bench {
namespace {

constexpr size_t kDevopsFields = 10;
constexpr int64_t kStepSeconds = 10;
constexpr std::array<std::string_view, kDevopsFields> kFields = {
    "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
    "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"};
constexpr std::array<std::string_view, 9> kRegions = {
    "us-east-1",      "us-west-1",      "us-west-2",      "eu-west-1", "eu-central-1",
    "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"};
constexpr std::array<std::string_view, 3> kSystems = {"Ubuntu16.10", "Ubuntu16.04LTS",
                                                      "Ubuntu15.10"};
constexpr std::array<std::string_view, 2> kArchitectures = {"x64", "x86"};
constexpr std::array<std::string_view, 4> kTeams = {"SF", "NYC", "LON", "CHI"};
constexpr std::array<std::string_view, 3> kEnvironments = {"production", "staging", "test"};

struct Host {
  std::string key;
  std::array<double, kDevopsFields> values;
};

std::vector<Host> MakeHosts(const WorkloadOptions& options, std::mt19937_64& random) {
  std::vector<Host> hosts(options.series);
  const auto pick = [&](const auto& list) { return list[random() % list.size()]; };
  for (uint64_t i = 0; i < options.series; ++i) {
    const std::string_view region = pick(kRegions);
    hosts[i].key = fmt::format(
        "cpu,hostname=host_{},region={},datacenter={}{},rack={},os={},arch={},team={},service={},"
        "service_version={},service_environment={}",
        i, region, region, static_cast<char>('a' + random() % 3), random() % 100, pick(kSystems),
        pick(kArchitectures), pick(kTeams), random() % 20, random() % 2, pick(kEnvironments));
    for (double& value : hosts[i].values) value = static_cast<double>(random() % 101);
  }
  return hosts;
}

}  // namespace

void AppendDevops(const WorkloadOptions& options, BodyWriter& out) {
  std::mt19937_64 random(options.seed);
  std::normal_distribution<double> step(0, 1);
  std::vector<Host> hosts = MakeHosts(options, random);
  for (uint64_t row = 0; row < options.rows; ++row) {
    const int64_t time_ns =
        (options.start_s + static_cast<int64_t>(row) * kStepSeconds) * 1'000'000'000;
    for (Host& host : hosts) {
      std::string& body = out.text();
      body += host.key;
      for (size_t f = 0; f < kDevopsFields; ++f) {
        host.values[f] = std::clamp(host.values[f] + step(random), 0.0, 100.0);
        body += f == 0 ? ' ' : ',';
        body += kFields[f];
        body += '=';
        if (options.two_decimals) {
          AppendHundredths(body, std::lround(host.values[f] * 100));
        } else {
          AppendInteger(body, std::lround(host.values[f]));
          body += 'i';
        }
      }
      out.EndLine(time_ns, kDevopsFields);
    }
  }
}

}  // namespace varve::bench
