#include "cli/import_file.h"

namespace varve::cli {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The first line, its end included if it has one.
std::string_view FirstLine(std::string_view lines) {
  const size_t end = lines.find('\n');
  return end == lines.npos ? lines : lines.substr(0, end + 1);
}

}  // namespace

// Other comments are left to the server, which passes over them.
bool ImportPosition::Follow(std::string_view line) {
  constexpr std::string_view kDatabase = "# CONTEXT-DATABASE:";
  constexpr std::string_view kPolicy = "# CONTEXT-RETENTION-POLICY:";
  if (line.starts_with(kDatabase)) {
    database_ = Trim(line.substr(kDatabase.size()));
    retention_policy_.clear();
  } else if (line.starts_with(kPolicy)) {
    retention_policy_ = Trim(line.substr(kPolicy.size()));
  } else if (Trim(line) == "# DDL" || Trim(line) == "# DML") {
    statements_ = Trim(line) == "# DDL";
  } else {
    return false;
  }
  return true;
}

ImportPiece ImportPosition::Take(std::string_view* lines, std::string_view* piece) {
  const std::string_view first = FirstLine(*lines);
  ImportPiece kind = ImportPiece::kPoints;
  size_t size = first.size();
  if (Follow(first)) {
    kind = ImportPiece::kMark;
  } else if (statements_) {
    kind = ImportPiece::kStatement;
  } else {
    size = lines->size();
    for (size_t at = lines->find("\n# "); at != lines->npos; at = lines->find("\n# ", at + 1)) {
      // The position must not follow the mark before it is taken.
      if (!ImportPosition(*this).Follow(FirstLine(lines->substr(at + 1)))) continue;
      size = at + 1;
      break;
    }
  }
  *piece = lines->substr(0, size);
  lines->remove_prefix(size);
  return kind;
}

}  // namespace varve::cli
