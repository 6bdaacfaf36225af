#include "index/series_segment_builder.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/coding.h"
#include "index/bit_stream.h"

namespace varve::index {

using base::PutFixed;
using base::PutString;
using base::PutVarint;
using model::MeasurementId;

SeriesSegmentBuilder::SeriesSegmentBuilder(model::SeriesId first_series,
                                           MeasurementId first_measurement,
                                           model::FieldId first_field)
    : first_series_(first_series),
      next_series_(first_series),
      first_measurement_(first_measurement),
      first_field_(first_field) {}

void SeriesSegmentBuilder::AddMeasurement(std::string_view name) {
  measurements_.emplace_back(name);
}

void SeriesSegmentBuilder::AddField(MeasurementId measurement, std::string_view name) {
  fields_.emplace_back(measurement, name);
}

uint32_t SeriesSegmentBuilder::FindColumn(std::string_view literal) {
  const auto [at, fresh] =
      column_ids_.try_emplace(std::string(literal), static_cast<uint32_t>(columns_.size()));
  if (fresh) {
    columns_.push_back(std::make_unique<SegmentColumn>(literal));
  }
  return at->second;
}

bool SeriesSegmentBuilder::IsTemplate(const Template& entry, MeasurementId measurement,
                                      std::string_view literal,
                                      const std::vector<RawTag>& tags) const {
  if (entry.measurement != measurement || entry.literal != literal ||
      entry.columns.size() != tags.size()) {
    return false;
  }
  for (size_t i = 0; i < tags.size(); ++i) {
    const std::string_view column = columns_[entry.columns[i]]->literal();
    if (tags[i].key.empty() != column.empty()) return false;
    if (!column.empty() && column.substr(1, column.size() - 2) != tags[i].key) return false;
  }
  return true;
}

uint32_t SeriesSegmentBuilder::FindTemplate(MeasurementId measurement, std::string_view literal,
                                            const std::vector<RawTag>& tags) {
  if (last_template_ < templates_.size() &&
      IsTemplate(templates_[last_template_], measurement, literal, tags)) {
    return last_template_;
  }
  std::string name;
  PutVarint(name, measurement);
  PutString(name, literal);
  for (const RawTag& tag : tags) PutString(name, tag.key);
  const auto [at, fresh] =
      template_ids_.try_emplace(std::move(name), static_cast<uint32_t>(templates_.size()));
  if (fresh) {
    Template& entry = templates_.emplace_back();
    entry.measurement = measurement;
    entry.literal = literal;
    for (const RawTag& tag : tags) {
      entry.columns.push_back(
          FindColumn(tag.key.empty() ? std::string() : base::StrCat(",", tag.key, "=")));
    }
  }
  last_template_ = at->second;
  return last_template_;
}

void SeriesSegmentBuilder::AddSeries(model::SeriesId series, MeasurementId measurement,
                                     std::string_view key) {
  CHECK_LT(hashes_.size(), kSegmentSeriesMax);
  CHECK_LE(next_series_, series);
  if (hashes_.empty()) first_series_ = series;
  if (hashes_.empty() || series != next_series_) {
    runs_.push_back({.first = series, .index = series_count()});
  }
  next_series_ = series + 1;
  hashes_.push_back(BytesTable::Hash(key));
  std::string_view literal;
  const bool regular =
      SplitSeriesKey(key, &literal, &tags_) &&
      std::none_of(tags_.begin(), tags_.end(), [](const RawTag& tag) { return tag.key.empty(); });
  if (!regular) {
    // No tags to speak of: one value without a name, of all bytes.
    literal = {};
    tags_.assign(1, {.key = {}, .value = key});
  }
  const uint32_t shape = FindTemplate(measurement, literal, tags_);
  codes_.push_back(shape);
  for (size_t i = 0; i < tags_.size(); ++i) {
    codes_.push_back(columns_[templates_[shape].columns[i]]->Add(tags_[i].value));
  }
}

std::string SeriesSegmentBuilder::EncodeMeta() {
  std::string out;
  PutVarint(out, first_series_);
  PutVarint(out, hashes_.size());
  PutVarint(out, first_measurement_);
  PutVarint(out, measurements_.size());
  for (const std::string& name : measurements_) PutString(out, name);
  PutVarint(out, first_field_);
  PutVarint(out, fields_.size());
  for (const auto& [measurement, name] : fields_) {
    PutVarint(out, measurement);
    PutString(out, name);
  }
  PutVarint(out, entries_);
  PutVarint(out, columns_.size());
  for (const auto& column : columns_) column->AppendMeta(&out);
  PutVarint(out, templates_.size());
  for (const Template& entry : templates_) {
    PutVarint(out, entry.measurement);
    PutString(out, entry.literal);
    PutVarint(out, entry.columns.size());
    for (const uint32_t column : entry.columns) PutVarint(out, column);
  }
  return out;
}

void SeriesSegmentBuilder::EncodeText(std::string* text, std::string* ends) {
  for (const auto& column : columns_) {
    column->ForEachEntry([&](std::string_view entry) {
      text->append(entry);
      CHECK_LE(text->size(), size_t{0xffffffff}) << "series segment dictionary over 4 GiB";
      PutFixed<uint32_t>(*ends, static_cast<uint32_t>(text->size()));
    });
  }
}

void SeriesSegmentBuilder::EncodeRecords(std::string* blocks, std::string* records) {
  for (Template& entry : templates_) {
    entry.has_raw = std::any_of(entry.columns.begin(), entry.columns.end(), [&](uint32_t c) {
      return columns_[c]->coding() == ValueCoding::kRaw;
    });
  }
  std::string packed;
  std::string raw;
  const uint32_t* code = codes_.data();
  for (size_t i = 0; i < hashes_.size(); ++i) {
    if (i % kSeriesPerBlock == 0) PutFixed<uint64_t>(*blocks, records->size());
    const uint32_t shape = *code++;
    packed.clear();
    raw.clear();
    BitWriter bits(packed);
    for (const uint32_t index : templates_[shape].columns) {
      columns_[index]->Put(*code++, bits, &raw);
    }
    PutVarint(*records, shape);
    if (templates_[shape].has_raw) PutVarint(*records, raw.size());
    records->append(packed);
    records->append(raw);
  }
  records->append(kRecordPadding, '\0');
}

// Entries in order of their bucket, which is the hash's top bits; a bucket holds eight on average.
void SeriesSegmentBuilder::EncodeHash(std::string* buckets, std::string* entries) {
  const size_t count = hashes_.size();
  const size_t bucket_count = std::bit_ceil(std::max<size_t>(1, count / 8));
  const auto shift = 64 - static_cast<unsigned>(std::countr_zero(bucket_count));
  const auto bucket_of = [&](uint64_t hash) { return bucket_count == 1 ? 0 : hash >> shift; };
  std::vector<uint32_t> ends(bucket_count + 1);
  for (const uint64_t hash : hashes_) ++ends[bucket_of(hash) + 1];
  for (size_t i = 1; i <= bucket_count; ++i) ends[i] += ends[i - 1];
  buckets->assign(reinterpret_cast<const char*>(ends.data()), ends.size() * 4);
  std::vector<uint32_t> sorted(count);
  for (size_t i = 0; i < count; ++i) {
    sorted[ends[bucket_of(hashes_[i])]++] =
        static_cast<uint32_t>(hashes_[i] & 0xff) << 24 | static_cast<uint32_t>(i);
  }
  entries->assign(reinterpret_cast<const char*>(sorted.data()), sorted.size() * 4);
}

std::string SeriesSegmentBuilder::EncodeRuns() const {
  std::string out;
  for (const Run& run : runs_) {
    PutFixed<uint32_t>(out, run.first);
    PutFixed<uint32_t>(out, run.index);
  }
  return out;
}

std::string SeriesSegmentBuilder::Finish() {
  for (const auto& column : columns_) entries_ += column->Choose(entries_);
  const bool has_gaps = runs_.size() > 1;
  const SectionFormat& format = kSeriesSegmentFormats[has_gaps ? 1 : 0];
  std::vector<std::string> sections(format.sections);
  sections[kSeriesMeta] = EncodeMeta();
  EncodeText(&sections[kSeriesText], &sections[kSeriesTextEnds]);
  EncodeRecords(&sections[kSeriesBlocks], &sections[kSeriesRecords]);
  EncodeHash(&sections[kSeriesBuckets], &sections[kSeriesEntries]);
  if (has_gaps) sections[kSeriesRuns] = EncodeRuns();
  return JoinSections(format, sections);
}

}  // namespace varve::index
