#include "query/call_plan.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "query/data_type.h"
#include "query/rewrite.h"
#include "query/shape.h"

namespace varve::query {
namespace {

using model::FieldType;

// Of what a leaf reads. A tag is a column of a subquery's answer, but no field of a measurement.
FieldType StoredType(DataType type, bool tags_are_texts) {
  return type == DataType::kTag && tags_are_texts ? FieldType::kString : FieldTypeOf(type);
}

bool IsSelector(const Call& call) {
  return FindFunction(call.name, FunctionKind::kSelector) != nullptr;
}

bool SameRef(const VarRef& a, const VarRef& b) { return a.name == b.name && a.type == b.type; }

class Planner {
 public:
  explicit Planner(const PreparedSelect& select) : select_(select) {
    for (const PreparedSource& source : select.sources) {
      has_subquery_ = has_subquery_ || source.view == nullptr;
    }
  }

  absl::StatusOr<SelectPlan> Plan() {
    const SelectStatement& statement = select_.statement;
    for (const SelectField& field : statement.fields) {
      plan_.fields.push_back(field.expr);
      Visit(field.expr);
      const auto* call = field.expr->As<Call>();
      if (call == nullptr || !HasFurtherColumns(*call)) continue;
      for (size_t i = 1; i + 1 < call->args.size(); ++i) {
        if (statement.target.has_value()) {
          plan_.written_tags.push_back(call->args[i]->As<VarRef>()->name);
        } else {
          plan_.fields.push_back(call->args[i]);
          Visit(call->args[i]);
        }
      }
    }
    const bool selector = calls_.size() == 1 && IsSelector(*calls_[0]);
    OrderAux();
    const size_t visible = calls_.size();
    if (select_.shape != nullptr) plan_.hidden = select_.shape->hidden;
    for (const ExprPtr& expr : plan_.hidden) Visit(expr);
    for (size_t i = 0; i < calls_.size(); ++i) {
      const Call* call = calls_[i];
      CallPlan planned;
      planned.hidden = i >= visible;
      const ExprPtr expr = MakeExpr(*call);
      planned.key = Format(*expr);
      ASSIGN_OR_RETURN(planned.type, TypeOfExpr(*expr));
      RETURN_IF_ERROR(PlanCall(*call, select_.range, selector && i < visible, &planned));
      plan_.calls.push_back(std::move(planned));
    }
    return std::move(plan_);
  }

 private:
  // Collects the outermost calls and the bare references.
  void Visit(const ExprPtr& expr) {
    if (const auto* ref = expr->As<VarRef>()) {
      const auto same = [&](const VarRef& other) { return SameRef(other, *ref); };
      if (std::none_of(plan_.aux.begin(), plan_.aux.end(), same)) plan_.aux.push_back(*ref);
    } else if (const auto* binary = expr->As<BinaryExpr>()) {
      Visit(binary->left);
      Visit(binary->right);
    } else if (const auto* paren = expr->As<ParenExpr>()) {
      Visit(paren->inner);
    } else if (const auto* call = expr->As<Call>()) {
      if (FindFunction(call->name, FunctionKind::kMath) != nullptr) {
        for (const ExprPtr& arg : call->args) Visit(arg);
        return;
      }
      const std::string key = Format(*expr);
      const auto same = [&](const Call* other) { return Format(*MakeExpr(*other)) == key; };
      if (std::none_of(calls_.begin(), calls_.end(), same)) calls_.push_back(call);
    }
  }

  // Puts what top() and bottom() group by in front.
  void OrderAux() {
    if (calls_.size() != 1 || !HasFurtherColumns(*calls_[0])) return;
    std::vector<VarRef> ordered;
    for (size_t i = 1; i + 1 < calls_[0]->args.size(); ++i) {
      ordered.push_back(*calls_[0]->args[i]->As<VarRef>());
    }
    for (const VarRef& ref : plan_.aux) {
      const auto same = [&](const VarRef& other) { return SameRef(other, ref); };
      if (std::none_of(ordered.begin(), ordered.end(), same)) ordered.push_back(ref);
    }
    plan_.aux = std::move(ordered);
  }

  absl::Status PlanCall(const Call& call, model::TimeRange range, bool selector, CallPlan* out) {
    const Interval& interval = select_.compiled->interval;
    if (const auto* transformation = FindFunction(call.name, FunctionKind::kTransformation)) {
      if (transformation->reads_before) {
        if (!interval.zero()) Widen(&range);
        range = LookBack(*select_.compiled, select_.range, range);
      }
      const auto* inner = call.args[0]->As<Call>();
      if (inner != nullptr) {
        RETURN_IF_ERROR(PlanCall(*inner, range, false, out));
      } else {
        out->leaf.field = *call.args[0]->As<VarRef>();
        out->leaf.range = range;
        out->leaf.type = StoredType(out->leaf.field.type, has_subquery_);
      }
      out->transformations.push_back(&call);
      return absl::OkStatus();
    }
    return PlanAggregate(call, range, selector, &out->leaf);
  }

  absl::Status PlanAggregate(const Call& call, const model::TimeRange& range, bool selector,
                             LeafPlan* leaf) {
    const Interval& interval = select_.compiled->interval;
    const Call* of = &call;
    leaf->name = call.name;
    leaf->function = FindFunction(call.name);
    if (leaf->function == nullptr || leaf->function->make == nullptr) {
      return base::InvalidArgument("unsupported call: ", call.name);
    }
    if (const auto* inner = call.args[0]->As<Call>(); inner != nullptr) {
      if (leaf->function->of_distinct == nullptr || inner->name != kDistinctName) {
        return base::InvalidArgument("expected field argument in ", call.name, "()");
      }
      leaf->function = leaf->function->of_distinct;
      of = inner;
    }
    leaf->field = *of->args[0]->As<VarRef>();
    leaf->type = StoredType(leaf->field.type, has_subquery_);
    leaf->keeps_time =
        leaf->function->keeps_time || (selector && interval.zero() && !select_.statement.joined);
    leaf->fills = !interval.zero() && leaf->function->gaps != Gaps::kNone;
    const FillOption fill = select_.compiled->fill;
    const bool seeded = fill == FillOption::kPrevious || fill == FillOption::kLinear;
    leaf->range = leaf->fills && seeded ? LookBack(*select_.compiled, select_.range, range) : range;
    leaf->options.aux_width = selector ? plan_.aux.size() : 0;
    leaf->options.shows_row = leaf->keeps_time || leaf->options.aux_width > 0;
    if (HasFurtherColumns(call)) leaf->options.by_width = call.args.size() - 2;
    if (call.args.size() > 1) {
      const Expr& last = *call.args.back();
      if (const auto* n = last.As<IntegerLiteral>()) {
        leaf->options.n = n->value;
        leaf->options.percentile = static_cast<double>(n->value);
      } else if (const auto* number = last.As<NumberLiteral>()) {
        leaf->options.percentile = number->value;
      }
    }
    if (leaf->type == FieldType::kNone) return absl::OkStatus();
    if (leaf->function->make(leaf->type, leaf->options) == nullptr) {
      return base::InvalidArgument("unsupported ", call.name, " iterator type: *query.",
                                   DataTypeName(leaf->field.type), "InterruptIterator");
    }
    return absl::OkStatus();
  }

  void Widen(model::TimeRange* range) const {
    const Windows windows = select_.WindowsOver(*range);
    if (select_.compiled->ascending) {
      range->min_ns = windows.Move(range->min_ns, -1);
    } else {
      range->max_ns = windows.Move(range->max_ns, 1);
    }
  }

  const PreparedSelect& select_;
  bool has_subquery_ = false;
  std::vector<const Call*> calls_;
  SelectPlan plan_;
};

}  // namespace

bool LeafPlan::FromStatistics() const {
  if (function == nullptr || options.aux_width > 0) return false;
  return function->statistics == Statistics::kCount ||
         (function->statistics == Statistics::kOfNumbers && kNumbers.Contains(type));
}

bool LeafPlan::FromHours() const {
  return FromStatistics() && !(function->at_extreme && options.shows_row);
}

bool LeafPlan::InAnyOrder() const {
  if (function == nullptr) return false;
  return function->merge == Merge::kAnyOrder || (function->values_only && !options.shows_row);
}

int SelectPlan::SymbolOf(const Expr& expr) const {
  if (const auto* ref = expr.As<VarRef>()) {
    if (ref->type == DataType::kTime) return static_cast<int>(calls.size() + aux.size());
    for (size_t i = 0; i < aux.size(); ++i) {
      if (SameRef(aux[i], *ref)) return static_cast<int>(calls.size() + i);
    }
    return -1;
  }
  if (!expr.As<Call>()) return -1;
  const std::string key = Format(expr);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].key == key) return static_cast<int>(i);
  }
  return -1;
}

absl::StatusOr<SelectPlan> PlanCalls(const PreparedSelect& select) {
  return Planner(select).Plan();
}

}  // namespace varve::query
