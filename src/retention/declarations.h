// Databases, retention policies and continuous queries that the configuration file declares.
//
// What is declared is made or changed so that it is as declared; what is not is left alone, also
// when it was declared once: taking a line out of the file drops no data. While it is declared no
// statement changes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/published.h"
#include "meta/catalog.h"

namespace varve::retention {

// `place` is where a thing is declared, for messages: "varve.conf:12".
struct DeclaredPolicy {
  std::string place;
  meta::PolicySpec spec;
  bool is_default = false;
};

struct DeclaredQuery {
  std::string place;
  std::string name;
  std::string select;             // SELECT ... INTO ...
  int64_t resample_every_ns = 0;  // 0: not given
  int64_t resample_for_ns = 0;
};

struct DeclaredDatabase {
  std::string place;
  std::string name;
  std::vector<DeclaredPolicy> policies;
  std::vector<DeclaredQuery> queries;
};

// Makes `data` what is declared. Returns what that changed, a line each; nothing when all is as
// declared already. INVALID_ARGUMENT begins with the place; `data` is then half changed.
absl::StatusOr<std::vector<std::string>> Declare(const std::vector<DeclaredDatabase>& databases,
                                                 meta::CatalogData* data);

// Where things are declared ("varve.conf:12"); absent: they are not.
// Thread safety: every method may be called from any thread.
class Declarations {
 public:
  // Makes the catalog what is declared, and from then on answers for `databases`. Returns the lines
  // of Declare(). After a mistake nothing is changed. After an error of the disk a part may be, and
  // calling it again goes on.
  absl::StatusOr<std::vector<std::string>> Apply(std::vector<DeclaredDatabase> databases,
                                                 meta::Catalog& catalog);

  std::optional<std::string> PlaceOfDatabase(std::string_view database) const;
  std::optional<std::string> PlaceOfPolicy(std::string_view database,
                                           std::string_view policy) const;
  // Of the choice of a database's default policy.
  std::optional<std::string> PlaceOfDefault(std::string_view database) const;
  std::optional<std::string> PlaceOfQuery(std::string_view database, std::string_view query) const;

 private:
  using List = std::vector<DeclaredDatabase>;
  base::Published<List> databases_{std::make_shared<const List>()};
};

// `catalog` for those who run statements: INVALID_ARGUMENT for a change of what is declared, with
// its place. Both arguments outlive it.
std::unique_ptr<meta::Catalog> GuardDeclared(meta::Catalog& catalog,
                                             const Declarations& declarations);

}  // namespace varve::retention
