#include "model/write_batch.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/status.h"
#include "model/byte_buffer.h"
#include "model/value_coding.h"

namespace varve::model {
namespace {

constexpr uint8_t kVersion = 1;

// Low bits of a row's head, above which the change of series stands.
constexpr uint64_t kLayoutChanged = 1;
constexpr uint64_t kHasNulls = 2;
constexpr unsigned kHeadFlags = 2;

// A head, a layout and a time, each a varint of at most ten bytes.
constexpr size_t kRowHeadMax = 30;

char* PutVarintAt(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

size_t RowBytesMax(std::span<const FieldValue> values) {
  size_t bytes = kRowHeadMax + (values.size() + 7) / 8 + values.size() * (kWordBytesMax + 1);
  for (const FieldValue& value : values) {
    if (value.type() == FieldType::kString) bytes += value.as_string().size();
  }
  return bytes;
}

char* PutValue(char* to, const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat:
      return PutFloat(to, value.as_float(), value.decimals());
    case FieldType::kInteger:
      return PutWord(to, base::ZigZag(value.as_integer()), 0);
    case FieldType::kUnsigned:
      return PutWord(to, value.as_unsigned(), 0);
    case FieldType::kBoolean:
      *to = value.as_boolean() ? 1 : 0;
      return to + 1;
    case FieldType::kString: {
      const std::string_view text = value.as_string();
      to = PutVarintAt(to, text.size());
      if (!text.empty()) std::memcpy(to, text.data(), text.size());
      return to + text.size();
    }
    case FieldType::kNone:
      return to;
  }
  return to;
}

// One bit for each value, set where there is one.
char* PutPresence(char* to, std::span<const FieldValue> values) {
  for (size_t i = 0; i < values.size(); i += 8) {
    unsigned bits = 0;
    for (size_t j = i; j < std::min(i + 8, values.size()); ++j) {
      bits |= (values[j].is_null() ? 0U : 1U) << (j - i);
    }
    *to++ = static_cast<char>(bits);
  }
  return to;
}

struct Section {
  ShardId shard = 0;
  uint64_t rows = 0;
  SeriesId series = 0;  // of the last row, as are the next two
  uint32_t layout = 0;
  int64_t time_ns = 0;
  ByteBuffer bytes;
};

}  // namespace

struct WriteBatchBuilder::State {
  DatabaseId database = kNoId;
  std::string layouts;  // encoded
  uint32_t layout_count = 0;
  std::vector<Section> sections;  // the first `section_count`; those behind keep their buffers
  size_t section_count = 0;
  size_t rows = 0;
  size_t values = 0;
};

WriteBatchBuilder::WriteBatchBuilder(DatabaseId database) : state_(std::make_unique<State>()) {
  Reset(database);
}
WriteBatchBuilder::~WriteBatchBuilder() = default;

void WriteBatchBuilder::Reset(DatabaseId database) {
  state_->database = database;
  state_->layouts.clear();
  state_->layout_count = 0;
  state_->section_count = 0;
  state_->rows = 0;
  state_->values = 0;
}

size_t WriteBatchBuilder::Shard(ShardId shard) {
  for (size_t i = 0; i < state_->section_count; ++i) {
    if (state_->sections[i].shard == shard) return i;
  }
  const size_t index = state_->section_count++;
  if (index == state_->sections.size()) state_->sections.emplace_back();
  Section& section = state_->sections[index];
  section.shard = shard;
  section.rows = 0;
  section.series = 0;
  section.layout = 0;
  section.time_ns = 0;
  section.bytes.Clear();
  return index;
}

uint32_t WriteBatchBuilder::AddLayout(MeasurementId measurement,
                                      std::span<const LayoutField> fields) {
  base::PutVarint(state_->layouts, measurement);
  base::PutVarint(state_->layouts, fields.size());
  for (const LayoutField& field : fields) {
    base::PutVarint(state_->layouts, field.field);
    base::PutFixed(state_->layouts, static_cast<uint8_t>(field.type));
  }
  return state_->layout_count++;
}

void WriteBatchBuilder::AddRow(size_t shard_index, SeriesId series, uint32_t layout,
                               int64_t time_ns, std::span<const FieldValue> values) {
  DCHECK_LT(shard_index, state_->section_count);
  DCHECK_LT(layout, state_->layout_count);
  Section& section = state_->sections[shard_index];
  size_t nulls = 0;
  for (const FieldValue& value : values) nulls += value.is_null() ? 1 : 0;

  char* to = section.bytes.Reserve(RowBytesMax(values));
  uint64_t head = base::ZigZag(int64_t{series} - int64_t{section.series}) << kHeadFlags;
  if (layout != section.layout) head |= kLayoutChanged;
  if (nulls > 0) head |= kHasNulls;
  to = PutVarintAt(to, head);
  if (layout != section.layout) to = PutVarintAt(to, layout);
  // Unsigned subtraction: the difference of two times may not fit, and wraps around both ways.
  const uint64_t step = static_cast<uint64_t>(time_ns) - static_cast<uint64_t>(section.time_ns);
  to = PutVarintAt(to, base::ZigZag(static_cast<int64_t>(step)));
  if (nulls > 0) to = PutPresence(to, values);
  for (const FieldValue& value : values) to = PutValue(to, value);
  section.bytes.CommitUpTo(to);

  section.series = series;
  section.layout = layout;
  section.time_ns = time_ns;
  ++section.rows;
  ++state_->rows;
  state_->values += values.size() - nulls;
}

size_t WriteBatchBuilder::rows() const { return state_->rows; }
size_t WriteBatchBuilder::values() const { return state_->values; }

size_t WriteBatchBuilder::ByteSizeEstimate() const {
  size_t bytes = 16 + state_->layouts.size();
  for (size_t i = 0; i < state_->section_count; ++i) {
    bytes += 16 + state_->sections[i].bytes.size();
  }
  return bytes;
}

std::string WriteBatchBuilder::Finish() {
  std::string out;
  out.reserve(ByteSizeEstimate() + 32 * (state_->section_count + 1));
  base::PutFixed(out, kVersion);
  base::PutVarint(out, state_->database);
  base::PutVarint(out, state_->layout_count);
  out.append(state_->layouts);
  base::PutVarint(out, state_->section_count);
  for (size_t i = 0; i < state_->section_count; ++i) {
    const Section& section = state_->sections[i];
    base::PutVarint(out, section.shard);
    base::PutVarint(out, section.rows);
    base::PutString(out, section.bytes.bytes());
  }
  Reset(state_->database);
  return out;
}

struct WriteBatchReader::State {
  std::string_view bytes;
  base::ByteReader reader{std::string_view()};
  DatabaseId database = kNoId;
  std::vector<Layout> layouts;
  uint64_t sections_left = 0;

  const char* at = nullptr;  // the present section's next row
  const char* end = nullptr;
  uint64_t rows_left = 0;
  SeriesId series = 0;
  uint32_t layout = 0;
  int64_t time_ns = 0;
  std::vector<FieldValue> values;

  absl::Status Damage(std::string_view what) const {
    const size_t offset = at != nullptr ? static_cast<size_t>(at - bytes.data()) : reader.offset();
    return base::DataLoss("write batch: ", what, ": offset=", offset, " size=", bytes.size());
  }
  absl::Status ReadLayouts();
  bool GetVarint(uint64_t* value);
  bool ReadRowHead(uint64_t* head);
  bool ReadValue(FieldType type, FieldValue* value);
  bool ReadWord(Word* word);
  bool ReadValues(const Layout& row_layout, const char* presence);
};

namespace {

bool IsStorable(uint8_t type) {
  return type >= static_cast<uint8_t>(FieldType::kFloat) &&
         type <= static_cast<uint8_t>(FieldType::kString);
}

}  // namespace

absl::Status WriteBatchReader::State::ReadLayouts() {
  uint64_t layout_count;
  // A layout takes at least two bytes and a field two, so the counts are bounded by the size.
  if (!reader.GetVarint(&layout_count) || layout_count > reader.remaining()) {
    return Damage("layout count");
  }
  layouts.resize(layout_count);
  size_t widest = 0;
  for (Layout& each : layouts) {
    uint64_t field_count;
    if (!reader.GetVarintAs(&each.measurement) || !reader.GetVarint(&field_count) ||
        field_count > reader.remaining()) {
      return Damage("layout");
    }
    each.fields.resize(field_count);
    for (LayoutField& field : each.fields) {
      uint8_t type;
      if (!reader.GetVarintAs(&field.field) || !reader.GetFixed(&type) || !IsStorable(type)) {
        return Damage("layout field");
      }
      field.type = static_cast<FieldType>(type);
    }
    widest = std::max(widest, each.fields.size());
  }
  values.resize(widest);
  return absl::OkStatus();
}

bool WriteBatchReader::State::GetVarint(uint64_t* value) {
  if (at < end && static_cast<uint8_t>(*at) < 0x80) {
    *value = static_cast<uint8_t>(*at++);
    return true;
  }
  base::ByteReader rest(std::string_view(at, static_cast<size_t>(end - at)));
  if (!rest.GetVarint(value)) return false;
  at += rest.offset();
  return true;
}

// Reads what precedes the values, and moves series, layout and time on.
bool WriteBatchReader::State::ReadRowHead(uint64_t* head) {
  uint64_t step;
  if (!GetVarint(head)) return false;
  const uint64_t next_series =
      uint64_t{series} + static_cast<uint64_t>(base::UnZigZag(*head >> kHeadFlags));
  if (next_series >= kNoId) return false;
  series = static_cast<SeriesId>(next_series);
  if ((*head & kLayoutChanged) != 0) {
    uint64_t next_layout;
    if (!GetVarint(&next_layout) || next_layout >= layouts.size()) return false;
    layout = static_cast<uint32_t>(next_layout);
  }
  if (layout >= layouts.size() || !GetVarint(&step)) return false;
  time_ns = static_cast<int64_t>(static_cast<uint64_t>(time_ns) +
                                 static_cast<uint64_t>(base::UnZigZag(step)));
  return true;
}

bool WriteBatchReader::State::ReadWord(Word* word) {
  const auto left = static_cast<size_t>(end - at);
  if (left >= kWordBytesMax) {
    *word = GetWord(at);
  } else {
    if (left == 0) return false;
    char padded[kWordBytesMax] = {};
    std::memcpy(padded, at, left);
    *word = GetWord(padded);
  }
  if (word->bytes > 8 || left < 1 + word->bytes) return false;
  at += 1 + word->bytes;
  return true;
}

bool WriteBatchReader::State::ReadValue(FieldType type, FieldValue* value) {
  Word word;
  switch (type) {
    case FieldType::kFloat: {
      double number;
      if (!ReadWord(&word) || !FloatOfWord(word, &number)) return false;
      *value = FieldValue::Float(number, static_cast<uint8_t>(word.high));
      return true;
    }
    case FieldType::kInteger:
      if (!ReadWord(&word) || word.high != 0) return false;
      *value = FieldValue::Integer(base::UnZigZag(word.value));
      return true;
    case FieldType::kUnsigned:
      if (!ReadWord(&word) || word.high != 0) return false;
      *value = FieldValue::Unsigned(word.value);
      return true;
    case FieldType::kBoolean:
      if (at == end || static_cast<uint8_t>(*at) > 1) return false;
      *value = FieldValue::Boolean(*at++ == 1);
      return true;
    case FieldType::kString: {
      uint64_t size;
      if (!GetVarint(&size) || size > static_cast<size_t>(end - at) || size > UINT32_MAX) {
        return false;
      }
      *value = FieldValue::String({at, static_cast<size_t>(size)});
      at += size;
      return true;
    }
    case FieldType::kNone:
      break;
  }
  return false;
}

bool WriteBatchReader::State::ReadValues(const Layout& row_layout, const char* presence) {
  const size_t count = row_layout.fields.size();
  for (size_t i = 0; i < count; ++i) {
    if (presence != nullptr && ((presence[i / 8] >> (i % 8)) & 1) == 0) {
      values[i] = FieldValue();
    } else if (!ReadValue(row_layout.fields[i].type, &values[i])) {
      return false;
    }
  }
  return true;
}

WriteBatchReader::WriteBatchReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
WriteBatchReader::~WriteBatchReader() = default;

absl::StatusOr<std::unique_ptr<WriteBatchReader>> WriteBatchReader::Open(std::string_view bytes) {
  auto state = std::make_unique<State>();
  state->bytes = bytes;
  state->reader = base::ByteReader(bytes);
  uint8_t version;
  if (!state->reader.GetFixed(&version)) return state->Damage("empty");
  if (version > kVersion) {
    return base::FailedPrecondition("write batch: written by a newer version: ", version);
  }
  if (version == 0 || !state->reader.GetVarintAs(&state->database)) return state->Damage("head");
  RETURN_IF_ERROR(state->ReadLayouts());
  if (!state->reader.GetVarint(&state->sections_left)) return state->Damage("section count");
  return std::unique_ptr<WriteBatchReader>(new WriteBatchReader(std::move(state)));
}

DatabaseId WriteBatchReader::database() const { return state_->database; }
std::span<const WriteBatchReader::Layout> WriteBatchReader::layouts() const {
  return state_->layouts;
}

absl::StatusOr<bool> WriteBatchReader::NextShard(ShardId* shard, size_t* rows) {
  State& state = *state_;
  state.at = nullptr;
  if (state.sections_left == 0) {
    if (state.reader.remaining() > 0) return state.Damage("bytes behind the last section");
    return false;
  }
  uint64_t row_count;
  std::string_view section;
  // A row takes at least two bytes.
  if (!state.reader.GetVarint(shard) || !state.reader.GetVarint(&row_count) ||
      !state.reader.GetString(&section) || row_count > section.size()) {
    return state.Damage("section");
  }
  --state.sections_left;
  state.at = section.data();
  state.end = section.data() + section.size();
  state.rows_left = row_count;
  state.series = 0;
  state.layout = 0;
  state.time_ns = 0;
  *rows = row_count;
  return true;
}

absl::StatusOr<bool> WriteBatchReader::NextRow(Row* row) {
  State& state = *state_;
  if (state.rows_left == 0) {
    if (state.at != nullptr && state.at != state.end) {
      return state.Damage("bytes behind the last row");
    }
    return false;
  }
  uint64_t head;
  if (!state.ReadRowHead(&head)) return state.Damage("row head");
  const Layout& layout = state.layouts[state.layout];
  const char* presence = nullptr;
  if ((head & kHasNulls) != 0) {
    const size_t bytes = (layout.fields.size() + 7) / 8;
    if (static_cast<size_t>(state.end - state.at) < bytes) return state.Damage("row");
    presence = state.at;
    state.at += bytes;
  }
  if (!state.ReadValues(layout, presence)) return state.Damage("value");
  --state.rows_left;
  row->series = state.series;
  row->layout = state.layout;
  row->time_ns = state.time_ns;
  row->values = std::span<const FieldValue>(state.values).first(layout.fields.size());
  return true;
}

}  // namespace varve::model
