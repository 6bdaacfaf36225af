// The table of functions: complete, documented, and the only place that knows functions by name.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "query/functions/function.h"

namespace varve::query {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(FunctionsTest, RowsAreComplete) {
  for (const Function* function : AllFunctions()) {
    SCOPED_TRACE(std::string(function->name));
    EXPECT_TRUE(function->usage.starts_with(std::string(function->name) + "("));
    EXPECT_FALSE(function->about.empty());
    EXPECT_LE(function->min_arguments, function->max_arguments);
    const bool aggregates =
        function->Is(FunctionKind::kAggregate) || function->Is(FunctionKind::kSelector);
    EXPECT_EQ(function->make != nullptr, aggregates);
    EXPECT_EQ(function->merge != Merge::kNever, aggregates);
    EXPECT_EQ(function->transform != nullptr, function->Is(FunctionKind::kTransformation));
    EXPECT_EQ(function->title.empty(), !function->Is(FunctionKind::kTransformation));
    EXPECT_EQ(function->evaluate != nullptr, function->Is(FunctionKind::kMath));
    EXPECT_EQ(FindFunction(function->name), function);
    if (function->statistics != Statistics::kNever) {
      EXPECT_EQ(function->merge, Merge::kAnyOrder);
      EXPECT_TRUE(function->fixed_size);
    }
  }
}

TEST(FunctionsTest, AggregatesTakeWhatTheirRowsSay) {
  AggregateOptions options;
  options.n = 1;
  for (const Function* function : AllFunctions()) {
    if (function->make == nullptr) continue;
    for (const auto type :
         {model::FieldType::kFloat, model::FieldType::kInteger, model::FieldType::kUnsigned,
          model::FieldType::kBoolean, model::FieldType::kString}) {
      EXPECT_EQ(function->make(type, options) != nullptr, function->takes.Contains(type))
          << function->name << " of " << model::FieldTypeName(type);
    }
  }
}

TEST(FunctionsTest, AreDocumented) {
  const std::string page = ReadText(VARVE_SOURCE_DIR "/docs/influxql.md");
  const size_t begin = page.find("## Functions\n");
  ASSERT_NE(begin, std::string::npos);
  const size_t end = page.find("\n## ", begin);
  EXPECT_EQ(page.substr(begin, end == std::string::npos ? end : end - begin), FunctionsMarkdown())
      << "put what `varved functions` prints into docs/influxql.md";
}

// A function's name in quotes anywhere else would be a second place to touch.
TEST(FunctionsTest, AreKnownByNameInTheirFilesOnly) {
  for (const auto& entry : std::filesystem::directory_iterator(VARVE_SOURCE_DIR "/src/query")) {
    if (!entry.is_regular_file()) continue;
    const std::string text = ReadText(entry.path());
    const std::string file = entry.path().filename();
    for (const Function* function : AllFunctions()) {
      const std::string quoted = '"' + std::string(function->name) + '"';
      // The word DISTINCT of the grammar, and columns of SHOW ... CARDINALITY and SUBSCRIPTIONS.
      if (file == "parser_expr.cc" && function->name == kDistinctName) continue;
      if (file == "show_cardinality.cc" && function->name == "count") continue;
      if (file == "show_server.cc" && function->name == "mode") continue;
      EXPECT_EQ(text.find(quoted), std::string::npos) << file << " knows " << quoted;
    }
  }
}

}  // namespace
}  // namespace varve::query
