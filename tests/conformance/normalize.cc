#include "tests/conformance/normalize.h"

#include <algorithm>
#include <functional>
#include <regex>
#include <set>
#include <string>

#include "base/strings.h"

namespace varve::conformance {
namespace {

using Visit = std::function<void(Json* result, Json* series)>;

void EachResult(Json* body, const std::function<void(Json*)>& visit) {
  Json* results = body->Find("results");
  JsonList* list = results == nullptr ? nullptr : results->As<JsonList>();
  if (list == nullptr) return;
  for (Json& result : *list) visit(&result);
}

void EachSeries(Json* body, const Visit& visit) {
  EachResult(body, [&](Json* result) {
    Json* series = result->Find("series");
    JsonList* list = series == nullptr ? nullptr : series->As<JsonList>();
    if (list == nullptr) return;
    for (Json& one : *list) visit(result, &one);
  });
}

// The rows of a series, or null.
JsonList* RowsOf(Json* series) {
  Json* values = series->Find("values");
  return values == nullptr ? nullptr : values->As<JsonList>();
}

bool MentionsOwn(const Json& json) {
  static const std::regex kMark("\\{(db|user)\\d?\\}");
  const auto* text = json.As<std::string>();
  return text != nullptr && std::regex_search(*text, kMark);
}

void KeepOwnRows(Json* body) {
  EachSeries(body, [](Json*, Json* series) {
    JsonList kept;
    if (JsonList* rows = RowsOf(series)) {
      for (Json& row : *rows) {
        const auto* cells = row.As<JsonList>();
        if (std::any_of(cells->begin(), cells->end(), MentionsOwn)) kept.push_back(std::move(row));
      }
    }
    series->Set("values", Json(std::move(kept)));
  });
}

void KeepOwnSeries(Json* body) {
  EachResult(body, [](Json* result) {
    Json* series = result->Find("series");
    JsonList* list = series == nullptr ? nullptr : series->As<JsonList>();
    if (list == nullptr) return;
    std::erase_if(*list, [](const Json& one) {
      const Json* name = one.Find("name");
      return name == nullptr || !MentionsOwn(*name);
    });
    if (list->empty()) result->Remove("series");
  });
}

void MaskColumns(std::string_view names, bool mask_empty, Json* body) {
  std::set<std::string, std::less<>> masked;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    masked.emplace(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  EachSeries(body, [&](Json*, Json* series) {
    const Json* columns = series->Find("columns");
    JsonList* rows = RowsOf(series);
    if (columns == nullptr || rows == nullptr) return;
    for (size_t i = 0; i < columns->As<JsonList>()->size(); ++i) {
      if (!masked.contains(*(*columns->As<JsonList>())[i].As<std::string>())) continue;
      for (Json& row : *rows) {
        Json& cell = (*row.As<JsonList>())[i];
        const auto* text = cell.As<std::string>();
        const bool empty =
            cell.As<std::nullptr_t>() != nullptr || (text != nullptr && text->empty());
        if (empty && !mask_empty) continue;
        cell = Json(std::string("*"));
      }
    }
  });
}

void ReplaceInCells(const std::regex& pattern, const std::string& with, Json* body) {
  EachSeries(body, [&](Json*, Json* series) {
    JsonList* rows = RowsOf(series);
    if (rows == nullptr) {
      series->Set("values", Json(JsonList()));
      return;
    }
    for (Json& row : *rows) {
      for (Json& cell : *row.As<JsonList>()) {
        if (auto* text = cell.As<std::string>()) *text = std::regex_replace(*text, pattern, with);
      }
    }
  });
}

void SortByDump(JsonList* list, size_t begin, size_t end) {
  std::sort(list->begin() + static_cast<ptrdiff_t>(begin),
            list->begin() + static_cast<ptrdiff_t>(end),
            [](const Json& a, const Json& b) { return a.Dump() < b.Dump(); });
}

void SortTies(Json* series) {
  JsonList* rows = RowsOf(series);
  const Json* columns = series->Find("columns");
  if (rows == nullptr || columns == nullptr || columns->As<JsonList>()->empty() ||
      columns->As<JsonList>()->front().Dump() != "\"time\"") {
    return;
  }
  size_t start = 0;
  const auto time = [&](size_t i) { return (*rows)[i].As<JsonList>()->front().Dump(); };
  for (size_t end = 1; end <= rows->size(); ++end) {
    if (end < rows->size() && time(end) == time(start)) continue;
    SortByDump(rows, start, end);
    start = end;
  }
}

void SortSeries(Json* body) {
  const auto key = [](const Json& series) {
    const Json* name = series.Find("name");
    const Json* tags = series.Find("tags");
    return base::StrCat(name == nullptr ? "null" : name->Dump(), " ",
                        tags == nullptr ? "null" : tags->Dump());
  };
  EachResult(body, [&](Json* result) {
    Json* series = result->Find("series");
    if (series == nullptr) return;
    JsonList* list = series->As<JsonList>();
    std::stable_sort(list->begin(), list->end(),
                     [&](const Json& a, const Json& b) { return key(a) < key(b); });
  });
}

void MaskErrors(const std::regex& pattern, Json* json) {
  if (auto* list = json->As<JsonList>()) {
    for (Json& item : *list) MaskErrors(pattern, &item);
  }
  if (auto* map = json->As<JsonMap>()) {
    for (auto& [name, value] : *map) {
      auto* text = value.As<std::string>();
      if (name == "error" && text != nullptr) {
        *text = std::regex_replace(*text, pattern, "*");
      } else {
        MaskErrors(pattern, &value);
      }
    }
  }
}

}  // namespace

bool Normalize(std::string_view rule, Json* body) {
  const size_t colon = std::min(rule.find(':'), rule.size());
  const std::string_view name = rule.substr(0, colon);
  const std::string argument(rule.substr(std::min(colon + 1, rule.size())));
  if (name == "own_rows") {
    KeepOwnRows(body);
  } else if (name == "own_series") {
    KeepOwnSeries(body);
  } else if (name == "mask") {
    MaskColumns(argument, /*mask_empty=*/false, body);
  } else if (name == "mask_any") {
    MaskColumns(argument, /*mask_empty=*/true, body);
  } else if (name == "mask_numbers") {
    ReplaceInCells(std::regex("\\d+"), "N", body);
  } else if (name == "mask_storage") {
    ReplaceInCells(
        std::regex("^(\\s*(?:CACHED VALUES|NUMBER OF FILES|NUMBER OF BLOCKS|SIZE OF BLOCKS): )"
                   "\\d+$"),
        "$1N", body);
  } else if (name == "mask_text") {
    // std::regex has no look-behind; the one the corpus uses is a literal prefix.
    const std::string prefix = "(?<=query parameters: )";
    if (argument.substr(0, prefix.size()) == prefix) {
      if (auto* error = body->Find("error"); error != nullptr && error->As<std::string>()) {
        std::string& text = *error->As<std::string>();
        const size_t at = text.find("query parameters: ");
        if (at != text.npos) text = text.substr(0, at) + "query parameters: *";
      }
    } else {
      MaskErrors(std::regex(argument), body);
    }
  } else if (name == "drop_partial") {
    EachSeries(body, [](Json* result, Json* series) {
      result->Remove("partial");
      series->Remove("partial");
    });
  } else if (name == "columns_only") {
    EachSeries(body, [](Json*, Json* series) { series->Remove("values"); });
  } else if (name == "row_counts") {
    EachSeries(body, [](Json*, Json* series) {
      const JsonList* rows = RowsOf(series);
      series->Set("values", Json(static_cast<int64_t>(rows == nullptr ? 0 : rows->size())));
    });
  } else if (name == "sort_rows") {
    EachSeries(body, [](Json*, Json* series) {
      if (JsonList* rows = RowsOf(series)) SortByDump(rows, 0, rows->size());
    });
  } else if (name == "sort_series") {
    SortSeries(body);
  } else if (name == "sort_ties") {
    EachSeries(body, [](Json*, Json* series) { SortTies(series); });
  } else if (name == "error_prefix") {
    if (auto* error = body->Find("error"); error != nullptr && error->As<std::string>()) {
      error->As<std::string>()->resize(
          std::min<size_t>(error->As<std::string>()->size(), std::stoul(argument)));
    }
  } else {
    return false;
  }
  return true;
}

}  // namespace varve::conformance
