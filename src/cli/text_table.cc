#include "cli/text_table.h"

#include <algorithm>

namespace varve::cli {
namespace {

struct Table {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<AnswerCell>> rows;
};

bool HasTime(const AnswerSeries& series) {
  return !series.times.empty() &&
         std::any_of(series.times.begin(), series.times.end(), [](int64_t ns) { return ns != 0; });
}

std::vector<std::string> HeadOf(const AnswerSeries& series, bool with_time) {
  std::vector<std::string> head;
  for (const auto& [key, value] : series.tags) head.push_back(key);
  const bool skip_first = !with_time && !series.times.empty();
  head.insert(head.end(), series.columns.begin() + (skip_first ? 1 : 0), series.columns.end());
  return head;
}

void AddRows(const AnswerSeries& series, bool with_time, Table* table) {
  const size_t skip = !with_time && !series.times.empty() ? 1 : 0;
  for (const std::vector<AnswerCell>& row : series.rows) {
    std::vector<AnswerCell>& cells = table->rows.emplace_back();
    for (const auto& [key, value] : series.tags) cells.push_back({value, std::nullopt});
    cells.insert(cells.end(), row.begin() + static_cast<ptrdiff_t>(std::min(skip, row.size())),
                 row.end());
  }
}

std::string Pad(std::string_view text, size_t width, bool right) {
  const size_t used = DisplayWidth(text);
  const std::string space(width > used ? width - used : 0, ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

void Trim(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

void Print(const Table& table, std::string& out) {
  const size_t columns = table.head.size();
  std::vector<size_t> widths(columns);
  std::vector<bool> numeric(columns, true);
  for (size_t c = 0; c < columns; ++c) widths[c] = DisplayWidth(table.head[c]);
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < columns && c < row.size(); ++c) {
      widths[c] = std::max(widths[c], DisplayWidth(row[c].text));
      if (!row[c].number && !row[c].text.empty()) numeric[c] = false;
    }
  }
  if (!table.title.empty()) out += table.title + "\n";
  std::string head;
  std::string rule;
  for (size_t c = 0; c < columns; ++c) {
    head += Pad(table.head[c], widths[c], numeric[c]) + "  ";
    rule += std::string(widths[c], '-') + "  ";
  }
  Trim(head);
  Trim(rule);
  out += head + "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    std::string line;
    for (size_t c = 0; c < columns && c < row.size(); ++c) {
      line += Pad(row[c].text, widths[c], numeric[c]) + "  ";
    }
    Trim(line);
    out += line + "\n";
  }
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string FormatTables(const AnswerStatement& statement) {
  std::string out;
  for (const std::string& message : statement.messages) out += message + "\n";
  const bool with_time = std::any_of(statement.series.begin(), statement.series.end(), HasTime);
  std::vector<Table> tables;
  for (const AnswerSeries& series : statement.series) {
    std::vector<std::string> head = HeadOf(series, with_time);
    if (tables.empty() || tables.back().title != series.name || tables.back().head != head) {
      tables.push_back({series.name, std::move(head), {}});
    }
    AddRows(series, with_time, &tables.back());
  }
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i != 0) out += "\n";
    Print(tables[i], out);
  }
  if (!statement.error.empty()) out += "error: " + statement.error + "\n";
  return out;
}

}  // namespace varve::cli
