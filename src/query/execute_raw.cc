// SELECT of fields and tags.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/status.h"
#include "query/condition.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/merge_rows.h"
#include "query/shape.h"

namespace varve::query {
namespace {

using model::FieldValue;

void CollectRefs(const Expr& expr, std::vector<VarRef>* refs) {
  if (const auto* ref = expr.As<VarRef>()) {
    refs->push_back(*ref);
  } else if (const auto* binary = expr.As<BinaryExpr>()) {
    CollectRefs(*binary->left, refs);
    CollectRefs(*binary->right, refs);
  } else if (const auto* paren = expr.As<ParenExpr>()) {
    CollectRefs(*paren->inner, refs);
  } else if (const auto* call = expr.As<Call>()) {
    for (const ExprPtr& arg : call->args) CollectRefs(*arg, refs);
  } else if (expr.As<TimePart>()) {
    refs->push_back(*RowTime()->As<VarRef>());
  }
}

bool SameRef(const VarRef& a, const VarRef& b) { return a.name == b.name && a.type == b.type; }

// What the fields read, in the order that breaks ties between rows.
std::vector<VarRef> InputColumns(const SelectStatement& statement,
                                 const std::vector<ExprPtr>& hidden) {
  std::vector<VarRef> refs;
  for (const SelectField& field : statement.fields) CollectRefs(*field.expr, &refs);
  for (const ExprPtr& expr : hidden) CollectRefs(*expr, &refs);
  std::sort(refs.begin(), refs.end(), [](const VarRef& a, const VarRef& b) {
    return a.name != b.name ? a.name < b.name : a.type < b.type;
  });
  refs.erase(std::unique(refs.begin(), refs.end(), SameRef), refs.end());
  return refs;
}

// Turns input rows into rows of the answer.
class Projection {
 public:
  Projection(const SelectStatement& statement, const std::vector<ExprPtr>& hidden,
             const std::vector<VarRef>& inputs)
      : previous_(statement.fill == FillOption::kPrevious),
        age_max_(statement.fill_max_ns),
        inputs_(inputs.size()) {
    const auto add = [&](const Expr& field) {
      fields_.push_back(RowExpression::Bind(field, [&](const Expr& expr) {
        const auto* ref = expr.As<VarRef>();
        if (ref == nullptr) return -1;
        for (size_t i = 0; i < inputs.size(); ++i) {
          if (SameRef(inputs[i], *ref)) return static_cast<int>(i);
        }
        return -1;
      }));
      plain_ = plain_ && fields_.back().column() >= 0;
    };
    for (const SelectField& field : statement.fields) add(*field.expr);
    for (const ExprPtr& expr : hidden) add(*expr);
    for (const VarRef& input : inputs) fill_.push_back(FillValueFor(statement, input.type));
    fills_ = previous_ || statement.fill == FillOption::kNumber;
  }

  void NewSeries() {
    kept_.assign(inputs_, FieldValue());
    kept_times_.assign(inputs_, 0);
  }

  // `block`, as input columns, becomes values_: rows * fields.
  const FieldValue* Project(const RowBlock& block) {
    out_.resize(block.rows * fields_.size());
    if (previous_) texts_ = KeepTexts();
    FieldValue* to = out_.data();
    for (size_t row = 0; row < block.rows; ++row) {
      std::span<const FieldValue> values{block.values + row * inputs_, inputs_};
      if (fills_) values = Fill(block.times[row], values);
      for (const RowExpression& field : fields_) {
        *to++ = plain_ ? values[static_cast<size_t>(field.column())] : field.Evaluate(values);
      }
    }
    return out_.data();
  }

 private:
  std::span<const FieldValue> Fill(int64_t time, std::span<const FieldValue> values) {
    row_.assign(values.begin(), values.end());
    for (size_t i = 0; i < inputs_; ++i) {
      if (previous_) {
        if (!row_[i].is_null()) {
          kept_[i] = row_[i] = texts_.Keep(row_[i]);
          kept_times_[i] = time;
        } else if (age_max_ == 0 || std::abs(time - kept_times_[i]) <= age_max_) {
          row_[i] = kept_[i];
        }
      } else if (row_[i].is_null()) {
        row_[i] = fill_[i];
      }
    }
    return row_;
  }
  // An arena that holds nothing but the texts carried over from the last block.
  TextArena KeepTexts() {
    TextArena texts;
    for (FieldValue& value : kept_) value = texts.Keep(value);
    return texts;
  }

  bool previous_;
  int64_t age_max_;
  bool fills_ = false;
  bool plain_ = true;
  size_t inputs_;
  std::vector<RowExpression> fields_;
  std::vector<FieldValue> fill_;
  std::vector<FieldValue> kept_;  // fill(previous)
  std::vector<int64_t> kept_times_;
  std::vector<FieldValue> row_;
  std::vector<FieldValue> out_;
  TextArena texts_;
};

// OFFSET without LIMIT: InfluxDB's storage engine stops each series of the answer, in each shard,
// one row behind the offset, and so do we; subqueries do not pass that engine.
class ShardCut {
 public:
  ShardCut(const PreparedSelect& select, const QueryState& query, size_t width) : width_(width) {
    const SelectStatement& statement = select.statement;
    const bool stored = std::all_of(select.sources.begin(), select.sources.end(),
                                    [](const PreparedSource& s) { return s.view != nullptr; });
    active_ = stored && select.shape == nullptr && statement.offset > 0 && statement.limit == 0 &&
              !select.sources.empty();
    if (!active_) return;
    ranges_ = query.ShardRanges(select.sources.front().policy);
    rows_max_ = static_cast<size_t>(statement.offset) + 1;
  }

  void NewSeries() { counts_.assign(ranges_.size(), 0); }
  void Apply(RowBlock* block) {
    if (!active_) return;
    times_.clear();
    values_.clear();
    for (size_t i = 0; i < block->rows; ++i) {
      if (!Keep(block->times[i])) continue;
      times_.push_back(block->times[i]);
      const FieldValue* row = block->values + i * width_;
      values_.insert(values_.end(), row, row + width_);
    }
    *block = {times_.size(), times_.data(), values_.data()};
  }

 private:
  bool Keep(int64_t time) {
    for (size_t i = 0; i < ranges_.size(); ++i) {
      if (ranges_[i].Contains(time)) return counts_[i]++ < rows_max_;
    }
    return true;
  }

  size_t width_;
  bool active_ = false;
  size_t rows_max_ = 0;
  std::vector<model::TimeRange> ranges_;
  std::vector<size_t> counts_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
};

// Rows that are there only because of a hidden column, which has a value where no column has one.
class HiddenRows {
 public:
  HiddenRows(const PreparedSelect& select, const std::vector<VarRef>& inputs)
      : width_(inputs.size()) {
    // What a subquery answers stays, whatever is in it.
    active_ = select.shape != nullptr && !select.shape->hidden.empty() &&
              std::all_of(select.sources.begin(), select.sources.end(),
                          [](const PreparedSource& s) { return s.view != nullptr; });
    if (!active_) return;
    const std::vector<VarRef> visible = InputColumns(select.statement, {});
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].type == DataType::kTag) continue;
      const auto same = [&](const VarRef& ref) { return SameRef(ref, inputs[i]); };
      if (std::any_of(visible.begin(), visible.end(), same)) fields_.push_back(i);
    }
  }

  void Drop(RowBlock* block) {
    if (!active_) return;
    times_.clear();
    values_.clear();
    for (size_t i = 0; i < block->rows; ++i) {
      const FieldValue* row = block->values + i * width_;
      const auto has = [&](size_t field) { return !row[field].is_null(); };
      if (std::none_of(fields_.begin(), fields_.end(), has)) continue;
      times_.push_back(block->times[i]);
      values_.insert(values_.end(), row, row + width_);
    }
    *block = {times_.size(), times_.data(), values_.data()};
  }

 private:
  size_t width_;
  bool active_ = false;
  std::vector<size_t> fields_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
};

}  // namespace

namespace {

// Takes the rows that LOOKBACK asked for off the front of `block`; fill(previous) has seen them.
void PassLookback(const PreparedSelect& select, Projection* projection, size_t width,
                  RowBlock* block) {
  size_t rows = 0;
  while (rows < block->rows && !select.range.Contains(block->times[rows])) ++rows;
  if (rows == 0) return;
  projection->Project({rows, block->times, block->values});
  block->rows -= rows;
  block->times += rows;
  block->values += rows * width;
}

}  // namespace

namespace {

// Whether ORDER BY decides where a row comes, whatever order it is read in.
bool Reordered(const PreparedSelect& select) {
  return select.shape != nullptr && !select.shape->keys.empty() && !select.statement.omit_time &&
         select.statement.fill != FillOption::kPrevious && select.compiled->lookback_ns == 0;
}

}  // namespace

absl::Status ExecuteRaw(const PreparedSelect& select, const GroupedSources& grouped,
                        QueryState& query, RowSink& sink) {
  const SelectStatement& statement = select.statement;
  ReadRequest request;
  const bool looks_back = select.compiled->lookback_ns > 0;
  request.range = looks_back ? select.read_range : select.range;
  request.ranges = select.RangesWithin(request.range);
  request.descending = !select.compiled->ascending;
  static const std::vector<ExprPtr> kNothing;
  const bool shaped = select.shape != nullptr;
  const std::vector<ExprPtr>& hidden = shaped ? select.shape->hidden : kNothing;
  request.columns = InputColumns(statement, hidden);
  const bool any = std::any_of(request.columns.begin(), request.columns.end(), [](const auto& ref) {
    return ref.type != DataType::kUnknown && ref.type != DataType::kAnyField &&
           ref.type != DataType::kTime;
  });
  if (!any) return absl::OkStatus();

  Projection projection(statement, hidden, request.columns);
  HiddenRows hidden_rows(select, request.columns);
  // With HAVING or ORDER BY they count the rows that come of it.
  const bool limited = !shaped && statement.limit > 0;
  const size_t offset = shaped ? 0 : static_cast<size_t>(statement.offset);
  const size_t limit = limited ? static_cast<size_t>(statement.limit) : SIZE_MAX;
  const size_t wanted = limited && !looks_back ? offset + limit : 0;
  ShardCut cut(select, query, request.columns.size());
  for (const Group& group : grouped.groups) {
    auto merger = Reordered(select) ? MakeConcatenation(grouped, group, request, query)
                                    : RowMerger::Make(grouped, group, request, wanted, query);
    projection.NewSeries();
    cut.NewSeries();
    size_t skip = offset;
    size_t left = limit;
    bool begun = false;
    while (left > 0) {
      RowBlock block;
      RETURN_IF_ERROR(merger->Next(&block));
      if (block.rows == 0) break;
      RETURN_IF_ERROR(query.AddPoints(block.rows));
      if (looks_back) PassLookback(select, &projection, request.columns.size(), &block);
      cut.Apply(&block);
      hidden_rows.Drop(&block);
      const size_t skipped = std::min(skip, block.rows);
      skip -= skipped;
      block.rows -= skipped;
      block.times += skipped;
      block.values += skipped * request.columns.size();
      block.rows = std::min(block.rows, left);
      left -= block.rows;
      if (block.rows == 0) continue;
      const FieldValue* values = projection.Project(block);
      if (!begun) RETURN_IF_ERROR(sink.Begin(group.name, grouped.TagsOf(group)));
      begun = true;
      RETURN_IF_ERROR(sink.Rows(block.rows, block.times, values));
      if (sink.SeriesIsFull()) break;
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::query
