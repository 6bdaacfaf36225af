// Password hashes: scrypt (RFC 7914) with a random salt.
#pragma once

#include <string>
#include <string_view>

namespace varve::meta {

// "scrypt$<log2 N>$<r>$<p>$<salt, hex>$<key, hex>". Takes some tens of milliseconds on purpose.
std::string HashPassword(std::string_view password);

// False also for a hash that is malformed.
bool PasswordMatches(std::string_view password, std::string_view hash);

}  // namespace varve::meta
