// What is generated from the table of options.
#pragma once

#include <string>

#include "server/options.h"

namespace varve::server {

// The effective configuration as a TOML file with comments.
std::string ConfigurationToml(const Options& options);
// docs/configuration.md.
std::string ConfigurationMarkdown();
// The options' part of --help.
std::string OptionsHelp();

}  // namespace varve::server
