// Which endpoint answers a path and method.
#pragma once

#include <memory>

#include "http/endpoints.h"
#include "http/message.h"
#include "http/services.h"

namespace varve::http {

// Authenticates and hands the exchange to its endpoint; answers 404 and 405 itself. Called on a
// network thread; does not block it.
void Route(const Services& services, ExchangePtr exchange);

}  // namespace varve::http
