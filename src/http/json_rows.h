// The rows of a SELECT as JSON, without their brackets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/number_text.h"
#include "query/executor.h"

namespace varve::http {

// One thread at a time.
class JsonRows {
 public:
  // Times are printed as EncodeOptions::epoch_ns says.
  explicit JsonRows(std::optional<int64_t> epoch_ns) : epoch_ns_(epoch_ns) {}

  // As TimeWriter.
  void SetLocation(std::string_view location) {
    times_.SetLocation(location);
    time_text_.clear();
  }
  // The members of the batches that follow are those of another series of the answer.
  void NewSeries() { fixed_texts_.clear(); }
  // `batch` must outlive the writes of its rows.
  void NewBatch(const query::ValueBatch& batch);
  // The text of a row, the time first; valid until the next call.
  std::string_view Write(size_t row);

 private:
  // Neighbouring columns that are all fixed, or are all not.
  struct Span {
    size_t begin;
    size_t end;
    bool fixed;
  };

  char* Room(char* at, size_t bytes);
  char* Append(char* at, std::string_view text);
  char* AppendText(char* at, std::string_view text);
  char* AppendTime(char* at, int64_t time);
  char* AppendValues(char* at, const model::FieldValue* values, const Span& span);
  char* AppendValue(char* at, const model::FieldValue& value);

  const std::optional<int64_t> epoch_ns_;
  TimeWriter times_;
  query::ValueBatch batch_;
  std::vector<Span> spans_;
  size_t fixed_spans_ = 0;
  // Of members, the text of each fixed span; empty: not yet made.
  std::vector<std::string> fixed_texts_;
  int64_t time_ = 0;  // what time_text_ shows, if it is not empty
  std::string time_text_;
  std::unique_ptr<char[]> text_;  // of the row that is written
  size_t capacity_ = 0;
};

}  // namespace varve::http
