#include <iostream>

#include "base/status.h"
#include "cli/commands.h"

namespace varve::cli {

absl::Status RunHealth(const HealthCommand& command) {
  ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
  ASSIGN_OR_RETURN(const std::vector<std::string> lines, client->Health());
  for (const std::string& line : lines) std::cout << line << "\n";
  std::cout << std::flush;
  return absl::OkStatus();
}

}  // namespace varve::cli
