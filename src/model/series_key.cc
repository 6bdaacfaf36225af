#include "model/series_key.h"

#include <algorithm>

#include "base/status.h"

namespace varve::model {
namespace {

constexpr std::string_view kMeasurementEscapes = ", ";
constexpr std::string_view kTagEscapes = ", =";
// InfluxDB unescapes these in a measurement a client wrote, though it escapes only the two above.
constexpr std::string_view kRawMeasurementEscapes = ",\" =";

void AppendEscaped(std::string_view text, std::string_view escaped, std::string& out) {
  for (const char c : text) {
    if (escaped.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
}

// Drops each backslash that stands before a character of `escaped`.
void AppendUnescaped(std::string_view text, std::string_view escaped, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() &&
                        escaped.find(text[i + 1]) != std::string_view::npos;
    if (escape) ++i;
    out.push_back(text[i]);
  }
}

std::string Unescaped(std::string_view text, std::string_view escaped) {
  std::string out;
  out.reserve(text.size());
  AppendUnescaped(text, escaped, out);
  return out;
}

// The first `stop` at or behind `from` that no backslash precedes; the size when there is none.
size_t FindUnescaped(std::string_view text, size_t from, char stop) {
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == stop && (i == 0 || text[i - 1] != '\\')) return i;
  }
  return text.size();
}

struct RawTag {
  std::string_view key;
  std::string_view value;
};

// Takes the tag that starts at `*at`, behind its comma, and moves `*at` behind the next comma.
RawTag TakeTag(std::string_view text, size_t* at) {
  const size_t equals = FindUnescaped(text, *at, '=');
  const size_t value = std::min(equals + 1, text.size());
  const size_t end = FindUnescaped(text, value, ',');
  const RawTag tag{text.substr(*at, equals - *at), text.substr(value, end - value)};
  *at = end + 1;
  return tag;
}

// InfluxDB's checks of a tag list, which starts at `at`, in the order its scanner makes them.
absl::Status CheckTags(std::string_view raw, size_t at) {
  for (;;) {
    if (at >= raw.size() || raw[at] == ',' || raw[at] == '=' || raw[at] == ' ') {
      return base::InvalidArgument("missing tag key");
    }
    for (++at;; ++at) {
      if (at >= raw.size()) return base::InvalidArgument("missing tag value");
      if (raw[at - 1] == '\\') continue;
      if (raw[at] == ' ' || raw[at] == ',') return base::InvalidArgument("missing tag value");
      if (raw[at] == '=') break;
    }
    ++at;
    if (at >= raw.size() || raw[at] == ',' || raw[at] == ' ') {
      return base::InvalidArgument("missing tag value");
    }
    for (++at; at < raw.size(); ++at) {
      if (raw[at - 1] == '\\') continue;
      if (raw[at] == '=') return base::InvalidArgument("invalid tag format");
      if (raw[at] == ',') break;
    }
    if (at >= raw.size()) return absl::OkStatus();
    ++at;
  }
}

}  // namespace

std::string SeriesKey::Encode() const {
  std::string out;
  AppendEscaped(measurement, kMeasurementEscapes, out);
  for (const Tag& tag : tags) {
    out.push_back(',');
    AppendEscaped(tag.key, kTagEscapes, out);
    out.push_back('=');
    AppendEscaped(tag.value, kTagEscapes, out);
  }
  return out;
}

SeriesKey DecodeSeriesKey(std::string_view bytes) {
  SeriesKey key;
  size_t at = FindUnescaped(bytes, 0, ',');
  key.measurement = Unescaped(bytes.substr(0, at), kMeasurementEscapes);
  for (++at; at < bytes.size();) {
    const RawTag tag = TakeTag(bytes, &at);
    key.tags.push_back({Unescaped(tag.key, kTagEscapes), Unescaped(tag.value, kTagEscapes)});
  }
  return key;
}

std::string MeasurementOf(std::string_view bytes) {
  return Unescaped(bytes.substr(0, FindUnescaped(bytes, 0, ',')), kMeasurementEscapes);
}

namespace {

// Whether unescaping `raw` gives `text`, without doing it.
bool UnescapesTo(std::string_view raw, std::string_view text) {
  size_t matched = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() &&
        kTagEscapes.find(raw[i + 1]) != std::string_view::npos) {
      ++i;
    }
    if (matched == text.size() || text[matched] != raw[i]) return false;
    ++matched;
  }
  return matched == text.size();
}

}  // namespace

bool FindTag(std::string_view bytes, std::string_view tag_key, std::string* value) {
  for (size_t at = FindUnescaped(bytes, 0, ',') + 1; at < bytes.size();) {
    const RawTag tag = TakeTag(bytes, &at);
    if (!UnescapesTo(tag.key, tag_key)) continue;
    value->clear();
    AppendUnescaped(tag.value, kTagEscapes, *value);
    return true;
  }
  return false;
}

absl::StatusOr<SeriesKey> ParseRawSeriesKey(std::string_view raw) {
  if (raw.empty() || raw.front() == ',') return base::InvalidArgument("missing measurement");
  SeriesKey key;
  size_t at = FindUnescaped(raw, 0, ',');
  key.measurement =
      Unescaped(Unescaped(raw.substr(0, at), kRawMeasurementEscapes), kMeasurementEscapes);
  if (at == raw.size()) return key;
  ++at;
  RETURN_IF_ERROR(CheckTags(raw, at));
  while (at < raw.size()) {
    const RawTag tag = TakeTag(raw, &at);
    key.tags.push_back({Unescaped(tag.key, kTagEscapes), Unescaped(tag.value, kTagEscapes)});
  }
  std::sort(key.tags.begin(), key.tags.end(),
            [](const Tag& a, const Tag& b) { return a.key < b.key; });
  const auto same_key = [](const Tag& a, const Tag& b) { return a.key == b.key; };
  if (std::adjacent_find(key.tags.begin(), key.tags.end(), same_key) != key.tags.end()) {
    return base::InvalidArgument("duplicate tags");
  }
  return key;
}

bool IsPlainlyCanonical(std::string_view raw) {
  if (raw.empty() || raw.front() == ',' || raw.find('\\') != std::string_view::npos ||
      raw.find(' ') != std::string_view::npos) {
    return false;
  }
  std::string_view before;
  for (size_t at = raw.find(','); at < raw.size();) {
    const size_t equals = raw.find('=', at + 1);
    if (equals == std::string_view::npos) return false;
    const size_t end = std::min(raw.find(',', equals), raw.size());
    const std::string_view key = raw.substr(at + 1, equals - at - 1);
    const std::string_view value = raw.substr(equals + 1, end - equals - 1);
    if (key <= before || key.find(',') != std::string_view::npos) return false;
    if (value.empty() || value.find('=') != std::string_view::npos) return false;
    before = key;
    at = end;
  }
  return true;
}

bool MeansItself(std::string_view bytes) {
  if (bytes.find('\\') == std::string_view::npos) return true;
  const std::string_view name = bytes.substr(0, FindUnescaped(bytes, 0, ','));
  for (size_t i = 1; i < name.size(); ++i) {
    if (name[i - 1] != '\\') continue;
    if (name[i] == '=' || name[i] == '"') return false;
    const bool escaped = name[i] == ',' || name[i] == ' ';
    if (escaped && i >= 2 && name[i - 2] == '\\') return false;
  }
  return true;
}

}  // namespace varve::model
