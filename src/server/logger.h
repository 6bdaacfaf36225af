// The server's log: one line an event, key=value or JSON, on stderr.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace spdlog {
class logger;
}

namespace varve::server {

// A key and its value; the value is quoted where it has to be.
struct LogField {
  std::string_view key;
  std::string value;
};

// Thread safety: every method may be called from any thread.
class Logger {
 public:
  // `format` and `level` are words of the [logging] section.
  Logger(std::string_view format, std::string_view level);
  ~Logger();

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {});
  void Info(std::string_view message, std::initializer_list<LogField> fields = {});
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {});
  void Error(std::string_view message, std::initializer_list<LogField> fields = {});

  bool debug_enabled() const;

 private:
  void Log(int level, std::string_view message, std::initializer_list<LogField> fields);

  const bool json_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace varve::server
