#include <simdjson.h>

#include "base/status.h"
#include "cli/server_client.h"
#include "http/number_text.h"

namespace varve::cli {
namespace {

namespace dom = simdjson::dom;

std::string Text(dom::element element) {
  std::string_view text;
  return element.get_string().get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

AnswerCell Cell(dom::element element) {
  char number[http::kNumberTextMax];
  switch (element.type()) {
    case dom::element_type::STRING:
      return {Text(element), std::nullopt};
    case dom::element_type::BOOL:
      return {element.get_bool().value_unsafe() ? "true" : "false", std::nullopt};
    case dom::element_type::INT64: {
      const int64_t value = element.get_int64().value_unsafe();
      return {{number, http::WriteInteger(number, value)}, static_cast<double>(value)};
    }
    case dom::element_type::UINT64: {
      const uint64_t value = element.get_uint64().value_unsafe();
      return {{number, http::WriteUnsigned(number, value)}, static_cast<double>(value)};
    }
    case dom::element_type::DOUBLE: {
      const double value = element.get_double().value_unsafe();
      return {{number, http::WriteFloat(number, value)}, value};
    }
    default:
      return {};
  }
}

AnswerSeries Series(dom::object object) {
  AnswerSeries series;
  http::TimeWriter times;
  for (const auto field : object) {
    if (field.key == "name") series.name = Text(field.value);
    if (field.key == "tags") {
      const dom::object tags = field.value.get_object().value_unsafe();
      for (const auto tag : tags) {
        series.tags.emplace_back(tag.key, Text(tag.value));
      }
    }
    if (field.key == "columns") {
      const dom::array columns = field.value.get_array().value_unsafe();
      for (const auto column : columns) {
        series.columns.push_back(Text(column));
      }
    }
    if (field.key != "values") continue;
    const bool has_time = !series.columns.empty() && series.columns[0] == "time";
    const dom::array rows = field.value.get_array().value_unsafe();
    for (const auto row : rows) {
      const dom::array row_cells = row.get_array().value_unsafe();
      std::vector<AnswerCell>& cells = series.rows.emplace_back();
      for (const auto cell : row_cells) {
        int64_t ns = 0;
        if (has_time && cells.empty() && cell.get_int64().get(ns) == simdjson::SUCCESS) {
          char text[http::kNumberTextMax];
          series.times.push_back(ns);
          cells.push_back({{text, times.Write(text, ns)}, std::nullopt});
        } else {
          cells.push_back(Cell(cell));
        }
      }
    }
  }
  return series;
}

}  // namespace

absl::StatusOr<Answer> ParseAnswer(std::string_view json) {
  dom::parser parser;
  dom::array results;
  if (parser.parse(json.data(), json.size(), true)["results"].get_array().get(results)) {
    return base::InvalidArgument("the answer is no JSON document with results");
  }
  Answer answer;
  for (const auto result : results) {
    AnswerStatement& statement = answer.emplace_back();
    dom::object object;
    if (result.get_object().get(object)) continue;
    for (const auto field : object) {
      if (field.key == "error") statement.error = Text(field.value);
      dom::array items;
      if (field.value.get_array().get(items)) continue;
      for (const auto item : items) {
        dom::object entry;
        if (item.get_object().get(entry)) continue;
        if (field.key == "series") statement.series.push_back(Series(entry));
        if (field.key == "messages")
          statement.messages.push_back(Text(entry["text"].value_unsafe()));
      }
    }
  }
  return answer;
}

std::vector<std::string> ParseHealth(std::string_view json) {
  dom::parser parser;
  dom::object health;
  std::vector<std::string> lines;
  if (parser.parse(json.data(), json.size(), true).get_object().get(health)) return lines;
  std::string_view text;
  if (health["message"].get_string().get(text) == simdjson::SUCCESS) lines.emplace_back(text);
  dom::array checks;
  if (health["checks"].get_array().get(checks)) return lines;
  for (const auto check : checks) {
    if (check["message"].get_string().get(text) == simdjson::SUCCESS) lines.emplace_back(text);
  }
  return lines;
}

}  // namespace varve::cli
