// The functions of InfluxQL: each is one row, in the file that computes it.
//
// Whoever needs to know something about a function asks its row: the checks (compile_calls.cc), the
// types of columns and the expansion of wildcards (rewrite.cc), the planner (call_plan.cc), the
// scan (aggregate_scan.cc), docs/influxql.md (documentation.cc). So adding one to a family touches
// the family's file and its test; a new family is one line in function.cc besides. Source:
// InfluxDB 1.x "query/compile.go", "query/functions.go", "query/call_iterator.go".
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "query/ast.h"
#include "query/functions/aggregate.h"
#include "query/functions/transform.h"

namespace varve::query {

enum class FunctionKind : uint8_t {
  kAggregate,       // the values of a window to a value of the window
  kSelector,        // the values of a window to some of its points
  kTransformation,  // a sequence of points to another
  kMath,            // the values of a row to a value
};

// What the first argument may be.
enum class FirstArgument : uint8_t {
  kField,            // a field, a wildcard or a regular expression
  kFieldOrDistinct,  // likewise, or distinct(field)
  kName,             // a field by name
  kRanked,           // a field by name, followed by further fields and tags
  kFieldOrWindows,   // a field, or under GROUP BY time() an aggregate
  kFieldOrCall,      // a field or an aggregate
  kWindows,          // an aggregate under GROUP BY time()
  kExpression,       // any expression
};

class TypeSet {
 public:
  constexpr TypeSet(std::initializer_list<model::FieldType> types) {
    for (const model::FieldType type : types) bits_ |= Bit(type);
  }
  constexpr bool Contains(model::FieldType type) const { return (bits_ & Bit(type)) != 0; }

 private:
  static constexpr uint32_t Bit(model::FieldType type) {
    return uint32_t{1} << static_cast<uint32_t>(type);
  }
  uint32_t bits_ = 0;
};
inline constexpr TypeSet kNumbers = {model::FieldType::kFloat, model::FieldType::kInteger,
                                     model::FieldType::kUnsigned};
inline constexpr TypeSet kNumbersAndBooleans = {
    model::FieldType::kFloat, model::FieldType::kInteger, model::FieldType::kUnsigned,
    model::FieldType::kBoolean};
inline constexpr TypeSet kAllTypes = {model::FieldType::kFloat, model::FieldType::kInteger,
                                      model::FieldType::kUnsigned, model::FieldType::kBoolean,
                                      model::FieldType::kString};

enum class ResultType : uint8_t { kFloat, kInteger, kUnsigned, kString, kArgument };

// What GROUP BY time() shows where a window has no point of the function.
enum class Gaps : uint8_t {
  kFill,  // what fill() says
  kZero,  // likewise, but 0 where it says null
  kNone,  // nothing: the function gives any number of points
};

// How the states of parts of a group are put together.
enum class Merge : uint8_t {
  kAnyOrder,  // the result does not depend on the order
  kInOrder,   // in the order of the series
  kNever,     // the function sees all points of its group in order of time
};

// Whether the statistics of a block or an hour do instead of its rows.
enum class Statistics : uint8_t {
  kNever,
  kOfNumbers,  // of numbers
  kCount,      // of any type, and only the count is looked at
};

// What the checks of arguments know of the statement.
struct ArgumentContext {
  int64_t limit = 0;  // LIMIT, 0: none
};

inline constexpr size_t kAnyArguments = SIZE_MAX;

// What DISTINCT field stands for.
inline constexpr std::string_view kDistinctName = "distinct";

struct Function {
  std::string_view name;
  std::string_view usage;  // "percentile(field, n)"
  std::string_view about;  // a few words for the documentation
  FunctionKind kind = FunctionKind::kAggregate;
  FirstArgument first = FirstArgument::kField;
  size_t min_arguments = 1;
  size_t max_arguments = 1;
  // The arguments behind the first; null where nothing is left to check. INVALID_ARGUMENT with
  // InfluxDB's text. The number of arguments is right.
  absl::Status (*check)(const Call& call, const ArgumentContext& context) = nullptr;
  TypeSet takes = kNumbers;  // fields of other types are errors, and left out of wildcards
  ResultType gives = ResultType::kArgument;

  // Aggregates and selectors.
  Gaps gaps = Gaps::kFill;
  Merge merge = Merge::kNever;
  Statistics statistics = Statistics::kNever;  // without aux columns
  bool at_extreme = false;                     // chooses the row with the least or greatest value
  bool values_only = false;  // the order does not matter after all, unless a row shows
  bool fixed_size = false;   // the state of a window does not grow with its rows
  bool keeps_time = false;   // points keep the time of their row under GROUP BY time() too
  AggregateMaker* make = nullptr;
  const Function* of_distinct = nullptr;  // what f(distinct(x)) is

  // Transformations.
  TransformFunction* transform = nullptr;
  std::string_view title;     // in "unsupported ... iterator type"
  bool reads_before = false;  // the first window's value needs the window before it

  // Mathematics: the value for arguments none of which is null; null where the function is not
  // defined for their types. NaN and infinities are passed on.
  model::FieldValue (*evaluate)(std::span<const model::FieldValue> args) = nullptr;

  bool Is(FunctionKind k) const { return kind == k; }
};

// Null when there is no such function.
const Function* FindFunction(std::string_view name);
// Likewise, and when it is of another kind.
const Function* FindFunction(std::string_view name, FunctionKind kind);
// True for top() and bottom(), whose arguments in the middle are columns of the answer too.
bool HasFurtherColumns(const Call& call);

// All functions in the order of their names.
std::vector<const Function*> AllFunctions();

// "invalid number of arguments for ..." unless it is right.
absl::Status CheckArgumentCount(const Function& function, const Call& call);

// The type of a call's values, `argument`: that of its first argument.
DataType ResultTypeOf(const Function& function, DataType argument);
model::FieldType ResultTypeOf(const Function& function, model::FieldType argument);

// The table of functions in docs/influxql.md.
std::string FunctionsMarkdown();

// What count(distinct(x)) is; aggregates_values.cc.
extern const Function kCountDistinct;

// Checks that several families share.
absl::Status CheckPositiveDuration(const DurationLiteral& duration);

// The families, one file each.
std::span<const Function> MomentFunctions();       // aggregates_moments.cc
std::span<const Function> ChoiceFunctions();       // aggregates_selectors.cc
std::span<const Function> CollectingFunctions();   // aggregates_values.cc
std::span<const Function> RankedFunctions();       // aggregates_ranked.cc
std::span<const Function> StepFunctions();         // transform_steps.cc
std::span<const Function> IntegralFunctions();     // integral.cc
std::span<const Function> HoltWintersFunctions();  // holt_winters.cc
std::span<const Function> TechnicalFunctions();    // technical.cc
std::span<const Function> SketchFunctions();       // sketches.cc
std::span<const Function> MathFunctions();         // math.cc

}  // namespace varve::query
