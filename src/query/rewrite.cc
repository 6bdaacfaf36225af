#include "query/rewrite.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "query/compile.h"
#include "query/data_type.h"
#include "query/evaluate.h"
#include "query/format.h"
#include "query/functions/function.h"

namespace varve::query {
namespace {

using model::FieldValue;

// What an expression of the type evaluates to on the way to the type of an operator's result.
FieldValue ZeroOf(DataType type) {
  switch (type) {
    case DataType::kFloat:
    case DataType::kAnyField:
      return FieldValue::Float(0);
    case DataType::kInteger:
    case DataType::kDuration:
    case DataType::kTime:
      return FieldValue::Integer(0);
    case DataType::kUnsigned:
      return FieldValue::Unsigned(0);
    case DataType::kString:
    case DataType::kTag:
      return FieldValue::String("");
    case DataType::kBoolean:
      return FieldValue::Boolean(false);
    default:
      return {};
  }
}

absl::Status TypeError(const Expr& expr, std::string_view message) {
  return base::InvalidArgument("type error: ", Format(expr), ": ", message);
}

absl::StatusOr<DataType> TypeOfBinary(const Expr& expr, const BinaryExpr& binary) {
  ASSIGN_OR_RETURN(const DataType left, TypeOfExpr(*binary.left));
  ASSIGN_OR_RETURN(const DataType right, TypeOfExpr(*binary.right));
  const auto mixed = [&](DataType a, DataType b) {
    return a == DataType::kUnsigned && b == DataType::kInteger;
  };
  if (mixed(left, right) || mixed(right, left)) {
    const Expr& whole = mixed(left, right) ? *binary.right : *binary.left;
    const Expr& natural = mixed(left, right) ? *binary.left : *binary.right;
    if (IsLiteral(natural)) {
      return TypeError(expr, base::StrCat("cannot use ", OperatorText(binary.op),
                                          " with an integer and unsigned literal"));
    }
    if (!IsLiteral(whole)) {
      return TypeError(expr, base::StrCat("cannot use ", OperatorText(binary.op),
                                          " between an integer and unsigned, an explicit cast is "
                                          "required"));
    }
  }
  if (left == DataType::kUnknown) return right;
  if (right == DataType::kUnknown) return left;
  const DataType result = DataTypeOf(ApplyOperator(binary.op, ZeroOf(left), ZeroOf(right)).type());
  if (result == DataType::kUnknown) {
    return TypeError(expr, base::StrCat("incompatible types: ", DataTypeName(left), " and ",
                                        DataTypeName(right)));
  }
  return result;
}

absl::StatusOr<DataType> TypeOfCall(const Call& call) {
  std::vector<DataType> args;
  for (const ExprPtr& arg : call.args) {
    ASSIGN_OR_RETURN(const DataType type, TypeOfExpr(*arg));
    args.push_back(type);
  }
  const Function* function = FindFunction(call.name);
  return function == nullptr || args.empty() ? DataType::kFloat : ResultTypeOf(*function, args[0]);
}

// Replaces references by ones with types.
class Typer {
 public:
  explicit Typer(const std::vector<SourceSchema>& sources) : sources_(sources) {}

  ExprPtr Rewrite(const ExprPtr& expr) const {
    if (const auto* ref = expr->As<VarRef>()) return RewriteRef(expr, *ref);
    if (const auto* binary = expr->As<BinaryExpr>()) {
      return MakeExpr(BinaryExpr{binary->op, Rewrite(binary->left), Rewrite(binary->right)});
    }
    if (const auto* paren = expr->As<ParenExpr>())
      return MakeExpr(ParenExpr{Rewrite(paren->inner)});
    if (const auto* call = expr->As<Call>()) {
      Call copy = *call;
      for (ExprPtr& arg : copy.args) arg = Rewrite(arg);
      return MakeExpr(std::move(copy));
    }
    return expr;
  }

 private:
  ExprPtr RewriteRef(const ExprPtr& expr, const VarRef& ref) const {
    if (ref.type != DataType::kUnknown && ref.type != DataType::kAnyField) return expr;
    DataType type = DataType::kUnknown;
    for (const SourceSchema& source : sources_) {
      const DataType here = source.TypeOf(ref.name);
      if (Precedes(here, type)) type = here;
    }
    if (type == DataType::kTag && ref.type == DataType::kAnyField) return expr;
    return MakeExpr(VarRef{ref.name, type});
  }
  const std::vector<SourceSchema>& sources_;
};

bool IsPattern(const Expr& expr) { return expr.As<Wildcard>() || expr.As<RegexLiteral>(); }

bool HasPattern(const Expr& expr) {
  if (IsPattern(expr)) return true;
  if (const auto* call = expr.As<Call>()) {
    return std::any_of(call->args.begin(), call->args.end(),
                       [](const ExprPtr& arg) { return HasPattern(*arg); });
  }
  if (const auto* binary = expr.As<BinaryExpr>()) {
    return HasPattern(*binary->left) || HasPattern(*binary->right);
  }
  const auto* paren = expr.As<ParenExpr>();
  return paren != nullptr && HasPattern(*paren->inner);
}

bool HasFieldPattern(const SelectStatement& statement) {
  return std::any_of(statement.fields.begin(), statement.fields.end(),
                     [](const SelectField& field) { return HasPattern(*field.expr); });
}

bool HasDimensionPattern(const SelectStatement& statement) {
  return std::any_of(statement.dimensions.begin(), statement.dimensions.end(),
                     [](const Dimension& dimension) { return IsPattern(*dimension.expr); });
}

// The pattern that the innermost first argument of a call is, or null.
const Expr* PatternOf(const Call& call, std::string* function) {
  const Call* at = &call;
  while (!at->args.empty()) {
    const auto* inner = at->args[0]->As<Call>();
    if (inner == nullptr) break;
    at = inner;
  }
  *function = at->name;
  return !at->args.empty() && IsPattern(*at->args[0]) ? at->args[0].get() : nullptr;
}

ExprPtr ReplacePattern(const Call& call, const ExprPtr& with) {
  Call copy = call;
  const auto* inner = call.args[0]->As<Call>();
  copy.args[0] = inner != nullptr ? ReplacePattern(*inner, with) : with;
  return MakeExpr(std::move(copy));
}

// Whether function(*) has a column for fields of the type.
bool Supports(std::string_view name, DataType type) {
  const Function* function = FindFunction(name);
  return (function == nullptr ? kNumbers : function->takes).Contains(FieldTypeOf(type));
}

bool PatternMatches(const Expr& pattern, const VarRef& ref) {
  if (const auto* regex = pattern.As<RegexLiteral>()) return regex->regex->Matches(ref.name);
  const DataType wanted = pattern.As<Wildcard>()->type;
  if (wanted == DataType::kAnyField) return ref.type != DataType::kTag;
  return wanted != DataType::kTag || ref.type == DataType::kTag;
}

absl::Status ExpandField(const SelectField& field, const std::vector<VarRef>& names,
                         std::vector<SelectField>* out) {
  if (IsPattern(*field.expr)) {
    for (const VarRef& ref : names) {
      if (PatternMatches(*field.expr, ref)) out->push_back({MakeExpr(ref), ""});
    }
    return absl::OkStatus();
  }
  const auto* call = field.expr->As<Call>();
  std::string function;
  const Expr* pattern = call != nullptr ? PatternOf(*call, &function) : nullptr;
  if (pattern == nullptr) {
    out->push_back(field);
    return absl::OkStatus();
  }
  if (const auto* wildcard = pattern->As<Wildcard>();
      wildcard != nullptr && wildcard->type == DataType::kTag) {
    return base::InvalidArgument("unable to use tag wildcard in ", function, "()");
  }
  for (const VarRef& ref : names) {
    if (ref.type == DataType::kTag || !Supports(function, ref.type)) continue;
    if (pattern->As<RegexLiteral>() && !PatternMatches(*pattern, ref)) continue;
    out->push_back(
        {ReplacePattern(*call, MakeExpr(ref)), base::StrCat(FieldName(field), "_", ref.name)});
  }
  return absl::OkStatus();
}

void ExpandDimensions(const std::set<std::string, std::less<>>& tags,
                      std::vector<Dimension>* dimensions) {
  std::vector<Dimension> expanded;
  for (const Dimension& dimension : *dimensions) {
    if (!IsPattern(*dimension.expr)) {
      expanded.push_back(dimension);
      continue;
    }
    const auto* regex = dimension.expr->As<RegexLiteral>();
    for (const std::string& tag : tags) {
      if (regex == nullptr || regex->regex->Matches(tag)) {
        expanded.push_back({MakeExpr(VarRef{tag})});
      }
    }
  }
  *dimensions = std::move(expanded);
}

// The names an expression mentions; arguments of calls do not count.
void CollectNames(const Expr& expr, std::vector<std::string_view>* names) {
  if (const auto* ref = expr.As<VarRef>()) names->push_back(ref->name);
  if (const auto* call = expr.As<Call>()) names->push_back(call->name);
  if (const auto* part = expr.As<TimePart>()) names->push_back(part->call.name);
  if (const auto* paren = expr.As<ParenExpr>()) CollectNames(*paren->inner, names);
  if (const auto* binary = expr.As<BinaryExpr>()) {
    CollectNames(*binary->left, names);
    CollectNames(*binary->right, names);
  }
}

// Numbers what InfluxDB replaces by symbols before it computes fields: references and calls, in the
// order in which they first appear.
class SymbolNumbers {
 public:
  // Returns the number of the nameless reference in `expr`, -1 if there is none.
  int Visit(const Expr& expr) {
    if (const auto* paren = expr.As<ParenExpr>()) return Visit(*paren->inner);
    if (const auto* binary = expr.As<BinaryExpr>()) {
      const int left = Visit(*binary->left);
      return std::max(left, Visit(*binary->right));
    }
    const auto* ref = expr.As<VarRef>();
    const auto* call = expr.As<Call>();
    if (call != nullptr && FindFunction(call->name, FunctionKind::kMath) != nullptr) {
      int found = -1;
      for (const ExprPtr& arg : call->args) found = std::max(found, Visit(*arg));
      return found;
    }
    if (ref == nullptr && call == nullptr) return -1;
    const auto number = static_cast<int>(numbers_.size());
    const auto at = numbers_.try_emplace(Format(expr), number).first;
    return ref != nullptr && ref->name.empty() ? at->second : -1;
  }

 private:
  std::map<std::string, int> numbers_;
};

}  // namespace

DataType SourceSchema::TypeOf(std::string_view name) const {
  const auto field = fields.find(name);
  if (field != fields.end()) return field->second;
  const auto extra = hidden.find(name);
  if (extra != hidden.end()) return extra->second;
  return tags.contains(name) ? DataType::kTag : DataType::kUnknown;
}

bool Precedes(DataType other, DataType type) {
  return type == DataType::kUnknown || (other != DataType::kUnknown && other < type);
}

absl::StatusOr<DataType> TypeOfExpr(const Expr& expr) {
  if (const auto* ref = expr.As<VarRef>()) return ref->type;
  if (const auto* paren = expr.As<ParenExpr>()) return TypeOfExpr(*paren->inner);
  if (const auto* binary = expr.As<BinaryExpr>()) return TypeOfBinary(expr, *binary);
  if (const auto* call = expr.As<Call>()) return TypeOfCall(*call);
  if (expr.As<NumberLiteral>()) return DataType::kFloat;
  if (expr.As<IntegerLiteral>()) return DataType::kInteger;
  if (expr.As<UnsignedLiteral>()) return DataType::kUnsigned;
  if (expr.As<StringLiteral>()) return DataType::kString;
  if (expr.As<BooleanLiteral>()) return DataType::kBoolean;
  if (expr.As<TimePart>()) return DataType::kInteger;
  return DataType::kUnknown;
}

bool HasPattern(const SelectStatement& statement) {
  return HasFieldPattern(statement) || HasDimensionPattern(statement);
}

absl::Status RewriteNames(const std::vector<SourceSchema>& sources, SelectStatement* statement) {
  const Typer typer(sources);
  for (SelectField& field : statement->fields) field.expr = typer.Rewrite(field.expr);
  if (statement->condition != nullptr) statement->condition = typer.Rewrite(statement->condition);

  const bool patterns = HasFieldPattern(*statement);
  const bool dimension_patterns = HasDimensionPattern(*statement);
  if (!patterns && !dimension_patterns) return absl::OkStatus();

  std::map<std::string, DataType, std::less<>> fields;
  std::set<std::string, std::less<>> tags;
  for (const SourceSchema& source : sources) {
    for (const auto& [name, type] : source.fields) {
      DataType& known = fields.try_emplace(name, DataType::kUnknown).first->second;
      if (Precedes(type, known)) known = type;
    }
    tags.insert(source.tags.begin(), source.tags.end());
  }
  std::vector<VarRef> names;
  if (!fields.empty()) {
    for (const auto& [name, type] : fields) names.push_back({name, type});
    if (!dimension_patterns) {
      // Tags that rows are grouped by are not columns too.
      for (const std::string& grouped : TagDimensions(*statement)) tags.erase(grouped);
      for (const std::string& tag : tags) names.push_back({tag, DataType::kTag});
    }
    std::sort(names.begin(), names.end(), [](const VarRef& a, const VarRef& b) {
      return a.name != b.name ? a.name < b.name : a.type < b.type;
    });
  }
  if (patterns) {
    std::vector<SelectField> expanded;
    for (const SelectField& field : statement->fields) {
      RETURN_IF_ERROR(ExpandField(field, names, &expanded));
    }
    statement->fields = std::move(expanded);
  }
  if (dimension_patterns) ExpandDimensions(tags, &statement->dimensions);
  return absl::OkStatus();
}

ExprPtr TypeNames(const std::vector<SourceSchema>& sources, const ExprPtr& expr) {
  return Typer(sources).Rewrite(expr);
}

std::string FieldName(const SelectField& field) {
  if (!field.alias.empty()) return field.alias;
  std::vector<std::string_view> names;
  CollectNames(*field.expr, &names);
  std::string joined;
  for (size_t i = 0; i < names.size(); ++i) base::StrAppend(joined, i > 0 ? "_" : "", names[i]);
  return joined;
}

std::vector<std::string> ColumnNames(const SelectStatement& statement, std::string_view time_name) {
  std::vector<SelectField> fields;
  for (const SelectField& field : statement.fields) {
    fields.push_back(field);
    const auto* call = field.expr->As<Call>();
    if (call == nullptr || statement.target.has_value() || !HasFurtherColumns(*call)) continue;
    for (size_t i = 1; i < call->args.size(); ++i) {
      if (call->args[i]->As<VarRef>()) fields.push_back({call->args[i], ""});
    }
  }
  std::vector<std::string> columns;
  if (!time_name.empty()) columns.emplace_back(time_name);
  const size_t offset = columns.size();
  columns.resize(offset + fields.size());
  std::map<std::string, int64_t> used;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].alias.empty()) continue;
    columns[offset + i] = fields[i].alias;
    used[fields[i].alias] = 1;
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!columns[offset + i].empty()) continue;
    std::string name = FieldName(fields[i]);
    if (const auto at = used.find(name); at != used.end()) {
      int64_t count = at->second;
      std::string resolved;
      do {
        resolved = base::StrCat(name, "_", count++);
      } while (used.contains(resolved));
      at->second = count;
      name = std::move(resolved);
    }
    ++used[name];
    columns[offset + i] = std::move(name);
  }
  if (time_name.empty()) return columns;
  // In an answer, a column without a name is called as its symbol is.
  SymbolNumbers symbols;
  for (size_t i = 0; i < fields.size(); ++i) {
    const int number = symbols.Visit(*fields[i].expr);
    if (columns[offset + i].empty() && number >= 0) {
      columns[offset + i] = base::StrCat("val", number);
    }
  }
  return columns;
}

absl::StatusOr<SourceSchema> SchemaOf(const SelectStatement& subquery) {
  SourceSchema schema;
  for (const SelectField& field : subquery.fields) {
    ASSIGN_OR_RETURN(const DataType type, TypeOfExpr(*field.expr));
    DataType& known = schema.fields.try_emplace(FieldName(field), DataType::kUnknown).first->second;
    if (Precedes(type, known)) known = type;
    // The further columns of top() and bottom() can be named too.
    const auto* call = field.expr->As<Call>();
    if (call == nullptr || !HasFurtherColumns(*call)) continue;
    for (size_t i = 1; i + 1 < call->args.size(); ++i) {
      const auto* ref = call->args[i]->As<VarRef>();
      if (ref != nullptr) schema.hidden.try_emplace(ref->name, ref->type);
    }
  }
  for (const std::string& tag : TagDimensions(subquery)) schema.tags.insert(tag);
  return schema;
}

std::vector<std::string> TagDimensions(const SelectStatement& statement) {
  std::vector<std::string> tags;
  for (const Dimension& dimension : statement.dimensions) {
    if (const auto* ref = dimension.expr->As<VarRef>()) tags.push_back(ref->name);
  }
  return tags;
}

}  // namespace varve::query
