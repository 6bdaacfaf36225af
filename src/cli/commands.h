// The commands of `varve`, one .cc file each. Each prints to stdout and returns what went wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/server_client.h"

namespace varve::cli {

struct QueryCommand {
  ServerAddress server;
  std::string database;
  std::string text;
  bool plot = false;
};
// INVALID_ARGUMENT also when a statement failed; the other statements are printed.
absl::Status RunQuery(const QueryCommand& command);

struct ImportCommand {
  ServerAddress server;
  std::string database;  // empty: as the file says, with its policies and statements
  std::string precision = "ns";
  std::string file;  // line protocol, plain or gzip; "-": stdin
  bool create = true;
};
absl::Status RunImport(const ImportCommand& command);

struct DemoCommand {
  ServerAddress server;
  std::string database = "building";
  int64_t end_s = 0;  // 0: the present minute
};
absl::Status RunDemo(const DemoCommand& command);

struct FeedCommand {
  ServerAddress server;
  std::string database = "building";
  size_t sensors = 40;
  std::string interval = "10s";  // between the readings of a sensor
  std::string backfill = "14d";  // readings before the present
  std::string history = "400d";  // hours of the building before the present
  std::string run_for = "0s";    // 0: until SIGINT or SIGTERM
};
// Runs until it is stopped, which is no error. UNAVAILABLE is waited out.
absl::Status RunFeed(const FeedCommand& command);

// What continuous queries do.
struct DownsampleCommand {
  ServerAddress server;
  bool backfill = false;  // false: print how all of them fare
  std::string database;
  std::string name;
  std::string from;  // a date
  std::string to;    // excluded
};
absl::Status RunDownsample(const DownsampleCommand& command);

// What the server knows of its configuration: `varved config` with the same arguments.
struct ConfigCommand {
  std::vector<std::string> arguments;
};
// Becomes varved, so returns only when there is none.
absl::Status RunConfig(const ConfigCommand& command);

struct HealthCommand {
  ServerAddress server;
};
// UNAVAILABLE: no server, or one that takes no writes.
absl::Status RunHealth(const HealthCommand& command);

enum class InspectWhat : uint8_t { kWal, kTsm, kIndex, kVerify };
struct InspectCommand {
  InspectWhat what;
  std::string path;  // a folder or, where that makes sense, a file
};
absl::Status RunInspect(const InspectCommand& command);

}  // namespace varve::cli
