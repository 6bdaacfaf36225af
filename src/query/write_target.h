// SELECT ... INTO: rows of an answer become points of another measurement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/store.h"
#include "query/execute.h"

namespace varve::query {

// Writes rows through Store::WritePoints, some thousand at a time.
class TargetSink final : public RowSink {
 public:
  // `columns`: of the answer, without time. `tag_columns`: further values behind each row's columns
  // that are written as tags.
  TargetSink(const Measurement& target, PolicyName policy, std::vector<std::string> columns,
             std::vector<std::string> tag_columns, QueryState& query);

  absl::Status Begin(std::string_view name, const TagPairs& tags) override;
  absl::Status Rows(size_t rows, const int64_t* times, const model::FieldValue* values) override;
  // Writes what is left.
  absl::Status Finish();
  // Points written so far, those without any value included, as InfluxDB counts.
  uint64_t written() const { return written_; }

 private:
  absl::Status Flush();

  std::string measurement_;  // empty: the name of the source
  PolicyName policy_;
  std::vector<std::string> columns_;
  std::vector<std::string> tag_columns_;
  QueryState& query_;
  std::string name_;
  TagPairs tags_;
  std::string series_key_;
  std::vector<engine::Point> points_;
  TextArena texts_;
  uint64_t written_ = 0;
};

}  // namespace varve::query
