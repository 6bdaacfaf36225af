#include "server/option_documents.h"

#include <algorithm>

#include "base/strings.h"

namespace varve::server {
namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string QuotedList(std::string_view words) {
  std::string list = "[";
  while (!words.empty()) {
    const size_t comma = words.find(',');
    base::StrAppend(list, list.size() == 1 ? "" : ", ", Quoted(words.substr(0, comma)));
    words.remove_prefix(comma == words.npos ? words.size() : comma + 1);
  }
  return list + "]";
}

std::string TomlText(const OptionSpec& spec, const Options& options) {
  const std::string text = OptionText(spec, options);
  if (spec.kind == OptionKind::kList) return QuotedList(text);
  if (spec.kind == OptionKind::kBool || spec.kind == OptionKind::kCount) return text;
  if (spec.kind == OptionKind::kBytes &&
      text.find_first_not_of("0123456789") == std::string::npos) {
    return text;
  }
  return Quoted(text);
}

std::string_view KindName(OptionKind kind) {
  switch (kind) {
    case OptionKind::kText:
      return "text";
    case OptionKind::kBool:
      return "true or false";
    case OptionKind::kCount:
      return "number";
    case OptionKind::kBytes:
      return "size";
    case OptionKind::kDuration:
      return "duration";
    case OptionKind::kList:
      return "list of text";
    case OptionKind::kChoice:
      break;
  }
  return "word";
}

void AppendDatabase(const retention::DeclaredDatabase& database, std::string* out) {
  base::StrAppend(*out, "\n[[database]]\n  name = ", Quoted(database.name), "\n");
  for (const retention::DeclaredPolicy& policy : database.policies) {
    const int64_t duration_ns = policy.spec.duration_ns.value_or(0);
    base::StrAppend(
        *out, "\n  [[database.retention-policy]]\n    name = ", Quoted(policy.spec.name),
        "\n    duration = ", Quoted(duration_ns == 0 ? "INF" : DurationText(duration_ns)), "\n");
    if (policy.spec.shard_group_duration_ns.has_value()) {
      base::StrAppend(*out, "    shard-duration = ",
                      Quoted(DurationText(*policy.spec.shard_group_duration_ns)), "\n");
    }
    if (policy.spec.replication.has_value()) {
      base::StrAppend(*out, "    replication = ", *policy.spec.replication, "\n");
    }
    if (policy.is_default) *out += "    default = true\n";
    for (const auto& [measurement, measurement_ns] : policy.spec.measurements) {
      base::StrAppend(*out, "\n    [[database.retention-policy.measurement]]\n      name = ",
                      Quoted(measurement),
                      "\n      duration = ", Quoted(DurationText(measurement_ns)), "\n");
    }
  }
  for (const retention::DeclaredQuery& query : database.queries) {
    base::StrAppend(*out, "\n  [[database.continuous-query]]\n    name = ", Quoted(query.name),
                    "\n    query = ", Quoted(query.select), "\n");
    if (query.resample_every_ns > 0) {
      base::StrAppend(*out, "    resample-every = ", Quoted(DurationText(query.resample_every_ns)),
                      "\n");
    }
    if (query.resample_for_ns > 0) {
      base::StrAppend(*out, "    resample-for = ", Quoted(DurationText(query.resample_for_ns)),
                      "\n");
    }
  }
}

// Lines of at most 100 columns, each begun with `prefix`.
std::string Wrap(std::string_view text, std::string_view prefix) {
  std::string out;
  size_t column = 0;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    if (column == 0 || column + 1 + word.size() > 100) {
      if (column != 0) out += '\n';
      out += prefix;
      column = prefix.size();
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + "\n";
}

std::string EscapeBars(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// With `sample` defaults are commented out.
std::string Toml(const Options& options, bool sample) {
  std::string out;
  std::string_view section;
  const Options defaults = DefaultOptions();
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section != section) {
      section = spec.section;
      base::StrAppend(out, "\n[", section, "]\n");
    }
    out += Wrap(spec.range.empty() ? std::string(spec.sentence)
                                   : base::StrCat(spec.sentence, " (", spec.range, ")"),
                "  # ");
    const std::string text = TomlText(spec, options);
    const bool commented = sample && text == TomlText(spec, defaults);
    base::StrAppend(out, section.empty() ? "" : "  ", commented ? "# " : "", spec.key, " = ", text,
                    "\n");
  }
  if (!options.http_headers.empty()) {
    out += "\n[http.headers]\n";
    for (const auto& [name, value] : options.http_headers) {
      base::StrAppend(out, "  \"", name, "\" = \"", value, "\"\n");
    }
  }
  for (const auto& database : options.databases) AppendDatabase(database, &out);
  return out;
}

// Text of a manual page: no character is a command, every hyphen one to copy.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') {
      out += "\\-";
    } else if (c == '\\') {
      out += "\\e";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string ConfigurationToml(const Options& options) { return Toml(options, false); }

std::string ConfigurationSample(const Options& options) {
  return "# The configuration of varved; see varve.conf(5). What is commented out is the "
         "default.\n" +
         Toml(options, true);
}

std::string ConfigurationManual() {
  std::string out =
      ".TH VARVE.CONF 5 \"\" Varve\n"
      ".SH NAME\n"
      "varve.conf \\- configuration of the time\\-series database server varved\n"
      ".SH DESCRIPTION\n"
      "A TOML file. A key that is not there has its default; the environment\n"
      "(VARVE_SECTION_KEY, hyphens as underscores) and the command line override the file.\n"
      ".B varved config\n"
      "prints what results. Durations are numbers with a unit (ns, us, ms, s, m, h, d, w), sizes\n"
      "numbers of bytes, or such with k, m or g (powers of 1024).\n"
      ".PP\n"
      "[[database]] sections, which declare databases, retention policies and continuous\n"
      "queries, and [http.headers] are in docs/configuration.md.\n";
  std::string_view section = "-";
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section != section) {
      section = spec.section;
      base::StrAppend(out, ".SH ", section.empty() ? "TOP LEVEL" : base::StrCat("[", section, "]"),
                      "\n");
    }
    base::StrAppend(out, ".TP\n.B ", Roff(spec.key), "\n", Roff(spec.sentence), "\n");
    std::string facts;
    if (!spec.default_text.empty()) base::StrAppend(facts, "Default: ", spec.default_text, ".");
    if (!spec.range.empty()) base::StrAppend(facts, facts.empty() ? "" : " ", "(", spec.range, ")");
    if (!facts.empty()) base::StrAppend(out, ".br\n", Roff(facts), "\n");
  }
  return out + ".SH SEE ALSO\n.BR varved (8),\n.BR varve (1)\n";
}

std::string ConfigurationMarkdown() {
  std::string out =
      "# Configuration\n\n"
      "This page is made by `varved config --markdown`.\n\n"
      "`varved` reads, each overriding the one before: its defaults; the TOML file named by\n"
      "`--config`, by `VARVE_CONFIG_PATH` or by `INFLUXDB_CONFIG_PATH`, or else\n"
      "`/etc/varve/varve.conf` if there is one; the environment; the command line.\n"
      "`varved config` prints the result. An unknown key, or a value out of its range, stops the\n"
      "start with the file and line. Sections and keys are InfluxDB's where they mean the same.\n\n"
      "Every key can be set as `VARVE_SECTION_KEY` in the environment (or, as for InfluxDB,\n"
      "`INFLUXDB_SECTION_KEY`), hyphens as underscores: `VARVE_HTTP_BIND_ADDRESS`.\n"
      "A duration is a number and a unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`, `w`), or several:\n"
      "`1h30m`. A size is a number of bytes, or one with `k`, `m` or `g` (powers of 1024).\n";
  std::string_view section = "-";
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.section != section) {
      section = spec.section;
      base::StrAppend(out, "\n## ", section.empty() ? "Top level" : base::StrCat("[", section, "]"),
                      "\n\n| key | kind | default | range | meaning |\n"
                      "| --- | --- | --- | --- | --- |\n");
    }
    base::StrAppend(out, "| `", spec.key, "` | ", KindName(spec.kind), " | ",
                    spec.default_text.empty() ? "" : base::StrCat("`", spec.default_text, "`"),
                    " | ", EscapeBars(spec.range), " | ", EscapeBars(spec.sentence), " |\n");
  }
  out +=
      "\n## [http.headers]\n\n"
      "Each key is the name of a header that is added to every routed answer, each value its "
      "text.\n"
      "\n## [[database]]\n\n"
      "Declares a database, its retention policies and continuous queries. They are made, or\n"
      "changed, to be as declared: at the start, on SIGHUP, and by `varve config apply`, all of\n"
      "them or, after a mistake, none; `varve config apply --dry-run` prints what would change.\n"
      "A statement that would change what is declared is refused and told the file and line. What\n"
      "is taken out of the file stays as it is, and may be changed by statements again.\n\n"
      "| key | meaning |\n| --- | --- |\n"
      "| `name` | The database. |\n"
      "| `[[database.retention-policy]]` `name`, `duration` | The policy; how long it keeps points:"
      " `1h` or more, or `INF`, the default. |\n"
      "| `shard-duration` | The span of a shard, `1h` or more; the default goes by the duration, as"
      " InfluxDB's does. |\n"
      "| `replication`, `default` | Kept and shown; whether this is the database's default policy."
      " |\n"
      "| `[[database.retention-policy.measurement]]` `name`, `duration` | A measurement that is "
      "kept"
      " for less time than the policy says: `1h` or more. |\n"
      "| `[[database.continuous-query]]` `name`, `query` | The continuous query; its"
      " `SELECT ... INTO`. |\n"
      "| `resample-every`, `resample-for` | As `RESAMPLE EVERY` and `FOR`. |\n"
      "\n```toml\n"
      "[[database]]\n"
      "name = \"building\"\n\n"
      "  [[database.retention-policy]]\n"
      "  name = \"realtime\"\n"
      "  duration = \"30d\"\n"
      "  shard-duration = \"1d\"\n"
      "  default = true\n\n"
      "    [[database.retention-policy.measurement]]\n"
      "    name = \"debug\"\n"
      "    duration = \"3d\"\n\n"
      "  [[database.retention-policy]]\n"
      "  name = \"minute\"\n"
      "  duration = \"INF\"\n\n"
      "  [[database.continuous-query]]\n"
      "  name = \"minute_means\"\n"
      "  query = \"SELECT mean(temperature) AS temperature INTO minute.sensors FROM"
      " realtime.sensors GROUP BY time(1m), *\"\n"
      "  resample-every = \"1m\"\n"
      "  resample-for = \"1h\"\n"
      "```\n"
      "\n## Keys of InfluxDB that mean nothing here\n\n"
      "A configuration file of InfluxDB may keep them; the log lists those it has at the "
      "start.\n\n";
  for (const std::string_view key : IgnoredKeys()) base::StrAppend(out, "- `", key, "`\n");
  return out;
}

std::string OptionsHelp() {
  std::string out = "Options of the configuration file (VARVE_SECTION_KEY in the environment):\n";
  for (const OptionSpec& spec : OptionTable()) {
    base::StrAppend(out, "\n  ", spec.Name());
    if (!spec.default_text.empty()) base::StrAppend(out, " = ", spec.default_text);
    if (!spec.range.empty()) base::StrAppend(out, "  (", spec.range, ")");
    out += "\n";
    out += Wrap(spec.sentence, "      ");
  }
  return out;
}

}  // namespace varve::server
