#include "server/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/strings.h"
#include "http/json_text.h"

namespace varve::server {
namespace {

std::string_view LevelName(int level) {
  switch (level) {
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (c <= ' ' || c == '=' || c == '"' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

bool IsC1Control(std::string_view text) {
  return text.size() > 1 && text[0] == '\xc2' && static_cast<uint8_t>(text[1]) < 0xa0;
}

void AppendControl(std::string& line, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  if (c == '\n') {
    line += "\\n";
  } else if (c == '\r') {
    line += "\\r";
  } else if (c == '\t') {
    line += "\\t";
  } else {
    base::StrAppend(line, "\\u00", kHex[byte >> 4], kHex[byte & 15]);
  }
}

// As a JSON string on one line, which a terminal does not take for commands: every control is
// escaped, and what is no UTF-8 replaced.
void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c < ' ' || c == 0x7f) {
      AppendControl(line, text[i++]);
    } else if (c < 0x80) {
      if (c == '"' || c == '\\') line += '\\';
      line += text[i++];
    } else if (IsC1Control(text.substr(i))) {
      AppendControl(line, text[i + 1]);
      i += 2;
    } else {
      size_t end = i + 1;
      while (end < text.size() && (text[end] & 0x80) != 0 && !IsC1Control(text.substr(end))) ++end;
      std::string quoted;
      http::AppendJsonString(quoted, text.substr(i, end - i));
      line.append(quoted, 1, quoted.size() - 2);
      i = end;
    }
  }
  line += '"';
}

void AppendValue(std::string& line, std::string_view value, bool always_quote) {
  if (always_quote || NeedsQuotes(value)) {
    AppendQuoted(line, value);
  } else {
    line += value;
  }
}

}  // namespace

Logger::Logger(std::string_view format, std::string_view level) : json_(format == "json") {
  logger_ =
      std::make_shared<spdlog::logger>("varved", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  // The time in UTC, as InfluxDB has it; the rest of the line is made here.
  logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      json_ ? "{\"ts\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}" : "ts=%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc));
  logger_->set_level(level == "debug"   ? spdlog::level::debug
                     : level == "warn"  ? spdlog::level::warn
                     : level == "error" ? spdlog::level::err
                                        : spdlog::level::info);
  logger_->flush_on(spdlog::level::info);
}

Logger::~Logger() = default;

bool Logger::debug_enabled() const { return logger_->should_log(spdlog::level::debug); }

void Logger::Log(int level, std::string_view message, std::initializer_list<LogField> fields) {
  const auto spdlog_level = static_cast<spdlog::level::level_enum>(level);
  if (!logger_->should_log(spdlog_level)) return;
  std::string line;
  if (json_) {
    base::StrAppend(line, "\"lvl\":\"", LevelName(level), "\",\"msg\":");
    AppendQuoted(line, message);
    for (const LogField& field : fields) {
      base::StrAppend(line, ",\"", field.key, "\":");
      AppendValue(line, field.value, true);
    }
  } else {
    base::StrAppend(line, "lvl=", LevelName(level), " msg=");
    AppendValue(line, message, true);
    for (const LogField& field : fields) {
      base::StrAppend(line, " ", field.key, "=");
      AppendValue(line, field.value, false);
    }
  }
  logger_->log(spdlog_level, line);
}

void Logger::Debug(std::string_view message, std::initializer_list<LogField> fields) {
  Log(spdlog::level::debug, message, fields);
}
void Logger::Info(std::string_view message, std::initializer_list<LogField> fields) {
  Log(spdlog::level::info, message, fields);
}
void Logger::Warn(std::string_view message, std::initializer_list<LogField> fields) {
  Log(spdlog::level::warn, message, fields);
}
void Logger::Error(std::string_view message, std::initializer_list<LogField> fields) {
  Log(spdlog::level::err, message, fields);
}

}  // namespace varve::server
