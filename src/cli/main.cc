// varve: the command line. Speaks HTTP to a server; reads files only for `inspect`.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/status.h"
#include "cli/commands.h"
#include "http/version.h"

namespace varve::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kMisuse = 2;

void AddServer(CLI::App& app, ServerAddress* server) {
  app.add_option("--host", server->host_port, "server to speak to; https://HOST:PORT for TLS")
      ->type_name("HOST:PORT")
      ->envname("VARVE_HOST")
      ->capture_default_str();
  app.add_flag("--ssl", server->tls, "speak TLS");
  app.add_flag("--unsafe-ssl,--unsafeSsl", server->any_certificate,
               "speak TLS with a server whose certificate nobody vouches for, too")
      ->envname("VARVE_UNSAFE_SSL");
  app.add_option("--username", server->user, "user, where the server wants one")
      ->envname("INFLUX_USERNAME");
  app.add_option("--password", server->password, "password of the user")
      ->envname("INFLUX_PASSWORD");
}

int Report(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cout << std::flush;
  std::cerr << "varve: " << base::MessageOf(status) << std::endl;
  return kFailed;
}

struct Commands {
  QueryCommand query;
  ImportCommand import;
  DemoCommand demo;
  FeedCommand feed;
  DownsampleCommand downsample;
  ConfigCommand config;
  HealthCommand health;
  InspectCommand inspect{InspectWhat::kVerify, ""};
};

CLI::App* AddQuery(CLI::App& app, QueryCommand* command) {
  CLI::App* sub = app.add_subcommand("query", "run InfluxQL and print the answer as tables");
  AddServer(*sub, &command->server);
  sub->add_option("--database,--db,-d", command->database, "database of unqualified names");
  sub->add_flag("--plot", command->plot, "draw the answer as a line chart");
  sub->add_option("text", command->text, "InfluxQL")->required();
  return sub;
}

CLI::App* AddImport(CLI::App& app, ImportCommand* command) {
  CLI::App* sub = app.add_subcommand("import", "send a file of line protocol to the server");
  AddServer(*sub, &command->server);
  sub->add_option("--database,--db,-d", command->database,
                  "database to write to; without it those that the file names, as influx -import");
  sub->add_option("--precision", command->precision, "unit of the file's times")
      ->check(CLI::IsMember({"ns", "u", "ms", "s", "m", "h"}))
      ->capture_default_str();
  sub->add_flag("!--no-create", command->create, "do not create the database");
  sub->add_option("file", command->file, "plain or gzip; - is standard input")->required();
  return sub;
}

CLI::App* AddDemo(CLI::App& app, DemoCommand* command) {
  CLI::App* sub = app.add_subcommand("demo", "load a sample of sensor data and look at it");
  AddServer(*sub, &command->server);
  sub->add_option("--database,--db,-d", command->database, "database to write to")
      ->capture_default_str();
  sub->add_option("--end", command->end_s,
                  "end of the sample in seconds since 1970; 0: the present minute");
  return sub;
}

CLI::App* AddFeed(CLI::App& app, FeedCommand* command) {
  CLI::App* sub =
      app.add_subcommand("feed", "send what the sensors of a building report, for ever");
  AddServer(*sub, &command->server);
  const auto add = [&](const char* name, auto* value, const char* help) {
    return sub->add_option(name, *value, help)->capture_default_str();
  };
  add("--database,--db,-d", &command->database, "database to write to");
  add("--sensors", &command->sensors, "rooms with a sensor")->check(CLI::Range(1, 50'000));
  add("--interval", &command->interval, "time between two readings of a sensor");
  add("--backfill", &command->backfill, "how far back readings begin in an empty database");
  add("--history", &command->history, "how far back hourly means begin, with a policy \"hour\"");
  add("--for", &command->run_for, "how long to go on; 0s is until stopped");
  return sub;
}

CLI::App* AddDownsample(CLI::App& app, DownsampleCommand* command) {
  CLI::App* sub = app.add_subcommand("downsample", "look after continuous queries");
  sub->require_subcommand(1);
  CLI::App* status = sub->add_subcommand("status", "print how each continuous query fares");
  AddServer(*status, &command->server);
  CLI::App* backfill = sub->add_subcommand("backfill", "run a continuous query over past data");
  AddServer(*backfill, &command->server);
  backfill->add_option("--database,--db,-d", command->database, "database of the query")
      ->required();
  backfill->add_option("--from", command->from, "first time, as \"2026-01-31\" or RFC 3339")
      ->required();
  backfill->add_option("--to", command->to, "end, excluded")->required();
  backfill->add_option("name", command->name, "the continuous query")->required();
  backfill->callback([command] { command->backfill = true; });
  return sub;
}

CLI::App* AddConfig(CLI::App& app, ConfigCommand* command) {
  CLI::App* sub = app.add_subcommand(
      "config", "print the configuration, or apply what it declares: as `varved config`");
  sub->set_help_flag();  // varved's own
  sub->prefix_command();
  sub->callback([command, sub] { command->arguments = sub->remaining(); });
  return sub;
}

CLI::App* AddHealth(CLI::App& app, HealthCommand* command) {
  CLI::App* sub = app.add_subcommand("health", "ask the server whether it takes writes");
  AddServer(*sub, &command->server);
  return sub;
}

CLI::App* AddInspect(CLI::App& app, InspectCommand* command) {
  CLI::App* sub = app.add_subcommand("inspect", "print or check the files of a stopped server");
  sub->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, InspectWhat what) {
    CLI::App* one = sub->add_subcommand(name, help);
    one->add_option("path", command->path, "file or folder")->required();
    one->callback([command, what] { command->what = what; });
  };
  add("wal", "print the segments of a log", InspectWhat::kWal);
  add("tsm", "print a shard's manifest and files, or one file in full", InspectWhat::kTsm);
  add("index", "print the segments of an index", InspectWhat::kIndex);
  add("verify", "check every byte of every file", InspectWhat::kVerify);
  return sub;
}

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app{"Varve on the command line", "varve"};
  app.require_subcommand(1);
  Commands commands;
  CLI::App* query = AddQuery(app, &commands.query);
  CLI::App* import = AddImport(app, &commands.import);
  CLI::App* demo = AddDemo(app, &commands.demo);
  CLI::App* feed = AddFeed(app, &commands.feed);
  CLI::App* downsample = AddDownsample(app, &commands.downsample);
  CLI::App* config = AddConfig(app, &commands.config);
  CLI::App* health = AddHealth(app, &commands.health);
  CLI::App* inspect = AddInspect(app, &commands.inspect);
  CLI::App* version = app.add_subcommand("version", "print the version");
  // influx's options have one hyphen.
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    for (const char* name : {"-db", "-database", "-host", "-username", "-password", "-precision",
                             "-ssl", "-unsafeSsl"}) {
      if (argument == name) argument.insert(0, 1, '-');
    }
    arguments.push_back(std::move(argument));
  }
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kMisuse;
  }
  if (query->parsed()) return Report(RunQuery(commands.query));
  if (import->parsed()) return Report(RunImport(commands.import));
  if (demo->parsed()) return Report(RunDemo(commands.demo));
  if (feed->parsed()) return Report(RunFeed(commands.feed));
  if (downsample->parsed()) return Report(RunDownsample(commands.downsample));
  if (config->parsed()) return Report(RunConfig(commands.config));
  if (health->parsed()) return Report(RunHealth(commands.health));
  if (inspect->parsed()) return Report(RunInspect(commands.inspect));
  if (version->parsed()) std::cout << "varve " << http::kVarveVersion << std::endl;
  return 0;
}

}  // namespace varve::cli

int main(int argc, char** argv) {
  try {
    return varve::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "varve: " << error.what() << std::endl;
    return 1;
  }
}
