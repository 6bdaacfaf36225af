#include "http/pretty_json.h"

namespace varve::http {

void PrettyJson::NewLine() {
  text_.push_back('\n');
  text_.append(depth_ * 4, ' ');
}

void PrettyJson::Take(char c) {
  if (in_string_) {
    text_.push_back(c);
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
    return;
  }
  const bool closes = c == '}' || c == ']';
  if (just_opened_ && !closes) NewLine();
  if (closes) {
    --depth_;
    if (!just_opened_) NewLine();
  }
  just_opened_ = c == '{' || c == '[';
  if (just_opened_) ++depth_;
  text_.push_back(c);
  if (c == ',') NewLine();
  if (c == ':') text_.push_back(' ');
  if (c == '"') in_string_ = true;
}

absl::Status PrettyJson::Write(std::string_view bytes, bool flush) {
  text_.clear();
  for (const char c : bytes) Take(c);
  return out_.Write(text_, flush);
}

}  // namespace varve::http
