#include "cli/import_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varve::cli {
namespace {

// The pieces of a file, each as its kind and text; points with where they go.
std::vector<std::string> Pieces(std::string_view lines, ImportPosition* position) {
  std::vector<std::string> pieces;
  while (!lines.empty()) {
    std::string_view piece;
    const ImportPiece kind = position->Take(&lines, &piece);
    std::string text(piece);
    if (kind == ImportPiece::kStatement) text.insert(0, "statement: ");
    if (kind == ImportPiece::kPoints) {
      text.insert(0, position->database() + "." + position->retention_policy() + ": ");
    }
    if (kind != ImportPiece::kMark) pieces.push_back(text);
  }
  return pieces;
}

TEST(ImportFileTest, ReadsWhatInfluxInspectExports) {
  ImportPosition position;
  EXPECT_EQ(Pieces("# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n"
                   "# DDL\n"
                   "CREATE DATABASE d WITH NAME autogen\n"
                   "CREATE DATABASE d WITH NAME week\n"
                   "# DML\n"
                   "# CONTEXT-DATABASE:d\n"
                   "# CONTEXT-RETENTION-POLICY:autogen\n"
                   "# writing tsm data\n"
                   "cpu v=1 1\n"
                   "cpu v=2 2\n"
                   "# CONTEXT-DATABASE: d\n"
                   "# CONTEXT-RETENTION-POLICY: week\n"
                   "mem v=3 3\n"
                   "# CONTEXT-DATABASE:e\r\n"
                   "disk v=4 4",
                   &position),
            (std::vector<std::string>{
                ".: # INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n",
                "statement: CREATE DATABASE d WITH NAME autogen\n",
                "statement: CREATE DATABASE d WITH NAME week\n",
                "d.autogen: # writing tsm data\ncpu v=1 1\ncpu v=2 2\n", "d.week: mem v=3 3\n",
                "e.: disk v=4 4"}));
}

TEST(ImportFileTest, PointsAloneAreOnePieceAndAnyCutBetweenLinesGivesTheSame) {
  const std::string file = "cpu v=1 1\n# a comment\ncpu,host=#\\ DDL v=\"# DML\" 2\n";
  ImportPosition whole;
  EXPECT_EQ(Pieces(file, &whole), std::vector<std::string>{".: " + file});

  const std::string with_marks = "# DDL\nCREATE DATABASE d\n# DML\n# CONTEXT-DATABASE:d\nm v=1\n";
  for (size_t cut = 0; cut < with_marks.size(); ++cut) {
    if (with_marks[cut] != '\n') continue;
    ImportPosition position;
    std::vector<std::string> pieces = Pieces(with_marks.substr(0, cut + 1), &position);
    for (auto& piece : Pieces(with_marks.substr(cut + 1), &position)) pieces.push_back(piece);
    EXPECT_EQ(pieces, (std::vector<std::string>{"statement: CREATE DATABASE d\n", "d.: m v=1\n"}))
        << cut;
  }
}

}  // namespace
}  // namespace varve::cli
