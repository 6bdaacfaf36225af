// GET /metrics: the statistics in Prometheus' text format 0.0.4.
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "http/endpoints.h"
#include "http/reply.h"
#include "http/statistic_table.h"
#include "http/version.h"

namespace varve::http {
namespace {

void AppendHead(std::string& out, std::string_view name, std::string_view type,
                std::string_view help) {
  base::StrAppend(out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

void AppendLabel(std::string& out, std::string_view label, std::string_view text) {
  base::StrAppend(out, out.back() == '{' ? "" : ",", label, "=\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  out += '"';
}

// The labels of an item in braces; nothing when there are none.
std::string Labels(const StatisticGroup& group, const StatisticItem& item) {
  std::string out = "{";
  for (const StatisticTag& tag : group.tags) {
    if (!tag.label.empty()) AppendLabel(out, tag.label, tag.value(item));
  }
  return out.size() == 1 ? "" : out + "}";
}

void AppendGroup(std::string& out, const StatisticGroup& group, const ServerState& state) {
  const std::vector<StatisticItem> items = ItemsOf(group, state);
  if (items.empty()) return;
  std::vector<std::string> labels;
  for (const StatisticItem& item : items) labels.push_back(Labels(group, item));
  for (const Statistic& statistic : group.statistics) {
    if (statistic.metric.empty()) continue;
    AppendHead(out, statistic.metric,
               statistic.kind == StatisticKind::kCounter ? "counter" : "gauge", statistic.help);
    for (size_t i = 0; i < items.size(); ++i) {
      const int64_t value = statistic.value(items[i]);
      base::StrAppend(out, statistic.metric, labels[i], " ");
      if (statistic.divisor == 1) {
        base::StrAppend(out, value, "\n");
      } else {
        base::StrAppend(out, static_cast<double>(value) / static_cast<double>(statistic.divisor),
                        "\n");
      }
    }
  }
}

void AppendHistogram(std::string& out, const LatencyState& latency) {
  const std::string_view name = latency.metric;
  AppendHead(out, name, "histogram", latency.help);
  uint64_t total = 0;
  for (size_t i = 0; i < latency.all.counts.size(); ++i) {
    total += latency.all.counts[i];
    base::StrAppend(out, name, "_bucket{le=\"");
    if (i < base::LatencyCounts::kBoundsNs.size()) {
      base::StrAppend(out, static_cast<double>(base::LatencyCounts::kBoundsNs[i]) / 1e9);
    } else {
      out += "+Inf";
    }
    base::StrAppend(out, "\"} ", total, "\n");
  }
  base::StrAppend(out, name, "_sum ", static_cast<double>(latency.all.sum_ns) / 1e9, "\n", name,
                  "_count ", total, "\n");
}

}  // namespace

void HandleMetrics(const Services& services, ExchangePtr exchange, const Identity&) {
  Response response = MakeResponse(services, exchange->request(), 200, Format::kJson);
  response.headers[0].second = "text/plain; version=0.0.4; charset=utf-8";
  std::string& out = response.body;
  AppendHead(out, "varve_build_info", "gauge", "The build.");
  base::StrAppend(out, "varve_build_info{version=\"", kVarveVersion, "\"} 1\n");
  const ServerState state = ReadServerState(services);
  for (const StatisticGroup& group : StatisticGroups()) AppendGroup(out, group, state);
  for (const LatencyState& latency : state.latencies) AppendHistogram(out, latency);
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
