#include "http/json_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "http/json_text.h"

namespace varve::http {
namespace {

using model::FieldType;

// The texts of so many members are kept.
constexpr size_t kMembersMax = 16384;

}  // namespace

void JsonRows::NewBatch(const query::ValueBatch& batch) {
  batch_ = batch;
  const size_t columns = batch.header->columns.size() - 1;
  // One row is not worth keeping its texts.
  const bool known = batch.rows > 1 && batch.members != nullptr && batch.fixed.size() == columns;
  spans_.clear();
  fixed_spans_ = 0;
  for (size_t i = 0; i < columns; ++i) {
    const bool fixed = known && batch.fixed[i] != 0;
    if (spans_.empty() || spans_.back().fixed != fixed) {
      spans_.push_back({i, i, fixed});
      fixed_spans_ += fixed ? 1 : 0;
    }
    spans_.back().end = i + 1;
  }
}

std::string_view JsonRows::Write(size_t row) {
  char* at = AppendTime(text_.get(), batch_.times[row]);
  const size_t columns = batch_.header->columns.size() - 1;
  const model::FieldValue* values = batch_.values + row * columns;
  size_t fixed = 0;
  for (const Span& span : spans_) {
    if (!span.fixed || batch_.members[row] >= kMembersMax) {
      at = AppendValues(at, values, span);
      continue;
    }
    const size_t place = batch_.members[row] * fixed_spans_ + fixed++;
    if (place >= fixed_texts_.size()) fixed_texts_.resize(place + 1);
    if (std::string& text = fixed_texts_[place]; text.empty()) {
      const auto begin = static_cast<size_t>(at - text_.get());
      at = AppendValues(at, values, span);
      text.assign(text_.get() + begin, at);
    } else {
      at = Append(at, text);
    }
  }
  return {text_.get(), static_cast<size_t>(at - text_.get())};
}

// Makes sure that `bytes` fit behind `at`, the end of the row so far, and returns where that is.
char* JsonRows::Room(char* at, size_t bytes) {
  const auto used = static_cast<size_t>(at - text_.get());
  if (capacity_ - used >= bytes) return at;
  capacity_ = std::max(2 * capacity_, used + bytes + 1024);
  auto text = std::make_unique_for_overwrite<char[]>(capacity_);
  if (used > 0) std::memcpy(text.get(), text_.get(), used);
  text_ = std::move(text);
  return text_.get() + used;
}

char* JsonRows::Append(char* at, std::string_view text) {
  at = Room(at, text.size());
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// Series that report together have many rows of one time.
char* JsonRows::AppendTime(char* at, int64_t time) {
  if (time != time_ || time_text_.empty()) {
    char text[kNumberTextMax + 2];
    char* end = text;
    if (epoch_ns_) {
      end = WriteInteger(end, time / *epoch_ns_);
    } else {
      *end++ = '"';
      end = times_.Write(end, time);
      *end++ = '"';
    }
    time_text_.assign(text, end);
    time_ = time;
  }
  return Append(at, time_text_);
}

char* JsonRows::AppendValues(char* at, const model::FieldValue* values, const Span& span) {
  for (size_t i = span.begin; i < span.end; ++i) {
    at = Room(at, 1 + kNumberTextMax);
    *at++ = ',';
    at = AppendValue(at, values[i]);
  }
  return at;
}

char* JsonRows::AppendText(char* at, std::string_view text) {
  if (!IsPlainJson(text)) {
    std::string escaped;
    AppendJsonString(escaped, text);
    return Append(at, escaped);
  }
  at = Room(at, text.size() + 2);
  *at++ = '"';
  at = std::copy(text.begin(), text.end(), at);
  *at++ = '"';
  return at;
}

// There is room for a number.
char* JsonRows::AppendValue(char* at, const model::FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      if (!std::isfinite(value.as_float())) break;
      return WriteFloat(at, value.as_float());
    case FieldType::kInteger:
      return WriteInteger(at, value.as_integer());
    case FieldType::kUnsigned:
      return WriteUnsigned(at, value.as_unsigned());
    case FieldType::kBoolean:
      return Append(at, value.as_boolean() ? "true" : "false");
    case FieldType::kString:
      return AppendText(at, value.as_string());
    case FieldType::kNone:
      break;
  }
  return Append(at, "null");
}

}  // namespace varve::http
