#include "model/line_grammar.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "model/line_number.h"

namespace varve::model {
namespace {

using Error = std::optional<std::string>;  // empty: no error

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\0'; }

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// The first `stop` at or behind `from` that no backslash precedes; the size when there is none.
size_t FindUnescaped(std::string_view text, size_t from, char stop) {
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == stop && (i == 0 || text[i - 1] != '\\')) return i;
  }
  return text.size();
}

// Each Scan function below moves `*at` over one part of the line and checks it.

Error ScanTagKey(std::string_view text, size_t* at) {
  if (*at >= text.size() || text[*at] == ' ' || text[*at] == ',' || text[*at] == '=') {
    return "missing tag key";
  }
  for (;;) {
    ++*at;
    if (*at >= text.size()) return "missing tag value";
    if (text[*at - 1] == '\\') continue;
    if (text[*at] == ' ' || text[*at] == ',') return "missing tag value";
    if (text[*at] == '=') break;
  }
  ++*at;
  return std::nullopt;
}

// Stops at the comma or space behind the value.
Error ScanTagValue(std::string_view text, size_t* at) {
  if (*at >= text.size() || text[*at] == ',' || text[*at] == ' ') return "missing tag value";
  for (;;) {
    ++*at;
    if (*at >= text.size()) return "missing fields";
    if (text[*at - 1] == '\\') continue;
    if (text[*at] == '=') return "invalid tag format";
    if (text[*at] == ',' || text[*at] == ' ') return std::nullopt;
  }
}

Error ScanKey(std::string_view text, size_t* at) {
  if (text.empty() || text[0] == ',') return "missing measurement";
  for (;;) {
    ++*at;
    if (*at >= text.size()) return "missing fields";
    if (text[*at - 1] != '\\' && (text[*at] == ',' || text[*at] == ' ')) break;
  }
  while (text[*at] == ',') {
    ++*at;
    if (Error error = ScanTagKey(text, at)) return error;
    if (Error error = ScanTagValue(text, at)) return error;
  }
  if (HasDuplicateTags(text.substr(0, *at))) return "duplicate tags";
  return std::nullopt;
}

Error CheckBoolean(std::string_view text) {
  for (const std::string_view good :
       {"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"}) {
    if (text == good) return std::nullopt;
  }
  return "invalid boolean";
}

// Checks the value behind the equals sign at `equals`, unless it is quoted, and returns in `*at`
// where it ends.
Error ScanFieldValue(std::string_view text, size_t equals, size_t* at) {
  const size_t start = equals + 1;
  if (equals > 1 && text[equals - 2] != '\\') {
    if (text[equals - 1] == ' ' || text[equals - 1] == ',') return "missing field key";
  }
  if (start >= text.size() || text[start] == ',' || text[start] == ' ') {
    return "missing field value";
  }
  if (text[start] == '"') {
    *at = equals;
    return std::nullopt;
  }
  *at = std::min(text.find_first_of(", ", start), text.size());
  const std::string_view value = text.substr(start, *at - start);
  if (StartsNumber(value)) return CheckNumber(value);
  return CheckBoolean(value);
}

Error ScanFields(std::string_view text, size_t* at) {
  bool quoted = false;
  size_t equals = 0;
  size_t commas = 0;
  size_t i = *at;
  while (i < text.size()) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      i += 2;
      continue;
    }
    // Quotes mean nothing in a field's name.
    if (text[i] == '"' && equals > commas) {
      quoted = !quoted;
      ++i;
      continue;
    }
    if (text[i] == '=' && !quoted) {
      ++equals;
      size_t end;
      if (Error error = ScanFieldValue(text, i, &end)) return error;
      if (end > i) {
        i = end;
        continue;
      }
    }
    if (text[i] == ',' && !quoted) ++commas;
    if (text[i] == ' ' && !quoted) break;
    ++i;
  }
  *at = i;
  if (quoted) return "unbalanced quotes";
  if (equals == 0 || commas != equals - 1) return "invalid field format";
  return std::nullopt;
}

Error ScanTime(std::string_view text, size_t* at) {
  const size_t start = *at;
  for (size_t i = start; i < text.size() && text[i] != '\n' && text[i] != ' '; ++i) {
    if (i == start && text[i] == '-') continue;
    if (text[i] < '0' || text[i] > '9') return "bad timestamp";
  }
  *at = std::min(text.find_first_of("\n ", start), text.size());
  return std::nullopt;
}

Error ReadTime(std::string_view digits, const TimeRule& rule, int64_t* time_ns) {
  int64_t count;
  if (Error error = ParseInteger(digits, &count)) return error;
  if (__builtin_mul_overflow(count, rule.unit_ns, time_ns) || *time_ns < kMinTimeNs ||
      *time_ns > kMaxTimeNs) {
    return base::StrCat("time outside range ", kMinTimeNs, " - ", kMaxTimeNs);
  }
  return std::nullopt;
}

// The field values were scanned already; they are taken apart by a second set of rules, as
// InfluxDB does, which disagrees with the first on some stray quotes and backslashes.
size_t FindFieldEnd(std::string_view text, size_t from) {
  bool quoted = false;
  size_t i = from;
  while (i < text.size()) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      i += 2;
      continue;
    }
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == ',' && !quoted) break;
    ++i;
  }
  return std::min(i, text.size());
}

// Appends the unescaped `text` to `buffer`, which has room for it, and returns its copy there.
std::string_view UnescapeString(std::string_view text, std::string* buffer) {
  if (text.find('\\') == std::string_view::npos) return text;
  const size_t start = buffer->size();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escape) ++i;
    buffer->push_back(text[i]);
  }
  return std::string_view(*buffer).substr(start);
}

Error ReadFieldValue(std::string_view text, std::string* buffer, FieldValue* value) {
  if (text.front() == '"') {
    if (text.size() < 2) return "unbalanced quotes";
    *value = FieldValue::String(UnescapeString(text.substr(1, text.size() - 2), buffer));
    return std::nullopt;
  }
  if (StartsNumber(text)) {
    if (!ParseNumber(text, value)) return "invalid number";
    return std::nullopt;
  }
  if (Error error = CheckBoolean(text)) return error;
  *value = FieldValue::Boolean(text[0] == 't' || text[0] == 'T');
  return std::nullopt;
}

Error ReadFields(std::string_view text, size_t key_bytes, std::vector<LineField>* fields,
                 std::string* buffer) {
  for (size_t at = 0; at < text.size();) {
    const size_t equals = FindUnescaped(text, at, '=');
    const std::string_view name = text.substr(at, equals - at);
    if (equals + 2 > text.size()) return base::StrCat("invalid value: field-key=", name);
    const size_t start = equals + 1;
    const size_t end = FindFieldEnd(text, start);
    const size_t bytes = key_bytes + 4 + name.size();
    if (bytes > kMaxKeyBytes) {
      return base::StrCat("max key length exceeded: ", bytes, " > ", kMaxKeyBytes);
    }
    if (!name.empty() && end > start) {
      LineField field{name, FieldValue()};
      const std::string_view value = text.substr(start, end - start);
      if (Error error = ReadFieldValue(value, buffer, &field.value)) return error;
      fields->push_back(field);
    }
    at = end + 1;
  }
  if (fields->empty()) return "missing fields";
  return std::nullopt;
}

Error Parse(const TimeRule& rule, std::vector<LineField>* fields, std::string* text_buffer,
            Line* line) {
  const std::string_view text = line->text;
  size_t at = 0;
  if (Error error = ScanKey(text, &at)) return error;
  line->raw_key = text.substr(0, at);
  if (at > kMaxKeyBytes) {
    return base::StrCat("max key length exceeded: ", at, " > ", kMaxKeyBytes);
  }
  at = SkipSpace(text, at);
  const size_t fields_start = at;
  if (Error error = ScanFields(text, &at)) return error;
  const std::string_view field_text = text.substr(fields_start, at - fields_start);
  if (Error error = ReadFields(field_text, line->raw_key.size(), fields, text_buffer)) return error;
  line->fields = *fields;

  at = SkipSpace(text, at);
  const size_t time_start = at;
  if (Error error = ScanTime(text, &at)) return error;
  line->has_time = at > time_start;
  if (!line->has_time) {
    line->time_ns = rule.default_time_ns;
    return std::nullopt;
  }
  const std::string_view time = text.substr(time_start, at - time_start);
  if (Error error = ReadTime(time, rule, &line->time_ns)) return error;
  if (text.find_first_not_of(' ', at) != std::string_view::npos) return "point is invalid";
  return std::nullopt;
}

}  // namespace

size_t FindLineEnd(std::string_view body, size_t start) {
  bool quoted = false;
  bool in_fields = false;
  size_t equals = 0;
  size_t commas = 0;
  for (size_t i = start; i < body.size(); ++i) {
    switch (body[i]) {
      case '\\':
        ++i;
        break;
      case ' ':
        in_fields = true;
        break;
      case '=':
        equals += in_fields && !quoted ? 1 : 0;
        break;
      case ',':
        commas += in_fields && !quoted ? 1 : 0;
        break;
      case '"':
        if (in_fields && equals > commas) quoted = !quoted;
        break;
      case '\n':
        if (!quoted) return i;
        break;
      default:
        break;
    }
  }
  return body.size();
}

LineKind ParseLine(std::string_view raw, const TimeRule& rule, std::vector<LineField>* fields,
                   std::string* text_buffer, Line* line, std::string* why) {
  const size_t start = SkipSpace(raw, 0);
  if (start == raw.size() || raw[start] == '#') return LineKind::kBlank;
  if (raw.back() == '\n') raw.remove_suffix(1);  // escaped, at the end of the body
  fields->clear();
  text_buffer->clear();
  text_buffer->reserve(raw.size());  // so that views of it stay good
  *line = Line();
  line->text = raw.substr(start);
  Error error = Parse(rule, fields, text_buffer, line);
  if (!error) return LineKind::kGood;
  *why = *std::move(error);
  return LineKind::kBad;
}

bool HasDuplicateTags(std::string_view raw_key) {
  std::vector<std::string_view> keys;
  for (size_t at = FindUnescaped(raw_key, 0, ',') + 1; at < raw_key.size();) {
    const size_t equals = FindUnescaped(raw_key, at, '=');
    keys.push_back(raw_key.substr(at, equals - at));
    at = FindUnescaped(raw_key, std::min(equals + 1, raw_key.size()), ',') + 1;
  }
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

}  // namespace varve::model
