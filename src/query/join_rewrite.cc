// A statement over a JOIN, taken apart into one subquery for each side.
#include <algorithm>
#include <set>
#include <utility>

#include "base/status.h"
#include "query/functions/function.h"
#include "query/join.h"
#include "query/schema_reader.h"

namespace varve::query {
namespace {

constexpr int kNoSide = -1;

bool IsCallOfRows(const Expr& expr) {
  const auto* call = expr.As<Call>();
  return call != nullptr && FindFunction(call->name, FunctionKind::kMath) == nullptr;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasCalls(const Expr& expr) {
  if (IsCallOfRows(expr) || expr.As<Distinct>()) return true;
  if (const auto* paren = expr.As<ParenExpr>()) return HasCalls(*paren->inner);
  if (const auto* binary = expr.As<BinaryExpr>()) {
    return HasCalls(*binary->left) || HasCalls(*binary->right);
  }
  const auto* call = expr.As<Call>();
  return call != nullptr && std::any_of(call->args.begin(), call->args.end(),
                                        [](const ExprPtr& arg) { return HasCalls(*arg); });
}

bool IsPattern(const Expr& expr) { return expr.As<Wildcard>() || expr.As<RegexLiteral>(); }

// Both, or the one that is there; printed, an OR keeps its parentheses.
ExprPtr And(const ExprPtr& left, const ExprPtr& right) {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  const auto grouped = [](const ExprPtr& expr) {
    const auto* binary = expr->As<BinaryExpr>();
    const bool loose = binary != nullptr && binary->op == Operator::kOr;
    return loose ? MakeExpr(ParenExpr{expr}) : expr;
  };
  return MakeExpr(BinaryExpr{Operator::kAnd, grouped(left), grouped(right)});
}

// The terms a condition joins by AND.
void CollectTerms(const ExprPtr& expr, std::vector<ExprPtr>* terms) {
  if (const auto* paren = expr->As<ParenExpr>()) {
    const auto* inner = paren->inner->As<BinaryExpr>();
    if (inner != nullptr && inner->op == Operator::kAnd) return CollectTerms(paren->inner, terms);
  }
  const auto* binary = expr->As<BinaryExpr>();
  if (binary == nullptr || binary->op != Operator::kAnd) {
    terms->push_back(expr);
    return;
  }
  CollectTerms(binary->left, terms);
  CollectTerms(binary->right, terms);
}

// A copy of `expr` with every reference replaced by `replace`.
template <typename F>
ExprPtr MapRefs(const ExprPtr& expr, const F& replace) {
  if (const auto* ref = expr->As<VarRef>()) return replace(*ref);
  if (const auto* distinct = expr->As<Distinct>()) {
    const ExprPtr ref = replace(VarRef{distinct->name});
    return MakeExpr(Distinct{ref->As<VarRef>()->name});
  }
  if (const auto* paren = expr->As<ParenExpr>()) {
    return MakeExpr(ParenExpr{MapRefs(paren->inner, replace)});
  }
  if (const auto* binary = expr->As<BinaryExpr>()) {
    return MakeExpr(
        BinaryExpr{binary->op, MapRefs(binary->left, replace), MapRefs(binary->right, replace)});
  }
  if (const auto* between = expr->As<Between>()) {
    return MakeExpr(Between{MapRefs(between->expr, replace), MapRefs(between->low, replace),
                            MapRefs(between->high, replace)});
  }
  if (const auto* call = expr->As<Call>()) {
    Call copy = *call;
    for (ExprPtr& arg : copy.args) arg = MapRefs(arg, replace);
    return MakeExpr(std::move(copy));
  }
  return expr;
}

class Rewriter {
 public:
  Rewriter(const SelectStatement& statement, const Join& join)
      : out_(statement), join_(join), sides_(join.sides.size()) {}

  absl::StatusOr<SelectStatement> Run() {
    has_calls_ = std::any_of(out_.fields.begin(), out_.fields.end(),
                             [](const SelectField& field) { return HasCalls(*field.expr); });
    RETURN_IF_ERROR(SettleTags());
    RETURN_IF_ERROR(SplitCondition());
    RETURN_IF_ERROR(RewriteFields());
    RETURN_IF_ERROR(RewriteShape());
    RETURN_IF_ERROR(MakeSides());
    if (has_calls_) {
      // The windows, and what fills them, are the sides'.
      std::erase_if(out_.dimensions,
                    [](const Dimension& d) { return d.expr->As<Call>() != nullptr; });
      const bool fills_rows =
          out_.fill == FillOption::kNumber || out_.fill == FillOption::kPrevious;
      if (!fills_rows) out_.fill = FillOption::kNull;
      out_.lookback_ns = 0;
    }
    out_.sources = {Source{std::make_shared<const Join>(join_)}};
    return std::move(out_);
  }

 private:
  // What is read of one side.
  struct Side {
    std::vector<SelectField> fields;
    ExprPtr condition;
    bool everything = false;
  };

  const std::string& alias(int side) const { return join_.sides[static_cast<size_t>(side)].alias; }

  // The side a name is of; what it is called there.
  int SideOf(std::string_view name, std::string* own) const {
    for (size_t i = 0; i < sides_.size(); ++i) {
      const std::string& prefix = join_.sides[i].alias;
      if (name.size() <= prefix.size() + 1 || name.substr(0, prefix.size()) != prefix) continue;
      if (name[prefix.size()] != '.') continue;
      *own = name.substr(prefix.size() + 1);
      return static_cast<int>(i);
    }
    return kNoSide;
  }
  std::set<int> SidesOf(const ExprPtr& expr) const {
    std::set<int> found;
    MapRefs(expr, [&](const VarRef& ref) {
      std::string own;
      found.insert(SideOf(ref.name, &own));
      return MakeExpr(ref);
    });
    return found;
  }
  // References as the side itself makes them.
  ExprPtr WithinSide(const ExprPtr& expr) const {
    return MapRefs(expr, [&](const VarRef& ref) {
      std::string own;
      return SideOf(ref.name, &own) == kNoSide ? MakeExpr(ref) : MakeExpr(VarRef{own, ref.type});
    });
  }

  // The tags rows are joined on: those of ON; without it those of GROUP BY and those by which every
  // side groups itself.
  absl::Status SettleTags() {
    std::vector<std::string> grouped;
    for (const Dimension& dimension : out_.dimensions) {
      if (IsPattern(*dimension.expr)) {
        return base::InvalidArgument("GROUP BY ", Format(*dimension.expr),
                                     " of a JOIN: name the tags its sides have in common");
      }
      const auto* ref = dimension.expr->As<VarRef>();
      if (ref != nullptr) grouped.push_back(ref->name);
    }
    if (join_.on_given) {
      for (const std::string& tag : grouped) {
        if (Contains(join_.tags, tag)) continue;
        return base::InvalidArgument("GROUP BY ", QuoteIdentifier(tag),
                                     " of a JOIN: ON must name the tag, too");
      }
    } else {
      join_.tags = grouped;
      for (const std::string& tag : TagsOf(join_.sides[0])) {
        if (std::all_of(join_.sides.begin(), join_.sides.end(),
                        [&](const JoinSide& side) { return Contains(TagsOf(side), tag); })) {
          join_.tags.push_back(tag);
        }
      }
    }
    std::sort(join_.tags.begin(), join_.tags.end());
    join_.tags.erase(std::unique(join_.tags.begin(), join_.tags.end()), join_.tags.end());
    return absl::OkStatus();
  }
  static std::vector<std::string> TagsOf(const JoinSide& side) {
    const auto* subquery = std::get_if<std::shared_ptr<const SelectStatement>>(&side.source.node);
    return subquery == nullptr ? std::vector<std::string>() : TagDimensions(**subquery);
  }

  // Comparisons of one side's fields choose that side's rows, those of no side's name every side's;
  // what compares two sides is left to the joined rows, and time is handed down by the compiler.
  absl::Status SplitCondition() {
    if (out_.condition == nullptr) return absl::OkStatus();
    std::vector<ExprPtr> terms;
    CollectTerms(out_.condition, &terms);
    out_.condition = nullptr;
    for (const ExprPtr& term : terms) {
      std::set<int> found = SidesOf(term);
      found.erase(kNoSide);
      if (HasTime(*term)) {
        out_.condition = And(out_.condition, term);
      } else if (found.empty()) {
        common_ = And(common_, term);
      } else if (found.size() == 1) {
        Side& side = sides_[static_cast<size_t>(*found.begin())];
        side.condition = And(side.condition, WithinSide(term));
      } else if (has_calls_) {
        return base::InvalidArgument("WHERE ", Format(*term),
                                     ": several sides of a JOIN cannot be compared before their "
                                     "calls are computed; HAVING compares the results");
      } else {
        RETURN_IF_ERROR(ReadRefs("WHERE", term));
        out_.condition = And(out_.condition, term);
      }
    }
    return absl::OkStatus();
  }

  absl::Status RewriteFields() {
    std::vector<std::string> names;
    if (has_calls_) names = ColumnNames(out_, "");
    size_t column = 0;
    for (SelectField& field : out_.fields) {
      const auto* ref = field.expr->As<VarRef>();
      if (ref != nullptr && ref->name == "time") {
        ++column;
        continue;
      }
      if (has_calls_) {
        field.alias = names[column++];
        ASSIGN_OR_RETURN(field.expr, ReplaceCalls(field.expr, /*refs_allowed=*/false));
      } else if (IsPattern(*field.expr)) {
        for (Side& side : sides_) side.everything = true;
      } else {
        RETURN_IF_ERROR(ReadRefs("SELECT", field.expr));
        field.expr = WithoutTypes(field.expr);
      }
    }
    return absl::OkStatus();
  }

  absl::Status RewriteShape() {
    const auto rewrite = [&](ExprPtr* expr) -> absl::Status {
      if (*expr == nullptr) return absl::OkStatus();
      if (has_calls_) {
        ASSIGN_OR_RETURN(*expr, ReplaceCalls(*expr, /*refs_allowed=*/true));
        return absl::OkStatus();
      }
      ReadKnownRefs(*expr);
      *expr = WithoutTypes(*expr);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(rewrite(&out_.having));
    for (SortField& field : out_.sort_fields) RETURN_IF_ERROR(rewrite(&field.expr));
    return absl::OkStatus();
  }

  // Replaces every call by the column of the side that computes it.
  absl::StatusOr<ExprPtr> ReplaceCalls(const ExprPtr& expr, bool refs_allowed) {
    if (IsCallOfRows(*expr) || expr->As<Distinct>()) return ReplaceCall(expr);
    if (const auto* ref = expr->As<VarRef>()) {
      std::string own;
      if (!refs_allowed) {
        return base::InvalidArgument("mixing aggregate and non-aggregate queries is not supported");
      }
      if (SideOf(ref->name, &own) == kNoSide) return expr;
      return base::InvalidArgument(Format(*expr),
                                   ": behind calls only calls, columns of the answer",
                                   " and tags of the JOIN can be tested or ordered by");
    }
    if (IsPattern(*expr)) return UnclearPattern(*expr);
    if (const auto* paren = expr->As<ParenExpr>()) {
      ASSIGN_OR_RETURN(ExprPtr inner, ReplaceCalls(paren->inner, refs_allowed));
      return MakeExpr(ParenExpr{std::move(inner)});
    }
    if (const auto* binary = expr->As<BinaryExpr>()) {
      const bool match = binary->op == Operator::kEqRegex || binary->op == Operator::kNeqRegex;
      ASSIGN_OR_RETURN(ExprPtr left, ReplaceCalls(binary->left, refs_allowed));
      ExprPtr right = binary->right;
      if (!match) {
        ASSIGN_OR_RETURN(right, ReplaceCalls(binary->right, refs_allowed));
      }
      return MakeExpr(BinaryExpr{binary->op, std::move(left), std::move(right)});
    }
    if (const auto* between = expr->As<Between>()) {
      ASSIGN_OR_RETURN(ExprPtr subject, ReplaceCalls(between->expr, refs_allowed));
      ASSIGN_OR_RETURN(ExprPtr low, ReplaceCalls(between->low, refs_allowed));
      ASSIGN_OR_RETURN(ExprPtr high, ReplaceCalls(between->high, refs_allowed));
      return MakeExpr(Between{std::move(subject), std::move(low), std::move(high)});
    }
    if (const auto* call = expr->As<Call>()) {
      Call copy = *call;
      for (ExprPtr& arg : copy.args) {
        ASSIGN_OR_RETURN(arg, ReplaceCalls(arg, refs_allowed));
      }
      return MakeExpr(std::move(copy));
    }
    return expr;
  }
  absl::StatusOr<ExprPtr> ReplaceCall(const ExprPtr& expr) {
    if (const auto* call = expr->As<Call>()) {
      for (const ExprPtr& arg : call->args) {
        if (IsPattern(*arg)) return UnclearPattern(*expr);
      }
    }
    const std::set<int> found = SidesOf(expr);
    if (found.contains(kNoSide) || found.empty()) {
      return base::InvalidArgument(Format(*expr), ": say which side of the JOIN is meant, as in ",
                                   alias(0), ".name");
    }
    if (found.size() > 1) {
      return base::InvalidArgument(Format(*expr),
                                   ": a call is of one side of a JOIN; a subquery around the JOIN "
                                   "can aggregate its rows");
    }
    const int side = *found.begin();
    const ExprPtr own = WithinSide(expr);
    const std::string name = Format(*own);
    AddField(side, {own, name});
    return MakeExpr(VarRef{base::StrCat(alias(side), ".", name)});
  }
  static absl::Status UnclearPattern(const Expr& expr) {
    return base::InvalidArgument(Format(expr), ": calls over a JOIN take names, not patterns");
  }

  // Has the sides read what `expr` names.
  absl::Status ReadRefs(std::string_view clause, const ExprPtr& expr) {
    absl::Status status;
    MapRefs(expr, [&](const VarRef& ref) {
      std::string own;
      const int side = SideOf(ref.name, &own);
      if (side != kNoSide) {
        AddField(side, {MakeExpr(VarRef{own, ref.type}), ""});
      } else if (!Contains(join_.tags, ref.name) && status.ok()) {
        status = base::InvalidArgument(
            clause, " ", QuoteIdentifier(ref.name),
            ": neither a tag the JOIN is on, nor said which side is meant, as in ", alias(0), ".",
            QuoteIdentifier(ref.name));
      }
      return MakeExpr(ref);
    });
    return status;
  }
  void ReadKnownRefs(const ExprPtr& expr) {
    MapRefs(expr, [&](const VarRef& ref) {
      std::string own;
      const int side = SideOf(ref.name, &own);
      if (side != kNoSide) AddField(side, {MakeExpr(VarRef{own, ref.type}), ""});
      return MakeExpr(ref);
    });
  }
  // The types were asked of the sides.
  static ExprPtr WithoutTypes(const ExprPtr& expr) {
    return MapRefs(expr, [](const VarRef& ref) { return MakeExpr(VarRef{ref.name}); });
  }
  void AddField(int side, SelectField field) {
    std::vector<SelectField>& fields = sides_[static_cast<size_t>(side)].fields;
    const std::string text = Format(*field.expr);
    for (const SelectField& known : fields) {
      if (Format(*known.expr) == text) return;
    }
    fields.push_back(std::move(field));
  }

  absl::Status MakeSides() {
    for (size_t i = 0; i < sides_.size(); ++i) {
      ASSIGN_OR_RETURN(SelectStatement statement, MakeSide(i));
      join_.sides[i].source.node = std::make_shared<const SelectStatement>(std::move(statement));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<SelectStatement> MakeSide(size_t i) {
    Side& side = sides_[i];
    SelectStatement statement;
    statement.condition = side.condition;
    statement.location = out_.location;
    statement.joined = true;
    Source source = join_.sides[i].source;
    if (auto* subquery = std::get_if<std::shared_ptr<const SelectStatement>>(&source.node)) {
      SelectStatement inner = **subquery;
      inner.condition = And(inner.condition, common_);
      *subquery = std::make_shared<const SelectStatement>(std::move(inner));
    } else {
      statement.condition = And(statement.condition, common_);
    }
    statement.sources = {std::move(source)};
    statement.fields = std::move(side.fields);
    if (has_calls_ && statement.fields.empty()) {
      return base::InvalidArgument("JOIN ", QuoteIdentifier(join_.sides[i].alias),
                                   ": no call reads this side");
    }
    statement.dimensions = out_.dimensions;
    if (has_calls_) {
      statement.fill = out_.fill_given ? out_.fill : FillOption::kNone;
      statement.fill_given = true;
      statement.fill_value = out_.fill_value;
      statement.fill_max_ns = out_.fill_max_ns;
      statement.lookback_ns = out_.lookback_ns;
    } else if (side.everything || statement.fields.empty()) {
      statement.fields = {{MakeExpr(Wildcard{}), ""}};
    }
    std::vector<std::string> grouped = TagDimensions(statement);
    for (const std::string& tag : join_.tags) {
      if (!Contains(grouped, tag)) statement.dimensions.push_back({MakeExpr(VarRef{tag})});
    }
    return statement;
  }

  SelectStatement out_;
  Join join_;
  std::vector<Side> sides_;
  ExprPtr common_;
  bool has_calls_ = false;
};

}  // namespace

absl::StatusOr<SelectStatement> RewriteJoin(const SelectStatement& statement) {
  if (statement.sources.size() != 1) return statement;
  const auto* join = std::get_if<std::shared_ptr<const Join>>(&statement.sources[0].node);
  if (join == nullptr || *join == nullptr) return statement;
  return Rewriter(statement, **join).Run();
}

}  // namespace varve::query
