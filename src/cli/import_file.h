// A file of line protocol as `influx -import` reads it and `influx_inspect export` makes it: beside
// points it may have statements, and say which database and policy the points behind are of.
//
//     # DDL
//     CREATE DATABASE d WITH NAME autogen
//     # DML
//     # CONTEXT-DATABASE:d
//     # CONTEXT-RETENTION-POLICY:autogen
//     cpu,host=a value=1 1439856000000000000
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace varve::cli {

enum class ImportPiece : uint8_t { kPoints, kStatement, kMark };

// Where in the file we are. One thread at a time.
class ImportPosition {
 public:
  // Takes the first piece from `lines`, which is not empty and ends where a line does: points as
  // far as they go, one statement, or one of the marks above, which the position follows.
  ImportPiece Take(std::string_view* lines, std::string_view* piece);

  // What the last marks said; empty: nothing yet.
  const std::string& database() const { return database_; }
  const std::string& retention_policy() const { return retention_policy_; }

 private:
  bool Follow(std::string_view line);

  bool statements_ = false;
  std::string database_;
  std::string retention_policy_;
};

}  // namespace varve::cli
