// varved: the server.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "http/statistic_table.h"
#include "http/version.h"
#include "meta/catalog_codec.h"
#include "query/functions/function.h"
#include "server/config_file.h"
#include "server/logger.h"
#include "server/option_documents.h"
#include "server/options.h"
#include "server/serve.h"

namespace varve::server {
namespace {

constexpr int kFailed = 1;
constexpr int kMisuse = 2;
constexpr char kDefaultConfig[] = "/etc/varve/varve.conf";

struct CommandLine {
  std::string config;
  std::string data_dir;
  std::string bind_address;
  bool markdown = false;
  bool manual = false;
  bool sample = false;
  bool dry_run = false;
};

// --config, else the environment's, else the system's if there is one; "" for none.
std::string ConfigPath(const CommandLine& line) {
  if (!line.config.empty()) return line.config;
  for (const char* name : {"VARVE_CONFIG_PATH", "INFLUXDB_CONFIG_PATH"}) {
    if (const char* path = std::getenv(name); path != nullptr && *path != '\0') return path;
  }
  return base::Env::Default().Exists(kDefaultConfig) ? kDefaultConfig : "";
}

void ApplyCommandLine(const CommandLine& line, Options* options) {
  if (!line.data_dir.empty()) {
    options->root_dir = line.data_dir;
    options->meta_dir.clear();
    options->store_dir.clear();
    options->wal_dir.clear();
  }
  if (!line.bind_address.empty()) options->http_bind_address = line.bind_address;
}

absl::Status LoadOptions(const CommandLine& line, Options* options,
                         std::vector<std::string>* ignored) {
  *options = DefaultOptions();
  if (const std::string path = ConfigPath(line); !path.empty()) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(base::Env::Default(), path));
    RETURN_IF_ERROR(ApplyToml(text, path, options, ignored));
  }
  RETURN_IF_ERROR(
      ApplyEnvironment([](const std::string& name) { return std::getenv(name.c_str()); }, options));
  ApplyCommandLine(line, options);
  return absl::OkStatus();
}

void AddOptions(CLI::App& app, CommandLine* line) {
  app.add_option("--config", line->config, "TOML file with the configuration")->type_name("FILE");
  app.add_option("--data-dir", line->data_dir, "folder that holds meta/, data/ and wal/")
      ->type_name("DIR");
  app.add_option("--http-bind-address", line->bind_address, "address and port to listen on")
      ->type_name("HOST:PORT");
}

int Run(const CommandLine& line) {
  Options options;
  std::vector<std::string> ignored;
  if (const absl::Status status = LoadOptions(line, &options, &ignored); !status.ok()) {
    std::cerr << "varved: " << base::MessageOf(status) << std::endl;
    return kMisuse;
  }
  Logger logger(options.log_format, options.log_level);
  const auto read_again = [&line]() -> absl::StatusOr<Options> {
    Options again;
    std::vector<std::string> unused;
    RETURN_IF_ERROR(LoadOptions(line, &again, &unused));
    return again;
  };
  if (const absl::Status status = Serve(options, ignored, read_again, logger); !status.ok()) {
    logger.Error("cannot serve", {{"error", std::string(base::MessageOf(status))}});
    return kFailed;
  }
  return 0;
}

int PrintConfig(const CommandLine& line) {
  if (line.markdown) {
    std::cout << ConfigurationMarkdown();
    return 0;
  }
  if (line.manual) {
    std::cout << ConfigurationManual();
    return 0;
  }
  if (line.sample) {
    Options sample = DefaultOptions();
    ApplyCommandLine(line, &sample);
    std::cout << ConfigurationSample(sample);
    return 0;
  }
  Options options;
  std::vector<std::string> ignored;
  if (const absl::Status status = LoadOptions(line, &options, &ignored); !status.ok()) {
    std::cerr << "varved: " << base::MessageOf(status) << std::endl;
    return kMisuse;
  }
  std::cout << ConfigurationToml(options);
  return 0;
}

// What applying the declared databases would change, read from the catalog on disk; then, unless it
// is a dry run, tells the server that owns the folder to apply them.
absl::Status ApplyConfig(const CommandLine& line) {
  Options options;
  std::vector<std::string> ignored;
  RETURN_IF_ERROR(LoadOptions(line, &options, &ignored));
  ASSIGN_OR_RETURN(const InstanceOptions instance, MakeInstanceOptions(options));
  base::Env& env = base::Env::Default();
  const std::string catalog = base::JoinPath(instance.meta_folder, "CATALOG");
  meta::CatalogData data;
  if (env.Exists(catalog)) {
    ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, catalog));
    ASSIGN_OR_RETURN(data, meta::DecodeCatalog(bytes));
  }
  ASSIGN_OR_RETURN(const auto changes, retention::Declare(options.databases, &data));
  for (const std::string& change : changes) std::cout << change << "\n";
  if (changes.empty()) std::cout << "all is as declared\n";
  std::cout << std::flush;
  if (line.dry_run) return absl::OkStatus();
  if (env.Exists(instance.lock_file) && !env.LockFile(instance.lock_file).ok()) {
    ASSIGN_OR_RETURN(const std::string pid, base::ReadFile(env, instance.lock_file));
    if (const int number = std::atoi(pid.c_str()); number > 0 && kill(number, SIGHUP) == 0) {
      std::cout << "told the server (process " << number << ") to apply it; see its log\n";
      return absl::OkStatus();
    }
    return base::Unavailable("the server that owns ", options.root_dir, " cannot be told");
  }
  std::cout << "no server is running: it is applied when one starts\n";
  return absl::OkStatus();
}

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app{"Varve: a time-series database server for clients of InfluxDB 1.x", "varved"};
  app.footer(OptionsHelp());
  app.require_subcommand(0, 1);
  CommandLine line;
  AddOptions(app, &line);
  CLI::App* run = app.add_subcommand("run", "serve (what varved does without a command)");
  AddOptions(*run, &line);
  CLI::App* config = app.add_subcommand("config", "print the effective configuration as TOML");
  AddOptions(*config, &line);
  CLI::App* apply = config->add_subcommand(
      "apply", "apply the declared databases, policies and continuous queries");
  AddOptions(*apply, &line);
  apply->add_flag("--dry-run", line.dry_run, "only print what would change");
  config->add_flag("--sample", line.sample,
                   "print a file to begin from: defaults, commented out, and the command line's");
  config->add_flag("--manual", line.manual, "print the manual page varve.conf(5) instead");
  config->add_flag("--markdown", line.markdown, "print docs/configuration.md instead");
  CLI::App* functions = app.add_subcommand("functions", "print the functions of InfluxQL");
  CLI::App* statistics = app.add_subcommand("statistics", "print what the server tells of itself");
  CLI::App* version = app.add_subcommand("version", "print the version");

  // influxd's options have one hyphen.
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    const std::string argument = argv[i];
    arguments.push_back(argument == "-config" ? "--config" : argument);
  }
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kMisuse;
  }
  if (version->parsed()) {
    std::cout << "varved " << http::kVarveVersion << " (InfluxDB " << http::kInfluxVersion
              << " API)" << std::endl;
    return 0;
  }
  if (functions->parsed()) {
    std::cout << query::FunctionsMarkdown();
    return 0;
  }
  if (statistics->parsed()) {
    std::cout << http::StatisticsMarkdown();
    return 0;
  }
  if (apply->parsed()) {
    const absl::Status status = ApplyConfig(line);
    if (!status.ok()) std::cerr << "varved: " << base::MessageOf(status) << std::endl;
    return status.ok() ? 0 : kFailed;
  }
  return config->parsed() ? PrintConfig(line) : Run(line);
}

}  // namespace varve::server

int main(int argc, char** argv) {
#ifdef NDEBUG
  // Debian builds abseil such that each lock taken is checked for cycles, at several per cent of
  // what a load or a small query costs. Debug builds keep the check.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  try {
    return varve::server::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "varved: " << error.what() << std::endl;
    return 1;
  }
}
