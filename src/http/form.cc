#include "http/form.h"

namespace varve::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The value of `name` in a header such as `form-data; name="q"; filename="x"`.
bool HeaderParameter(std::string_view header, std::string_view name, std::string* value) {
  size_t at = header.find(';');
  while (at != std::string_view::npos) {
    ++at;
    while (at < header.size() && (header[at] == ' ' || header[at] == '\t')) ++at;
    const size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return false;
    const std::string_view key = TrimSpace(header.substr(at, equals - at));
    at = equals + 1;
    std::string text;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        text.push_back(header[at]);
      }
      at = header.find(';', at);
    } else {
      const size_t end = header.find(';', at);
      text = TrimSpace(header.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (EqualsIgnoreCase(key, name)) {
      *value = std::move(text);
      return true;
    }
  }
  return false;
}

void AddPart(std::string_view part, Form* fields, Form* files) {
  const size_t blank = part.find("\r\n\r\n");
  if (blank == std::string_view::npos) return;
  std::string_view headers = part.substr(0, blank);
  const std::string_view content = part.substr(blank + 4);
  while (!headers.empty()) {
    const size_t end = headers.find("\r\n");
    const std::string_view line = headers.substr(0, end);
    headers = end == std::string_view::npos ? std::string_view{} : headers.substr(end + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos ||
        !EqualsIgnoreCase(TrimSpace(line.substr(0, colon)), "content-disposition")) {
      continue;
    }
    std::string name;
    std::string file;
    if (!HeaderParameter(line.substr(colon + 1), "name", &name)) return;
    const bool is_file = HeaderParameter(line.substr(colon + 1), "filename", &file);
    (is_file ? files : fields)->Add(std::move(name), std::string(content));
    return;
  }
}

}  // namespace

std::string_view Form::Get(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
  }
  return {};
}

void Form::Append(Form other) {
  for (auto& item : other.items_) items_.push_back(std::move(item));
}

bool Unescape(std::string_view text, bool plus_is_space, std::string* out) {
  out->clear();
  out->reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '+' && plus_is_space) {
      out->push_back(' ');
    } else if (c != '%') {
      out->push_back(c);
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out->push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return true;
}

Form ParseUrlEncoded(std::string_view text) {
  Form form;
  std::string key;
  std::string value;
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const size_t equals = pair.find('=');
    const std::string_view raw_value =
        equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    if (!Unescape(pair.substr(0, equals), true, &key) || !Unescape(raw_value, true, &value)) {
      continue;
    }
    form.Add(std::move(key), std::move(value));
  }
  return form;
}

void ParseMultipart(std::string_view body, std::string_view boundary, Form* fields, Form* files) {
  if (boundary.empty()) return;
  const std::string delimiter = std::string("--").append(boundary);
  const std::string inner = std::string("\r\n").append(delimiter);
  size_t at = body.find(delimiter);
  if (at == std::string_view::npos) return;
  at += delimiter.size();
  while (body.substr(at, 2) != "--") {
    const size_t line_end = body.find("\r\n", at);
    if (line_end == std::string_view::npos) return;
    const size_t start = line_end + 2;
    const size_t next = body.find(inner, start);
    if (next == std::string_view::npos) return;
    AddPart(body.substr(start, next - start), fields, files);
    at = next + inner.size();
  }
}

Form RequestForm(const Request& request) {
  Form form;
  const bool has_body_form = request.method == Method::kPost || request.method == Method::kPut ||
                             request.method == Method::kPatch;
  const std::string_view type = request.Header("content-type");
  const std::string_view kind = TrimSpace(type.substr(0, type.find(';')));
  if (has_body_form && EqualsIgnoreCase(kind, "application/x-www-form-urlencoded")) {
    form = ParseUrlEncoded(request.body);
  }
  form.Append(ParseUrlEncoded(request.query));
  std::string boundary;
  if (has_body_form && EqualsIgnoreCase(kind, "multipart/form-data") &&
      HeaderParameter(type, "boundary", &boundary)) {
    Form files;
    ParseMultipart(request.body, boundary, &form, &files);
    if (TrimSpace(form.Get("q")).empty() && !files.Get("q").empty()) {
      Form with_file;
      with_file.Add("q", std::string(files.Get("q")));
      with_file.Append(std::move(form));
      form = std::move(with_file);
    }
  }
  return form;
}

std::string PathSegment(const Request& request, size_t index) {
  std::string_view rest = request.raw_path;
  for (size_t i = 0; i <= index; ++i) {
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
  rest = rest.substr(0, rest.find('/'));
  std::string segment;
  if (!Unescape(rest, false, &segment)) segment = rest;
  return segment;
}

}  // namespace varve::http
