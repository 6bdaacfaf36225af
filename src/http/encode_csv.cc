#include <charconv>
#include <cmath>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "http/encoder.h"
#include "http/number_text.h"

namespace varve::http {
namespace {

using query::Cell;

constexpr size_t kFlushBytes = 64 << 10;

// CSV shows floats without an exponent, however many digits that takes.
void AppendFixed(std::string& out, double value) {
  char text[kNumberTextMax];
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)) {
    out.append(text, static_cast<size_t>(WriteFloat(text, value) - text));
    return;
  }
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  std::string digits;
  const char* at = text;
  if (*at == '-') out += *at++;
  for (; at != end.ptr && *at != 'e'; ++at) {
    if (*at != '.') digits += *at;
  }
  int exponent = 0;
  std::from_chars(at[1] == '+' ? at + 2 : at + 1, end.ptr, exponent);
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<size_t>(exponent) + 1;
    out += digits;
    if (digits.size() < whole) out.append(whole - digits.size(), '0');
  }
}

class CsvEncoder : public Encoder {
 public:
  CsvEncoder(const EncodeOptions& options, ByteSink& out) : options_(options), out_(out) {}

  absl::Status BeginStatement(int) override {
    first_of_statement_ = true;
    return absl::OkStatus();
  }

  absl::Status Rows(const query::RowBatch& batch) override {
    const query::SeriesHeader& header = *batch.header;
    if (batch.new_series || first_of_statement_) OpenSeries(header);
    const size_t columns = header.columns.size();
    for (size_t row = 0; row < batch.rows; ++row) {
      text_ += prefix_;
      const Cell* cells = batch.cells.data() + row * columns;
      for (size_t i = 0; i < columns; ++i) {
        text_ += ',';
        AppendCell(cells[i], i);
      }
      text_ += '\n';
      if (text_.size() >= kFlushBytes) RETURN_IF_ERROR(Flush(false));
    }
    return options_.chunked ? Flush(true) : absl::OkStatus();
  }

  // CSV has no place for messages and for errors of statements.
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status&) override { return absl::OkStatus(); }
  void MarkSeriesPartial() override {}
  absl::Status Finish() override { return Flush(true); }

 private:
  void OpenSeries(const query::SeriesHeader& header) {
    if (first_of_statement_ || header.columns != columns_) {
      if (anything_) text_ += '\n';
      anything_ = true;
      columns_ = header.columns;
      text_ += "name,tags";
      for (const std::string& column : columns_) {
        text_ += ',';
        AppendCsvField(text_, column);
      }
      text_ += '\n';
    }
    first_of_statement_ = false;
    times_.SetLocation(header.location);
    std::string tags;
    for (const auto& [key, value] : header.tags) {
      if (value.empty()) continue;
      base::StrAppend(tags, tags.empty() ? "" : ",", key, "=", value);
    }
    prefix_.clear();
    AppendCsvField(prefix_, header.name);
    prefix_ += ',';
    AppendCsvField(prefix_, tags);
  }

  void AppendCell(const Cell& cell, size_t column) {
    char number[kNumberTextMax];
    char* end = number;
    switch (cell.kind) {
      case Cell::Kind::kNull:
        return;
      case Cell::Kind::kFloat:
        if (std::isfinite(cell.float_value)) AppendFixed(text_, cell.float_value);
        return;
      case Cell::Kind::kInteger:
        end = WriteInteger(number, cell.integer_value);
        break;
      case Cell::Kind::kUnsigned:
        end = WriteUnsigned(number, cell.unsigned_value);
        break;
      case Cell::Kind::kBoolean:
        text_ += cell.boolean_value ? "true" : "false";
        return;
      case Cell::Kind::kString:
        // InfluxDB leaves the header's text where CSV has no form for a value.
        AppendCsvField(text_, cell.is_list ? std::string_view(columns_[column]) : cell.text);
        return;
      case Cell::Kind::kTime:
        if (options_.rfc3339) {
          end = times_.Write(number, cell.integer_value);
          break;
        }
        end = WriteInteger(number, column == 0 ? cell.integer_value / options_.epoch_ns.value_or(1)
                                               : cell.integer_value);
        break;
    }
    text_.append(number, static_cast<size_t>(end - number));
  }

  absl::Status Flush(bool now) {
    const absl::Status status = out_.Write(text_, now);
    text_.clear();
    return status;
  }

  const EncodeOptions options_;
  ByteSink& out_;
  std::string text_;
  std::string prefix_;  // name and tags of the series, as fields
  std::vector<std::string> columns_;
  TimeWriter times_;
  bool first_of_statement_ = true;
  bool anything_ = false;
};

}  // namespace

void AppendCsvField(std::string& out, std::string_view text) {
  const bool quote =
      !text.empty() &&
      (text == "\\." || text.front() == ' ' || text.front() == '\t' || text.front() == '\v' ||
       text.front() == '\f' || text.find_first_of(",\"\r\n") != std::string_view::npos);
  if (!quote) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

std::unique_ptr<Encoder> NewCsvEncoder(const EncodeOptions& options, ByteSink& out) {
  return std::make_unique<CsvEncoder>(options, out);
}

}  // namespace varve::http
