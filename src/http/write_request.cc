#include "http/write_request.h"

#include "base/status.h"
#include "http/status_code.h"

namespace varve::http {
namespace {

// How much longer than max-body-size a packed body may be when unpacked.
constexpr uint64_t kUnpackFactor = 10;

bool IsConsistencyLevel(std::string_view text) {
  for (const std::string_view level : {"any", "one", "quorum", "all"}) {
    if (EqualsIgnoreCase(text, level)) return true;
  }
  return text.empty();
}

}  // namespace

Refusal CheckWrite(const Services& services, const WriteTarget& target, const Identity& who,
                   const Request& request) {
  const std::string& database = target.database;
  if (database.empty()) return {400, "database is required"};
  const bool bad_consistency = !IsConsistencyLevel(target.consistency);
  if (bad_consistency || who.required) {
    if (services.catalog->Get()->FindDatabase(database) == nullptr) {
      return {404, base::StrCat("database not found: \"", database, "\"")};
    }
  }
  if (who.required && !who.principal) {
    return {403, base::StrCat("user is required to write to database \"", database, "\"")};
  }
  if (!MayWrite(who, database)) {
    return {403, base::StrCat("\"", who.principal->user,
                              "\" user is not authorized to write to database \"", database, "\"")};
  }
  if (bad_consistency) return {400, "invalid consistency level"};
  if (request.body_too_large) return {413, "Request Entity Too Large"};
  return {};
}

int WriteStatus(const absl::Status& status) {
  // InfluxDB answers 500 when the database is there and the policy is not.
  if (status.code() == absl::StatusCode::kNotFound &&
      base::MessageOf(status).substr(0, 16) == "retention policy") {
    return 500;
  }
  return HttpStatus(status);
}

uint64_t UnpackedBytesMax(uint64_t max_body_bytes) {
  return max_body_bytes == 0 ? SIZE_MAX / 2 : max_body_bytes * kUnpackFactor;
}

Refusal UnpackRefusal(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    return {413, "Request Entity Too Large"};
  }
  return {400, std::string(base::MessageOf(status))};
}

}  // namespace varve::http
