#include "server/health_log.h"

#include <utility>

namespace varve::server {

void HealthLog::Look(const std::vector<http::HealthCheck>& failing) {
  std::set<std::string> now;
  for (const http::HealthCheck& check : failing) {
    const std::string name(check.name);
    if (check.logged || !now.insert(name).second || failing_.contains(name)) continue;
    if (check.warning) {
      logger_.Warn("health check fails", {{"check", name}, {"reason", check.message}});
    } else {
      logger_.Error("health check fails", {{"check", name}, {"reason", check.message}});
    }
  }
  for (const std::string& name : failing_) {
    if (!now.contains(name)) logger_.Info("health check passes again", {{"check", name}});
  }
  failing_ = std::move(now);
}

}  // namespace varve::server
