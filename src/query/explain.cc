// EXPLAIN and EXPLAIN ANALYZE.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/call_plan.h"
#include "query/compile.h"
#include "query/execute.h"
#include "query/explain_plan.h"
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

// The sources of a statement that are measurements, with the series its condition leaves.
std::vector<std::unique_ptr<RowSource>> SourcesOf(const PreparedSelect& select) {
  std::vector<std::unique_ptr<RowSource>> sources;
  for (const PreparedSource& source : select.sources) {
    if (source.view == nullptr) continue;
    sources.push_back(
        MakeViewSource(source.view, source.measurement, select.statement.condition, {}));
  }
  return sources;
}

// What one iterator of InfluxDB would read, in its words.
absl::Status AppendIterator(const PreparedSelect& select,
                            const std::vector<std::unique_ptr<RowSource>>& sources,
                            const CallPlan* call, const std::vector<VarRef>& aux,
                            std::vector<std::string>* lines) {
  size_t shards = 0;
  for (const PreparedSource& source : select.sources) {
    if (source.view != nullptr) shards = std::max(shards, source.view->shard_count());
  }
  if (!lines->empty()) lines->push_back("");
  lines->push_back(base::StrCat("EXPRESSION: ", call != nullptr ? call->key : "<nil>"));
  if (!aux.empty()) {
    std::string fields;
    for (const VarRef& ref : aux) {
      base::StrAppend(fields, fields.empty() ? "" : ", ", Format(*MakeExpr(ref)));
    }
    lines->push_back(base::StrCat("AUXILIARY FIELDS: ", fields));
  }
  std::vector<VarRef> columns = aux;
  if (call != nullptr) columns.push_back(call->leaf.field);
  const model::TimeRange range = call != nullptr ? call->leaf.range : select.range;
  uint64_t series = 0;
  engine::ReadCost cost;
  for (const auto& source : sources) {
    series += source->series_count();
    ASSIGN_OR_RETURN(const engine::ReadCost one, source->Cost(columns, range));
    cost.cached_values += one.cached_values;
    cost.files += one.files;
    cost.blocks += one.blocks;
    cost.block_bytes += one.block_bytes;
  }
  lines->push_back(base::StrCat("NUMBER OF SHARDS: ", shards));
  lines->push_back(base::StrCat("NUMBER OF SERIES: ", series));
  lines->push_back(base::StrCat("CACHED VALUES: ", cost.cached_values));
  lines->push_back(base::StrCat("NUMBER OF FILES: ", cost.files));
  lines->push_back(base::StrCat("NUMBER OF BLOCKS: ", cost.blocks));
  lines->push_back(base::StrCat("SIZE OF BLOCKS: ", cost.block_bytes));
  return absl::OkStatus();
}

absl::StatusOr<SelectPlan> PlanOf(const PreparedSelect& select) {
  ASSIGN_OR_RETURN(SelectPlan plan, PlanCalls(select));
  std::sort(plan.aux.begin(), plan.aux.end(),
            [](const VarRef& a, const VarRef& b) { return a.name < b.name; });
  return plan;
}

absl::Status AppendPlan(const PreparedSelect& select, bool verbose,
                        std::vector<std::string>* lines) {
  for (const PreparedSource& source : select.sources) {
    if (source.subquery != nullptr) {
      RETURN_IF_ERROR(AppendPlan(*source.subquery, verbose, lines));
    }
    if (source.join == nullptr) continue;
    for (const auto& side : source.join->sides) {
      RETURN_IF_ERROR(AppendPlan(*side, verbose, lines));
    }
    if (!lines->empty()) lines->push_back("");
    lines->push_back(DescribeJoin(*source.join->join));
  }
  const auto sources = SourcesOf(select);
  if (sources.empty()) {
    for (std::string& line : DescribeShape(select)) lines->push_back(std::move(line));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const SelectPlan plan, PlanOf(select));
  if (plan.calls.empty()) {
    RETURN_IF_ERROR(AppendIterator(select, sources, nullptr, plan.aux, lines));
  }
  for (const CallPlan& call : plan.calls) {
    RETURN_IF_ERROR(AppendIterator(select, sources, &call, plan.aux, lines));
  }
  for (std::string& line : DescribeShape(select)) lines->push_back(std::move(line));
  if (!verbose) return absl::OkStatus();
  lines->push_back("");
  for (std::string& line : DescribePlan(select, plan)) lines->push_back(std::move(line));
  return absl::OkStatus();
}

// A branch of the tree that EXPLAIN ANALYZE prints, behind which others follow.
void AppendBranch(std::string_view name, const std::vector<std::string>& leaves,
                  std::vector<std::string>* lines) {
  lines->push_back(base::StrCat("├── ", name));
  for (size_t i = 0; i < leaves.size(); ++i) {
    lines->push_back(base::StrCat("│   ", i + 1 < leaves.size() ? "├── " : "└── ", leaves[i]));
  }
}

std::vector<std::string> OperatorLines(const StageLog& log, const SelectCounters& counters) {
  struct Name {
    Stage stage;
    std::string_view text, rows;
  };
  static constexpr Name kNames[] = {{Stage::kGroup, "group", "groups"},
                                    {Stage::kScan, "scan", ""},
                                    {Stage::kMerge, "merge", "rows"},
                                    {Stage::kTransform, "transform", "points"},
                                    {Stage::kEmit, "emit", "rows"}};
  std::vector<std::string> lines;
  for (const Name& name : kNames) {
    const StageCost& cost = log.cost(name.stage);
    if (!cost.used) continue;
    std::string line = base::StrCat(name.text, ": time: ", cost.ns / 1000, "us");
    if (!name.rows.empty()) base::StrAppend(line, ", ", name.rows, ": ", cost.rows);
    // Whoever reads: the scan where there are windows, else the merge.
    if (name.stage == Stage::kScan ||
        (name.stage == Stage::kMerge && !log.cost(Stage::kScan).used)) {
      base::StrAppend(line, ", rows read: ", counters.rows_scanned,
                      ", blocks: ", counters.blocks_decoded, ", bytes: ", counters.block_bytes,
                      ", blocks from statistics: ", counters.blocks_from_statistics,
                      ", hours from rollups: ", counters.hours_from_rollups,
                      ", blocks left out: ", counters.blocks_left_out);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

absl::Status Analyze(const PreparedSelect& select, QueryState& query, int64_t started_ns,
                     ResultSink& sink) {
  base::Env& env = *query.context().environment->env;
  const int64_t planned_ns = env.MonotonicNs();
  StageLog log(env);
  query.SetStages(&log);
  CountingSink counted;
  RETURN_IF_ERROR(ExecuteSelect(select, Surroundings{}, query, counted));
  query.SetStages(nullptr);
  const int64_t ended_ns = env.MonotonicNs();
  const SelectCounters counters = query.counters();
  ASSIGN_OR_RETURN(const SelectPlan plan, PlanOf(select));
  std::vector<std::string> lines = {
      "select", base::StrCat("├── statement: ", Format(select.statement)),
      base::StrCat("├── planning_time: ", (planned_ns - started_ns) / 1000, "us"),
      base::StrCat("├── execution_time: ", (ended_ns - planned_ns) / 1000, "us"),
      base::StrCat("├── total_time: ", (ended_ns - started_ns) / 1000, "us")};
  AppendBranch("plan", DescribePlan(select, plan), &lines);
  AppendBranch("operators", OperatorLines(log, counters), &lines);
  AppendBranch(
      "read",
      {base::StrCat("series: ", counters.series), base::StrCat("rows: ", counters.rows_scanned),
       base::StrCat("blocks_decoded: ", counters.blocks_decoded),
       base::StrCat("blocks_from_statistics: ", counters.blocks_from_statistics),
       base::StrCat("hours_from_rollups: ", counters.hours_from_rollups),
       base::StrCat("blocks_left_out: ", counters.blocks_left_out)},
      &lines);
  lines.push_back("└── answer");
  lines.push_back(base::StrCat("    ├── series: ", counted.series));
  lines.push_back(base::StrCat("    └── rows: ", counted.rows));
  return EmitLines("EXPLAIN ANALYZE", lines, sink);
}

}  // namespace

absl::Status ExplainSelect(const Explain& explain, const SelectContext& context, ResultSink& sink) {
  const int64_t started_ns = context.environment->env->MonotonicNs();
  ASSIGN_OR_RETURN(const auto compiled, CompileSelect(*explain.statement, context.now_ns));
  QueryState query(context);
  ASSIGN_OR_RETURN(const auto prepared, PrepareSelect(compiled, query));
  if (explain.analyze) return Analyze(*prepared, query, started_ns, sink);
  std::vector<std::string> lines;
  RETURN_IF_ERROR(AppendPlan(*prepared, explain.verbose, &lines));
  if (lines.empty()) lines.push_back("");
  return EmitLines("QUERY PLAN", lines, sink);
}

}  // namespace varve::query
