// Encodes a run of the series dictionary. See series_segment.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "index/key_split.h"
#include "index/segment_column.h"
#include "index/series_segment.h"
#include "model/types.h"

namespace varve::index {

// One thread at a time. Holds what SegmentColumn does, and 4 bytes a tag of each series.
class SeriesSegmentBuilder {
 public:
  // `first_series`: what a segment that stays without series says of its place.
  SeriesSegmentBuilder(model::SeriesId first_series, model::MeasurementId first_measurement,
                       model::FieldId first_field);

  void AddMeasurement(std::string_view name);
  void AddField(model::MeasurementId measurement, std::string_view name);
  // Adds the next series, up to kSegmentSeriesMax; ids ascend from `first_series`, with gaps where
  // series are missing. `key` is any byte string, distinct from the others.
  void AddSeries(model::SeriesId series, model::MeasurementId measurement, std::string_view key);
  uint32_t series_count() const { return static_cast<uint32_t>(hashes_.size()); }

  // The bytes of the file. The builder is spent.
  std::string Finish();

 private:
  struct Template {
    model::MeasurementId measurement;
    std::string literal;
    std::vector<uint32_t> columns;
    bool has_raw = false;
  };

  uint32_t FindTemplate(model::MeasurementId measurement, std::string_view literal,
                        const std::vector<RawTag>& tags);
  bool IsTemplate(const Template& entry, model::MeasurementId measurement, std::string_view literal,
                  const std::vector<RawTag>& tags) const;
  uint32_t FindColumn(std::string_view literal);
  std::string EncodeMeta();
  void EncodeText(std::string* text, std::string* ends);
  void EncodeRecords(std::string* blocks, std::string* records);
  void EncodeHash(std::string* buckets, std::string* entries);
  std::string EncodeRuns() const;

  struct Run {
    model::SeriesId first;
    uint32_t index;
  };

  model::SeriesId first_series_;
  model::SeriesId next_series_;  // greater than the last one added
  std::vector<Run> runs_;
  const model::MeasurementId first_measurement_;
  const model::FieldId first_field_;
  std::vector<std::string> measurements_;
  std::vector<std::pair<model::MeasurementId, std::string>> fields_;
  std::vector<std::unique_ptr<SegmentColumn>> columns_;  // of one tag key each, over all templates
  base::StringMap<uint32_t> column_ids_;
  std::vector<Template> templates_;
  base::StringMap<uint32_t> template_ids_;
  uint32_t last_template_ = 0;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> codes_;  // of each series: its template, then its values' codes
  std::vector<RawTag> tags_;
  uint32_t entries_ = 0;
};

}  // namespace varve::index
