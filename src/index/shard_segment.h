// An immutable part of a shard's index, used straight from the mapped file.
//
// For each measurement its series, and for each of its tag keys the values in ascending order,
// front-coded, each with its postings in place: one id, a short list of gaps, or the number of a
// frozen Roaring bitmap. Bytes: docs/format.md, "Shard index".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "index/index_part.h"
#include "index/section_file.h"
#include "model/types.h"

namespace varve::index {

inline constexpr SectionFormat kShardSegmentFormat{.magic = "VSHI", .version = 1, .sections = 5};
enum ShardSection : size_t {
  kShardMeta = 0,
  kShardValues = 1,
  kShardRestarts = 2,
  kShardBitmapPlaces = 3,
  kShardBitmaps = 4,
};

inline constexpr uint32_t kValuesPerRestart = 16;

// The low two bits of a posting's first varint; the rest is what the comment says.
enum class PostingKind : uint8_t {
  kSingle = 0,  // the id
  kList = 1,    // how many; the ids follow as varints: the first, then the gaps
  kBitmap = 2,  // which bitmap
};

// Thread safety: immutable; any thread.
class ShardSegment : public IndexPart {
 public:
  // Opens and checks all bytes, the directories and the bitmaps.
  static absl::StatusOr<std::shared_ptr<const ShardSegment>> Open(SectionFile file);

  void AddMeasurements(std::vector<model::MeasurementId>* out) const override;
  void AddTagKeys(model::MeasurementId measurement, std::vector<std::string>* out) const override;
  void AddSeriesOf(model::MeasurementId measurement, SeriesSetBuilder* out) const override;
  void AddHasTag(model::MeasurementId measurement, std::string_view tag_key,
                 SeriesSetBuilder* out) const override;
  void AddEqual(model::MeasurementId measurement, std::string_view tag_key, std::string_view value,
                SeriesSetBuilder* out) const override;
  std::unique_ptr<ValueCursor> NewCursor(model::MeasurementId measurement,
                                         std::string_view tag_key) const override;

  uint64_t series_count() const { return series_count_; }

  // Decodes everything: values ascend, their series are the measurement's, no series has two values
  // of one tag. DATA_LOSS names what is wrong.
  absl::Status Verify() const;

  uint64_t file_bytes() const { return file_.file_bytes(); }
  uint64_t memory_bytes() const { return memory_bytes_; }
  const std::string& name() const { return file_.name(); }
  std::string Describe() const;

 private:
  // Its cursor reads the same private bytes.
  friend class SegmentValueCursor;
  struct Posting {
    PostingKind kind = PostingKind::kSingle;
    uint64_t number = 0;    // the id, the count, or the bitmap
    std::string_view gaps;  // kList: begins at the first varint; ends no earlier than theirs
  };
  struct Column {
    std::string key;
    bool all = false;  // every series of the measurement has the tag
    SeriesSet has;     // else those that do
    std::string_view values;
    std::string_view restarts;  // u32 each, into values
    uint32_t count = 0;
  };
  struct Measurement {
    model::MeasurementId id = 0;
    SeriesSet series;
    std::vector<Column> columns;  // by key
  };

  explicit ShardSegment(SectionFile file) : file_(std::move(file)) {}
  absl::Status CheckBitmaps();
  absl::Status ReadMeta();
  bool ReadColumn(base::ByteReader& reader, Column* column);
  const Measurement* FindMeasurement(model::MeasurementId measurement) const;
  const Column* FindColumn(model::MeasurementId measurement, std::string_view tag_key) const;
  // Reads a posting and passes over it.
  bool ReadPosting(base::ByteReader& reader, Posting* posting) const;
  void AddPosting(const Posting& posting, SeriesSetBuilder* out) const;
  SeriesSet PostingSet(const Posting& posting) const;
  std::string_view Bitmap(uint64_t number) const;
  absl::Status VerifyColumn(const Measurement& measurement, const Column& column) const;

  SectionFile file_;
  std::vector<Measurement> measurements_;  // by id
  uint64_t bitmaps_ = 0;
  uint64_t series_count_ = 0;
  uint64_t memory_bytes_ = 0;
};

}  // namespace varve::index
