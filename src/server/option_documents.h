// What is generated from the table of options.
#pragma once

#include <string>

#include "server/options.h"

namespace varve::server {

// The effective configuration as a TOML file with comments.
std::string ConfigurationToml(const Options& options);
// The same to begin from: what is left at its default is commented out.
std::string ConfigurationSample(const Options& options);
// The manual page varve.conf(5).
std::string ConfigurationManual();
// docs/configuration.md.
std::string ConfigurationMarkdown();
// The options' part of --help.
std::string OptionsHelp();

}  // namespace varve::server
