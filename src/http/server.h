// The HTTP/1.1 server: accepts connections and spreads them over the network threads.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "http/services.h"

namespace varve::http {

// Thread safety: every method may be called from any thread.
class Server {
 public:
  // Listens and starts the threads. `services` is copied; what it points to outlives the server,
  // and the server outlives every write the store still has from it. UNAVAILABLE: the address
  // cannot be listened on; the message names it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Services services);
  virtual ~Server() = default;

  // The port that is listened on (of use when the options said 0).
  virtual uint16_t port() const = 0;

  // Greets clients that come from now on with `tls`, which is not null; connections there are go on
  // as they are. Only for a server that was started with TLS.
  virtual void UseTls(std::shared_ptr<const TlsContext> tls) = 0;

  // Stops accepting, lets what runs finish for at most `grace_ms`, then closes every connection
  // and ends the loops. Queries that are cut off are cancelled.
  virtual void Stop(int64_t grace_ms) = 0;
};

}  // namespace varve::http
