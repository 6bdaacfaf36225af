// varve-bench: loads a reference workload into a server that speaks InfluxDB 1.x and says what it
// took. Prints one JSON object; bench/compare.py interleaves runs over several servers.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "devops.h"
#include "loader.h"
#include "server_usage.h"

namespace {

using varve::bench::DevopsOptions;
using varve::bench::LoadOptions;
using varve::bench::LoadResult;

struct Options {
  DevopsOptions devops;
  LoadOptions load;
  std::string database = "bench";
  int pid = 0;
  int quiet_s = 2;
  double idle_limit_s = 60;
  bool create_database = true;
};

double Percentile(const std::vector<double>& ascending, double p) {
  if (ascending.empty()) return 0;
  return ascending[static_cast<size_t>(p * static_cast<double>(ascending.size() - 1))];
}

absl::Status Run(const Options& options) {
  const std::vector<std::string> bodies = varve::bench::MakeDevopsBodies(options.devops);
  if (options.create_database) {
    const auto created = varve::bench::Request(options.load, "POST",
                                               "/query?q=CREATE%20DATABASE%20" + options.database);
    if (!created.ok()) return created.status();
  }
  double cpu_before = 0;
  if (options.pid != 0) {
    const auto usage = varve::bench::ReadUsage(options.pid);
    if (!usage.ok()) return usage.status();
    cpu_before = usage->cpu_seconds;
  }
  const auto loaded = varve::bench::Load(bodies, options.load);
  if (!loaded.ok()) return loaded.status();

  const double values = static_cast<double>(options.devops.hosts * options.devops.rows_per_host) *
                        varve::bench::kDevopsFields;
  std::string line = fmt::format(
      R"({{"values": {:.0f}, "seconds": {:.3f}, "values_per_s": {:.0f}, "body_mb": {:.1f}, )"
      R"("p50_ms": {:.2f}, "p99_ms": {:.2f})",
      values, loaded->seconds, values / loaded->seconds, static_cast<double>(loaded->bytes) / 1e6,
      Percentile(loaded->latencies_ms, 0.5), Percentile(loaded->latencies_ms, 0.99));
  if (options.pid != 0) {
    const auto usage =
        varve::bench::WaitUntilIdle(options.pid, options.quiet_s, options.idle_limit_s);
    if (!usage.ok()) return usage.status();
    line += fmt::format(R"(, "cpu_s_per_million": {:.4f}, "peak_memory_mb": {:.1f})",
                        (usage->cpu_seconds - cpu_before) / values * 1e6,
                        static_cast<double>(usage->peak_memory_bytes) / 1e6);
  }
  std::cout << line << "}\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Loads the devops reference workload and reports what it took"};
  app.add_option("--host", options.load.host, "Server address")->capture_default_str();
  app.add_option("--port", options.load.port, "Server port")->capture_default_str();
  app.add_option("--database", options.database, "Database to write to")->capture_default_str();
  app.add_option("--pid", options.pid, "The server's process, to measure its CPU and memory");
  app.add_option("--hosts", options.devops.hosts, "Series")->capture_default_str();
  app.add_option("--rows", options.devops.rows_per_host, "Rows per series")->capture_default_str();
  app.add_option("--lines", options.devops.lines_per_body, "Lines a body")->capture_default_str();
  app.add_option("--connections", options.load.connections, "Connections")->capture_default_str();
  app.add_option("--seed", options.devops.seed, "Seed of the values")->capture_default_str();
  app.add_option("--start", options.devops.start_s, "First time, seconds since 1970")
      ->capture_default_str();
  app.add_option("--quiet-seconds", options.quiet_s, "Idle seconds that mean it has settled")
      ->capture_default_str();
  app.add_option("--idle-limit", options.idle_limit_s, "Seconds to wait for the server to settle")
      ->capture_default_str();
  app.add_flag("--two-decimals", options.devops.two_decimals, "Values such as 58.13, not 58i");
  CLI11_PARSE(app, argc, argv);
  options.load.target = "/write?db=" + options.database;
  const absl::Status status = Run(options);
  if (!status.ok()) {
    std::cerr << "varve-bench: " << status << "\n";
    return 1;
  }
  return 0;
}
