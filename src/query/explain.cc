// EXPLAIN and EXPLAIN ANALYZE.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/call_plan.h"
#include "query/compile.h"
#include "query/execute.h"
#include "query/join.h"
#include "query/prepare.h"
#include "query/select.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// Counts rows and drops them.
class CountingSink final : public RowSink {
 public:
  absl::Status Begin(std::string_view, const TagPairs&) override {
    ++series;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t n, const int64_t*, const model::FieldValue*) override {
    rows += n;
    return absl::OkStatus();
  }
  uint64_t series = 0;
  uint64_t rows = 0;
};

absl::Status EmitLines(const std::string& column, const std::vector<std::string>& lines,
                       ResultSink& sink) {
  SeriesHeader header;
  header.columns = {column};
  RowBatch batch;
  batch.header = &header;
  batch.new_series = true;
  batch.rows = lines.size();
  for (const std::string& line : lines) batch.cells.push_back(Cell::String(line));
  return sink.Rows(batch);
}

// What one iterator of InfluxDB would read, in its words.
void AppendIterator(const PreparedSelect& select, std::string_view expression,
                    const std::vector<VarRef>& aux, uint64_t series,
                    std::vector<std::string>* lines) {
  size_t shards = 0;
  for (const PreparedSource& source : select.sources) {
    if (source.view != nullptr) shards = std::max(shards, source.view->shard_count());
  }
  lines->push_back(base::StrCat("EXPRESSION: ", expression));
  if (!aux.empty()) {
    std::string fields;
    for (const VarRef& ref : aux) {
      base::StrAppend(fields, fields.empty() ? "" : ", ", Format(*MakeExpr(ref)));
    }
    lines->push_back(base::StrCat("AUXILIARY FIELDS: ", fields));
  }
  lines->push_back(base::StrCat("NUMBER OF SHARDS: ", shards));
  lines->push_back(base::StrCat("NUMBER OF SERIES: ", series));
  // Only running the statement tells which values it meets: EXPLAIN ANALYZE.
  for (const char* name : {"CACHED VALUES", "NUMBER OF FILES", "NUMBER OF BLOCKS"}) {
    lines->push_back(base::StrCat(name, ": 0"));
  }
  lines->push_back("SIZE OF BLOCKS: 0");
}

absl::StatusOr<std::vector<std::string>> PlanLines(const PreparedSelect& select,
                                                   QueryState& query) {
  std::vector<std::string> lines;
  for (const PreparedSource& source : select.sources) {
    std::vector<std::shared_ptr<const PreparedSelect>> parts;
    if (source.subquery != nullptr) parts = {source.subquery};
    if (source.join != nullptr) parts = source.join->sides;
    for (const auto& part : parts) {
      ASSIGN_OR_RETURN(std::vector<std::string> inner, PlanLines(*part, query));
      if (!lines.empty()) lines.push_back("");
      lines.insert(lines.end(), inner.begin(), inner.end());
    }
    if (source.join != nullptr) {
      if (!lines.empty()) lines.push_back("");
      lines.push_back(DescribeJoin(*source.join->join));
    }
  }
  uint64_t series = 0;
  bool measurements = false;
  for (const PreparedSource& source : select.sources) {
    if (source.view == nullptr) continue;
    measurements = true;
    series += MakeViewSource(source.view, source.measurement, select.statement.condition, {})
                  ->series_count();
  }
  if (!measurements) {
    for (std::string& line : DescribeShape(select)) lines.push_back(std::move(line));
    return lines;
  }
  ASSIGN_OR_RETURN(SelectPlan plan, PlanCalls(select));
  std::sort(plan.aux.begin(), plan.aux.end(),
            [](const VarRef& a, const VarRef& b) { return a.name < b.name; });
  if (plan.calls.empty()) {
    if (!lines.empty()) lines.push_back("");
    AppendIterator(select, "<nil>", plan.aux, series, &lines);
  }
  for (const CallPlan& call : plan.calls) {
    if (!lines.empty()) lines.push_back("");
    AppendIterator(select, call.key, plan.aux, series, &lines);
  }
  for (std::string& line : DescribeShape(select)) lines.push_back(std::move(line));
  return lines;
}

absl::Status Analyze(const PreparedSelect& select, QueryState& query, int64_t started_ns,
                     ResultSink& sink) {
  base::Env& env = *query.context().environment->env;
  const int64_t planned_ns = env.MonotonicNs();
  CountingSink counted;
  RETURN_IF_ERROR(ExecuteSelect(select, Surroundings{}, query, counted));
  const int64_t ended_ns = env.MonotonicNs();
  const SelectCounters counters = query.counters();
  const std::vector<std::string> lines = {
      "select",
      base::StrCat("├── statement: ", Format(select.statement)),
      base::StrCat("├── planning_time: ", (planned_ns - started_ns) / 1000, "us"),
      base::StrCat("├── execution_time: ", (ended_ns - planned_ns) / 1000, "us"),
      base::StrCat("├── total_time: ", (ended_ns - started_ns) / 1000, "us"),
      "├── read",
      base::StrCat("│   ├── series: ", counters.series),
      base::StrCat("│   ├── rows: ", counters.rows_scanned),
      base::StrCat("│   ├── blocks_decoded: ", counters.blocks_decoded),
      base::StrCat("│   └── blocks_from_statistics: ", counters.blocks_from_statistics),
      "└── answer",
      base::StrCat("    ├── series: ", counted.series),
      base::StrCat("    └── rows: ", counted.rows),
  };
  return EmitLines("EXPLAIN ANALYZE", lines, sink);
}

}  // namespace

absl::Status ExplainSelect(const SelectStatement& statement, const SelectContext& context,
                           bool analyze, ResultSink& sink) {
  const int64_t started_ns = context.environment->env->MonotonicNs();
  ASSIGN_OR_RETURN(const auto compiled, CompileSelect(statement, context.now_ns));
  QueryState query(context);
  ASSIGN_OR_RETURN(const auto prepared, PrepareSelect(compiled, query));
  if (analyze) return Analyze(*prepared, query, started_ns, sink);
  ASSIGN_OR_RETURN(std::vector<std::string> lines, PlanLines(*prepared, query));
  if (lines.empty()) lines.push_back("");
  return EmitLines("QUERY PLAN", lines, sink);
}

}  // namespace varve::query
