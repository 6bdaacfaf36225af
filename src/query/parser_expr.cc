#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status.h"
#include "query/parser_impl.h"

namespace varve::query {
namespace {

// Longer runs of AND or OR become balanced trees: they mean and print the same, and a condition
// with thousands of terms must not be thousands of levels deep.
constexpr size_t kBalanceFrom = 64;

constexpr size_t kDepthCap = 1 << 30;

// The precedence from which on operators are arithmetic.
constexpr int kArithmetic = 4;

Operator OperatorOf(Token token) {
  return static_cast<Operator>(static_cast<int>(token) - static_cast<int>(Token::kAdd));
}
static_assert(static_cast<int>(Token::kGte) - static_cast<int>(Token::kAdd) ==
              static_cast<int>(Operator::kGte));
static_assert(static_cast<int>(Token::kNotInList) - static_cast<int>(Token::kAdd) ==
              static_cast<int>(Operator::kNotIn));

template <typename T>
bool ParseWhole(std::string_view text, T* out) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *out);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool ParseDataType(std::string_view word, DataType* type) {
  const std::string lower = absl::AsciiStrToLower(base::ToAbsl(word));
  for (const DataType candidate : {DataType::kFloat, DataType::kInteger, DataType::kUnsigned,
                                   DataType::kString, DataType::kBoolean}) {
    if (lower == DataTypeName(candidate)) {
      *type = candidate;
      return true;
    }
  }
  return false;
}

// Raises a count for the life of a scope.
class Deeper {
 public:
  explicit Deeper(int& count) : count_(count) { ++count_; }
  ~Deeper() { --count_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  int& count_;
};

// `time`, a call, or arithmetic with one of them.
bool IsTimeOrCall(const Expr& expr) {
  if (expr.As<Call>()) return true;
  if (const auto* ref = expr.As<VarRef>()) return absl::EqualsIgnoreCase(ref->name, "time");
  if (const auto* paren = expr.As<ParenExpr>()) return IsTimeOrCall(*paren->inner);
  const auto* binary = expr.As<BinaryExpr>();
  return binary != nullptr && (IsTimeOrCall(*binary->left) || IsTimeOrCall(*binary->right));
}

}  // namespace

absl::StatusOr<ExprPtr> Parser::ParseExpr() {
  ASSIGN_OR_RETURN(Operand operand, ParseOperand());
  return std::move(operand.expr);
}

absl::StatusOr<Parser::Operand> Parser::ParseOperand() {
  const Deeper deeper(nesting_);
  RETURN_IF_ERROR(CheckNesting(0));

  std::vector<Operand> operands;
  std::vector<Token> ops;
  ASSIGN_OR_RETURN(Operand first, ParseUnary());
  operands.push_back(std::move(first));
  for (;;) {
    ScannedToken op = ScanSkippingSpace();
    if (IsWord(op, "between") && TakesBetween(operands, ops)) {
      RETURN_IF_ERROR(ParseBetween(&operands, &ops));
      continue;
    }
    if (!IsOperator(op.token)) {
      ASSIGN_OR_RETURN(op.token, AcceptIn(op));
      if (op.token == Token::kIllegal) break;
    }
    Operand next;
    if (op.token == Token::kInList || op.token == Token::kNotInList) {
      ASSIGN_OR_RETURN(next.expr, ParseValues());
    } else if (op.token == Token::kEqRegex || op.token == Token::kNeqRegex) {
      ASSIGN_OR_RETURN(auto regex, ParseRegex());
      if (regex == nullptr) return Unexpected(ScanSkippingSpace(), "regex");
      next.expr = MakeExpr(RegexLiteral{std::move(regex)});
    } else {
      ASSIGN_OR_RETURN(next, ParseUnary());
    }
    operands.push_back(std::move(next));
    ops.push_back(op.token);
  }
  return Combine(std::move(operands), ops);
}

// BETWEEN is for times and what calls give. Behind other names InfluxDB's own error stays.
bool Parser::TakesBetween(const std::vector<Operand>& operands, const std::vector<Token>& ops) {
  for (size_t i = operands.size(); i-- > 0;) {
    if (IsTimeOrCall(*operands[i].expr)) return true;
    if (i == 0 || Precedence(ops[i - 1]) < kArithmetic) break;
  }
  return false;
}

// Operands joined by arithmetic, and nothing looser.
absl::StatusOr<Parser::Operand> Parser::ParseArithmetic() {
  std::vector<Operand> operands;
  std::vector<Token> ops;
  for (;;) {
    ASSIGN_OR_RETURN(Operand operand, ParseUnary());
    operands.push_back(std::move(operand));
    const Token op = ScanSkippingSpace().token;
    if (!IsOperator(op) || Precedence(op) < kArithmetic) break;
    ops.push_back(op);
  }
  Unscan();
  return Combine(std::move(operands), ops);
}

// BETWEEN is read. What stands before it, back to the last comparison, AND or OR, is what is
// compared; that, both bounds and the word become one operand.
absl::Status Parser::ParseBetween(std::vector<Operand>* operands, std::vector<Token>* ops) {
  size_t begin = ops->size();
  while (begin > 0 && Precedence((*ops)[begin - 1]) >= kArithmetic) --begin;
  const auto from = static_cast<ptrdiff_t>(begin);
  std::vector<Operand> run(std::make_move_iterator(operands->begin() + from),
                           std::make_move_iterator(operands->end()));
  const std::vector<Token> run_ops(ops->begin() + from, ops->end());
  operands->resize(begin);
  ops->resize(begin);
  ASSIGN_OR_RETURN(Operand subject, Combine(std::move(run), run_ops));
  ASSIGN_OR_RETURN(Operand low, ParseArithmetic());
  RETURN_IF_ERROR(Expect(Token::kAnd));
  ASSIGN_OR_RETURN(Operand high, ParseArithmetic());
  const int depth = 1 + std::max({subject.depth, low.depth, high.depth});
  RETURN_IF_ERROR(CheckNesting(depth));
  operands->push_back(
      {MakeExpr(Between{std::move(subject.expr), std::move(low.expr), std::move(high.expr)}),
       depth});
  return absl::OkStatus();
}

// Builds the tree level by level, the tightest operators first.
absl::StatusOr<Parser::Operand> Parser::Combine(std::vector<Operand> operands,
                                                const std::vector<Token>& ops) {
  std::vector<Token> rest = ops;
  for (int level = 5; level >= 1 && !rest.empty(); --level) {
    std::vector<Operand> next_operands;
    std::vector<Token> next_ops;
    for (size_t i = 0; i < operands.size();) {
      size_t end = i;
      while (end < rest.size() && Precedence(rest[end]) == level) ++end;
      // Before the tree is built: taking one apart is as deep as the tree.
      const int run_depth = level <= 2 ? 0 : static_cast<int>(std::min(end - i, kDepthCap));
      RETURN_IF_ERROR(CheckNesting(run_depth));
      std::vector<Operand> run(std::make_move_iterator(operands.begin() + i),
                               std::make_move_iterator(operands.begin() + end + 1));
      next_operands.push_back(
          FoldLevel(std::move(run), std::vector<Token>(rest.begin() + i, rest.begin() + end)));
      RETURN_IF_ERROR(CheckNesting(next_operands.back().depth));
      if (end < rest.size()) next_ops.push_back(rest[end]);
      i = end + 1;
    }
    operands = std::move(next_operands);
    rest = std::move(next_ops);
  }
  return std::move(operands.front());
}

// Joins operands of one precedence from the left.
Parser::Operand Parser::FoldLevel(std::vector<Operand> operands, const std::vector<Token>& ops) {
  const auto join = [](Token op, Operand left, Operand right) {
    const int depth = 1 + std::max(left.depth, right.depth);
    return Operand{
        MakeExpr(BinaryExpr{OperatorOf(op), std::move(left.expr), std::move(right.expr)}), depth};
  };
  if (ops.size() >= kBalanceFrom && (ops[0] == Token::kAnd || ops[0] == Token::kOr)) {
    while (operands.size() > 1) {
      std::vector<Operand> halved;
      for (size_t i = 0; i + 1 < operands.size(); i += 2) {
        halved.push_back(join(ops[0], std::move(operands[i]), std::move(operands[i + 1])));
      }
      if (operands.size() % 2 == 1) halved.push_back(std::move(operands.back()));
      operands = std::move(halved);
    }
    return std::move(operands.front());
  }
  Operand left = std::move(operands.front());
  for (size_t i = 0; i < ops.size(); ++i) {
    left = join(ops[i], std::move(left), std::move(operands[i + 1]));
  }
  return left;
}

absl::StatusOr<Parser::Operand> Parser::ParseUnary() {
  ScannedToken token = ScanSkippingSpace();
  switch (token.token) {
    case Token::kLeftParen:
      return ParseParen();
    case Token::kIdent: {
      if (Scan().token == Token::kLeftParen) return ParseCall(std::move(token.literal));
      Unscan();
      Unscan();
      ASSIGN_OR_RETURN(ExprPtr expr, ParseVarRef());
      return Operand{std::move(expr)};
    }
    case Token::kDistinct:
      return ParseDistinct();
    case Token::kString:
      return Operand{MakeExpr(StringLiteral{std::move(token.literal)})};
    case Token::kNumber:
    case Token::kInteger: {
      ASSIGN_OR_RETURN(ExprPtr expr, ParseNumberToken(token));
      return Operand{std::move(expr)};
    }
    case Token::kTrue:
    case Token::kFalse:
      return Operand{MakeExpr(BooleanLiteral{token.token == Token::kTrue})};
    case Token::kDurationVal: {
      if (const auto months = ParseCalendarLength(token.literal)) {
        return Operand{MakeExpr(CalendarLiteral{*months})};
      }
      ASSIGN_OR_RETURN(const int64_t ns, ParseDuration(token.literal));
      return Operand{MakeExpr(DurationLiteral{ns})};
    }
    case Token::kMul: {
      ASSIGN_OR_RETURN(ExprPtr expr, ParseWildcard());
      return Operand{std::move(expr)};
    }
    case Token::kRegex: {
      auto regex = index::TagRegex::Compile(token.literal);
      if (!regex.ok()) return ErrorAt(base::MessageOf(regex.status()), token.position);
      return Operand{MakeExpr(RegexLiteral{*std::move(regex)})};
    }
    case Token::kBoundParam:
      return UnboundParameter(token);
    case Token::kAdd:
    case Token::kSub:
      return ParseSigned(token.token == Token::kSub);
    default:
      return Unexpected(token, "identifier, string, number, bool");
  }
}

absl::StatusOr<Token> Parser::AcceptIn(const ScannedToken& token) {
  if (token.token == Token::kIn) return Token::kInList;
  if (token.token == Token::kIdent && absl::EqualsIgnoreCase(base::ToAbsl(token.literal), "not")) {
    // No name may follow an operand: this can only be meant as NOT IN.
    RETURN_IF_ERROR(Expect(Token::kIn));
    return Token::kNotInList;
  }
  Unscan();
  return Token::kIllegal;
}

// IN is read.
absl::StatusOr<ExprPtr> Parser::ParseValues() {
  std::vector<ValueList::Item> items;
  const ScannedToken open = ScanSkippingSpace();
  if (open.token == Token::kBoundParam) {
    RETURN_IF_ERROR(AddParameter(open, &items));
  } else if (open.token == Token::kLeftParen) {
    if (!Accept(Token::kRightParen)) {
      do {
        const ScannedToken next = ScanSkippingSpace();
        if (next.token == Token::kBoundParam) {
          RETURN_IF_ERROR(AddParameter(next, &items));
          continue;
        }
        Unscan();
        ASSIGN_OR_RETURN(ValueList::Item item, ParseValue());
        items.push_back(std::move(item));
      } while (Accept(Token::kComma));
      RETURN_IF_ERROR(Expect(Token::kRightParen, ",, )"));
    }
  } else {
    return Unexpected(open, "(, list parameter");
  }
  ASSIGN_OR_RETURN(auto list, ValueList::Make(std::move(items)));
  return MakeExpr(ValuesLiteral{std::move(list)});
}

// Adds the values of a parameter that is a list.
absl::Status Parser::AddParameter(const ScannedToken& token,
                                  std::vector<ValueList::Item>* items) const {
  const auto it = parameters_.find(std::string_view(token.literal).substr(1));
  if (it == parameters_.end()) return UnboundParameter(token);
  for (const auto& value : std::get<std::vector<ParameterValue>>(it->second.value)) {
    if (const auto* boolean = std::get_if<bool>(&value.value)) items->emplace_back(*boolean);
    if (const auto* integer = std::get_if<int64_t>(&value.value)) items->emplace_back(*integer);
    if (const auto* number = std::get_if<double>(&value.value)) items->emplace_back(*number);
    if (const auto* text = std::get_if<std::string>(&value.value)) items->emplace_back(*text);
  }
  return absl::OkStatus();
}

absl::StatusOr<ValueList::Item> Parser::ParseValue() {
  ScannedToken token = ScanSkippingSpace();
  const bool negative = token.token == Token::kSub;
  if (negative) token = ScanSkippingSpace();
  if (token.token == Token::kNumber || token.token == Token::kInteger) {
    ASSIGN_OR_RETURN(const ExprPtr number, ParseNumberToken(token));
    if (const auto* f = number->As<NumberLiteral>()) return negative ? -f->value : f->value;
    if (const auto* u = number->As<UnsignedLiteral>()) {
      if (!negative) return u->value;
      if (u->value == uint64_t{1} << 63) return std::numeric_limits<int64_t>::min();
      return base::InvalidArgument("constant -", u->value, " underflows int64");
    }
    const int64_t integer = number->As<IntegerLiteral>()->value;
    return static_cast<int64_t>(negative ? -static_cast<uint64_t>(integer)
                                         : static_cast<uint64_t>(integer));
  }
  if (!negative && token.token == Token::kString) return std::move(token.literal);
  if (!negative && token.token == Token::kTrue) return true;
  if (!negative && token.token == Token::kFalse) return false;
  if (token.token == Token::kBoundParam) return UnboundParameter(token);
  if (!negative && token.token == Token::kSelect) {
    return base::InvalidArgument("IN takes a list of values, not a subquery");
  }
  return Unexpected(token, negative ? "number" : "string, number, bool");
}

absl::Status Parser::UnboundParameter(const ScannedToken& token) const {
  std::string_view name = token.literal;
  if (name.substr(0, 1) == "$") name.remove_prefix(1);
  if (name.empty()) return base::InvalidArgument("empty bound parameter");
  if (parameters_.find(name) != parameters_.end()) {  // a list where no list may stand
    return base::InvalidArgument(
        "missing parameter: unable to bind parameter with type []interface {}");
  }
  return base::InvalidArgument("missing parameter: ", name);
}

absl::StatusOr<ExprPtr> Parser::ParseNumberToken(const ScannedToken& token) {
  if (token.token == Token::kNumber) {
    double value = 0;
    if (!ParseWhole(token.literal, &value)) {
      return ErrorAt("unable to parse number", token.position);
    }
    return MakeExpr(NumberLiteral{value});
  }
  int64_t value = 0;
  if (ParseWhole(token.literal, &value)) return MakeExpr(IntegerLiteral{value});
  uint64_t large = 0;
  if (ParseWhole(token.literal, &large)) return MakeExpr(UnsignedLiteral{large});
  return ErrorAt("unable to parse integer", token.position);
}

absl::StatusOr<Parser::Operand> Parser::ParseParen() {
  ASSIGN_OR_RETURN(Operand inner, ParseOperand());
  RETURN_IF_ERROR(Expect(Token::kRightParen));
  return Operand{MakeExpr(ParenExpr{std::move(inner.expr)}), inner.depth + 1};
}

// A sign is part of a number and multiplies anything else.
absl::StatusOr<Parser::Operand> Parser::ParseSigned(bool negative) {
  const ScannedToken next = ScanSkippingSpace();
  switch (next.token) {
    case Token::kNumber:
    case Token::kInteger:
    case Token::kDurationVal:
    case Token::kLeftParen:
    case Token::kIdent:
      break;
    default:
      return Unexpected(next, "identifier, number, duration, (");
  }
  Unscan();
  ASSIGN_OR_RETURN(Operand operand, ParseUnary());
  const Expr& expr = *operand.expr;
  if (const auto* number = expr.As<NumberLiteral>()) {
    return Operand{MakeExpr(NumberLiteral{negative ? -number->value : number->value})};
  }
  if (const auto* integer = expr.As<IntegerLiteral>()) {
    const uint64_t bits = static_cast<uint64_t>(integer->value);
    return Operand{MakeExpr(IntegerLiteral{static_cast<int64_t>(negative ? -bits : bits)})};
  }
  if (const auto* large = expr.As<UnsignedLiteral>()) {
    if (!negative) return operand;
    if (large->value == uint64_t{1} << 63) {
      return Operand{MakeExpr(IntegerLiteral{std::numeric_limits<int64_t>::min()})};
    }
    return base::InvalidArgument("constant -", large->value, " underflows int64");
  }
  if (const auto* duration = expr.As<DurationLiteral>()) {
    return Operand{MakeExpr(DurationLiteral{negative ? -duration->ns : duration->ns})};
  }
  const int64_t factor = negative ? -1 : 1;
  return Operand{
      MakeExpr(BinaryExpr{Operator::kMul, MakeExpr(IntegerLiteral{factor}), operand.expr}),
      operand.depth + 1};
}

absl::StatusOr<Parser::Operand> Parser::ParseDistinct() {
  const ScannedToken next = Scan();
  if (next.token == Token::kLeftParen) return ParseCall("distinct");
  if (next.token != Token::kWhitespace) return Unexpected(next, "(, identifier");
  ASSIGN_OR_RETURN(std::string name, ParseIdent());
  return Operand{MakeExpr(Distinct{std::move(name)})};
}

// The name and the parenthesis are read.
absl::StatusOr<Parser::Operand> Parser::ParseCall(std::string name) {
  Call call{absl::AsciiStrToLower(base::ToAbsl(name)), {}};
  int depth = 0;
  for (;;) {
    ASSIGN_OR_RETURN(auto regex, ParseRegex());
    if (regex != nullptr) {
      call.args.push_back(MakeExpr(RegexLiteral{std::move(regex)}));
    } else {
      if (call.args.empty()) {
        if (Scan().token == Token::kRightParen) return Operand{MakeExpr(std::move(call))};
        Unscan();
      }
      ASSIGN_OR_RETURN(Operand argument, ParseOperand());
      depth = std::max(depth, argument.depth);
      call.args.push_back(std::move(argument.expr));
    }
    if (!Accept(Token::kComma)) break;
  }
  const ScannedToken close = Scan();
  if (close.token != Token::kRightParen) return Unexpected(close, ")");
  return Operand{MakeExpr(std::move(call)), depth + 1};
}

absl::StatusOr<ExprPtr> Parser::ParseVarRef() {
  ASSIGN_OR_RETURN(std::vector<std::string> segments, ParseSegmentedIdents());
  VarRef ref;
  for (size_t i = 0; i < segments.size(); ++i) {
    base::StrAppend(ref.name, i > 0 ? "." : "", segments[i]);
  }
  if (Scan().token != Token::kDoubleColon) {
    Unscan();
    return MakeExpr(std::move(ref));
  }
  const ScannedToken type = Scan();
  switch (type.token) {
    case Token::kField:
      ref.type = DataType::kAnyField;
      break;
    case Token::kTag:
      ref.type = DataType::kTag;
      break;
    case Token::kIdent:
      if (!ParseDataType(type.literal, &ref.type)) {
        return Unexpected(type, "float, integer, unsigned, string, boolean, field, tag");
      }
      break;
    default:
      return Unexpected(type, "float, integer, string, boolean, field, tag");
  }
  return MakeExpr(std::move(ref));
}

absl::StatusOr<ExprPtr> Parser::ParseWildcard() {
  Wildcard wildcard;
  if (Scan().token != Token::kDoubleColon) {
    Unscan();
    return MakeExpr(wildcard);
  }
  const ScannedToken type = Scan();
  if (type.token == Token::kField) {
    wildcard.type = DataType::kAnyField;
  } else if (type.token == Token::kTag) {
    wildcard.type = DataType::kTag;
  } else {
    return Unexpected(type, "field, tag");
  }
  return MakeExpr(wildcard);
}

// Looks at the text behind the last token: a slash begins a regular expression only where one may
// stand. A bound parameter may hold one, too.
absl::StatusOr<std::shared_ptr<const index::TagRegex>> Parser::ParseRegex() {
  if (IsWhitespace(scanner_.PeekCharacter())) SkipWhitespace();
  const char32_t next = scanner_.PeekCharacter();
  if (next == '$') {
    const ScannedToken parameter = Scan();
    Unscan();
    if (parameter.token != Token::kRegex) return std::shared_ptr<const index::TagRegex>();
  } else if (next != '/') {
    return std::shared_ptr<const index::TagRegex>();
  }
  const ScannedToken token = Bind(scanner_.ScanRegex());
  if (token.token == Token::kBadRegex) return ErrorAt("bad regex: ", token.position);
  if (token.token != Token::kRegex) return Unexpected(token, "regex");
  auto regex = index::TagRegex::Compile(token.literal);
  if (!regex.ok()) return ErrorAt(base::MessageOf(regex.status()), token.position);
  return regex;
}

}  // namespace varve::query
