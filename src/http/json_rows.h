// The rows of a SELECT as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/number_text.h"
#include "model/byte_buffer.h"
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
  // Appends a row behind `opening`: "[", the time, the values, "]".
  void Append(size_t row, std::string_view opening, model::ByteBuffer& out);

 private:
  // Neighbouring columns that are all fixed, or are all not.
  struct Span {
    size_t begin;
    size_t end;
    bool fixed;
  };

  // Makes sure that `bytes` fit behind `at`, the end of the row so far, and returns where that is.
  char* Room(char* at, size_t bytes) {
    out_->CommitUpTo(at);
    return out_->Reserve(bytes);
  }
  char* AppendBytes(char* at, std::string_view text);
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
  model::ByteBuffer* out_ = nullptr;  // what the row is appended to
};

}  // namespace varve::http
