#include "http/statistics.h"

#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "base/strings.h"
#include "http/number_text.h"
#include "http/statistic_table.h"
#include "http/version.h"

namespace varve::http {
namespace {

using query::StatisticsRow;

void Add(StatisticsRow& row, std::string_view name, uint64_t value) {
  row.names.emplace_back(name);
  row.values.emplace_back(static_cast<int64_t>(value));
}
void AddText(StatisticsRow& row, std::string_view name, std::string value) {
  row.names.emplace_back(name);
  row.values.emplace_back(std::move(value));
}

std::string TimeText(int64_t ns) {
  if (ns == 0) return "";
  char text[kNumberTextMax];
  return {text, TimeWriter().Write(text, ns)};
}

StatisticsRow RetentionRow(const retention::EnforcerStatus& status) {
  StatisticsRow row{"retention", {}, {}, {}};
  Add(row, "bytesDropped", status.bytes_dropped);
  AddText(row, "lastCheck", TimeText(status.last_check_ns));
  AddText(row, "lastDrop", TimeText(status.last_drop_ns));
  AddText(row, "lastError", status.last_error);
  Add(row, "shardsDropped", status.shards_dropped);
  return row;
}

}  // namespace

std::string HostName() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return host;
}

std::vector<StatisticsRow> CollectStatistics(const Services& services) {
  const ServerState state = ReadServerState(services);
  std::vector<StatisticsRow> rows;
  for (const StatisticGroup& group : StatisticGroups()) {
    for (const StatisticItem& item : ItemsOf(group, state)) {
      StatisticsRow row{std::string(group.name), {}, {}, {}};
      for (const StatisticTag& tag : group.tags) row.tags.emplace_back(tag.name, tag.value(item));
      for (const Statistic& statistic : group.statistics) {
        row.names.emplace_back(statistic.name);
        row.values.emplace_back(statistic.value(item));
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<StatisticsRow> CollectDiagnostics(const Services& services) {
  std::vector<StatisticsRow> rows;
  StatisticsRow build{"build", {}, {}, {}};
  AddText(build, "Version", std::string(kInfluxVersion));
  AddText(build, "Varve", std::string(kVarveVersion));
  rows.push_back(std::move(build));

  StatisticsRow network{"network", {}, {}, {}};
  AddText(network, "hostname", HostName());
  rows.push_back(std::move(network));

  if (services.enforcer != nullptr) rows.push_back(RetentionRow(services.enforcer->Status()));

  StatisticsRow runtime{"runtime", {}, {}, {}};
  AddText(runtime, "compiler", __VERSION__);
  Add(runtime, "cores", std::thread::hardware_concurrency());
  rows.push_back(std::move(runtime));

  const int64_t now_ns = services.env->NowNs();
  StatisticsRow system{"system", {}, {}, {}};
  Add(system, "PID", static_cast<uint64_t>(getpid()));
  AddText(system, "currentTime", TimeText(now_ns));
  AddText(system, "started", TimeText(services.start_ns));
  AddText(system, "uptime", base::StrCat((now_ns - services.start_ns) / 1'000'000'000, "s"));
  rows.push_back(std::move(system));
  return rows;
}

}  // namespace varve::http
