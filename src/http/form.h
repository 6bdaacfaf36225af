// The parameters of a request: from its address, a urlencoded body or a multipart body.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"

namespace varve::http {

// Parameters in order; the first of a name counts.
class Form {
 public:
  // "" when absent: an empty parameter is as if it were absent.
  std::string_view Get(std::string_view name) const;
  void Add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }
  void Append(Form other);
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// Parses `a=1&b=2`. As Go does, a pair with a ';' or a bad escape is passed over.
Form ParseUrlEncoded(std::string_view text);

// Undoes percent escapes and, with `plus_is_space`, '+'. False on a bad escape.
bool Unescape(std::string_view text, bool plus_is_space, std::string* out);

// Parses a multipart/form-data body: fields by name; a part with a file name goes to `files`.
// Damaged input ends the parse: what came before it counts.
void ParseMultipart(std::string_view body, std::string_view boundary, Form* fields, Form* files);

// Every parameter of a request, the body's before the address's as Go's FormValue has them; `q`
// may also come as a file.
Form RequestForm(const Request& request);

// Segment `index` (from 0) of the path as sent, percent escapes undone; "" when there is none.
std::string PathSegment(const Request& request, size_t index);

}  // namespace varve::http
