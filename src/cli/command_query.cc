#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/status.h"
#include "cli/commands.h"
#include "cli/line_chart.h"
#include "cli/text_table.h"

namespace varve::cli {
namespace {

ChartOptions TerminalChart() {
  ChartOptions options;
  options.color = isatty(STDOUT_FILENO) != 0;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 30) {
    options.width = std::min<size_t>(size.ws_col - 12, 160);
  }
  return options;
}

}  // namespace

absl::Status RunQuery(const QueryCommand& command) {
  ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
  ASSIGN_OR_RETURN(const Answer answer, client->Query(command.database, command.text));
  absl::Status result;
  bool first = true;
  for (const AnswerStatement& statement : answer) {
    if (!first) std::cout << "\n";
    first = false;
    std::string text;
    if (command.plot && statement.error.empty()) text = DrawChart(statement, TerminalChart());
    if (text.empty()) text = FormatTables(statement);
    std::cout << text;
    if (!statement.error.empty()) result.Update(base::InvalidArgument(statement.error));
  }
  std::cout << std::flush;
  return result;
}

}  // namespace varve::cli
