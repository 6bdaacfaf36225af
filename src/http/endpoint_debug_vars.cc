// GET /debug/vars: the statistics as one JSON object, as Telegraf's influxdb input reads them.
#include <map>
#include <string>
#include <variant>

#include "base/strings.h"
#include "http/endpoints.h"
#include "http/json_text.h"
#include "http/number_text.h"
#include "http/reply.h"
#include "http/statistics.h"
#include "http/version.h"

namespace varve::http {
namespace {

void AppendValue(std::string& out, const std::variant<double, int64_t, std::string>& value) {
  char number[kNumberTextMax];
  if (const auto* text = std::get_if<std::string>(&value)) {
    AppendJsonString(out, *text);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    out.append(number, WriteInteger(number, *integer));
  } else {
    out.append(number, WriteFloat(number, std::get<double>(value)));
  }
}

// The key of a statistic as InfluxDB has it: its name, its path and id or else all of its tags that
// tell it from others of that name.
std::string KeyOf(const query::StatisticsRow& row) {
  std::string key = row.module;
  std::string id;
  for (const auto& [name, value] : row.tags) {
    if (name == "id") id = value;
  }
  for (const auto& [name, value] : row.tags) {
    if (id.empty() || name == "path") base::StrAppend(key, ":", value);
  }
  if (!id.empty()) base::StrAppend(key, ":", id);
  return key;
}

void AppendRow(std::string& out, const query::StatisticsRow& row) {
  out += "{\"name\":";
  AppendJsonString(out, row.module);
  out += ",\"tags\":{";
  for (size_t i = 0; i < row.tags.size(); ++i) {
    if (i != 0) out += ',';
    AppendJsonString(out, row.tags[i].first);
    out += ':';
    AppendJsonString(out, row.tags[i].second);
  }
  out += "},\"values\":{";
  for (size_t i = 0; i < row.names.size(); ++i) {
    if (i != 0) out += ',';
    AppendJsonString(out, row.names[i]);
    out += ':';
    AppendValue(out, row.values[i]);
  }
  out += "}}";
}

}  // namespace

void HandleDebugVars(const Services& services, ExchangePtr exchange, const Identity&) {
  Response response = MakeResponse(services, exchange->request(), 200, Format::kJson);
  response.headers[0].second = "application/json; charset=utf-8";
  std::string& out = response.body;
  const int64_t now_ns = services.env->NowNs();
  char text[kNumberTextMax];
  TimeWriter times;
  out += "{\n\"system\": {\"currentTime\":\"";
  out.append(text, times.Write(text, now_ns));
  out += "\",\"started\":\"";
  out.append(text, times.Write(text, services.start_ns));
  base::StrAppend(out, "\",\"uptime\":", (now_ns - services.start_ns) / 1'000'000'000, "}");
  // Without arguments: secrets may be among them, and nobody is asked who he is.
  base::StrAppend(out, ",\n\"cmdline\": [\"varved\"],\n\"build\": {\"Branch\":\"\",\"Build Time\":",
                  "\"\",\"Commit\":\"\",\"Version\":\"", kInfluxVersion, "\"}");
  for (const query::StatisticsRow& row : CollectStatistics(services)) {
    out += ",\n";
    AppendJsonString(out, KeyOf(row));
    out += ": ";
    AppendRow(out, row);
  }
  out += "\n}\n";
  exchange->Reply(std::move(response));
}

}  // namespace varve::http
