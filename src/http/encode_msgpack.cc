#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "http/encoder.h"
#include "http/msgpack.h"
#include "http/number_text.h"

namespace varve::http {
namespace {

using query::Cell;

// Bytes that follow each other, moved together without being copied.
class Pieces {
 public:
  void Append(std::string piece) {
    if (piece.empty()) return;
    bytes_ += piece.size();
    // Short ones, the heads of series, are not worth a place of their own.
    if (!pieces_.empty() && pieces_.back().size() + piece.size() <= kShort) {
      pieces_.back() += piece;
    } else {
      pieces_.push_back(std::move(piece));
    }
  }
  void Append(Pieces other) {
    for (std::string& piece : other.pieces_) Append(std::move(piece));
  }
  size_t bytes() const { return bytes_; }
  const std::vector<std::string>& all() const { return pieces_; }

 private:
  static constexpr size_t kShort = 4096;
  std::vector<std::string> pieces_;
  size_t bytes_ = 0;
};

// MessagePack writes the length of a list before its items, so a part is built from the inside out:
// rows, then the series around them, then the statement.
class MsgPackEncoder : public Encoder {
 public:
  MsgPackEncoder(const EncodeOptions& options, ByteSink& out) : options_(options), out_(out) {}

  absl::Status BeginStatement(int id) override {
    statement_ = id;
    ClearStatement();
    return absl::OkStatus();
  }

  absl::Status Rows(const query::RowBatch& batch) override {
    if (batch.new_series || !in_series_) {
      if (options_.chunked && in_series_) RETURN_IF_ERROR(EmitChunk(false));
      CloseSeries();
      header_ = *batch.header;
      times_.SetLocation(header_.location);
      splits_ = options_.chunked && !IsSentWhole(header_);
      in_series_ = true;
      row_count_ = 0;
    }
    const size_t columns = header_.columns.size();
    size_t row = 0;
    while (row < batch.rows) {
      if (splits_ && row_count_ == options_.chunk_size) {
        RETURN_IF_ERROR(EmitChunk(/*series_goes_on=*/true));
      }
      size_t count = batch.rows - row;
      if (splits_) count = std::min(count, options_.chunk_size - row_count_);
      for (size_t i = 0; i < count; ++i, ++row) {
        AppendRow(batch.cells.data() + row * columns, columns);
      }
      row_count_ += count;
    }
    return CheckHeld();
  }

  absl::Status Message(std::string_view level, std::string_view text) override {
    ++message_count_;
    msgpack::AppendMap(messages_, 2);
    msgpack::AppendString(messages_, "level");
    msgpack::AppendString(messages_, level);
    msgpack::AppendString(messages_, "text");
    msgpack::AppendString(messages_, text);
    return absl::OkStatus();
  }

  absl::Status EndStatement(const absl::Status& status) override {
    if (options_.chunked && in_series_ && !status.ok()) RETURN_IF_ERROR(EmitChunk(false));
    CloseSeries();
    CloseResult(/*partial=*/false, status);
    return options_.chunked ? EmitDocument() : absl::OkStatus();
  }

  void MarkSeriesPartial() override { series_partial_ = true; }

  absl::Status Finish() override { return options_.chunked ? absl::OkStatus() : EmitDocument(); }

 private:
  absl::Status EmitChunk(bool series_goes_on) {
    if (series_goes_on) series_partial_ = true;
    CloseSeries();
    in_series_ = series_goes_on;
    CloseResult(/*partial=*/splits_, absl::OkStatus());
    return EmitDocument();
  }

  // What is held grows with the answer, and is not the query's own: it has a bound of its own.
  absl::Status CheckHeld() {
    const size_t held = results_.bytes() + series_.bytes() + rows_.size();
    if (options_.held_bytes_max == 0 || held <= options_.held_bytes_max) return absl::OkStatus();
    ClearStatement();
    rows_ = {};
    row_count_ = 0;
    in_series_ = false;
    series_partial_ = false;
    return base::ResourceExhausted("MessagePack answer too large: (", held, "/",
                                   options_.held_bytes_max,
                                   " bytes), ask for chunks (chunked=true) or another format");
  }

  void ClearStatement() {
    series_ = {};
    series_count_ = 0;
    messages_.clear();
    message_count_ = 0;
  }

  void CloseSeries() {
    if (!in_series_) return;
    const bool has_name = !header_.name.empty();
    const bool has_tags = !header_.tags.empty();
    std::string head;
    msgpack::AppendMap(head, 1u + has_name + has_tags + (row_count_ != 0) + series_partial_);
    if (has_name) {
      msgpack::AppendString(head, "name");
      msgpack::AppendString(head, header_.name);
    }
    if (has_tags) {
      msgpack::AppendString(head, "tags");
      msgpack::AppendMap(head, header_.tags.size());
      for (const auto& [key, value] : header_.tags) {
        msgpack::AppendString(head, key);
        msgpack::AppendString(head, value);
      }
    }
    msgpack::AppendString(head, "columns");
    msgpack::AppendArray(head, header_.columns.size());
    for (const std::string& column : header_.columns) msgpack::AppendString(head, column);
    if (row_count_ != 0) {
      msgpack::AppendString(head, "values");
      msgpack::AppendArray(head, row_count_);
      series_.Append(std::move(head));
      series_.Append(std::move(rows_));
      head.clear();
    }
    if (series_partial_) {
      msgpack::AppendString(head, "partial");
      msgpack::AppendBool(head, true);
    }
    series_.Append(std::move(head));
    ++series_count_;
    rows_.clear();
    row_count_ = 0;
    in_series_ = false;
    series_partial_ = false;
  }

  void CloseResult(bool partial, const absl::Status& status) {
    ++result_count_;
    std::string head;
    if (!status.ok()) {
      msgpack::AppendMap(head, 1);
      msgpack::AppendString(head, "error");
      msgpack::AppendString(head, base::FromAbsl(status.message()));
    } else {
      msgpack::AppendMap(head, 2u + (message_count_ != 0) + partial);
      msgpack::AppendString(head, "statement_id");
      msgpack::AppendInteger(head, statement_);
      if (message_count_ != 0) {
        msgpack::AppendString(head, "messages");
        msgpack::AppendArray(head, message_count_);
        head += messages_;
      }
      msgpack::AppendString(head, "series");
      msgpack::AppendArray(head, series_count_);
      results_.Append(std::move(head));
      results_.Append(std::move(series_));
      head.clear();
      if (partial) {
        msgpack::AppendString(head, "partial");
        msgpack::AppendBool(head, true);
      }
    }
    results_.Append(std::move(head));
    ClearStatement();
  }

  absl::Status EmitDocument() {
    std::string head;
    msgpack::AppendMap(head, 1);
    msgpack::AppendString(head, "results");
    msgpack::AppendArray(head, result_count_);
    RETURN_IF_ERROR(out_.Write(head, false));
    result_count_ = 0;
    const Pieces pieces = std::exchange(results_, {});
    const auto& all = pieces.all();
    if (all.empty()) return out_.Write("", /*flush=*/true);
    for (size_t i = 0; i < all.size(); ++i) {
      RETURN_IF_ERROR(out_.Write(all[i], /*flush=*/i + 1 == all.size()));
    }
    return absl::OkStatus();
  }

  void AppendRow(const Cell* cells, size_t columns) {
    msgpack::AppendArray(rows_, columns);
    for (size_t i = 0; i < columns; ++i) AppendCell(cells[i], i == 0);
  }

  void AppendCell(const Cell& cell, bool first_column) {
    switch (cell.kind) {
      case Cell::Kind::kNull:
        return msgpack::AppendNil(rows_);
      case Cell::Kind::kFloat:
        if (!std::isfinite(cell.float_value)) return msgpack::AppendNil(rows_);
        return msgpack::AppendFloat(rows_, cell.float_value);
      case Cell::Kind::kInteger:
        return msgpack::AppendInteger(rows_, cell.integer_value);
      case Cell::Kind::kUnsigned:
        return msgpack::AppendUnsigned(rows_, cell.unsigned_value);
      case Cell::Kind::kBoolean:
        return msgpack::AppendBool(rows_, cell.boolean_value);
      case Cell::Kind::kString:
        if (cell.is_list) return AppendList(cell.text);
        return msgpack::AppendString(rows_, cell.text);
      case Cell::Kind::kTime:
        if (first_column && options_.epoch_ns) {
          return msgpack::AppendInteger(rows_, cell.integer_value / *options_.epoch_ns);
        }
        if (options_.rfc3339) {
          char text[kNumberTextMax];
          const char* end = times_.Write(text, cell.integer_value);
          return msgpack::AppendString(rows_, {text, static_cast<size_t>(end - text)});
        }
        return msgpack::AppendTime(rows_, cell.integer_value);
    }
  }

  // InfluxDB counts a list among the row's cells but leaves it out, which no reader can read.
  void AppendList(std::string_view items) {
    msgpack::AppendArray(rows_, static_cast<size_t>(std::count(items.begin(), items.end(), '\0')));
    for (size_t end; (end = items.find('\0')) != items.npos; items.remove_prefix(end + 1)) {
      msgpack::AppendString(rows_, items.substr(0, end));
    }
  }

  const EncodeOptions options_;
  ByteSink& out_;
  query::SeriesHeader header_;
  TimeWriter times_;
  std::string rows_;      // of the series being written
  Pieces series_;         // of the statement, each complete
  std::string messages_;  // of the statement
  Pieces results_;        // of the document
  size_t row_count_ = 0;
  size_t series_count_ = 0;
  size_t message_count_ = 0;
  size_t result_count_ = 0;
  int statement_ = 0;
  bool in_series_ = false;
  bool series_partial_ = false;
  bool splits_ = false;  // the series is cut at the chunk size
};

}  // namespace

std::unique_ptr<Encoder> NewMsgPackEncoder(const EncodeOptions& options, ByteSink& out) {
  return std::make_unique<MsgPackEncoder>(options, out);
}

}  // namespace varve::http
