#include "model/line_protocol.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "base/strings.h"
#include "model/line_grammar.h"
#include "model/line_marks.h"
#include "model/plain_line.h"
#include "model/plain_number.h"

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

// A window of the body is marked at a time; lines are read along its marks. The last lines of the
// body are copied to `tail`, so that reading past them in whole vectors stays inside a buffer.
struct LineReader::State {
  std::string_view body;
  size_t at = 0;  // where the next line starts
  TimeRule rule;

  size_t tail_start = 0;  // lines that start here or behind are read from `tail`
  std::string tail;
  const char* window = nullptr;  // the text at `window_start`
  size_t window_start = 0;
  std::unique_ptr<uint32_t[]> marks;
  size_t marks_max = 0;
  const uint32_t* mark = nullptr;       // the first at or behind `at`
  const uint32_t* marks_end = nullptr;  // behind the window's last newline

  // What the lines of one call borrow, each its own.
  struct Slot {
    PlainLineParser plain;
    std::vector<LineField> fields;
    std::string text_buffer;  // strings that had escapes
  };
  std::deque<Slot> slots;
  std::string why;
  std::string error;
  size_t errors = 0;

  bool Next(Slot& slot, Line* line);
  void MarkWindow();
  LineKind ReadAnyLine(Slot& slot, Line* line);
  void AddError(std::string_view text);
};

bool LineReader::State::Next(Slot& slot, Line* line) {
  while (at < body.size()) {
    if (mark == marks_end) MarkWindow();
    const auto start = static_cast<uint32_t>(at - window_start);
    if (window[start] == '\n') {
      ++at;
      ++mark;
    } else if (slot.plain.Parse(window, start, &mark, rule, line)) [[likely]] {
      at = window_start + mark[-1] + 1;
      return true;
    } else if (ReadAnyLine(slot, line) == LineKind::kGood) {
      return true;
    }
  }
  return false;
}

// Marks the next stretch of text, which holds at least one whole line.
void LineReader::State::MarkWindow() {
  constexpr size_t kWindowBytes = 16 << 10;
  std::string_view rest = body.substr(at, tail_start - std::min(at, tail_start));
  if (rest.empty()) {
    if (tail.empty()) {
      tail_start = at;
      tail.reserve(body.size() - at + 1 + kMarkPadding);
      tail.append(body.substr(at));
      tail.push_back('\n');
      tail.append(kMarkPadding, '\0');
    }
    rest = std::string_view(tail).substr(at - tail_start);
    rest.remove_suffix(kMarkPadding);
  }
  window = rest.data();
  window_start = at;
  for (size_t size = std::min(kWindowBytes, rest.size());; size = std::min(4 * size, rest.size())) {
    if (marks_max < size) {
      marks_max = size;
      marks = std::make_unique_for_overwrite<uint32_t[]>(marks_max);
    }
    mark = marks.get();
    marks_end = mark + FindMarks(window, size, marks.get());
    while (marks_end != mark && window[marks_end[-1]] != '\n') --marks_end;
    if (marks_end != mark) return;
  }
}

// Reads the line at `at` by the full grammar.
LineKind LineReader::State::ReadAnyLine(Slot& slot, Line* line) {
  const size_t end = FindLineEnd(body, at);
  const std::string_view raw = body.substr(at, end - at);
  at = end + 1;
  while (mark != marks_end && window_start + *mark < at) ++mark;
  const LineKind kind = ParseLine(raw, rule, &slot.fields, &slot.text_buffer, line, &why);
  if (kind == LineKind::kBad) AddError(line->text);
  return kind;
}

void LineReader::State::AddError(std::string_view text) {
  ++errors;
  if (error.size() >= kErrorBytesMax) return;
  if (!error.empty()) error.push_back('\n');
  base::StrAppend(error, "unable to parse '", text, "': ", why);
}

LineReader::LineReader(std::string_view body, Precision precision, int64_t default_time_ns)
    : state_(new State) {
  static_assert(kNumberPadding <= kMarkPadding);
  state_->body = body;
  state_->rule.unit_ns = NanosecondsPer(precision);
  state_->rule.default_time_ns = FloorTo(default_time_ns, state_->rule.unit_ns);
  if (body.size() > kMarkPadding) {
    state_->tail_start = body.rfind('\n', body.size() - kMarkPadding - 1) + 1;
  }
}

LineReader::~LineReader() { delete state_; }

size_t LineReader::Next(std::span<Line> lines) {
  while (state_->slots.size() < lines.size()) state_->slots.emplace_back();
  size_t count = 0;
  while (count < lines.size() && state_->Next(state_->slots[count], &lines[count])) ++count;
  return count;
}

const std::string& LineReader::error() const { return state_->error; }
size_t LineReader::errors() const { return state_->errors; }

}  // namespace varve::model
