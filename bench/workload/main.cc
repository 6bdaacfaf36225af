// varve-bench: loads a reference workload into a server that speaks InfluxDB 1.x, asks it the
// workload's queries, and says what both took. bench/compare.py runs it against several servers.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/status.h"
#include "client.h"
#include "loader.h"
#include "queries.h"
#include "query_driver.h"
#include "server_usage.h"
#include "workload.h"

namespace varve::bench {
namespace {

struct Options {
  WorkloadOptions workload;
  LoadOptions load;
  QueryOptions query;
  std::vector<std::string> only;
  Address address;
  std::string database = "bench";
  int pid = 0;
  double lines_per_s = 0;
  int quiet_s = 2;
  double idle_limit_s = 60;
  bool create_database = true;
};

absl::Status RunLoad(const Options& options) {
  Workload workload = MakeWorkload(options.workload);
  if (options.load.packed) Pack(workload.bodies);
  if (options.create_database) {
    const auto created =
        Client(options.address).Post("/query?q=CREATE%20DATABASE%20" + options.database, "");
    RETURN_IF_ERROR(created.status());
  }
  LoadOptions load = options.load;
  load.address = options.address;
  load.target = "/write?db=" + options.database;
  load.bodies_per_s = options.lines_per_s / static_cast<double>(options.workload.lines_per_body);
  ServerUsage before;
  if (options.pid != 0) {
    ASSIGN_OR_RETURN(before, ReadUsage(options.pid));
  }
  ASSIGN_OR_RETURN(const LoadResult loaded, Load(workload.bodies, load));

  const auto values = static_cast<double>(workload.values);
  std::cout << fmt::format(
      R"({{"lines": {}, "values": {}, "seconds": {:.3f}, "values_per_s": {:.0f}, )"
      R"("body_mb": {:.1f}, "client_cpu_s_per_million": {:.4f}, {}, "histogram_ms": {})",
      workload.lines, workload.values, loaded.seconds, values / loaded.seconds,
      static_cast<double>(loaded.bytes) / 1e6, loaded.client_cpu_s / values * 1e6,
      loaded.latencies.Quantiles(), loaded.latencies.Histogram());
  if (options.pid != 0) {
    ASSIGN_OR_RETURN(const ServerUsage now, ReadUsage(options.pid));
    ASSIGN_OR_RETURN(const ServerUsage settled,
                     WaitUntilIdle(options.pid, options.quiet_s, options.idle_limit_s));
    std::cout << fmt::format(
        R"(, "load_cpu_s_per_million": {:.4f}, "cpu_s_per_million": {:.4f}, "peak_memory_mb": {:.1f})",
        (now.cpu_seconds - before.cpu_seconds) / values * 1e6,
        (settled.cpu_seconds - before.cpu_seconds) / values * 1e6,
        static_cast<double>(settled.peak_memory_bytes) / 1e6);
  }
  std::cout << "}" << std::endl;
  return absl::OkStatus();
}

absl::Status RunQueries(const Options& options) {
  std::vector<Query> queries = QueriesOf(options.workload);
  if (!options.only.empty()) {
    std::erase_if(queries, [&](const Query& query) {
      return std::ranges::find(options.only, query.name) == options.only.end();
    });
    if (queries.size() != options.only.size()) {
      return base::InvalidArgument("not all queries that are asked for exist in this workload");
    }
  }
  QueryOptions query = options.query;
  query.address = options.address;
  query.database = options.database;
  query.pid = options.pid;
  return AskAll(queries, ShapeOf(options.workload), query);
}

void PrintBodies(const Options& options) {
  for (const std::string& body : MakeWorkload(options.workload).bodies) std::cout << body;
}

void PrintQueries(const Options& options) {
  const Shape shape = ShapeOf(options.workload);
  for (const Query& query : QueriesOf(options.workload)) {
    std::cout << DescribeAsJson(query, shape) << "\n";
  }
}

void PrintShape(const Options& options) {
  const Shape shape = ShapeOf(options.workload);
  std::cout
      << fmt::format(
             R"({{"measurement": "{}", "field": "{}", "series": {}, "rows": {}, "start_ns": {}, "end_ns": {}}})",
             shape.measurement, shape.field, shape.series, shape.rows, shape.start_ns, shape.end_ns)
      << "\n";
}

void AddWorkloadOptions(CLI::App& app, WorkloadOptions& options) {
  app.add_option("--workload", options.name, "devops, iot, highcard or single")
      ->capture_default_str();
  app.add_option("--series", options.series, "Series; 0: the workload's own number")
      ->capture_default_str();
  app.add_option("--rows", options.rows, "Rows per series; 0: the workload's own number")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the values and of what is asked")
      ->capture_default_str();
  app.add_option("--start", options.start_s, "First time, seconds since 1970")
      ->capture_default_str();
  app.add_flag("--two-decimals", options.two_decimals, "devops: values such as 58.13, not 58i");
}

void AddServerOptions(CLI::App& app, Options& options) {
  app.add_option("--host", options.address.host, "Server address")->capture_default_str();
  app.add_option("--port", options.address.port, "Server port")->capture_default_str();
  app.add_option("--database", options.database, "Database")->capture_default_str();
  app.add_option("--pid", options.pid, "The server's process, to measure its CPU and memory");
}

void AddLoadOptions(CLI::App& app, Options& options) {
  app.add_option("--lines", options.workload.lines_per_body, "Lines a body")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--connections", options.load.connections, "Connections")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rate", options.lines_per_s, "Lines per second; 0: as fast as they are taken")
      ->capture_default_str();
  app.add_flag("--gzip", options.load.packed, "Send the bodies packed");
  app.add_flag("!--keep-database", options.create_database, "Do not create the database");
  app.add_option("--quiet-seconds", options.quiet_s, "Idle seconds that mean it has settled")
      ->capture_default_str();
  app.add_option("--idle-limit", options.idle_limit_s, "Seconds to wait for the server to settle")
      ->capture_default_str();
}

void AddQueryOptions(CLI::App& app, Options& options) {
  app.add_option("--only", options.only, "Names of queries, in place of all");
  app.add_option("--seconds", options.query.seconds, "Ask each query for so long, at least")
      ->capture_default_str();
  app.add_option("--repetitions", options.query.repetitions, "Ask each so often, at least")
      ->capture_default_str();
  app.add_option("--seconds-max", options.query.seconds_max,
                 "Ask none for longer, if more than once already")
      ->capture_default_str();
  app.add_option("--answers", options.query.answers_folder, "Folder for the first answers");
  app.add_flag("--metricsql", options.query.metricsql, "Ask VictoriaMetrics, in MetricsQL");
}

absl::Status Run(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app{"Loads a reference workload into a server and asks its queries"};
  app.require_subcommand(1);
  CLI::App* load = app.add_subcommand("load", "Write a workload; print what it took as JSON");
  CLI::App* query = app.add_subcommand("query", "Ask a workload's queries; a JSON object a line");
  CLI::App* lines = app.add_subcommand("lines", "Print a workload's line protocol");
  CLI::App* queries = app.add_subcommand("queries", "Print a workload's queries as JSON");
  CLI::App* shape = app.add_subcommand("shape", "Print a workload's measurement, size and times");
  for (CLI::App* command : {load, query, lines, queries, shape}) {
    AddWorkloadOptions(*command, options.workload);
  }
  for (CLI::App* command : {load, query}) AddServerOptions(*command, options);
  AddLoadOptions(*load, options);
  AddQueryOptions(*query, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(options.workload, WithDefaults(options.workload));
  if (load->parsed()) return RunLoad(options);
  if (query->parsed()) return RunQueries(options);
  if (lines->parsed()) PrintBodies(options);
  if (queries->parsed()) PrintQueries(options);
  if (shape->parsed()) PrintShape(options);
  return absl::OkStatus();
}

}  // namespace
}  // namespace varve::bench

int main(int argc, char** argv) {
  int exit_code = 0;
  const absl::Status status = varve::bench::Run(argc, argv, exit_code);
  if (!status.ok()) {
    std::cerr << "varve-bench: " << status << "\n";
    return 1;
  }
  return exit_code;
}
