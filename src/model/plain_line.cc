#include "model/plain_line.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/coding.h"
#include "model/line_number.h"
#include "model/plain_number.h"

namespace varve::model {
namespace {

// Lines longer than this may break a limit of InfluxDB's, which ParseLine() checks.
constexpr uint32_t kPlainBytesMax = 32 << 10;

bool ParseBoolean(std::string_view text, FieldValue* value) {
  const bool yes = text[0] == 't' || text[0] == 'T';
  *value = FieldValue::Boolean(yes);
  if (yes) return text.size() == 1 || text == "true" || text == "TRUE" || text == "True";
  if (text[0] != 'f' && text[0] != 'F') return false;
  return text.size() == 1 || text == "false" || text == "FALSE" || text == "False";
}

bool ParseValue(const char* at, const char* end, FieldValue* value) {
  if (ParsePlainNumber(at, end, value)) [[likely]] {
    return true;
  }
  if (at == end) return false;
  const std::string_view text(at, static_cast<size_t>(end - at));
  if (StartsNumber(text)) return ParseNumber(text, value);
  return ParseBoolean(text, value);
}

// Reads the decimal digits [at, end). False: not 1 to 19 digits.
bool ParseCount(const char* at, const char* end, uint64_t* count) {
  const auto size = static_cast<size_t>(end - at);
  if (size == 0 || size > 19) return false;
  const Digits high = ReadManyDigits(at);
  if (high.count == size) {
    *count = high.value;
    return true;
  }
  if (high.count < 16) return false;
  const Digits low = ReadDigits(at + 16);
  *count = high.value * kIntegerPowersOfTen[low.count] + low.value;
  return 16 + low.count == size;
}

bool ParseTime(const char* at, const char* end, const TimeRule& rule, int64_t* time_ns) {
  const bool negative = *at == '-';
  uint64_t count;
  if (!ParseCount(at + (negative ? 1 : 0), end, &count)) return false;
  if (count > static_cast<uint64_t>(kMaxTimeNs)) return false;
  const int64_t units = negative ? -static_cast<int64_t>(count) : static_cast<int64_t>(count);
  return !__builtin_mul_overflow(units, rule.unit_ns, time_ns) && *time_ns >= kMinTimeNs &&
         *time_ns <= kMaxTimeNs;
}

// The first eight bytes of `text`, or all and zeros; eight bytes are readable there.
uint64_t Head(std::string_view text) {
  const auto word = base::LoadFixed<uint64_t>(text.data());
  return text.size() >= 8 ? word : word & ((uint64_t{1} << (8 * text.size())) - 1);
}

}  // namespace

bool PlainLineParser::Parse(const char* text, uint32_t start, const uint32_t** marks,
                            const TimeRule& rule, Line* line) {
  const char first = text[start];
  if (first == ' ' || first == '\t' || first == '\0' || first == '#' || first == ',') return false;
  const uint32_t* mark = ParseTags(text, *marks);
  if (mark == nullptr || text[*mark] != ' ') return false;
  const uint32_t key_end = *mark;
  if (text[key_end + 1] == '\t' || text[key_end + 1] == '\0') return false;
  mark = ParseFields(text, mark);
  if (mark == nullptr) return false;
  line->time_ns = rule.default_time_ns;
  line->has_time = text[*mark] == ' ';
  if (line->has_time) {
    const char* time = text + *mark + 1;
    ++mark;
    if (text[*mark] != '\n' || !ParseTime(time, text + *mark, rule, &line->time_ns)) return false;
  }
  if (text[*mark] != '\n' || *mark - start > kPlainBytesMax) return false;
  line->text = std::string_view(text + start, *mark - start);
  line->raw_key = std::string_view(text + start, key_end - start);
  line->fields = std::span<const LineField>(fields_.data(), field_count_);
  *marks = mark + 1;
  return true;
}

// Reads the tags from the line's first mark on. Returns the mark behind the key, or null.
const uint32_t* PlainLineParser::ParseTags(const char* text, const uint32_t* mark) {
  tag_count_ = 0;
  bool as_before = true;
  while (text[*mark] == ',') {
    const uint32_t key = mark[0] + 1;
    const uint32_t equals = mark[1];
    if (text[equals] != '=' || equals == key || mark[2] == equals + 1) return nullptr;
    if (tag_count_ == tags_.size()) {
      tags_.resize(tag_count_ + 16);
      checked_tags_.resize(tag_count_ + 16);
    }
    TagKey& tag = tags_[tag_count_];
    const TagKey& before = checked_tags_[tag_count_];
    ++tag_count_;
    tag.text = std::string_view(text + key, equals - key);
    tag.head = Head(tag.text);
    as_before = as_before && tag.head == before.head && tag.text.size() == before.text.size() &&
                (tag.text.size() <= 8 || std::memcmp(tag.text.data() + 8, before.text.data() + 8,
                                                     tag.text.size() - 8) == 0);
    mark += 2;
  }
  // Neighbouring lines mostly have the same tag keys, of which one check is enough.
  if (as_before && tag_count_ <= checked_count_) return mark;
  return TagKeysAreDistinct() ? mark : nullptr;
}

bool PlainLineParser::TagKeysAreDistinct() {
  for (size_t i = 1; i < tag_count_; ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (tags_[i].head == tags_[j].head && tags_[i].text == tags_[j].text) return false;
    }
  }
  std::copy_n(tags_.begin(), tag_count_, checked_tags_.begin());
  checked_count_ = tag_count_;
  return true;
}

// Reads the fields behind the space at `mark`. Returns the mark behind the last one, or null.
const uint32_t* PlainLineParser::ParseFields(const char* text, const uint32_t* mark) {
  field_count_ = 0;
  do {
    const uint32_t name = mark[0] + 1;
    const uint32_t equals = mark[1];
    if (text[equals] != '=' || equals == name) return nullptr;
    if (field_count_ == fields_.size()) fields_.resize(field_count_ + 16);
    LineField& field = fields_[field_count_++];
    field.raw_name = std::string_view(text + name, equals - name);
    mark += 2;
    const uint32_t value = equals + 1;
    if (text[*mark] != '"') {
      if (!ParseValue(text + value, text + *mark, &field.value)) return nullptr;
      continue;
    }
    if (*mark != value) return nullptr;
    do {
      ++mark;
      if (text[*mark] == '\\' || text[*mark] == '\n') return nullptr;
    } while (text[*mark] != '"');
    field.value = FieldValue::String({text + value + 1, *mark - value - 1});
    if (mark[1] != *mark + 1) return nullptr;
    ++mark;
  } while (text[*mark] == ',');
  return text[*mark] == ' ' || text[*mark] == '\n' ? mark : nullptr;
}

}  // namespace varve::model
