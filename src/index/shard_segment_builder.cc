#include "index/shard_segment_builder.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "index/shard_segment.h"

namespace varve::index {

using base::PutFixed;
using base::PutString;
using base::PutVarint;
using model::MeasurementId;
using model::SeriesId;

namespace {

// Up to this many ids a list of gaps is no larger than a bitmap, and as quick to read.
constexpr uint64_t kListMax = 32;

class Builder {
 public:
  Builder(const std::vector<const IndexPart*>& parts, const SeriesSet& dead)
      : parts_(parts), dead_(dead), sections_(kShardSegmentFormat.sections) {}

  ShardSegmentBytes Build() {
    std::vector<MeasurementId> measurements;
    for (const IndexPart* part : parts_) part->AddMeasurements(&measurements);
    std::sort(measurements.begin(), measurements.end());
    measurements.erase(std::unique(measurements.begin(), measurements.end()), measurements.end());
    ShardSegmentBytes result;
    std::string body;
    uint64_t written = 0;
    for (const MeasurementId measurement : measurements) {
      SeriesSetBuilder builder;
      for (const IndexPart* part : parts_) part->AddSeriesOf(measurement, &builder);
      SeriesSet series = builder.Finish();
      SeriesSet dropped = series;
      dropped &= dead_;
      result.dropped |= dropped;
      series -= dropped;
      if (series.empty()) continue;
      result.series |= series;
      AddMeasurement(measurement, series, &body);
      ++written;
    }
    if (written == 0) return result;
    PutVarint(sections_[kShardMeta], written);
    sections_[kShardMeta].append(body);
    result.file = JoinSections(kShardSegmentFormat, sections_);
    return result;
  }

 private:
  void AddMeasurement(MeasurementId measurement, const SeriesSet& series, std::string* out) {
    std::vector<std::string> keys;
    for (const IndexPart* part : parts_) part->AddTagKeys(measurement, &keys);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    PutVarint(*out, measurement);
    PutPosting(series, out);
    std::string columns;
    uint64_t count = 0;
    for (const std::string& key : keys) count += AddColumn(measurement, key, series, &columns);
    PutVarint(*out, count);
    out->append(columns);
  }

  // Returns how many columns it added: none when the tag's series are all dead.
  uint64_t AddColumn(MeasurementId measurement, const std::string& key, const SeriesSet& series,
                     std::string* out) {
    std::vector<std::unique_ptr<ValueCursor>> cursors;
    SeriesSetBuilder has_builder;
    for (const IndexPart* part : parts_) {
      part->AddHasTag(measurement, key, &has_builder);
      if (auto cursor = part->NewCursor(measurement, key)) cursors.push_back(std::move(cursor));
    }
    SeriesSet has = has_builder.Finish();
    has &= series;
    if (has.empty()) return 0;

    std::string& values = sections_[kShardValues];
    const size_t values_at = values.size();
    const size_t restarts_at = sections_[kShardRestarts].size();
    const uint64_t count = AddValues(MergedCursor(std::move(cursors)));
    PutString(*out, key);
    const bool all = has == series;
    out->push_back(all ? 1 : 0);
    if (!all) PutPosting(has, out);
    PutVarint(*out, count);
    PutVarint(*out, values_at);
    PutVarint(*out, values.size() - values_at);
    PutVarint(*out, restarts_at);
    return 1;
  }

  uint64_t AddValues(MergedCursor cursor) {
    std::string& values = sections_[kShardValues];
    const size_t start = values.size();
    uint64_t count = 0;
    std::string previous;
    while (cursor.Next()) {
      SeriesSet series = cursor.Series();
      if (!dead_.empty()) series -= dead_;
      if (series.empty()) continue;
      const std::string_view value = cursor.value();
      size_t shared = 0;
      if (count % kValuesPerRestart == 0) {
        CHECK_LE(values.size() - start, size_t{0xffffffff}) << "4 GiB of values of one tag";
        PutFixed<uint32_t>(sections_[kShardRestarts], static_cast<uint32_t>(values.size() - start));
      } else {
        const size_t most = std::min(previous.size(), value.size());
        while (shared < most && previous[shared] == value[shared]) ++shared;
      }
      PutVarint(values, shared);
      PutString(values, value.substr(shared));
      PutPosting(series, &values);
      previous = value;
      ++count;
    }
    return count;
  }

  void PutPosting(const SeriesSet& series, std::string* out) {
    const auto head = [&](PostingKind kind, uint64_t number) {
      PutVarint(*out, number << 2 | static_cast<uint64_t>(kind));
    };
    const uint64_t count = series.Count();
    if (count > kListMax) {
      head(PostingKind::kBitmap, AddBitmap(series));
      return;
    }
    const std::vector<SeriesId> ids = series.ToVector();
    if (count == 1) {
      head(PostingKind::kSingle, ids[0]);
      return;
    }
    head(PostingKind::kList, count);
    SeriesId last = 0;
    for (const SeriesId id : ids) PutVarint(*out, id - std::exchange(last, id));
  }

  uint64_t AddBitmap(const SeriesSet& series) {
    roaring_bitmap_t* bits = roaring_bitmap_copy(series.bits());
    roaring_bitmap_run_optimize(bits);
    std::string& bitmaps = sections_[kShardBitmaps];
    bitmaps.resize((bitmaps.size() + kSectionAlignment - 1) / kSectionAlignment *
                   kSectionAlignment);
    const size_t offset = bitmaps.size();
    const size_t length = roaring_bitmap_frozen_size_in_bytes(bits);
    // CRoaring wants aligned memory to write to, as it does to read from.
    std::unique_ptr<char[]> aligned(new char[length + kSectionAlignment]);
    const size_t over = reinterpret_cast<uintptr_t>(aligned.get()) % kSectionAlignment;
    char* at = aligned.get() + (kSectionAlignment - over) % kSectionAlignment;
    roaring_bitmap_frozen_serialize(bits, at);
    roaring_bitmap_free(bits);
    bitmaps.append(at, length);
    std::string& places = sections_[kShardBitmapPlaces];
    PutFixed<uint64_t>(places, offset);
    PutFixed<uint64_t>(places, length);
    return places.size() / 16 - 1;
  }

  const std::vector<const IndexPart*>& parts_;
  const SeriesSet& dead_;
  std::vector<std::string> sections_;
};

}  // namespace

ShardSegmentBytes BuildShardSegment(const std::vector<const IndexPart*>& parts,
                                    const SeriesSet& dead) {
  return Builder(parts, dead).Build();
}

}  // namespace varve::index
