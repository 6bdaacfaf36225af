#include "index/shard_segment.h"

#include <roaring/roaring.h>

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"
#include "index/frozen_bitmap.h"

namespace varve::index {

using base::ByteReader;
using base::LoadFixed;
using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

absl::StatusOr<std::shared_ptr<const ShardSegment>> ShardSegment::Open(SectionFile file) {
  std::shared_ptr<ShardSegment> segment(new ShardSegment(std::move(file)));
  RETURN_IF_ERROR(segment->CheckBitmaps());
  RETURN_IF_ERROR(segment->ReadMeta());
  return std::shared_ptr<const ShardSegment>(std::move(segment));
}

absl::Status ShardSegment::CheckBitmaps() {
  const std::string_view places = file_.section(kShardBitmapPlaces);
  const std::string_view bitmaps = file_.section(kShardBitmaps);
  const auto damage = [&](uint64_t number) {
    return base::DataLoss("index segment has a malformed bitmap [file=", name(), " bitmap=", number,
                          "]");
  };
  if (places.size() % 16 != 0) return damage(0);
  bitmaps_ = places.size() / 16;
  for (uint64_t i = 0; i < bitmaps_; ++i) {
    const auto offset = LoadFixed<uint64_t>(places.data() + i * 16);
    const auto length = LoadFixed<uint64_t>(places.data() + i * 16 + 8);
    uint64_t cardinality;
    if (offset % kSectionAlignment != 0 || offset > bitmaps.size() ||
        length > bitmaps.size() - offset ||
        !CheckFrozenBitmap(bitmaps.substr(offset, length), &cardinality)) {
      return damage(i);
    }
  }
  return absl::OkStatus();
}

std::string_view ShardSegment::Bitmap(uint64_t number) const {
  const char* place = file_.section(kShardBitmapPlaces).data() + number * 16;
  return file_.section(kShardBitmaps)
      .substr(LoadFixed<uint64_t>(place), LoadFixed<uint64_t>(place + 8));
}

bool ShardSegment::ReadPosting(ByteReader& reader, Posting* posting) const {
  uint64_t head;
  if (!reader.GetVarint(&head)) return false;
  posting->number = head >> 2;
  switch (head & 3) {
    case 0:
      posting->kind = PostingKind::kSingle;
      return posting->number < kNoId;
    case 1: {
      posting->kind = PostingKind::kList;
      const size_t left = reader.remaining();
      if (posting->number == 0 || posting->number > left) return false;
      ByteReader start = reader;
      uint64_t last = 0;
      for (uint64_t i = 0; i < posting->number; ++i) {
        uint64_t gap;
        if (!reader.GetVarint(&gap) || gap >= kNoId || (i > 0 && gap == 0)) return false;
        last += gap;
        if (last >= kNoId) return false;
      }
      return start.GetBytes(left - reader.remaining(), &posting->gaps);
    }
    case 2:
      posting->kind = PostingKind::kBitmap;
      return posting->number < bitmaps_;
    default:
      return false;
  }
}

void ShardSegment::AddPosting(const Posting& posting, SeriesSetBuilder* out) const {
  if (posting.kind == PostingKind::kSingle) {
    out->Add(static_cast<SeriesId>(posting.number));
  } else if (posting.kind == PostingKind::kList) {
    ByteReader reader(posting.gaps);
    uint64_t id = 0;
    uint64_t gap;
    for (uint64_t i = 0; i < posting.number && reader.GetVarint(&gap); ++i) {
      id += gap;
      out->Add(static_cast<SeriesId>(id));
    }
  } else {
    const std::string_view bytes = Bitmap(posting.number);
    const roaring_bitmap_t* bits = roaring_bitmap_frozen_view(bytes.data(), bytes.size());
    if (bits == nullptr) return;
    out->Add(bits);
    roaring_bitmap_free(const_cast<roaring_bitmap_t*>(bits));
  }
}

SeriesSet ShardSegment::PostingSet(const Posting& posting) const {
  SeriesSetBuilder builder;
  AddPosting(posting, &builder);
  return builder.Finish();
}

bool ShardSegment::ReadColumn(ByteReader& reader, Column* column) {
  std::string_view key;
  uint8_t all;
  uint64_t values_at;
  uint64_t values_bytes;
  uint64_t restarts_at;
  if (!reader.GetString(&key) || !reader.GetFixed(&all) || all > 1) return false;
  column->key = key;
  column->all = all == 1;
  if (!column->all) {
    Posting posting;
    if (!ReadPosting(reader, &posting)) return false;
    column->has = PostingSet(posting);
    memory_bytes_ += column->has.memory_bytes();
  }
  if (!reader.GetVarintAs(&column->count) || !reader.GetVarint(&values_at) ||
      !reader.GetVarint(&values_bytes) || !reader.GetVarint(&restarts_at)) {
    return false;
  }
  const std::string_view values = file_.section(kShardValues);
  const std::string_view restarts = file_.section(kShardRestarts);
  const uint64_t restart_bytes =
      (uint64_t{column->count} + kValuesPerRestart - 1) / kValuesPerRestart * 4;
  if (column->count == 0 || values_at > values.size() || values_bytes > values.size() - values_at ||
      restarts_at > restarts.size() || restart_bytes > restarts.size() - restarts_at) {
    return false;
  }
  column->values = values.substr(values_at, values_bytes);
  column->restarts = restarts.substr(restarts_at, restart_bytes);
  memory_bytes_ += sizeof(Column) + key.size();
  return true;
}

absl::Status ShardSegment::ReadMeta() {
  ByteReader reader(file_.section(kShardMeta));
  const auto damage = [&] {
    return base::DataLoss("index segment has malformed directories [file=", name(),
                          " section offset=", reader.offset(), "]");
  };
  uint64_t count;
  if (!reader.GetVarint(&count) || count > reader.remaining()) return damage();
  measurements_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Measurement& measurement = measurements_[i];
    Posting posting;
    uint64_t columns;
    if (!reader.GetVarintAs(&measurement.id) || !ReadPosting(reader, &posting) ||
        !reader.GetVarint(&columns) || columns > reader.remaining() ||
        (i > 0 && measurements_[i - 1].id >= measurement.id)) {
      return damage();
    }
    measurement.series = PostingSet(posting);
    series_count_ += measurement.series.Count();
    memory_bytes_ += sizeof(Measurement) + measurement.series.memory_bytes();
    measurement.columns.resize(columns);
    for (size_t c = 0; c < columns; ++c) {
      if (!ReadColumn(reader, &measurement.columns[c]) ||
          (c > 0 && measurement.columns[c - 1].key >= measurement.columns[c].key)) {
        return damage();
      }
    }
  }
  return reader.remaining() == 0 ? absl::OkStatus() : damage();
}

const ShardSegment::Measurement* ShardSegment::FindMeasurement(MeasurementId measurement) const {
  const auto at =
      std::lower_bound(measurements_.begin(), measurements_.end(), measurement,
                       [](const Measurement& entry, MeasurementId id) { return entry.id < id; });
  return at != measurements_.end() && at->id == measurement ? &*at : nullptr;
}

const ShardSegment::Column* ShardSegment::FindColumn(MeasurementId measurement,
                                                     std::string_view tag_key) const {
  const Measurement* entry = FindMeasurement(measurement);
  if (entry == nullptr) return nullptr;
  const auto at =
      std::lower_bound(entry->columns.begin(), entry->columns.end(), tag_key,
                       [](const Column& column, std::string_view key) { return column.key < key; });
  return at != entry->columns.end() && at->key == tag_key ? &*at : nullptr;
}

void ShardSegment::AddMeasurements(std::vector<MeasurementId>* out) const {
  for (const Measurement& measurement : measurements_) out->push_back(measurement.id);
}

void ShardSegment::AddTagKeys(MeasurementId measurement, std::vector<std::string>* out) const {
  const Measurement* entry = FindMeasurement(measurement);
  if (entry == nullptr) return;
  for (const Column& column : entry->columns) out->push_back(column.key);
}

void ShardSegment::AddSeriesOf(MeasurementId measurement, SeriesSetBuilder* out) const {
  if (const Measurement* entry = FindMeasurement(measurement)) out->Add(entry->series);
}

void ShardSegment::AddHasTag(MeasurementId measurement, std::string_view tag_key,
                             SeriesSetBuilder* out) const {
  const Column* column = FindColumn(measurement, tag_key);
  if (column == nullptr) return;
  out->Add(column->all ? FindMeasurement(measurement)->series : column->has);
}

// Decodes the values of a column from one of its restarts on. Ends early at bytes that are
// malformed, which an intact file has none of.
class SegmentValueCursor : public ValueCursor {
 public:
  SegmentValueCursor(const ShardSegment& segment, const ShardSegment::Column& column,
                     uint32_t restart)
      : segment_(segment), reader_({}), left_(column.count - restart * kValuesPerRestart) {
    const auto offset = LoadFixed<uint32_t>(column.restarts.data() + size_t{restart} * 4);
    if (offset > column.values.size()) left_ = 0;
    reader_ = ByteReader(column.values.substr(std::min<size_t>(offset, column.values.size())));
  }

  bool Next() override { return ReadValue() && ReadPosting(); }
  // The two halves of Next(), for a search that skips most postings' decoding.
  bool ReadValue() {
    if (left_ == 0) return false;
    --left_;
    uint64_t shared;
    std::string_view rest;
    if (!reader_.GetVarint(&shared) || shared > value_.size() || !reader_.GetString(&rest)) {
      left_ = 0;
      return false;
    }
    value_.resize(shared);
    value_.append(rest);
    return true;
  }
  bool ReadPosting() {
    if (segment_.ReadPosting(reader_, &posting_)) return true;
    left_ = 0;
    return false;
  }
  size_t remaining() const { return reader_.remaining(); }
  uint32_t left() const { return left_; }

  std::string_view value() const override { return value_; }
  void AddTo(SeriesSetBuilder* out) const override { segment_.AddPosting(posting_, out); }
  SeriesSet Series() const override { return segment_.PostingSet(posting_); }
  bool is_single() const override { return posting_.kind == PostingKind::kSingle; }

 private:
  const ShardSegment& segment_;
  ByteReader reader_;
  uint32_t left_;  // values not read yet
  std::string value_;
  ShardSegment::Posting posting_;
};

void ShardSegment::AddEqual(MeasurementId measurement, std::string_view tag_key,
                            std::string_view value, SeriesSetBuilder* out) const {
  const Column* column = FindColumn(measurement, tag_key);
  if (column == nullptr) return;
  // The last restart whose value is not greater.
  uint32_t low = 0;
  auto high = static_cast<uint32_t>(column->restarts.size() / 4);
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    SegmentValueCursor cursor(*this, *column, middle);
    if (cursor.ReadValue() && cursor.value() <= value) {
      low = middle;
    } else {
      high = middle;
    }
  }
  SegmentValueCursor cursor(*this, *column, low);
  for (uint32_t i = 0; i < kValuesPerRestart && cursor.Next() && cursor.value() <= value; ++i) {
    if (cursor.value() == value) cursor.AddTo(out);
  }
}

std::unique_ptr<ValueCursor> ShardSegment::NewCursor(MeasurementId measurement,
                                                     std::string_view tag_key) const {
  const Column* column = FindColumn(measurement, tag_key);
  if (column == nullptr) return nullptr;
  return std::make_unique<SegmentValueCursor>(*this, *column, 0);
}

absl::Status ShardSegment::VerifyColumn(const Measurement& measurement,
                                        const Column& column) const {
  const auto damage = [&](std::string_view what) {
    return base::DataLoss("index segment ", what, " [file=", name(),
                          " measurement=", measurement.id, " tag=", column.key, "]");
  };
  SegmentValueCursor cursor(*this, column, 0);
  SeriesSetBuilder all;
  uint64_t postings = 0;
  uint32_t count = 0;
  std::string previous;
  for (; cursor.left() > 0; ++count) {
    if (count % kValuesPerRestart == 0) {
      SegmentValueCursor restart(*this, column, count / kValuesPerRestart);
      if (restart.remaining() != cursor.remaining() || !restart.ReadValue()) {
        return damage("has a restart in a wrong place");
      }
    }
    if (!cursor.Next()) return damage("has malformed values");
    if (count > 0 && cursor.value() <= previous) return damage("has values out of order");
    previous = cursor.value();
    const SeriesSet series = cursor.Series();
    if (series.empty()) return damage("has a value without series");
    postings += series.Count();
    all.Add(series);
  }
  if (count != column.count || cursor.remaining() != 0) {
    return damage("has bytes behind its values");
  }
  const SeriesSet has = all.Finish();
  if (has.Count() != postings) return damage("has a series with two values of one tag");
  if (!(has == (column.all ? measurement.series : column.has)) ||
      !has.IsSubsetOf(measurement.series)) {
    return damage("has values of series it does not hold");
  }
  return absl::OkStatus();
}

absl::Status ShardSegment::Verify() const {
  for (const Measurement& measurement : measurements_) {
    if (measurement.series.empty()) {
      return base::DataLoss("index segment has a measurement without series [file=", name(), "]");
    }
    for (const Column& column : measurement.columns) {
      RETURN_IF_ERROR(VerifyColumn(measurement, column));
    }
  }
  return absl::OkStatus();
}

std::string ShardSegment::Describe() const {
  std::string out = base::StrCat("index segment ", name(), "\n  series ", series_count_,
                                 " bitmaps ", bitmaps_, "\n");
  for (const Measurement& measurement : measurements_) {
    base::StrAppend(out, "  measurement ", measurement.id, " series ", measurement.series.Count(),
                    "\n");
    for (const Column& column : measurement.columns) {
      base::StrAppend(out, "    tag ", column.key, " values ", column.count, " bytes ",
                      column.values.size(), column.all ? " on every series" : " on some series",
                      "\n");
    }
  }
  return out;
}

}  // namespace varve::index
