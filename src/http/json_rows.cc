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

void JsonRows::Append(size_t row, std::string_view opening, model::ByteBuffer& out) {
  out_ = &out;
  char* at = AppendBytes(out.Reserve(0), opening);
  at = AppendTime(at, batch_.times[row]);
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
      out.CommitUpTo(at);
      const size_t begin = out.size();
      at = AppendValues(at, values, span);
      out.CommitUpTo(at);
      text = out.bytes().substr(begin);
    } else {
      at = AppendBytes(at, text);
    }
  }
  at = Room(at, 1);
  *at++ = ']';
  out.CommitUpTo(at);
}

char* JsonRows::AppendBytes(char* at, std::string_view text) {
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
  return AppendBytes(at, time_text_);
}

char* JsonRows::AppendValues(char* at, const model::FieldValue* values, const Span& span) {
  // Room for all of them as if they were numbers; a text sees to its own.
  const auto room = [&](size_t begin) { return (span.end - begin) * (1 + kNumberTextMax); };
  at = Room(at, room(span.begin));
  for (size_t i = span.begin; i < span.end; ++i) {
    *at++ = ',';
    at = AppendValue(at, values[i]);
    if (values[i].type() == FieldType::kString) at = Room(at, room(i + 1));
  }
  return at;
}

char* JsonRows::AppendText(char* at, std::string_view text) {
  if (!IsPlainJson(text)) {
    std::string escaped;
    AppendJsonString(escaped, text);
    return AppendBytes(at, escaped);
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
      return AppendBytes(at, value.as_boolean() ? "true" : "false");
    case FieldType::kString:
      return AppendText(at, value.as_string());
    case FieldType::kNone:
      break;
  }
  return AppendBytes(at, "null");
}

}  // namespace varve::http
