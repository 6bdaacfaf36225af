// The chapter of docs/influxql.md that comes from the table of functions.
#include "base/strings.h"
#include "query/functions/function.h"

namespace varve::query {
namespace {

using model::FieldType;

struct Chapter {
  FunctionKind kind;
  std::string_view title;
  std::string_view text;
};
constexpr Chapter kChapters[] = {
    {FunctionKind::kAggregate, "Aggregates",
     "One value for each window, or for the whole range without `GROUP BY time()`. Null values do "
     "not count; a series without any value gives no row."},
    {FunctionKind::kSelector, "Selectors",
     "Points out of each window. The one selector of a statement without `GROUP BY time()` keeps "
     "the time of its point, and further fields and tags may stand beside it."},
    {FunctionKind::kTransformation, "Transformations",
     "From the points of a series, or of a group, to others; points without a value are passed "
     "over. With `GROUP BY time()` the first argument is an aggregate or a selector, whose windows "
     "are transformed. Where \"before\" says yes, the window before the range is read too."},
    {FunctionKind::kMath, "Mathematics",
     "From the values of a row to a value; in `WHERE` too. Null where an argument is null, not a "
     "number, or the result is not a number."},
};

std::string_view TypesOf(const Function& function) {
  if (function.takes.Contains(FieldType::kString)) {
    return function.takes.Contains(FieldType::kFloat) ? "any" : "strings";
  }
  if (function.takes.Contains(FieldType::kBoolean)) return "numbers, booleans";
  return function.takes.Contains(FieldType::kUnsigned) ? "numbers" : "floats, integers";
}

std::string_view ResultOf(const Function& function) {
  switch (function.gives) {
    case ResultType::kFloat:
      return "float";
    case ResultType::kInteger:
      return "integer";
    case ResultType::kUnsigned:
      return "unsigned";
    case ResultType::kString:
      return "string";
    case ResultType::kArgument:
      break;
  }
  return "as taken";
}

std::string_view GapsOf(const Function& function) {
  switch (function.gaps) {
    case Gaps::kZero:
      return "0";
    case Gaps::kNone:
      return "no row";
    case Gaps::kFill:
      break;
  }
  return "`fill()`";
}

// How parts of a group come together, and what a window takes.
std::string PartsOf(const Function& function) {
  std::string parts = function.merge == Merge::kInOrder ? "in order of series" : "in any order";
  parts += function.fixed_size ? ", a few words" : ", grows with the values";
  if (function.statistics != Statistics::kNever) parts += ", block statistics";
  return parts;
}

void AppendRow(const Function& function, std::string* out) {
  base::StrAppend(*out, "| `", function.usage, "` | ", function.about, " | ");
  switch (function.kind) {
    case FunctionKind::kAggregate:
    case FunctionKind::kSelector:
      base::StrAppend(*out, TypesOf(function), " | ", ResultOf(function), " | ", GapsOf(function),
                      " | ", PartsOf(function), " |\n");
      break;
    case FunctionKind::kTransformation:
      base::StrAppend(*out, TypesOf(function), " | ", ResultOf(function), " | ",
                      function.reads_before ? "yes" : "no", " |\n");
      break;
    case FunctionKind::kMath:
      base::StrAppend(*out, ResultOf(function), " |\n");
      break;
  }
}

std::string_view HeadOf(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::kAggregate:
    case FunctionKind::kSelector:
      return "| function | | of | gives | empty window | parts of a group |\n"
             "| --- | --- | --- | --- | --- | --- |\n";
    case FunctionKind::kTransformation:
      return "| function | | of | gives | before |\n| --- | --- | --- | --- | --- |\n";
    case FunctionKind::kMath:
      break;
  }
  return "| function | | gives |\n| --- | --- | --- |\n";
}

}  // namespace

std::string FunctionsMarkdown() {
  std::string out =
      "## Functions\n\n"
      "This chapter is made by `varved functions`. A `field` may be `*` or a regular expression "
      "where it is\nthe only argument of its kind: then there is a column for every field of a "
      "type "
      "the function takes.\n";
  for (const Chapter& chapter : kChapters) {
    base::StrAppend(out, "\n### ", chapter.title, "\n\n", chapter.text, "\n\n",
                    HeadOf(chapter.kind));
    for (const Function* function : AllFunctions()) {
      if (function->kind == chapter.kind) AppendRow(*function, &out);
    }
  }
  return out;
}

}  // namespace varve::query
