// Answers as aligned tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/server_client.h"

namespace varve::cli {

// Columns wide enough for their cells; numbers to the right. Series of one name with the same
// columns share a table, their tags being its first columns; a column of times that are all zero (a
// whole-range aggregate's) is left out.
std::string FormatTables(const AnswerStatement& statement);

// Columns on a terminal that UTF-8 text takes, letters of double width aside.
size_t DisplayWidth(std::string_view text);

}  // namespace varve::cli
