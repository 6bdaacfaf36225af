// Runs a prepared SELECT: sources to groups of series, groups to rows.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "query/prepare.h"
#include "query/row_source.h"

namespace varve::query {

using TagPairs = std::vector<std::pair<std::string, std::string>>;

// Takes the rows of an answer, series after series. One thread at a time.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // The rows that follow belong to this series. Not called for a series without rows.
  virtual absl::Status Begin(std::string_view name, const TagPairs& tags) = 0;
  // The rows that follow belong to the n-th series begun, from 0: only of a statement within
  // another, whose rows are one stream for the outer one.
  virtual absl::Status Resume(size_t series);
  // `values`: row by row, one per column without time; borrowed for this call.
  virtual absl::Status Rows(size_t rows, const int64_t* times, const model::FieldValue* values) = 0;
  // As Rows(), where it is known which stored series each row is of: as in ValueBatch.
  virtual absl::Status MemberRows(size_t rows, const int64_t* times,
                                  const model::FieldValue* values, const uint32_t* members,
                                  std::span<const uint8_t> fixed);
  // True when more rows of the series that was begun would be dropped; they need not be computed.
  virtual bool SeriesIsFull() const { return false; }
};

// A statement within the one around it: what it inherits.
struct Surroundings {
  std::vector<std::string> dimensions;  // by which the outer statement groups
  int64_t slimit = 0;
  int64_t soffset = 0;
  // By which the outermost statement groups; null: this is that one.
  const std::vector<std::string>* final_dimensions = nullptr;
};

absl::Status ExecuteSelect(const PreparedSelect& select, const Surroundings& around,
                           QueryState& query, RowSink& sink);

// --- Between the operators

struct GroupMember {
  uint32_t source = 0;
  uint32_t series = 0;
};
// The series that share a name and the values of the grouping tags. There may be as many groups as
// series, so one takes a few words and borrows the rest from its GroupedSources.
struct Group {
  std::string_view name;
  std::string_view tags;  // the values, encoded; see TagsOf()
  std::span<const GroupMember> members;
};
// Everything a statement reads, grouped, groups in the order of the answer.
struct GroupedSources {
  std::vector<std::unique_ptr<RowSource>> sources;
  // Of each source: which source of the statement it is of. Several of one do not overlap in time.
  std::vector<uint32_t> statement_sources;
  std::vector<std::string> dimensions;  // ascending, each once
  std::vector<Group> groups;
  // Groups that are one series to the outermost statement, whose rows InfluxDB hands on as one
  // stream, in the order of that statement. Empty: each group is a stream of its own.
  std::vector<std::vector<uint32_t>> streams;
  bool outermost = true;  // of a statement that is not within another

  std::vector<GroupMember> members;  // of all groups, one group after another
  TextArena texts;
  std::unique_ptr<MemoryUse> memory;  // what the above is counted for

  TagPairs TagsOf(const Group& group) const;
};
absl::StatusOr<GroupedSources> GroupSources(const PreparedSelect& select,
                                            const Surroundings& around, QueryState& query);

// SELECT of fields and tags: rows as they are.
absl::Status ExecuteRaw(const PreparedSelect& select, const GroupedSources& grouped,
                        QueryState& query, RowSink& sink);
// SELECT with calls.
absl::Status ExecuteCalls(const PreparedSelect& select, const GroupedSources& grouped,
                          QueryState& query, RowSink& sink);

// The value of fill(n) as a column of type `type` shows it.
model::FieldValue FillValueFor(const SelectStatement& statement, DataType type);

}  // namespace varve::query
