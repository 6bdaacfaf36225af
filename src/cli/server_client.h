// A server as the command line speaks to it: over HTTP, like any client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varve::cli {

// One cell of an answer: what is printed, and its number where it is one.
struct AnswerCell {
  std::string text;  // "" for null
  std::optional<double> number;
};

struct AnswerSeries {
  std::string name;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> columns;
  // A cell of column "time" at index 0 has the nanoseconds since 1970 in times[row] and RFC 3339
  // as its text.
  std::vector<std::vector<AnswerCell>> rows;
  std::vector<int64_t> times;  // empty when column 0 is no time
};

struct AnswerStatement {
  std::vector<AnswerSeries> series;
  std::vector<std::string> messages;
  std::string error;
};
using Answer = std::vector<AnswerStatement>;

// Parses the JSON document of a query that was asked with epoch=ns.
absl::StatusOr<Answer> ParseAnswer(std::string_view json);

// Parses what /health answers: its message, then a line for everything that is damaged. Empty for
// what is no such document.
std::vector<std::string> ParseHealth(std::string_view json);

struct ServerAddress {
  std::string host_port = "127.0.0.1:8086";  // with http:// or https:// before it if wanted
  bool tls = false;                          // as https:// does
  bool any_certificate = false;              // with TLS: one that nobody vouches for is good, too
  std::string user;
  std::string password;
};

struct WriteTarget {
  std::string database;
  std::string retention_policy;  // empty: the database's default
  std::string precision = "ns";
};

// One thread at a time.
class ServerClient {
 public:
  // INVALID_ARGUMENT: no HOST:PORT, or one of http:// with TLS asked for. The connection is made
  // with the first request.
  static absl::StatusOr<std::unique_ptr<ServerClient>> Create(const ServerAddress& address);
  virtual ~ServerClient() = default;

  // INVALID_ARGUMENT with the server's text; UNAVAILABLE: no server there.
  virtual absl::StatusOr<Answer> Query(std::string_view database, std::string_view text) = 0;
  // UNAVAILABLE: no server, or it asks to come back later. INVALID_ARGUMENT: some or all of the
  // lines were refused; the text says why.
  virtual absl::Status Write(const WriteTarget& target, std::string_view lines) = 0;
  // What /health says, as ParseHealth() has it. UNAVAILABLE: no server, or it takes no writes; the
  // text says why. PERMISSION_DENIED: it wants a user.
  virtual absl::StatusOr<std::vector<std::string>> Health() = 0;
};

}  // namespace varve::cli
