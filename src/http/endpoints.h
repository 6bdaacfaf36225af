// The endpoints, one .cc file each. Each answers its exchange exactly once, now or later.
#pragma once

#include <memory>
#include <string_view>

#include "http/auth.h"
#include "http/message.h"
#include "http/services.h"

namespace varve::http {

using ExchangePtr = std::shared_ptr<Exchange>;

// `services` outlives every exchange; `who` is the checked caller.
using Handler = void (*)(const Services& services, ExchangePtr exchange, const Identity& who);

void HandleQuery(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleWrite(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleWriteV2(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleDeleteV2(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleBucketList(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleBucketCreate(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleBucketRetrieve(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleBucketUpdate(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleBucketDelete(const Services& services, ExchangePtr exchange, const Identity& who);
// Labels, members and owners, which buckets of 1.x do not have.
void HandleBucketPart(const Services& services, ExchangePtr exchange, const Identity& who);
void HandlePromWrite(const Services& services, ExchangePtr exchange, const Identity& who);
void HandlePromRead(const Services& services, ExchangePtr exchange, const Identity& who);
void HandlePing(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleStatus(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleHealth(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleMetrics(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleDebugVars(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleDebugRequests(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleOptions(const Services& services, ExchangePtr exchange, const Identity& who);
void HandleFluxQuery(const Services& services, ExchangePtr exchange, const Identity& who);

}  // namespace varve::http
