// What is wrong with the server, as /health tells it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/services.h"

namespace varve::http {

struct HealthCheck {
  // `log`, `disk`, `cache`: writes are refused. `data`: something is damaged. `storage`: a flush or
  // a merge failed. `retention`, `continuous_queries`, `monitor`: the last try failed.
  std::string_view name;
  bool warning = false;         // it is only worth a look
  bool refuses_writes = false;  // until it passes
  bool logged = false;          // whoever met it has told the log
  std::string message;
};

// What does not pass; the gravest first.
std::vector<HealthCheck> FailingChecks(const Services& services);

}  // namespace varve::http
