#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "http/encoder.h"
#include "http/json_rows.h"
#include "http/json_text.h"
#include "http/number_text.h"
#include "http/pretty_json.h"

namespace varve::http {
namespace {

using query::Cell;

constexpr size_t kFlushBytes = 64 << 10;

// Writes the document as the rows come. An object of a chunked answer stays open until it is known
// whether more of the series or of the statement follows, for its tail says so.
class JsonEncoder : public Encoder, public query::ValueSink {
 public:
  JsonEncoder(const EncodeOptions& options, ByteSink& out)
      : options_(options),
        pretty_(out),
        out_(options.pretty ? pretty_ : out),
        rows_(options.epoch_ns) {
    text_.reserve(kFlushBytes + (16 << 10));
    if (!options_.chunked) text_ = "{\"results\":[";
  }

  absl::Status BeginStatement(int id) override {
    statement_ = id;
    messages_.clear();
    if (!options_.chunked) OpenResult();
    return absl::OkStatus();
  }

  absl::Status Rows(const query::RowBatch& batch) override {
    if (batch.new_series || !in_series_) RETURN_IF_ERROR(NextSeries(*batch.header));
    const size_t columns = batch.header->columns.size();
    return AppendRows(*batch.header, batch.rows,
                      [&](size_t row) { AppendRow(batch.cells.data() + row * columns, columns); });
  }

  query::ValueSink* value_sink() override { return this; }
  absl::Status Values(const query::ValueBatch& batch) override {
    if (batch.new_series || !in_series_) {
      RETURN_IF_ERROR(NextSeries(*batch.header));
      rows_.NewSeries();
    }
    rows_.NewBatch(batch);
    return AppendRows(*batch.header, batch.rows, [&](size_t row) {
      constexpr std::string_view kFirst = ",\"values\":[[";
      constexpr std::string_view kNext = ",[";
      if (!text_.empty()) MoveText();
      rows_.Append(row, first_row_ ? kFirst : kNext, written_);
    });
  }

  absl::Status Message(std::string_view level, std::string_view text) override {
    messages_ += messages_.empty() ? ",\"messages\":[{\"level\":" : ",{\"level\":";
    AppendJsonString(messages_, level);
    messages_ += ",\"text\":";
    AppendJsonString(messages_, text);
    messages_ += '}';
    return absl::OkStatus();
  }

  absl::Status EndStatement(const absl::Status& status) override {
    // In chunks an error is an object of its own behind those with rows.
    if (options_.chunked && result_open_ && !status.ok()) RETURN_IF_ERROR(CloseChunk(false));
    if (!result_open_) OpenResult();
    CloseSeries();
    CloseResult(/*partial=*/false, status);
    return options_.chunked ? Flush(true) : absl::OkStatus();
  }

  void MarkSeriesPartial() override { series_partial_ = true; }

  absl::Status Finish() override {
    if (!options_.chunked) {
      if (first_result_) {
        text_ = "{}\n";  // no statement: InfluxDB leaves the results out
      } else {
        text_ += "]}\n";
      }
    }
    return Flush(true);
  }

 private:
  void OpenResult() {
    if (options_.chunked) {
      text_ += "{\"results\":[";
    } else if (!first_result_) {
      text_ += ',';
    }
    first_result_ = false;
    result_open_ = true;
    has_series_ = false;
    base::StrAppend(text_, "{\"statement_id\":", statement_);
  }

  void CloseResult(bool partial, const absl::Status& status) {
    if (has_series_) text_ += ']';
    if (!messages_.empty()) {
      text_ += messages_;
      text_ += ']';
      messages_.clear();
    }
    if (partial) text_ += ",\"partial\":true";
    if (!status.ok()) {
      text_ += ",\"error\":";
      AppendJsonString(text_, base::FromAbsl(status.message()));
    }
    text_ += '}';
    if (options_.chunked) text_ += "]}\n";
    result_open_ = false;
  }

  absl::Status CloseChunk(bool series_goes_on) {
    if (series_goes_on) series_partial_ = true;
    CloseSeries();
    CloseResult(/*partial=*/splits_, absl::OkStatus());
    return Flush(true);
  }

  absl::Status NextSeries(const query::SeriesHeader& header) {
    if (options_.chunked && result_open_) RETURN_IF_ERROR(CloseChunk(false));
    CloseSeries();
    OpenSeries(header);
    return absl::OkStatus();
  }

  void OpenSeries(const query::SeriesHeader& header) {
    if (!result_open_) OpenResult();
    text_ += has_series_ ? ",{" : ",\"series\":[{";
    has_series_ = true;
    in_series_ = true;
    first_row_ = true;
    rows_in_chunk_ = 0;
    splits_ = options_.chunked && !IsSentWhole(header);
    times_.SetLocation(header.location);
    rows_.SetLocation(header.location);
    if (!header.name.empty()) {
      text_ += "\"name\":";
      AppendJsonString(text_, header.name);
      text_ += ',';
    }
    if (!header.tags.empty()) {
      char separator = '{';
      text_ += "\"tags\":";
      for (const auto& [key, value] : header.tags) {
        text_ += separator;
        AppendJsonString(text_, key);
        text_ += ':';
        AppendJsonString(text_, value);
        separator = ',';
      }
      text_ += "},";
    }
    text_ += "\"columns\":";
    char separator = '[';
    for (const std::string& column : header.columns) {
      text_ += separator;
      AppendJsonString(text_, column);
      separator = ',';
    }
    if (header.columns.empty()) text_ += '[';
    text_ += ']';
  }

  void CloseSeries() {
    if (!in_series_) return;
    if (!first_row_) text_ += ']';
    if (series_partial_) text_ += ",\"partial\":true";
    text_ += '}';
    in_series_ = false;
    series_partial_ = false;
  }

  // Calls append(i) for each of the rows, and begins new chunks between them.
  template <typename Append>
  absl::Status AppendRows(const query::SeriesHeader& header, size_t rows, const Append& append) {
    size_t row = 0;
    while (row < rows) {
      if (splits_ && rows_in_chunk_ == options_.chunk_size) {
        RETURN_IF_ERROR(CloseChunk(/*series_goes_on=*/true));
        OpenSeries(header);
      }
      size_t count = rows - row;
      if (splits_) count = std::min(count, options_.chunk_size - rows_in_chunk_);
      for (size_t i = 0; i < count; ++i, ++row) {
        append(row);
        first_row_ = false;
        ++rows_in_chunk_;
        if (written_.size() + text_.size() >= kFlushBytes) RETURN_IF_ERROR(Flush(false));
      }
    }
    return absl::OkStatus();
  }

  void AppendRow(const Cell* cells, size_t columns) {
    text_ += first_row_ ? ",\"values\":[[" : ",[";
    for (size_t i = 0; i < columns; ++i) {
      if (i != 0) text_ += ',';
      AppendCell(cells[i], i == 0);
    }
    text_ += ']';
  }

  void AppendCell(const Cell& cell, bool first_column) {
    char number[kNumberTextMax];
    char* end = number;
    switch (cell.kind) {
      case Cell::Kind::kNull:
        text_ += "null";
        return;
      case Cell::Kind::kFloat:
        if (!std::isfinite(cell.float_value)) {
          text_ += "null";
          return;
        }
        end = WriteFloat(number, cell.float_value);
        break;
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
        if (cell.is_list) {
          AppendList(cell.text);
        } else {
          AppendJsonString(text_, cell.text);
        }
        return;
      case Cell::Kind::kTime:
        if (first_column && options_.epoch_ns) {
          end = WriteInteger(number, cell.integer_value / *options_.epoch_ns);
          break;
        }
        *end++ = '"';
        end = times_.Write(end, cell.integer_value);
        *end++ = '"';
        break;
    }
    text_.append(number, static_cast<size_t>(end - number));
  }

  // Strings, each ended by a NUL.
  void AppendList(std::string_view items) {
    text_ += '[';
    for (size_t end; (end = items.find('\0')) != items.npos; items.remove_prefix(end + 1)) {
      if (text_.back() != '[') text_ += ',';
      AppendJsonString(text_, items.substr(0, end));
    }
    text_ += ']';
  }

  // Behind the rows that were written.
  void MoveText() {
    char* const to = written_.Reserve(text_.size());
    std::memcpy(to, text_.data(), text_.size());
    written_.CommitUpTo(to + text_.size());
    text_.clear();
  }

  absl::Status Flush(bool now) {
    if (written_.size() > 0 && !text_.empty()) MoveText();
    const absl::Status status = out_.Write(written_.size() > 0 ? written_.bytes() : text_, now);
    written_.Clear();
    text_.clear();
    return status;
  }

  const EncodeOptions options_;
  PrettyJson pretty_;
  ByteSink& out_;
  model::ByteBuffer written_;
  std::string text_;  // behind what is in written_
  std::string messages_;
  TimeWriter times_;
  JsonRows rows_;
  int statement_ = 0;
  size_t rows_in_chunk_ = 0;
  bool first_result_ = true;
  bool result_open_ = false;
  bool has_series_ = false;
  bool in_series_ = false;
  bool first_row_ = true;
  bool series_partial_ = false;
  bool splits_ = false;  // the series is cut at the chunk size
};

}  // namespace

std::unique_ptr<Encoder> NewJsonEncoder(const EncodeOptions& options, ByteSink& out) {
  return std::make_unique<JsonEncoder>(options, out);
}

}  // namespace varve::http
