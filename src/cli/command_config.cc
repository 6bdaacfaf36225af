#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/status.h"
#include "cli/commands.h"

namespace varve::cli {
namespace {

// The server's program beside this one, else the one that PATH has.
std::string ServerProgram() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = self.parent_path() / "varved";
  return !error && std::filesystem::exists(beside, error) ? beside.string() : "varved";
}

}  // namespace

absl::Status RunConfig(const ConfigCommand& command) {
  std::vector<std::string> words = {ServerProgram(), "config"};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::cout << std::flush;
  execvp(arguments[0], arguments.data());
  return base::NotFound("cannot run ", words[0], ": ", std::strerror(errno));
}

}  // namespace varve::cli
