#include "index/series_segment.h"

#include <bit>
#include <span>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"
#include "index/bit_stream.h"
#include "index/bytes_table.h"
#include "index/number_pattern.h"

namespace varve::index {

using base::ByteReader;
using base::LoadFixed;
using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

namespace {

constexpr size_t kRunBytes = 8;

}  // namespace

unsigned SeriesSegment::Column::bits() const {
  unsigned sum = entry_bits;
  for (const NumberRange& range : numbers) sum += range.bits;
  return sum;
}

absl::StatusOr<std::shared_ptr<const SeriesSegment>> SeriesSegment::Open(SectionFile file) {
  std::shared_ptr<SeriesSegment> segment(new SeriesSegment(std::move(file)));
  RETURN_IF_ERROR(segment->ReadMeta());
  RETURN_IF_ERROR(segment->CheckSizes());
  return std::shared_ptr<const SeriesSegment>(std::move(segment));
}

bool SeriesSegment::ReadColumn(ByteReader& reader, Column* column) {
  std::string_view literal;
  uint8_t coding;
  if (!reader.GetString(&literal) || !reader.GetFixed(&coding)) return false;
  column->literal = literal;
  column->coding = static_cast<ValueCoding>(coding);
  if (column->coding == ValueCoding::kRaw) return true;
  if (coding < 1 || coding > 2) return false;
  if (!reader.GetVarintAs(&column->first_entry) || !reader.GetVarintAs(&column->entries)) {
    return false;
  }
  if (column->entries == 0 || uint64_t{column->first_entry} + column->entries > entries_) {
    return false;
  }
  column->entry_bits = BitsFor(column->entries - 1);
  if (column->coding == ValueCoding::kDictionary) return true;
  uint64_t count;
  if (!reader.GetVarint(&count) || count > kPatternNumbersMax) return false;
  for (uint64_t i = 0; i < count; ++i) {
    NumberRange range;
    uint8_t bits;
    if (!reader.GetVarint(&range.min) || !reader.GetFixed(&bits) || bits > 64) return false;
    range.bits = bits;
    column->numbers.push_back(range);
  }
  return true;
}

bool SeriesSegment::ReadTemplate(ByteReader& reader, Template* entry) {
  std::string_view literal;
  uint64_t columns;
  if (!reader.GetVarintAs(&entry->measurement) || !reader.GetString(&literal) ||
      !reader.GetVarint(&columns) || columns > reader.remaining()) {
    return false;
  }
  entry->literal = literal;
  size_t bits = 0;
  for (uint64_t i = 0; i < columns; ++i) {
    uint32_t column;
    if (!reader.GetVarintAs(&column) || column >= columns_.size()) return false;
    entry->columns.push_back(column);
    bits += columns_[column].bits();
    entry->has_raw |= columns_[column].coding == ValueCoding::kRaw;
  }
  entry->packed_bytes = (bits + 7) / 8;
  return true;
}

absl::Status SeriesSegment::ReadMeta() {
  ByteReader reader(file_.section(kSeriesMeta));
  const auto damage = [&] {
    return base::DataLoss("series segment has malformed directories [file=", name(),
                          " section offset=", reader.offset(), "]");
  };
  uint64_t count;
  if (!reader.GetVarintAs(&first_series_) || !reader.GetVarintAs(&series_count_) ||
      series_count_ > kSegmentSeriesMax || !reader.GetVarintAs(&first_measurement_) ||
      !reader.GetVarint(&count) || count > reader.remaining()) {
    return damage();
  }
  for (uint64_t i = 0; i < count; ++i) {
    std::string_view text;
    if (!reader.GetString(&text)) return damage();
    measurements_.emplace_back(text);
    memory_bytes_ += sizeof(std::string) + text.size();
  }
  if (!reader.GetVarintAs(&first_field_) || !reader.GetVarint(&count) ||
      count > reader.remaining()) {
    return damage();
  }
  for (uint64_t i = 0; i < count; ++i) {
    MeasurementId measurement;
    std::string_view text;
    if (!reader.GetVarintAs(&measurement) || !reader.GetString(&text)) return damage();
    fields_.emplace_back(measurement, text);
    memory_bytes_ += sizeof(fields_.back()) + text.size();
  }
  if (!reader.GetVarintAs(&entries_) || !reader.GetVarint(&count) || count > reader.remaining()) {
    return damage();
  }
  columns_.resize(count);
  for (Column& column : columns_) {
    if (!ReadColumn(reader, &column)) return damage();
    memory_bytes_ += sizeof(Column) + column.literal.size();
  }
  if (!reader.GetVarint(&count) || count > reader.remaining()) return damage();
  templates_.resize(count);
  for (Template& entry : templates_) {
    if (!ReadTemplate(reader, &entry)) return damage();
    memory_bytes_ += sizeof(Template) + entry.literal.size() + entry.columns.size() * 4;
  }
  if (reader.remaining() != 0) return damage();
  return absl::OkStatus();
}

absl::Status SeriesSegment::CheckSizes() {
  const std::string_view records = file_.section(kSeriesRecords);
  const size_t blocks = (series_count_ + kSeriesPerBlock - 1) / kSeriesPerBlock;
  const std::string_view buckets = file_.section(kSeriesBuckets);
  buckets_ = buckets.size() < 8 ? 0 : static_cast<uint32_t>(buckets.size() / 4 - 1);
  if (file_.section(kSeriesTextEnds).size() != size_t{entries_} * 4 ||
      file_.section(kSeriesBlocks).size() != blocks * 8 || records.size() < kRecordPadding ||
      buckets.size() != (size_t{buckets_} + 1) * 4 || !std::has_single_bit(buckets_) ||
      file_.section(kSeriesEntries).size() != size_t{series_count_} * 4 ||
      uint64_t{first_series_} + series_count_ > kNoId) {
    return base::DataLoss("series segment sections do not fit together [file=", name(), "]");
  }
  RETURN_IF_ERROR(CheckRuns());
  bucket_shift_ = 64 - static_cast<unsigned>(std::countr_zero(buckets_));
  records_end_ = records.data() + records.size() - kRecordPadding;
  return absl::OkStatus();
}

SeriesId SeriesSegment::RunFirst(uint32_t run) const {
  return LoadFixed<uint32_t>(file_.section(kSeriesRuns).data() + size_t{run} * kRunBytes);
}

uint32_t SeriesSegment::RunIndex(uint32_t run) const {
  if (run == runs_) return series_count_;
  return LoadFixed<uint32_t>(file_.section(kSeriesRuns).data() + size_t{run} * kRunBytes + 4);
}

absl::Status SeriesSegment::CheckRuns() {
  end_series_ = first_series_ + series_count_;
  if (file_.version() == 1) return absl::OkStatus();
  const std::string_view runs = file_.section(kSeriesRuns);
  const auto damage = [&] {
    return base::DataLoss("series segment has malformed runs of ids [file=", name(), "]");
  };
  if (runs.empty() || runs.size() % kRunBytes != 0 || runs.size() / kRunBytes > series_count_) {
    return damage();
  }
  runs_ = static_cast<uint32_t>(runs.size() / kRunBytes);
  uint64_t next_id = first_series_;
  for (uint32_t run = 0; run < runs_; ++run) {
    const uint32_t begin = RunIndex(run);
    const uint32_t end = RunIndex(run + 1);
    if (begin >= end || (run == 0 && (begin != 0 || RunFirst(0) != first_series_)) ||
        (run > 0 && RunFirst(run) <= next_id)) {
      return damage();
    }
    next_id = uint64_t{RunFirst(run)} + (end - begin);
  }
  if (next_id > kNoId) return damage();
  end_series_ = static_cast<SeriesId>(next_id);
  return absl::OkStatus();
}

uint32_t SeriesSegment::RunOfIndex(uint32_t index) const {
  uint32_t low = 0;  // begins at or below `index`
  for (uint32_t high = runs_; high - low > 1;) {
    const uint32_t middle = low + (high - low) / 2;
    (RunIndex(middle) <= index ? low : high) = middle;
  }
  return low;
}

uint32_t SeriesSegment::RunOfId(SeriesId series) const {
  uint32_t low = 0;
  for (uint32_t high = runs_; high - low > 1;) {
    const uint32_t middle = low + (high - low) / 2;
    (RunFirst(middle) <= series ? low : high) = middle;
  }
  return low;
}

SeriesId SeriesSegment::IdAt(uint32_t index) const {
  if (runs_ == 0) return first_series_ + index;
  const uint32_t run = RunOfIndex(index);
  return RunFirst(run) + (index - RunIndex(run));
}

bool SeriesSegment::IndexOf(SeriesId series, uint32_t* index) const {
  if (series < first_series_ || series >= end_series_) return false;
  *index = series - first_series_;
  if (runs_ == 0) return true;
  const uint32_t run = RunOfId(series);
  *index = series - RunFirst(run) + RunIndex(run);
  return *index < RunIndex(run + 1);
}

std::string_view SeriesSegment::Entry(uint32_t entry) const {
  const char* ends = file_.section(kSeriesTextEnds).data();
  const std::string_view text = file_.section(kSeriesText);
  const uint32_t start = entry == 0 ? 0 : LoadFixed<uint32_t>(ends + size_t{entry - 1} * 4);
  const auto end = LoadFixed<uint32_t>(ends + size_t{entry} * 4);
  if (start > end || end > text.size()) return {};
  return text.substr(start, end - start);
}

namespace {

// A varint of up to five bytes that must end before `end`; null when it does not.
const char* ReadShortVarint(const char* at, const char* end, uint32_t* value) {
  uint32_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (at == end) return nullptr;
    const auto byte = static_cast<uint8_t>(*at++);
    result |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return at;
    }
  }
  return nullptr;
}

}  // namespace

bool SeriesSegment::ReadPlace(const char* at, RecordPlace* place) const {
  uint32_t shape;
  at = ReadShortVarint(at, records_end_, &shape);
  if (at == nullptr || shape >= templates_.size()) return false;
  place->shape = &templates_[shape];
  uint32_t raw_bytes = 0;
  if (place->shape->has_raw) {
    at = ReadShortVarint(at, records_end_, &raw_bytes);
    if (at == nullptr) return false;
  }
  const size_t bytes = place->shape->packed_bytes + raw_bytes;
  if (static_cast<size_t>(records_end_ - at) < bytes) return false;
  place->bits = at;
  place->raw = at + place->shape->packed_bytes;
  place->end = at + bytes;
  return true;
}

bool SeriesSegment::FindRecord(uint32_t index, RecordPlace* place) const {
  const std::string_view records = file_.section(kSeriesRecords);
  const auto offset = LoadFixed<uint64_t>(file_.section(kSeriesBlocks).data() +
                                          size_t{index / kSeriesPerBlock} * 8);
  if (offset > records.size() - kRecordPadding) return false;
  const char* at = records.data() + offset;
  for (uint32_t i = 0; i < index % kSeriesPerBlock; ++i) {
    if (!ReadPlace(at, place)) return false;
    at = place->end;
  }
  return ReadPlace(at, place);
}

bool SeriesSegment::Decode(const RecordPlace& place, std::string* key) const {
  key->assign(place.shape->literal);
  BitReader bits(place.bits);
  const char* raw = place.raw;
  for (const uint32_t index : place.shape->columns) {
    const Column& column = columns_[index];
    key->append(column.literal);
    if (column.coding == ValueCoding::kRaw) {
      uint32_t size;
      raw = ReadShortVarint(raw, place.end, &size);
      if (raw == nullptr || static_cast<size_t>(place.end - raw) < size) return false;
      key->append(raw, size);
      raw += size;
      continue;
    }
    const auto entry = static_cast<uint32_t>(bits.Get(column.entry_bits));
    if (entry >= column.entries) return false;
    const std::string_view text = Entry(column.first_entry + entry);
    if (column.coding == ValueCoding::kDictionary) {
      key->append(text);
      continue;
    }
    uint64_t numbers[kPatternNumbersMax];
    for (size_t i = 0; i < column.numbers.size(); ++i) {
      numbers[i] = column.numbers[i].min + bits.Get(column.numbers[i].bits);
    }
    if (!JoinNumbers(text, std::span(numbers, column.numbers.size()), key)) return false;
  }
  return true;
}

bool SeriesSegment::Find(std::string_view key, uint64_t hash, std::string* scratch, SeriesRef* ref,
                         uint32_t* found) const {
  const char* buckets = file_.section(kSeriesBuckets).data();
  const size_t bucket = buckets_ == 1 ? 0 : hash >> bucket_shift_;
  const auto begin = LoadFixed<uint32_t>(buckets + bucket * 4);
  const auto end = LoadFixed<uint32_t>(buckets + bucket * 4 + 4);
  if (end > series_count_) return false;
  const char* entries = file_.section(kSeriesEntries).data();
  const auto fingerprint = static_cast<uint32_t>(hash & 0xff);
  for (uint32_t i = begin; i < end; ++i) {
    const auto entry = LoadFixed<uint32_t>(entries + size_t{i} * 4);
    if (entry >> 24 != fingerprint) continue;
    const uint32_t index = entry & 0xffffff;
    RecordPlace place;
    if (index >= series_count_ || !FindRecord(index, &place) || !Decode(place, scratch)) continue;
    if (*scratch != key) continue;
    *ref = {.series = IdAt(index), .measurement = place.shape->measurement};
    *found = index;
    return true;
  }
  return false;
}

void SeriesSegment::Prefetch(uint64_t hash, int stage) const {
  const char* bucket =
      file_.section(kSeriesBuckets).data() + (buckets_ == 1 ? 0 : hash >> bucket_shift_) * 4;
  if (stage == 0) {
    __builtin_prefetch(bucket);
    return;
  }
  const auto begin = LoadFixed<uint32_t>(bucket);
  const auto end = LoadFixed<uint32_t>(bucket + 4);
  if (begin >= end || end > series_count_) return;
  const char* entries = file_.section(kSeriesEntries).data();
  if (stage == 1) {
    __builtin_prefetch(entries + size_t{begin} * 4);
    __builtin_prefetch(entries + size_t{end - 1} * 4);
    return;
  }
  for (uint32_t i = begin; i < end; ++i) {
    const auto entry = LoadFixed<uint32_t>(entries + size_t{i} * 4);
    const uint32_t index = entry & 0xffffff;
    if (entry >> 24 != (hash & 0xff) || index >= series_count_) continue;
    const char* block = file_.section(kSeriesBlocks).data() + size_t{index / kSeriesPerBlock} * 8;
    if (stage == 2) {
      __builtin_prefetch(block);
    } else {
      // Wherever that points: a prefetch does not fault.
      const char* record = file_.section(kSeriesRecords).data() + LoadFixed<uint64_t>(block);
      __builtin_prefetch(record);
      __builtin_prefetch(record + 64);
    }
    return;
  }
}

MeasurementId SeriesSegment::KeyOf(SeriesId series, std::string* key) const {
  RecordPlace place;
  uint32_t index;
  if (IndexOf(series, &index) && FindRecord(index, &place) && Decode(place, key)) {
    return place.shape->measurement;
  }
  key->clear();
  return kNoId;
}

MeasurementId SeriesSegment::MeasurementOf(SeriesId series) const {
  RecordPlace place;
  uint32_t index;
  if (!IndexOf(series, &index) || !FindRecord(index, &place)) return kNoId;
  return place.shape->measurement;
}

absl::Status SeriesSegment::Verify() const {
  const auto damage = [&](std::string_view what, uint64_t id) {
    return base::DataLoss("series segment ", what, " [file=", name(), " series=", id, "]");
  };
  std::string key;
  std::string scratch;
  const char* expected = file_.section(kSeriesRecords).data();
  for (uint32_t i = 0; i < series_count_; ++i) {
    const SeriesId id = IdAt(i);
    RecordPlace place;
    if (!FindRecord(i, &place)) return damage("has a malformed record", id);
    if (i % kSeriesPerBlock == 0) {
      const auto offset = LoadFixed<uint64_t>(file_.section(kSeriesBlocks).data() +
                                              size_t{i / kSeriesPerBlock} * 8);
      if (file_.section(kSeriesRecords).data() + offset != expected) {
        return damage("has a gap before the record", id);
      }
    }
    expected = place.end;
    const MeasurementId measurement = KeyOf(id, &key);
    SeriesRef ref;
    uint32_t index;
    if (measurement == kNoId) return damage("has a malformed record", id);
    if (!Find(key, BytesTable::Hash(key), &scratch, &ref, &index) || ref.series != id ||
        ref.measurement != measurement) {
      return damage("does not find its own key", id);
    }
  }
  if (expected != records_end_) return damage("has bytes behind its records", series_count_);
  return absl::OkStatus();
}

std::string SeriesSegment::Describe() const {
  std::string out = base::StrCat("series segment ", name(), "\n  series ", first_series_, " to ",
                                 end_series_, " (exclusive)\n");
  for (uint32_t run = 0; run < runs_; ++run) {
    base::StrAppend(out, "  run of ", RunIndex(run + 1) - RunIndex(run), " from ", RunFirst(run),
                    "\n");
  }
  for (size_t i = 0; i < measurements_.size(); ++i) {
    base::StrAppend(out, "  measurement ", first_measurement_ + i, " ", measurements_[i], "\n");
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    base::StrAppend(out, "  field ", first_field_ + i, " of measurement ", fields_[i].first, " ",
                    fields_[i].second, "\n");
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    base::StrAppend(out, "  column ", i, " ", column.literal, " coding ",
                    static_cast<unsigned>(column.coding), " entries ", column.entries, " bits ",
                    column.bits(), "\n");
  }
  for (size_t i = 0; i < templates_.size(); ++i) {
    const Template& entry = templates_[i];
    base::StrAppend(out, "  template ", i, " measurement ", entry.measurement, " ", entry.literal);
    for (const uint32_t column : entry.columns) {
      base::StrAppend(out, columns_[column].literal, "*");
    }
    base::StrAppend(out, " packed bytes ", entry.packed_bytes, entry.has_raw ? " and raw" : "",
                    "\n");
  }
  return out;
}

}  // namespace varve::index
