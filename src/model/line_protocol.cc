#include "model/line_protocol.h"

#include "base/check.h"
#include "base/strings.h"
#include "model/line_grammar.h"

namespace varve::model {
namespace {

constexpr size_t kErrorBytesMax = 64 << 10;

int64_t FloorTo(int64_t time_ns, int64_t unit_ns) {
  const int64_t rest = time_ns % unit_ns;
  return time_ns - (rest < 0 ? rest + unit_ns : rest);
}

}  // namespace

bool ParsePrecision(std::string_view text, Precision* precision) {
  struct Name {
    std::string_view text;
    Precision precision;
  };
  static constexpr Name kNames[] = {
      {"", Precision::kNs},  {"n", Precision::kNs},  {"ns", Precision::kNs},
      {"u", Precision::kUs}, {"us", Precision::kUs}, {"ms", Precision::kMs},
      {"s", Precision::kS},  {"m", Precision::kM},   {"h", Precision::kH},
  };
  for (const Name& name : kNames) {
    if (name.text != text) continue;
    *precision = name.precision;
    return true;
  }
  return false;
}

int64_t NanosecondsPer(Precision precision) {
  switch (precision) {
    case Precision::kNs:
      return 1;
    case Precision::kUs:
      return 1'000;
    case Precision::kMs:
      return 1'000'000;
    case Precision::kS:
      return 1'000'000'000;
    case Precision::kM:
      return 60'000'000'000;
    case Precision::kH:
      return 3'600'000'000'000;
  }
  return 1;
}

std::string UnescapeFieldName(std::string_view raw) {
  std::string name;
  name.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    const bool escape = raw[i] == '\\' && i + 1 < raw.size() &&
                        std::string_view(",\" =").find(raw[i + 1]) != std::string_view::npos;
    if (escape) ++i;
    name.push_back(raw[i]);
  }
  return name;
}

struct LineReader::State {
  std::string_view body;
  size_t at = 0;
  TimeRule rule;
  std::vector<LineField> fields;
  std::string text_buffer;  // strings that had escapes
  std::string why;
  std::string error;
  size_t errors = 0;

  void AddError(std::string_view text) {
    ++errors;
    if (error.size() >= kErrorBytesMax) return;
    if (!error.empty()) error.push_back('\n');
    base::StrAppend(error, "unable to parse '", text, "': ", why);
  }
};

LineReader::LineReader(std::string_view body, Precision precision, int64_t default_time_ns)
    : state_(new State) {
  state_->body = body;
  state_->rule.unit_ns = NanosecondsPer(precision);
  state_->rule.default_time_ns = FloorTo(default_time_ns, state_->rule.unit_ns);
}

LineReader::~LineReader() { delete state_; }

bool LineReader::Next(Line* line) {
  State& state = *state_;
  while (state.at < state.body.size()) {
    const size_t end = FindLineEnd(state.body, state.at);
    const std::string_view raw = state.body.substr(state.at, end - state.at);
    state.at = end + 1;
    if (raw.empty()) continue;
    const LineKind kind =
        ParseLine(raw, state.rule, &state.fields, &state.text_buffer, line, &state.why);
    if (kind == LineKind::kGood) return true;
    if (kind == LineKind::kBad) state.AddError(line->text);
  }
  return false;
}

const std::string& LineReader::error() const { return state_->error; }
size_t LineReader::errors() const { return state_->errors; }

}  // namespace varve::model
