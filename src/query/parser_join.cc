// FROM a AS x JOIN b AS y: no InfluxQL of InfluxDB's. JOIN, INNER, LEFT, FULL and OUTER are names
// everywhere but behind a source, where InfluxDB has no name.
#include <optional>

#include "absl/strings/match.h"
#include "base/status.h"
#include "query/parser_impl.h"

namespace varve::query {
namespace {

// What a side is called that was given no name.
std::string DefaultAlias(const Source& source) {
  const auto* m = std::get_if<Measurement>(&source.node);
  return m == nullptr ? std::string() : m->name;
}

absl::Status CheckAlias(const JoinSide& side, const std::vector<JoinSide>& others) {
  if (side.alias.empty()) {
    return base::InvalidArgument("JOIN: ", Format(side.source), " needs a name, as in ",
                                 Format(side.source), " AS a");
  }
  if (side.alias.find('.') != std::string::npos) {
    return base::InvalidArgument("JOIN: the name ", QuoteIdentifier(side.alias),
                                 " has a dot in it; another one can be given by AS");
  }
  for (const JoinSide& other : others) {
    if (other.alias != side.alias) continue;
    return base::InvalidArgument("JOIN: two sides are called ", QuoteIdentifier(side.alias),
                                 "; other names can be given by AS");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Parser::ExpectWord(std::string_view word) {
  if (AcceptWord(word)) return absl::OkStatus();
  return Unexpected(ScanSkippingSpace(), word);
}

absl::StatusOr<std::optional<JoinKind>> Parser::ParseJoinWords() {
  std::optional<JoinKind> kind;
  if (AcceptWord("join")) return std::optional(JoinKind::kInner);
  if (AcceptWord("inner")) {
    kind = JoinKind::kInner;
  } else if (AcceptWord("left")) {
    kind = JoinKind::kLeft;
  } else if (AcceptWord("full")) {
    kind = JoinKind::kFull;
  } else {
    return kind;
  }
  if (kind != JoinKind::kInner) AcceptWord("outer");
  RETURN_IF_ERROR(ExpectWord("JOIN"));
  return kind;
}

// The first source of FROM is read.
absl::StatusOr<Source> Parser::ParseJoin(Source first) {
  Join join;
  JoinSide side{std::move(first), "", JoinKind::kInner};
  for (;;) {
    ASSIGN_OR_RETURN(side.alias, ParseAlias());
    // Without AS the word JOIN is the error that it is in InfluxDB.
    if (join.sides.empty() && side.alias.empty()) return std::move(side.source);
    ASSIGN_OR_RETURN(const std::optional<JoinKind> next, ParseJoinWords());
    if (!next.has_value() && join.sides.empty()) return Unexpected(ScanSkippingSpace(), "JOIN");
    if (side.alias.empty()) side.alias = DefaultAlias(side.source);
    RETURN_IF_ERROR(CheckAlias(side, join.sides));
    join.sides.push_back(std::move(side));
    if (!next.has_value()) break;
    side.kind = *next;
    ASSIGN_OR_RETURN(side.source, ParseSource(/*subqueries=*/true));
  }
  if (Accept(Token::kOn)) {
    join.on_given = true;
    bool has_time = false;
    do {
      ASSIGN_OR_RETURN(std::string name, ParseIdent());
      has_time = has_time || name == "time";
      if (name != "time") join.tags.push_back(std::move(name));
    } while (Accept(Token::kComma));
    if (!has_time) {
      return base::InvalidArgument("JOIN: rows are joined on time at least; ON must name it, too");
    }
  }
  return Source{std::make_shared<const Join>(std::move(join))};
}

}  // namespace varve::query
