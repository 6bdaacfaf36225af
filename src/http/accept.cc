#include <charconv>
#include <optional>
#include <string_view>

#include "http/encoder.h"
#include "http/message.h"

namespace varve::http {
namespace {

struct Known {
  std::string_view type;
  Format format;
};
// The first that a wildcard matches is meant by it.
constexpr Known kKnown[] = {{"application/json", Format::kJson},
                            {"application/csv", Format::kCsv},
                            {"text/csv", Format::kCsv},
                            {"application/x-msgpack", Format::kMsgPack}};

// Cuts off what stands before `stop` and takes both from `text`.
std::string_view TakeUntil(std::string_view* text, char stop) {
  const size_t at = text->find(stop);
  const std::string_view item = text->substr(0, at);
  text->remove_prefix(at == text->npos ? text->size() : at + 1);
  return TrimSpace(item);
}

struct Choice {
  Format format = Format::kJson;
  double quality = 1;
  int precision = 0;  // 2: a type, 1: "text/*", 0: "*/*"
};

std::optional<Choice> FindType(std::string_view type) {
  if (type == "*/*") return Choice{};
  const bool any = type.size() > 2 && type.substr(type.size() - 2) == "/*";
  for (const Known& known : kKnown) {
    const std::string_view name = any ? known.type.substr(0, known.type.find('/')) : known.type;
    const std::string_view wanted = any ? type.substr(0, type.size() - 2) : type;
    if (EqualsIgnoreCase(wanted, name)) return Choice{known.format, 1, any ? 1 : 2};
  }
  return std::nullopt;
}

// Reads one item of the list. Nothing for a type that there is not, or that is not wanted.
std::optional<Choice> ParseItem(std::string_view item) {
  std::optional<Choice> choice = FindType(TakeUntil(&item, ';'));
  while (choice.has_value() && !item.empty()) {
    const std::string_view parameter = TakeUntil(&item, ';');
    if (parameter.substr(0, 2) != "q=") continue;
    const char* end = parameter.data() + parameter.size();
    if (std::from_chars(parameter.data() + 2, end, choice->quality).ec != std::errc()) continue;
    if (!(choice->quality > 0)) return std::nullopt;
  }
  return choice;
}

bool Beats(const Choice& a, const Choice& b) {
  if (a.quality != b.quality) return a.quality > b.quality;
  if (a.precision != b.precision) return a.precision > b.precision;
  return a.format == Format::kJson && b.format != Format::kJson;
}

}  // namespace

Format NegotiateFormat(std::string_view accept) {
  std::optional<Choice> best;
  while (!accept.empty()) {
    const std::optional<Choice> choice = ParseItem(TakeUntil(&accept, ','));
    if (choice.has_value() && (!best.has_value() || Beats(*choice, *best))) best = choice;
  }
  return best.value_or(Choice{}).format;
}

}  // namespace varve::http
