#include "query/select.h"

#include <utility>

#include "base/status.h"
#include "query/call_plan.h"
#include "query/compile.h"
#include "query/execute.h"
#include "query/prepare.h"
#include "query/write_target.h"

namespace varve::query {
namespace {

Cell CellOf(const model::FieldValue& value) {
  switch (value.type()) {
    case model::FieldType::kFloat:
      return Cell::Float(value.as_float());
    case model::FieldType::kInteger:
      return Cell::Integer(value.as_integer());
    case model::FieldType::kUnsigned:
      return Cell::Unsigned(value.as_unsigned());
    case model::FieldType::kBoolean:
      return Cell::Boolean(value.as_boolean());
    case model::FieldType::kString:
      return Cell::String(value.as_string());
    default:
      return Cell::Null();
  }
}

// Rows of the outermost statement, on their way to the client.
class AnswerSink final : public RowSink {
 public:
  AnswerSink(const PreparedSelect& select, QueryState& query, ResultSink& sink)
      : query_(query), sink_(sink), values_(sink.value_sink()) {
    header_.columns = select.columns;
    header_.location = select.statement.location;
  }

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    header_.name = name;
    header_.tags = tags;
    new_series_ = true;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t rows, const int64_t* times, const model::FieldValue* values) override {
    return MemberRows(rows, times, values, nullptr, {});
  }
  absl::Status MemberRows(size_t rows, const int64_t* times, const model::FieldValue* values,
                          const uint32_t* members, std::span<const uint8_t> fixed) override {
    query_.AddRowsReturned(rows);
    if (values_ != nullptr) {
      return values_->Values(
          {&header_, std::exchange(new_series_, false), rows, times, values, members, fixed});
    }
    const size_t width = header_.columns.size() - 1;
    batch_.header = &header_;
    batch_.new_series = std::exchange(new_series_, false);
    batch_.rows = rows;
    batch_.cells.resize(rows * (width + 1));
    Cell* to = batch_.cells.data();
    for (size_t row = 0; row < rows; ++row) {
      *to++ = Cell::Time(times[row]);
      for (size_t i = 0; i < width; ++i) *to++ = CellOf(*values++);
    }
    return sink_.Rows(batch_);
  }

 private:
  QueryState& query_;
  ResultSink& sink_;
  ValueSink* const values_;
  SeriesHeader header_;
  RowBatch batch_;
  bool new_series_ = false;
};

absl::Status RunInto(const PreparedSelect& select, QueryState& query, ResultSink& sink) {
  query.GiveBackThread();
  const Measurement& target = *select.statement.target;
  ASSIGN_OR_RETURN(const PolicyName policy, query.Resolve(target));
  std::vector<std::string> tag_columns;
  if (select.compiled->has_calls) {
    ASSIGN_OR_RETURN(const SelectPlan plan, PlanCalls(select));
    tag_columns = plan.written_tags;
  }
  TargetSink writer(target, policy, {select.columns.begin() + 1, select.columns.end()},
                    std::move(tag_columns), query);
  RETURN_IF_ERROR(ExecuteSelect(select, Surroundings{}, query, writer));
  RETURN_IF_ERROR(writer.Finish());
  SeriesHeader header;
  header.name = "result";
  header.columns = {"time", "written"};
  RowBatch batch;
  batch.header = &header;
  batch.new_series = true;
  batch.rows = 1;
  batch.cells = {Cell::Time(0), Cell::Integer(static_cast<int64_t>(writer.written()))};
  return sink.Rows(batch);
}

}  // namespace

absl::Status CheckSelect(const SelectStatement& statement, int64_t now_ns) {
  return CompileSelect(statement, now_ns).status();
}

absl::Status RunSelect(const SelectStatement& statement, const SelectContext& context,
                       ResultSink& sink) {
  ASSIGN_OR_RETURN(const auto compiled, CompileSelect(statement, context.now_ns));
  QueryState query(context);
  ASSIGN_OR_RETURN(const auto prepared, PrepareSelect(compiled, query));
  absl::Status status;
  if (prepared->statement.target.has_value()) {
    status = RunInto(*prepared, query, sink);
  } else {
    AnswerSink answer(*prepared, query, sink);
    status = ExecuteSelect(*prepared, Surroundings{}, query, answer);
  }
  query.PublishCounters();
  return status;
}

}  // namespace varve::query
