#include "http/health.h"

#include "base/status.h"

namespace varve::http {
namespace {

void AddStore(const engine::StoreStatus& store, std::vector<HealthCheck>* checks) {
  const auto refuses = [&](std::string_view name, std::string message) {
    checks->push_back({name, false, /*refuses_writes=*/true, false, std::move(message)});
  };
  if (!store.log_health.ok()) {
    refuses("log", base::StrCat("write-ahead log is sealed: ", base::MessageOf(store.log_health)));
  }
  if (!store.disk_health.ok()) refuses("disk", std::string(base::MessageOf(store.disk_health)));
  if (store.cache_full) {
    refuses("cache", base::StrCat("cache full (", store.cache_bytes, " of ", store.cache_bytes_max,
                                  " bytes) and its flush is behind"));
  }
  for (const absl::Status& damage : store.damage) {
    checks->push_back(
        {"data", false, false, /*logged=*/true, std::string(base::MessageOf(damage))});
  }
  // With damage, it is the damage's.
  if (store.damage.empty() && !store.last_background_error.ok()) {
    checks->push_back({"storage", /*warning=*/true, false, false,
                       base::StrCat("a flush or a merge of files failed: ",
                                    base::MessageOf(store.last_background_error))});
  }
}

}  // namespace

std::vector<HealthCheck> FailingChecks(const Services& services) {
  std::vector<HealthCheck> checks;
  AddStore(services.store->Status(), &checks);
  const auto warn = [&](std::string_view name, std::string message) {
    checks.push_back({name, /*warning=*/true, false, /*logged=*/true, std::move(message)});
  };
  if (services.enforcer != nullptr) {
    const std::string error = services.enforcer->Status().last_error;
    if (!error.empty()) {
      warn("retention", base::StrCat("expired shards could not be dropped: ", error));
    }
  }
  if (services.continuous_queries != nullptr) {
    for (const auto& query : services.continuous_queries->Status()) {
      if (query.last_error.empty()) continue;
      warn("continuous_queries", base::StrCat("continuous query ", query.name, " on ",
                                              query.database, " failed: ", query.last_error));
    }
  }
  if (services.monitor) {
    const std::string error = services.monitor().last_error;
    if (!error.empty()) {
      warn("monitor", base::StrCat("the server's statistics could not be stored: ", error));
    }
  }
  return checks;
}

}  // namespace varve::http
