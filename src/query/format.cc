// How expressions and SELECT print themselves; the other statements are in format_statement.cc.
#include "query/format.h"

#include <charconv>
#include <cmath>

#include "absl/time/time.h"
#include "base/strings.h"
#include "query/ast.h"
#include "query/scanner.h"
#include "query/token.h"
#include "query/utf8.h"
#include "query/value_list.h"

namespace varve::query {
namespace {

using base::StrAppend;
using base::StrCat;

std::string Escape(std::string_view text, char quote) {
  std::string out;
  out.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || c == quote) out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

bool NeedsQuotes(std::string_view name) {
  if (name.empty() || LookupKeyword(name) != Token::kIdent) return true;
  if (!IsIdentFirstCharacter(static_cast<unsigned char>(name[0]))) return true;
  for (const char c : name) {
    if (!IsIdentCharacter(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

// InfluxDB prints three decimals, and so loses digits of the factors in a continuous query; a
// number that three decimals do not hold is printed in full here.
std::string FormatNumber(double value) {
  char buffer[512];
  auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed, 3);
  double back = 0;
  std::from_chars(buffer, result.ptr, back);
  if (back != value) {
    result = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed);
  }
  return {buffer, result.ptr};
}

// Go's %v: exponents below 1e-4 and from 1e21 on.
std::string FormatGoFloat(double value) {
  char buffer[64];
  const double magnitude = std::fabs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21);
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), value,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  return {buffer, result.ptr};
}

std::string FormatRegex(const index::TagRegex& regex) {
  std::string out = "/";
  for (const char c : regex.pattern()) {
    if (c == '/') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('/');
  return out;
}

std::string FormatTime(int64_t ns) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixNanos(ns), absl::UTCTimeZone());
}

struct ExprFormatter {
  std::string* out;

  void Append(const Expr& expr) const { std::visit(*this, expr.node); }

  void operator()(const BinaryExpr& e) const {
    Append(*e.left);
    StrAppend(*out, " ", OperatorText(e.op), " ");
    Append(*e.right);
  }
  void operator()(const Call& e) const {
    StrAppend(*out, e.name, "(");
    for (size_t i = 0; i < e.args.size(); ++i) {
      if (i > 0) *out += ", ";
      Append(*e.args[i]);
    }
    *out += ")";
  }
  void operator()(const VarRef& e) const {
    *out += QuoteIdentifier(e.name);
    if (e.type != DataType::kUnknown) StrAppend(*out, "::", DataTypeName(e.type));
  }
  void operator()(const Wildcard& e) const {
    *out += "*";
    if (e.type != DataType::kUnknown) StrAppend(*out, "::", DataTypeName(e.type));
  }
  void operator()(const Distinct& e) const {
    StrAppend(*out, "DISTINCT ", QuoteIdentifier(e.name));
  }
  void operator()(const ParenExpr& e) const {
    *out += "(";
    Append(*e.inner);
    *out += ")";
  }
  void operator()(const NumberLiteral& e) const { *out += FormatNumber(e.value); }
  void operator()(const IntegerLiteral& e) const { StrAppend(*out, e.value); }
  void operator()(const UnsignedLiteral& e) const { StrAppend(*out, e.value); }
  void operator()(const StringLiteral& e) const { *out += QuoteString(e.value); }
  void operator()(const BooleanLiteral& e) const { StrAppend(*out, e.value); }
  void operator()(const DurationLiteral& e) const { *out += FormatDuration(e.ns); }
  void operator()(const TimeLiteral& e) const { StrAppend(*out, "'", FormatTime(e.ns), "'"); }
  void operator()(const RegexLiteral& e) const { *out += FormatRegex(*e.regex); }
  void operator()(const ListLiteral& e) const {
    *out += "(";
    for (size_t i = 0; i < e.values.size(); ++i) {
      StrAppend(*out, i > 0 ? ", " : "", QuoteIdentifier(e.values[i]));
    }
    *out += ")";
  }
  void operator()(const ValuesLiteral& e) const {
    *out += "(";
    bool first = true;
    for (const ValueList::Item& item : e.list->items()) {
      if (!first) *out += ", ";
      first = false;
      std::visit([this](const auto& value) { AppendValue(value); }, item);
    }
    *out += ")";
  }
  void operator()(const NilLiteral&) const { *out += "nil"; }
  void operator()(const Between& e) const {
    Append(*e.expr);
    *out += " BETWEEN ";
    Append(*e.low);
    *out += " AND ";
    Append(*e.high);
  }
  void operator()(const CalendarLiteral& e) const {
    const bool years = e.months != 0 && e.months % 12 == 0;
    StrAppend(*out, years ? e.months / 12 : e.months, years ? "y" : "mo");
  }
  void operator()(const TimePart& e) const { (*this)(e.call); }
  void operator()(const BoundParameter& e) const { StrAppend(*out, "$", QuoteIdentifier(e.name)); }

  void AppendValue(double value) const { *out += FormatNumber(value); }
  void AppendValue(const std::string& value) const { *out += QuoteString(value); }
  template <typename T>
  void AppendValue(T value) const {
    StrAppend(*out, value);
  }
};

std::string FormatFields(const std::vector<SelectField>& fields) {
  std::string out;
  for (const SelectField& field : fields) {
    if (!out.empty()) out += ", ";
    out += Format(*field.expr);
    if (!field.alias.empty()) StrAppend(out, " AS ", QuoteIdentifier(field.alias));
  }
  return out;
}

std::string FormatFill(const SelectStatement& statement) {
  switch (statement.fill) {
    case FillOption::kNull:
      return "";
    case FillOption::kNone:
      return " fill(none)";
    case FillOption::kPrevious:
    case FillOption::kLinear: {
      std::string out = " fill(";
      out += statement.fill == FillOption::kPrevious ? "previous" : "linear";
      if (statement.fill_max_ns > 0) StrAppend(out, ", ", FormatDuration(statement.fill_max_ns));
      return out + ")";
    }
    case FillOption::kNumber:
      break;
  }
  if (const auto* integer = std::get_if<int64_t>(&statement.fill_value)) {
    return StrCat(" fill(", *integer, ")");
  }
  const auto* number = std::get_if<double>(&statement.fill_value);
  return StrCat(" fill(", FormatGoFloat(number == nullptr ? 0 : *number), ")");
}

}  // namespace

std::string_view DataTypeName(DataType type) {
  switch (type) {
    case DataType::kUnknown:
      return "unknown";
    case DataType::kFloat:
      return "float";
    case DataType::kInteger:
      return "integer";
    case DataType::kUnsigned:
      return "unsigned";
    case DataType::kString:
      return "string";
    case DataType::kBoolean:
      return "boolean";
    case DataType::kTime:
      return "time";
    case DataType::kDuration:
      return "duration";
    case DataType::kTag:
      return "tag";
    case DataType::kAnyField:
      return "field";
  }
  return "unknown";
}

std::string_view OperatorText(Operator op) {
  static constexpr std::string_view kTexts[] = {"+", "-",   "*",  "/",  "%",  "&",     "|",
                                                "^", "AND", "OR", "=",  "!=", "=~",    "!~",
                                                "<", "<=",  ">",  ">=", "IN", "NOT IN"};
  return kTexts[static_cast<size_t>(op)];
}

std::string QuoteIdentifier(std::string_view name) {
  std::string escaped = Escape(name, '"');
  return NeedsQuotes(name) ? StrCat("\"", escaped, "\"") : escaped;
}

std::string QuoteString(std::string_view text) { return StrCat("'", Escape(text, '\''), "'"); }

std::string FormatDuration(int64_t ns) {
  if (ns == 0) return "0s";
  struct Unit {
    int64_t ns;
    std::string_view name;
  };
  static constexpr Unit kUnits[] = {
      {604'800'000'000'000, "w"},
      {86'400'000'000'000, "d"},
      {3'600'000'000'000, "h"},
      {60'000'000'000, "m"},
      {1'000'000'000, "s"},
      {1'000'000, "ms"},
      {1'000, "u"},
  };
  for (const Unit& unit : kUnits) {
    if (ns % unit.ns == 0) return StrCat(ns / unit.ns, unit.name);
  }
  return StrCat(ns, "ns");
}

std::string Format(const Expr& expr) {
  std::string out;
  ExprFormatter{&out}.Append(expr);
  return out;
}

std::string FormatMeasurement(const Measurement& m) {
  std::string out;
  if (!m.database.empty()) StrAppend(out, QuoteIdentifier(m.database), ".");
  if (!m.retention_policy.empty()) out += QuoteIdentifier(m.retention_policy);
  if (!m.database.empty() || !m.retention_policy.empty()) out += ".";
  if (!m.name.empty()) {
    out += QuoteIdentifier(m.name);
  } else if (m.regex != nullptr) {
    out += FormatRegex(*m.regex);
  }
  return out;
}

namespace {

std::string FormatJoin(const Join& join) {
  std::string out;
  for (size_t i = 0; i < join.sides.size(); ++i) {
    const JoinSide& side = join.sides[i];
    if (i > 0) {
      out += side.kind == JoinKind::kInner  ? " JOIN "
             : side.kind == JoinKind::kLeft ? " LEFT JOIN "
                                            : " FULL JOIN ";
    }
    StrAppend(out, Format(side.source), " AS ", QuoteIdentifier(side.alias));
  }
  if (!join.on_given) return out;
  out += " ON time";
  for (const std::string& tag : join.tags) StrAppend(out, ", ", QuoteIdentifier(tag));
  return out;
}

}  // namespace

std::string Format(const Source& source) {
  if (const auto* join = std::get_if<std::shared_ptr<const Join>>(&source.node)) {
    return FormatJoin(**join);
  }
  if (const auto* m = std::get_if<Measurement>(&source.node)) return FormatMeasurement(*m);
  return StrCat("(", Format(*std::get<std::shared_ptr<const SelectStatement>>(source.node)), ")");
}

std::string FormatSources(const std::vector<Source>& sources) {
  std::string out;
  for (const Source& source : sources) {
    if (!out.empty()) out += ", ";
    out += Format(source);
  }
  return out;
}

std::string FormatDimensions(const std::vector<Dimension>& dimensions) {
  std::string out;
  for (const Dimension& dimension : dimensions) {
    if (!out.empty()) out += ", ";
    out += Format(*dimension.expr);
  }
  return out;
}

void AppendOrderBy(const std::vector<SortField>& fields, std::string* out) {
  for (size_t i = 0; i < fields.size(); ++i) {
    StrAppend(*out, i == 0 ? " ORDER BY " : ", ");
    if (fields[i].expr != nullptr) StrAppend(*out, Format(*fields[i].expr), " ");
    if (!fields[i].name.empty()) StrAppend(*out, fields[i].name, " ");
    *out += fields[i].ascending ? "ASC" : "DESC";
  }
}

void AppendPaging(const Paging& paging, std::string* out) {
  if (paging.limit > 0) StrAppend(*out, " LIMIT ", paging.limit);
  if (paging.offset > 0) StrAppend(*out, " OFFSET ", paging.offset);
  if (paging.slimit > 0) StrAppend(*out, " SLIMIT ", paging.slimit);
  if (paging.soffset > 0) StrAppend(*out, " SOFFSET ", paging.soffset);
}

std::string Format(const SelectStatement& s) {
  std::string out = StrCat("SELECT ", FormatFields(s.fields));
  if (s.target.has_value()) {
    StrAppend(out, " INTO ", FormatMeasurement(*s.target));
    if (s.target->name.empty()) out += ":MEASUREMENT";
  }
  if (!s.sources.empty()) StrAppend(out, " FROM ", FormatSources(s.sources));
  if (s.condition != nullptr) StrAppend(out, " WHERE ", Format(*s.condition));
  if (!s.dimensions.empty()) StrAppend(out, " GROUP BY ", FormatDimensions(s.dimensions));
  out += FormatFill(s);
  if (s.lookback_ns > 0) StrAppend(out, " LOOKBACK ", FormatDuration(s.lookback_ns));
  if (s.having != nullptr) StrAppend(out, " HAVING ", Format(*s.having));
  AppendOrderBy(s.sort_fields, &out);
  AppendPaging({s.limit, s.offset, s.slimit, s.soffset}, &out);
  if (!s.location.empty()) StrAppend(out, " TZ('", s.location, "')");
  return out;
}

}  // namespace varve::query
