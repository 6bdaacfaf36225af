#include <iostream>
#include <string>

#include "base/env.h"
#include "base/status.h"
#include "cli/building.h"
#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "query/ast.h"

namespace varve::cli {
namespace {

constexpr int64_t kStepSeconds = 10;
constexpr int64_t kDaySeconds = 86400;
constexpr size_t kSteps = kDaySeconds / kStepSeconds;
constexpr size_t kStepsPerRequest = 120;

absl::Status Load(ServerClient& client, const std::string& database, int64_t end_s) {
  RETURN_IF_ERROR(
      client.Query("", base::StrCat("CREATE DATABASE ", query::QuoteIdentifier(database)))
          .status());
  const Building building;
  const int64_t start_ns = base::Env::Default().MonotonicNs();
  ProgressBar bar(kSteps);
  std::string lines;
  int64_t time_s = end_s - kDaySeconds;
  for (size_t step = 0; step < kSteps; step += kStepsPerRequest) {
    lines.clear();
    for (size_t i = 0; i < kStepsPerRequest; ++i, time_s += kStepSeconds) {
      building.AppendClimate(time_s, lines);
    }
    RETURN_IF_ERROR(client.Write({database, "", "s"}, lines));
    bar.Update(step + kStepsPerRequest, (step + kStepsPerRequest) * building.sensors());
  }
  bar.Finish();
  const double seconds = static_cast<double>(base::Env::Default().MonotonicNs() - start_ns) / 1e9;
  char text[160];
  std::snprintf(text, sizeof(text),
                "Loaded %zu points of %zu sensors (%zu values) into \"%s\" in %.2f s.\n",
                kSteps * building.sensors(), building.sensors(), 4 * kSteps * building.sensors(),
                database.c_str(), seconds);
  std::cout << text;
  return absl::OkStatus();
}

absl::Status Show(const DemoCommand& command, std::string_view title, const std::string& text,
                  bool plot) {
  std::cout << "\n" << title << "\n> " << text << "\n\n";
  QueryCommand query;
  query.server = command.server;
  query.database = command.database;
  query.text = text;
  query.plot = plot;
  return RunQuery(query);
}

}  // namespace

absl::Status RunDemo(const DemoCommand& command) {
  int64_t end_s = command.end_s;
  if (end_s == 0) end_s = base::Env::Default().NowNs() / 1'000'000'000 / 60 * 60;
  {
    ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
    RETURN_IF_ERROR(Load(*client, command.database, end_s));
  }
  const std::string day = base::StrCat("time >= ", end_s - 86400, "s AND time < ", end_s, "s");
  RETURN_IF_ERROR(Show(
      command, "How warm and how stuffy is each floor?",
      base::StrCat(
          "SELECT mean(temperature) AS mean, max(temperature) AS warmest, max(co2) AS co2 FROM "
          "climate WHERE ",
          day, " GROUP BY floor"),
      false));
  RETURN_IF_ERROR(Show(command, "What did the rooms of the top floor show last?",
                       "SELECT last(temperature) AS temperature, last(humidity) AS humidity, "
                       "last(co2) AS co2 FROM climate WHERE "
                       "floor = '5' GROUP BY room",
                       false));
  RETURN_IF_ERROR(Show(
      command, "How did the air of room 305 change over the day?",
      base::StrCat("SELECT mean(co2) AS co2, mean(humidity) AS humidity FROM climate WHERE room = "
                   "'305' AND ",
                   day, " GROUP BY time(3h)"),
      false));
  return Show(command, "The temperature of three floors, as a picture:",
              base::StrCat("SELECT mean(temperature) FROM climate WHERE floor =~ /[135]/ AND ", day,
                           " GROUP BY time(10m), floor"),
              true);
}

}  // namespace varve::cli
