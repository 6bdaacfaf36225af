// Strings as Go's encoding/json prints them.
#pragma once

#include <string>
#include <string_view>

namespace varve::http {

// Appends `text` in quotes. `<`, `>`, `&`, U+2028 and U+2029 become \u escapes; bytes that are no
// UTF-8 become \ufffd.
void AppendJsonString(std::string& out, std::string_view text);
// Whether that is `text` itself between the quotes; false for some texts of which it is, too.
bool IsPlainJson(std::string_view text);

}  // namespace varve::http
