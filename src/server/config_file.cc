#include "server/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "base/status.h"
#include "server/declared_toml.h"

namespace varve::server {
namespace {

const OptionSpec* FindOption(std::string_view name) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.Name() == name) return &spec;
  }
  return nullptr;
}

bool IsIgnored(std::string_view name) {
  for (const std::string_view key : IgnoredKeys()) {
    if (key == name) return true;
    if (key.ends_with(".*") && name.substr(0, key.size() - 1) == key.substr(0, key.size() - 1)) {
      return true;
    }
  }
  return false;
}

bool IsKnownSection(std::string_view section) {
  const std::string prefix = base::StrCat(section, ".");
  const auto in_section = [&](std::string_view name) {
    return name.substr(0, prefix.size()) == prefix;
  };
  for (const OptionSpec& spec : OptionTable()) {
    if (in_section(spec.Name())) return true;
  }
  return std::any_of(IgnoredKeys().begin(), IgnoredKeys().end(), in_section);
}

// One document being applied.
class Applier {
 public:
  Applier(std::string_view file, Options* options, std::vector<std::string>* ignored)
      : file_(file), options_(options), ignored_(ignored) {}

  absl::Status Apply(const toml::table& document) {
    for (const auto& [key, node] : document) {
      const std::string name(key.str());
      if (const toml::table* section = node.as_table()) {
        RETURN_IF_ERROR(ApplySection(name, *section));
      } else if (const toml::array* array = node.as_array();
                 array && array->is_array_of_tables() && name == "database") {
        ASSIGN_OR_RETURN(options_->databases, ReadDeclared(*array, file_));
      } else if (array && array->is_array_of_tables()) {
        for (const toml::node& element : *array) {
          RETURN_IF_ERROR(ApplySection(name, *element.as_table()));
        }
      } else {
        RETURN_IF_ERROR(ApplyValue(name, node));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ApplySection(const std::string& section, const toml::table& table) {
    if (!IsKnownSection(section)) {
      return At(table, base::StrCat("unknown section [", section, "]"));
    }
    for (const auto& [key, node] : table) {
      const std::string name = base::StrCat(section, ".", key.str());
      if (name == "http.headers" && node.is_table()) {
        RETURN_IF_ERROR(ApplyHeaders(*node.as_table()));
      } else {
        RETURN_IF_ERROR(ApplyValue(name, node));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ApplyHeaders(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto value = node.value<std::string>();
      if (!value || value->find_first_of("\r\n") != std::string::npos) {
        return At(node, base::StrCat("http.headers.", key.str(), ": expected one line of text"));
      }
      options_->http_headers.emplace_back(key.str(), *value);
    }
    return absl::OkStatus();
  }

  // The words of a list, joined as Options has them; nothing for what is no list of text.
  static std::optional<std::string> Joined(const toml::array& list) {
    std::string joined;
    for (const toml::node& word : list) {
      const auto text = word.value_exact<std::string>();
      if (!text) return std::nullopt;
      base::StrAppend(joined, joined.empty() ? "" : ",", *text);
    }
    return joined;
  }

  absl::Status ApplyValue(const std::string& name, const toml::node& node) {
    const OptionSpec* spec = FindOption(name);
    if (spec == nullptr) {
      if (IsIgnored(name)) {
        if (std::find(ignored_->begin(), ignored_->end(), name) == ignored_->end()) {
          ignored_->push_back(name);
        }
        return absl::OkStatus();
      }
      const std::string meant = Suggest(name);
      return At(node, meant.empty()
                          ? base::StrCat("unknown key ", name)
                          : base::StrCat("unknown key ", name, "; did you mean ", meant, "?"));
    }
    std::string text;
    if (const toml::array* list = node.as_array(); list && spec->kind == OptionKind::kList) {
      const auto joined = Joined(*list);
      if (!joined) return At(node, base::StrCat(name, ": expected a list of text"));
      text = *joined;
    } else if (const auto value = node.value_exact<std::string>()) {
      text = *value;
    } else if (const auto number = node.value_exact<int64_t>()) {
      text = base::StrCat(*number);
    } else if (const auto flag = node.value_exact<bool>()) {
      text = *flag ? "true" : "false";
    } else {
      return At(node, base::StrCat(name, ": expected text, a whole number, true or false"));
    }
    const absl::Status status = SetOption(*spec, text, options_);
    return status.ok() ? status : At(node, base::StrCat(name, ": ", base::MessageOf(status)));
  }

  absl::Status At(const toml::node& node, std::string_view text) const {
    return base::InvalidArgument(file_, ":", node.source().begin.line, ": ", text);
  }

  std::string_view file_;
  Options* options_;
  std::vector<std::string>* ignored_;
};

}  // namespace

absl::Status ApplyToml(std::string_view document, std::string_view name, Options* options,
                       std::vector<std::string>* ignored) {
  try {
    const toml::table table = toml::parse(document);
    return Applier(name, options, ignored).Apply(table);
  } catch (const toml::parse_error& error) {
    return base::InvalidArgument(name, ":", error.source().begin.line, ": ",
                                 std::string(error.description()));
  }
}

absl::Status ApplyEnvironment(const std::function<const char*(const std::string&)>& lookup,
                              Options* options) {
  for (const OptionSpec& spec : OptionTable()) {
    for (const std::string_view prefix : {"VARVE_", "INFLUXDB_"}) {
      const std::string variable = base::StrCat(prefix, spec.Environment());
      const char* text = lookup(variable);
      if (text == nullptr) continue;
      const absl::Status status = SetOption(spec, text, options);
      if (!status.ok()) {
        return base::InvalidArgument("environment variable ", variable, ": ",
                                     base::MessageOf(status));
      }
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::server
