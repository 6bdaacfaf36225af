// How a query is written: InfluxQL, MetricsQL, JSON.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "queries.h"

namespace varve::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMillisecond = 1'000'000;

std::string CallText(const Call& call) {
  if (call.function.empty()) return call.field;
  if (call.argument == 0) return fmt::format("{}({})", call.function, call.field);
  return fmt::format("{}({}, {})", call.function, call.field, call.argument);
}

std::vector<std::string> Conditions(const Select& select) {
  std::vector<std::string> conditions;
  if (!select.tag_pattern.empty()) {
    conditions.push_back(fmt::format("{} =~ /{}/", select.tag, select.tag_pattern));
  } else if (!select.tag.empty()) {
    std::vector<std::string> values;
    for (const std::string& value : select.tag_values) {
      values.push_back(fmt::format("{} = '{}'", select.tag, value));
    }
    conditions.push_back(fmt::format("({})", fmt::join(values, " OR ")));
  }
  if (!select.above_field.empty()) {
    conditions.push_back(fmt::format("{} > {}", select.above_field, select.above));
  }
  if (select.from_ns != 0) conditions.push_back(fmt::format("time >= {}", select.from_ns));
  if (select.until_ns != 0) conditions.push_back(fmt::format("time < {}", select.until_ns));
  return conditions;
}

std::string FieldNames(const Select& select) {
  std::vector<std::string> names;
  for (const Call& call : select.calls) names.push_back(call.field);
  return fmt::format("{}_({})", select.measurement, fmt::join(names, "|"));
}

// The time series of all fields that are asked for.
std::string Selector(const Select& select) {
  const bool all_fields = select.calls[0].field == "*";
  std::string text = fmt::format(R"({{__name__=~"{}")",
                                 all_fields ? select.measurement + "_.*" : FieldNames(select));
  if (!select.tag_pattern.empty()) {
    text += fmt::format(R"(,{}=~"{}")", select.tag, select.tag_pattern);
  } else if (!select.tag.empty()) {
    text += fmt::format(R"(,{}=~"{}")", select.tag, fmt::join(select.tag_values, "|"));
  }
  return text + "}";
}

std::string RollupText(const Select& select, int64_t window_s) {
  const std::string& function = select.calls[0].function;
  const std::string range = fmt::format("{}[{}s]", Selector(select), window_s);
  std::vector<std::string> by = select.group_by;
  if (select.calls.size() > 1) by.push_back("__name__");
  const std::string grouped = by.empty() ? "" : fmt::format(" by ({})", fmt::join(by, ","));
  if (function == "max" || function == "min" ||
      (function == "mean" && select.single_series_groups)) {
    const std::string_view name = function == "mean" ? "avg" : std::string_view(function);
    return fmt::format("{0}({0}_over_time({1})){2}", name, range, grouped);
  }
  if (function == "count") return fmt::format("sum(count_over_time({})){}", range, grouped);
  if (function == "mean" && select.calls.size() == 1) {
    return fmt::format("sum(sum_over_time({0})){1} / sum(count_over_time({0})){1}", range, grouped);
  }
  return "";
}

std::string Seconds(int64_t time_ns) {
  return fmt::format("{}.{:03}", time_ns / kSecond, time_ns % kSecond / kMillisecond);
}

void AppendJsonList(std::string& out, std::string_view name, const std::vector<std::string>& list) {
  out += fmt::format(R"(, "{}": [)", name);
  for (size_t i = 0; i < list.size(); ++i)
    out += fmt::format(R"({}"{}")", i == 0 ? "" : ", ", list[i]);
  out += "]";
}

std::string SelectAsJson(const Select& select, const Shape& shape) {
  std::string out = fmt::format(R"({{"text": "{}")", InfluxQl(select));
  out += fmt::format(R"(, "measurement": "{}", "calls": [)", select.measurement);
  for (size_t i = 0; i < select.calls.size(); ++i) {
    const Call& call = select.calls[i];
    out += fmt::format(R"({}["{}", "{}", {}])", i == 0 ? "" : ", ", call.function, call.field,
                       call.argument);
  }
  out += fmt::format(R"(], "tag": "{}", "tag_pattern": "{}")", select.tag, select.tag_pattern);
  AppendJsonList(out, "tag_values", select.tag_values);
  AppendJsonList(out, "group_by", select.group_by);
  out += fmt::format(
      R"(, "above_field": "{}", "above": {}, "from_ns": {}, "until_ns": {}, "window_s": {}, )"
      R"("newest_first": {}, "limit": {}, "metricsql": {}}})",
      select.above_field, select.above, select.from_ns, select.until_ns, select.window_s,
      select.newest_first, select.limit, !MetricsQlTarget(select, shape).empty());
  return out;
}

}  // namespace

std::string InfluxQl(const Select& select) {
  std::vector<std::string> calls;
  for (const Call& call : select.calls) calls.push_back(CallText(call));
  std::string text = fmt::format("SELECT {} FROM {}", fmt::join(calls, ", "), select.measurement);
  if (const auto conditions = Conditions(select); !conditions.empty()) {
    text += fmt::format(" WHERE {}", fmt::join(conditions, " AND "));
  }
  std::vector<std::string> groups;
  if (select.window_s != 0) groups.push_back(fmt::format("time({}s)", select.window_s));
  groups.insert(groups.end(), select.group_by.begin(), select.group_by.end());
  if (!groups.empty()) text += fmt::format(" GROUP BY {}", fmt::join(groups, ", "));
  if (select.newest_first) text += " ORDER BY time DESC";
  if (select.limit != 0) text += fmt::format(" LIMIT {}", select.limit);
  return text;
}

std::string MetricsQlTarget(const Select& select, const Shape& shape) {
  const int64_t until_ns = select.until_ns == 0 ? shape.end_ns : select.until_ns;
  int64_t from_ns = select.from_ns == 0 ? shape.start_ns : select.from_ns;
  if (!select.above_field.empty()) return "";
  if (select.calls[0].function.empty()) {
    if (select.limit == 1 && select.newest_first && select.single_series_groups) {
      return fmt::format("/api/v1/query?nocache=1&time={}&query={}",
                         Seconds(until_ns - kMillisecond),
                         UrlEncode(fmt::format("last_over_time({}[{}s])", Selector(select),
                                               (until_ns - from_ns) / kSecond)));
    }
    if (select.limit != 0) return "";
    return fmt::format("/api/v1/export?start={}&end={}&match[]={}", Seconds(from_ns),
                       Seconds(until_ns - kMillisecond), UrlEncode(Selector(select)));
  }
  for (const Call& call : select.calls) {
    if (call.function != select.calls[0].function || call.field == "*") return "";
  }
  const int64_t window_s = select.window_s == 0 ? (until_ns - from_ns) / kSecond : select.window_s;
  const std::string text = RollupText(select, window_s);
  if (text.empty()) return "";
  if (select.window_s == 0) {
    return fmt::format("/api/v1/query?nocache=1&time={}&query={}", Seconds(until_ns - kMillisecond),
                       UrlEncode(text));
  }
  if (select.limit != 0)
    from_ns = until_ns - static_cast<int64_t>(select.limit) * window_s * kSecond;
  // A window of VictoriaMetrics holds its end and not its beginning.
  const int64_t windows = (until_ns - from_ns - 1) / (window_s * kSecond) + 1;
  return fmt::format("/api/v1/query_range?nocache=1&start={}&end={}&step={}s&query={}",
                     Seconds(from_ns + window_s * kSecond - kMillisecond),
                     Seconds(from_ns + windows * window_s * kSecond - kMillisecond), window_s,
                     UrlEncode(text));
}

std::string DescribeAsJson(const Query& query, const Shape& shape) {
  std::string out =
      fmt::format(R"({{"name": "{}", "statement": "{}", "estimate": {}, "selects": [)", query.name,
                  query.statement, query.estimate);
  for (size_t i = 0; i < query.selects.size(); ++i) {
    out += (i == 0 ? "" : ", ") + SelectAsJson(query.selects[i], shape);
  }
  return out + "]}";
}

std::string UrlEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace varve::bench
