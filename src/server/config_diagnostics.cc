#include "server/config_diagnostics.h"

#include <string>

#include "base/strings.h"

namespace varve::server {
namespace {

std::string ModuleOf(std::string_view section) {
  if (section.empty()) return "config";
  if (section == "continuous_queries") return "config-cqs";
  if (section == "http") return "config-httpd";
  return base::StrCat("config-", section);
}

bool IsSecret(std::string_view key) { return key.ends_with("secret") || key.ends_with("password"); }

}  // namespace

std::vector<query::StatisticsRow> ConfigDiagnostics(const Options& options) {
  std::vector<query::StatisticsRow> rows;
  for (const OptionSpec& spec : OptionTable()) {
    if (IsSecret(spec.key)) continue;
    const std::string module = ModuleOf(spec.section);
    if (rows.empty() || rows.back().module != module) rows.push_back({module, {}, {}, {}});
    rows.back().names.emplace_back(spec.key);
    if (spec.kind == OptionKind::kCount) {
      const uint64_t count = options.*std::get<uint64_t Options::*>(spec.target);
      rows.back().values.emplace_back(static_cast<int64_t>(count));
    } else {
      rows.back().values.emplace_back(OptionText(spec, options));
    }
  }
  return rows;
}

}  // namespace varve::server
