// A request and its answer as the endpoints see them; the transport behind them is connection.cc's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace varve::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// Name and value as sent. Names are compared without regard to case.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Request {
  Method method = Method::kGet;
  std::string path;      // before the '?', percent escapes undone
  std::string raw_path;  // before the '?', as sent
  std::string query;     // behind the '?', raw
  HeaderList headers;
  std::string body;
  std::string remote_address;  // without the port
  // The body is longer than the server takes; it was not read.
  bool body_too_large = false;
  int64_t start_ns = 0;  // Env::MonotonicNs() when the header was complete

  // The first header of that name (lower case), or "".
  std::string_view Header(std::string_view name) const;
};

struct Response {
  int status = 200;
  HeaderList headers;
  std::string body;
};

// One request and the way its answer goes back. Held by shared_ptr until answered.
//
// Exactly one of Reply() and Begin()...End() is called, once, from any one thread.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  // Moves the body out, for who needs it beyond the request.
  virtual std::string TakeBody() = 0;

  // Sends a whole answer.
  virtual void Reply(Response response) = 0;

  // Sends the head of an answer whose length is not known yet; `head.body` is empty.
  virtual void Begin(Response head) = 0;
  // Sends a part of the body. Waits while more than a megabyte waits for the client, not on the
  // network thread: it leaves that first. While it waits it asks `interrupted`, unless that is
  // empty, and gives up with the error it answers. CANCELLED: the client is gone.
  virtual absl::Status Write(std::string bytes,
                             const std::function<absl::Status()>& interrupted) = 0;
  // With `complete` false the answer is cut off so that the client notices.
  virtual void End(bool complete) = 0;

  // Becomes true when the client has closed its side or stopped reading; not while the network
  // thread makes the answer.
  virtual const std::atomic<bool>& client_gone() const = 0;

  // Whether the calling thread is the connection's network thread.
  virtual bool on_network_thread() const = 0;
  // Makes the caller, if it is the network thread, an ordinary one; another takes over from it. To
  // be called by a handler before it waits, or goes on for long.
  virtual void LeaveNetworkThread() = 0;
};

// True when `a` and `b` are equal but for the case of ASCII letters.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
// True when the comma-separated list `value` has the token, without regard to case and parameters.
bool HasToken(std::string_view value, std::string_view token);
std::string_view TrimSpace(std::string_view text);

}  // namespace varve::http
