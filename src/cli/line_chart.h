// A line chart in Unicode Braille, two by four dots a character.
#pragma once

#include <cstddef>
#include <string>

#include "cli/server_client.h"

namespace varve::cli {

struct ChartOptions {
  size_t width = 72;  // characters of the plot, labels aside
  size_t height = 14;
  bool color = false;  // ANSI colours, one a series
};

// Draws the first column of numbers of each series over its time. "" when there is no such column,
// or fewer than two points.
std::string DrawChart(const AnswerStatement& statement, const ChartOptions& options);

}  // namespace varve::cli
