#include "http/statistic_table.h"

#include <iterator>

#include "base/strings.h"

namespace varve::http {
namespace {

std::string_view RowsText(StatisticScope scope) {
  switch (scope) {
    case StatisticScope::kServer:
    case StatisticScope::kRetention:
    case StatisticScope::kQueries:
    case StatisticScope::kMonitor:
      return "";
    case StatisticScope::kDatabase:
    case StatisticScope::kShard:
    case StatisticScope::kQuery:
    case StatisticScope::kOperation:
    case StatisticScope::kAnswer:
      return " One row each.";
  }
  return "";
}

}  // namespace

const std::vector<StatisticGroup>& StatisticGroups() {
  static const std::vector<StatisticGroup> groups = [] {
    std::vector<StatisticGroup> all;
    for (auto* part : {RequestStatistics, StoreStatistics, ServiceStatistics}) {
      std::vector<StatisticGroup> some = part();
      all.insert(all.end(), std::make_move_iterator(some.begin()),
                 std::make_move_iterator(some.end()));
    }
    return all;
  }();
  return groups;
}

std::vector<StatisticItem> ItemsOf(const StatisticGroup& group, const ServerState& state) {
  const StatisticItem server{.state = &state};
  std::vector<StatisticItem> items;
  const auto each = [&](const auto& list, auto StatisticItem::*member) {
    for (const auto& entry : list) {
      items.push_back(server);
      items.back().*member = &entry;
    }
  };
  const auto once = [&](bool present) {
    if (present) items.push_back(server);
  };
  const Services& services = *state.services;
  switch (group.scope) {
    case StatisticScope::kServer:
      once(true);
      break;
    case StatisticScope::kRetention:
      once(services.enforcer != nullptr);
      break;
    case StatisticScope::kQueries:
      once(services.continuous_queries != nullptr);
      break;
    case StatisticScope::kMonitor:
      once(static_cast<bool>(services.monitor));
      break;
    case StatisticScope::kDatabase:
      each(state.databases, &StatisticItem::database);
      break;
    case StatisticScope::kShard:
      each(state.shards, &StatisticItem::shard);
      break;
    case StatisticScope::kQuery:
      if (services.continuous_query_stats) each(state.queries, &StatisticItem::query);
      break;
    case StatisticScope::kOperation:
      each(state.latencies, &StatisticItem::latency);
      break;
    case StatisticScope::kAnswer:
      each(state.answers, &StatisticItem::answer);
      break;
  }
  return items;
}

std::string StatisticsMarkdown() {
  std::string out = "## The statistics\n";
  for (const StatisticGroup& group : StatisticGroups()) {
    base::StrAppend(out, "\n### ", group.name, "\n\n", group.help, RowsText(group.scope));
    for (size_t i = 0; i < group.tags.size(); ++i) {
      base::StrAppend(out, i == 0 ? " Tags: `" : ", `", group.tags[i].name, "`");
    }
    if (!group.tags.empty()) out += '.';
    out += "\n\n| field | | metric | |\n| --- | --- | --- | --- |\n";
    for (const Statistic& statistic : group.statistics) {
      base::StrAppend(out, "| `", statistic.name, "` | ",
                      statistic.kind == StatisticKind::kCounter ? "sum" : "now", " | ");
      if (!statistic.metric.empty()) base::StrAppend(out, "`", statistic.metric, "`");
      base::StrAppend(out, statistic.metric.empty() ? "| " : " | ", statistic.help, " |\n");
    }
  }
  return out;
}

}  // namespace varve::http
