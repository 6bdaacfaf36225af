// The bytes of the catalog file: docs/format.md, "Catalog".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "meta/catalog.h"

namespace varve::meta {

// The whole content of the file.
std::string EncodeCatalog(const CatalogData& data);

// FAILED_PRECONDITION: written by a newer version. DATA_LOSS: magic, checksum or structure broken.
// Never reads outside `bytes`, whatever they are.
absl::StatusOr<CatalogData> DecodeCatalog(std::string_view bytes);

}  // namespace varve::meta
