// An immutable part of the series dictionary: keys of ascending ids, readable at random, and a hash
// table over them, all used straight from the mapped file. The ids are one run, or several where
// series between them were forgotten before the segment was written.
//
// A key is a short record: its template (measurement and tag keys) and, packed in bits, for each
// tag the dictionary entry of its value or the numbers in it. A record is found by its id within a
// block of 16, and read without decoding its neighbours' values.
// Bytes: docs/format.md, "Series segment".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "index/section_file.h"
#include "index/series_table.h"
#include "model/types.h"

namespace varve::index {

inline constexpr uint32_t kSegmentSeriesMax = 4u << 20;
inline constexpr uint32_t kSeriesPerBlock = 16;
inline constexpr size_t kRecordPadding = 8;  // so that a bit reader may read whole words

// Version 2 has its ids in several runs; one run is written as version 1.
inline constexpr SectionFormat kSeriesSegmentFormats[] = {
    {.magic = "VSER", .version = 1, .sections = 7}, {.magic = "VSER", .version = 2, .sections = 8}};
enum SeriesSection : size_t {
  kSeriesMeta = 0,
  kSeriesText = 1,
  kSeriesTextEnds = 2,
  kSeriesBlocks = 3,
  kSeriesRecords = 4,
  kSeriesBuckets = 5,
  kSeriesEntries = 6,
  kSeriesRuns = 7,
};

// How the values of one tag key are stored; the numbers are written to disk.
enum class ValueCoding : uint8_t {
  kDictionary = 1,  // an entry of the dictionary
  kNumbers = 2,     // an entry, which is a pattern (number_pattern.h), and its numbers
  kRaw = 3,         // the bytes themselves, in the record
};

// Thread safety: immutable; any thread.
class SeriesSegment {
 public:
  // Opens and checks all bytes and the directories. DATA_LOSS, FAILED_PRECONDITION: see
  // SectionFile.
  static absl::StatusOr<std::shared_ptr<const SeriesSegment>> Open(SectionFile file);

  // The least id, or, without series, one that no part before has.
  model::SeriesId first_series() const { return first_series_; }
  // Behind the greatest id.
  model::SeriesId end_series() const { return end_series_; }
  uint32_t series_count() const { return series_count_; }
  // Series are counted through by an index, from 0 to series_count() - 1, ascending by id.
  model::SeriesId IdAt(uint32_t index) const;
  // False when the segment does not have the series.
  bool IndexOf(model::SeriesId series, uint32_t* index) const;
  model::MeasurementId first_measurement() const { return first_measurement_; }
  const std::vector<std::string>& measurements() const { return measurements_; }
  model::FieldId first_field() const { return first_field_; }
  const std::vector<std::pair<model::MeasurementId, std::string>>& fields() const {
    return fields_;
  }

  // Looks up canonical key bytes; `hash` is BytesTable::Hash of them. `scratch` is overwritten.
  bool Find(std::string_view key, uint64_t hash, std::string* scratch, SeriesRef* ref,
            uint32_t* index) const;
  // As BytesTable::Prefetch().
  static constexpr int kPrefetchStages = 4;
  void Prefetch(uint64_t hash, int stage) const;
  // The key of a series of the segment, into `key` (replaced). kNoId, and an empty key, when it is
  // none, or the file's maker was broken: see Verify().
  model::MeasurementId KeyOf(model::SeriesId series, std::string* key) const;
  model::MeasurementId MeasurementOf(model::SeriesId series) const;

  // Decodes everything and looks every key up. DATA_LOSS names what is wrong.
  absl::Status Verify() const;

  uint64_t file_bytes() const { return file_.file_bytes(); }
  uint64_t memory_bytes() const { return memory_bytes_; }
  const std::string& name() const { return file_.name(); }
  // For people: the directories in words.
  std::string Describe() const;

 private:
  struct NumberRange {
    uint64_t min = 0;
    unsigned bits = 0;
  };
  struct Column {
    std::string literal;  // what stands before the value: ",host="
    ValueCoding coding = ValueCoding::kRaw;
    uint32_t first_entry = 0;
    uint32_t entries = 0;
    unsigned entry_bits = 0;
    std::vector<NumberRange> numbers;
    unsigned bits() const;
  };
  struct Template {
    model::MeasurementId measurement = model::kNoId;
    std::string literal;  // the escaped measurement
    std::vector<uint32_t> columns;
    size_t packed_bytes = 0;  // of the bits
    bool has_raw = false;
  };

  explicit SeriesSegment(SectionFile file) : file_(std::move(file)) {}
  absl::Status ReadMeta();
  bool ReadColumn(base::ByteReader& reader, Column* column);
  bool ReadTemplate(base::ByteReader& reader, Template* entry);
  absl::Status CheckSizes();
  absl::Status CheckRuns();
  // The run of `runs_` that holds the index, or the last that begins at or below the id.
  uint32_t RunOfIndex(uint32_t index) const;
  uint32_t RunOfId(model::SeriesId series) const;
  model::SeriesId RunFirst(uint32_t run) const;
  uint32_t RunIndex(uint32_t run) const;  // of its first series; series_count_ behind the last
  // Bytes of the record at `at`: its template, where its packed bits begin, where it ends. False
  // when it does not lie within the section.
  struct RecordPlace {
    const Template* shape = nullptr;
    const char* bits = nullptr;
    const char* raw = nullptr;
    const char* end = nullptr;
  };
  bool ReadPlace(const char* at, RecordPlace* place) const;
  bool FindRecord(uint32_t index, RecordPlace* place) const;
  bool Decode(const RecordPlace& place, std::string* key) const;
  std::string_view Entry(uint32_t entry) const;

  SectionFile file_;
  model::SeriesId first_series_ = 0;
  model::SeriesId end_series_ = 0;
  uint32_t series_count_ = 0;
  uint32_t runs_ = 0;  // in the section of runs; 0: all ids are one run, as in version 1
  model::MeasurementId first_measurement_ = 0;
  std::vector<std::string> measurements_;
  model::FieldId first_field_ = 0;
  std::vector<std::pair<model::MeasurementId, std::string>> fields_;
  std::vector<Column> columns_;
  std::vector<Template> templates_;
  uint32_t entries_ = 0;       // in the text dictionary
  unsigned bucket_shift_ = 0;  // hash >> shift is the bucket
  uint32_t buckets_ = 0;
  const char* records_end_ = nullptr;  // without the padding
  uint64_t memory_bytes_ = 0;
};

}  // namespace varve::index
