// Asks a world, and reads out of EXPLAIN ANALYZE what answering took.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "tests/conformance/world.h"

namespace varve::conformance {

// The answer of a statement on database d, times in minutes.
inline Json Ask(World& world, std::string_view text) {
  QueryStep step;
  step.text = std::string(text);
  step.database = "d";
  step.epoch = "m";
  return world.Query(step).json;
}

// The number behind the first `label` of an answer; -1, and a failure, when there is none.
inline int64_t NumberBehind(const Json& answer, std::string_view label) {
  const std::string text = answer.Dump();
  const size_t at = text.find(label);
  EXPECT_NE(at, std::string::npos) << text;
  int64_t number = -1;
  if (at != std::string::npos) {
    std::from_chars(text.data() + at + label.size(), text.data() + text.size(), number);
  }
  return number;
}

// What EXPLAIN ANALYZE counts under `what` ("rows", "hours_from_rollups").
inline int64_t CountRead(World& world, const std::string& select, std::string_view what) {
  return NumberBehind(Ask(world, "EXPLAIN ANALYZE " + select), base::StrCat("── ", what, ": "));
}

}  // namespace varve::conformance
