#include "query/shape.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/functions/function.h"

namespace varve::query {
namespace {

// Finds the place of what HAVING and ORDER BY name in a row.
class Binder {
 public:
  Binder(const PreparedSelect& select, const std::vector<SourceSchema>& sources, RowShape* shape)
      : select_(select), sources_(sources), shape_(shape) {
    const size_t first = select.statement.omit_time ? 0 : 1;
    columns_.assign(select.columns.begin() + static_cast<ptrdiff_t>(first), select.columns.end());
    for (const SelectField& field : select.statement.fields) {
      texts_.push_back(Format(*field.expr));
      const std::vector<ExprPtr> more = FurtherColumns(field);
      if (select.statement.target.has_value()) {
        written_tags_ += more.size();
        continue;
      }
      for (const ExprPtr& expr : more) texts_.push_back(Format(*expr));
    }
    shape->width = columns_.size() + written_tags_;
    grouped_by_ = TagDimensions(select.statement);
  }

  // Bind an expression twice: at first hidden columns and tags are only collected, so that at last
  // their places are known.
  absl::StatusOr<RowExpression> Bind(std::string_view clause, const Expr& expr) {
    clause_ = clause;
    RowExpression bound = RowExpression::Bind(
        expr, [this](const Expr& e) { return PlaceOf(e); },
        /*null_is_false=*/false);
    RETURN_IF_ERROR(std::exchange(status_, absl::OkStatus()));
    return bound;
  }

 private:
  // What top() and bottom() group by: columns behind theirs, or, with INTO, tags behind all
  // columns.
  static std::vector<ExprPtr> FurtherColumns(const SelectField& field) {
    const auto* call = field.expr->As<Call>();
    if (call == nullptr || !HasFurtherColumns(*call)) return {};
    return {call->args.begin() + 1, call->args.end() - 1};
  }

  int PlaceOf(const Expr& expr) {
    if (const auto* call = expr.As<Call>()) return PlaceOfCall(*call);
    const auto& ref = *expr.As<VarRef>();
    if (ref.type != DataType::kTag) {
      const auto column = std::find(columns_.begin(), columns_.end(), ref.name);
      if (column != columns_.end()) return static_cast<int>(column - columns_.begin());
    }
    const auto tag = std::find(grouped_by_.begin(), grouped_by_.end(), ref.name);
    if (tag != grouped_by_.end()) return PlaceOfTag(ref.name);
    if (!select_.compiled->has_calls) return PlaceOfExpr(TypeNames(sources_, MakeExpr(ref)));
    Fail(base::StrCat("there is no column ", QuoteIdentifier(ref.name),
                      " in the answer, and it is no tag of GROUP BY"));
    return -1;
  }
  int PlaceOfCall(const Call& call) {
    const ExprPtr typed = TypeNames(sources_, MakeExpr(call));
    const auto selected = std::find(texts_.begin(), texts_.end(), Format(*typed));
    if (selected != texts_.end()) return static_cast<int>(selected - texts_.begin());
    if (FindFunction(call.name, FunctionKind::kMath) != nullptr) return -1;  // of its arguments
    return PlaceOfExpr(typed);
  }
  int PlaceOfExpr(const ExprPtr& typed) {
    const std::string text = Format(*typed);
    const auto selected = std::find(texts_.begin(), texts_.end(), text);
    if (selected != texts_.end()) return static_cast<int>(selected - texts_.begin());
    auto at = std::find(hidden_.begin(), hidden_.end(), text);
    if (at == hidden_.end()) {
      at = hidden_.insert(hidden_.end(), text);
      shape_->hidden.push_back(typed);
    }
    return static_cast<int>(shape_->width) + static_cast<int>(at - hidden_.begin());
  }
  int PlaceOfTag(const std::string& name) {
    auto at = std::find(shape_->tags.begin(), shape_->tags.end(), name);
    if (at == shape_->tags.end()) at = shape_->tags.insert(shape_->tags.end(), name);
    return static_cast<int>(shape_->width + shape_->hidden.size()) +
           static_cast<int>(at - shape_->tags.begin());
  }
  void Fail(std::string_view why) {
    if (status_.ok()) status_ = base::InvalidArgument(clause_, ": ", why);
  }

  const PreparedSelect& select_;
  const std::vector<SourceSchema>& sources_;
  RowShape* shape_;
  std::vector<std::string> columns_;
  std::vector<std::string> texts_;  // what the columns are computed from
  size_t written_tags_ = 0;
  std::vector<std::string> hidden_;
  std::vector<std::string> grouped_by_;
  std::string_view clause_;
  absl::Status status_;
};

absl::Status BindAll(const SelectStatement& statement, Binder& binder, RowShape* shape) {
  shape->keys.clear();
  if (statement.having != nullptr) {
    ASSIGN_OR_RETURN(shape->having, binder.Bind("HAVING", *statement.having));
  }
  if (!OrdersRows(statement.sort_fields)) return absl::OkStatus();
  for (const SortField& field : statement.sort_fields) {
    RowShape::Key key;
    key.ascending = field.ascending;
    key.is_time = field.expr == nullptr;
    if (!key.is_time) {
      ASSIGN_OR_RETURN(key.value, binder.Bind("ORDER BY", *field.expr));
    }
    shape->keys.push_back(std::move(key));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RowShape>> BindShape(
    const PreparedSelect& select, const std::vector<SourceSchema>& sources) {
  const SelectStatement& statement = select.statement;
  if (statement.having == nullptr && !OrdersRows(statement.sort_fields)) {
    return std::shared_ptr<const RowShape>();
  }
  auto shape = std::make_shared<RowShape>();
  shape->limit = static_cast<size_t>(statement.limit);
  shape->offset = static_cast<size_t>(statement.offset);
  Binder binder(select, sources, shape.get());
  RETURN_IF_ERROR(BindAll(statement, binder, shape.get()));
  RETURN_IF_ERROR(BindAll(statement, binder, shape.get()));
  return std::shared_ptr<const RowShape>(std::move(shape));
}

std::vector<std::string> DescribeShape(const PreparedSelect& select) {
  std::vector<std::string> lines;
  if (select.shape == nullptr) return lines;
  const RowShape& shape = *select.shape;
  const SelectStatement& statement = select.statement;
  lines.push_back("");
  if (shape.having.has_value()) {
    lines.push_back(base::StrCat("HAVING: ", Format(*statement.having), ", row by row"));
  }
  for (const ExprPtr& expr : shape.hidden) {
    lines.push_back(base::StrCat("COMPUTED BESIDES: ", Format(*expr)));
  }
  if (shape.keys.empty()) return lines;
  std::string keys;
  for (const SortField& field : statement.sort_fields) {
    base::StrAppend(keys, keys.empty() ? "" : ", ",
                    field.expr != nullptr ? Format(*field.expr) : "time",
                    field.ascending ? " ASC" : " DESC");
  }
  lines.push_back(base::StrCat(
      "ORDER BY: ", keys,
      shape.limit > 0 ? base::StrCat(", a heap of ", shape.limit + shape.offset, " rows")
      : select.statement.omit_time && shape.offset == 0
          ? std::string(", nothing to choose: a subquery is read in order of time")
          : std::string(", all rows sorted in memory")));
  return lines;
}

}  // namespace varve::query
