// A catalog that refuses to change what the configuration file declares.
#include <utility>

#include "base/status.h"
#include "retention/declarations.h"

namespace varve::retention {
namespace {

absl::Status CheckFree(const std::optional<std::string>& place, std::string_view what) {
  if (!place.has_value()) return absl::OkStatus();
  return base::InvalidArgument(what, " is declared in ", *place, "; change it there");
}

class GuardedCatalog final : public meta::Catalog {
 public:
  GuardedCatalog(meta::Catalog& catalog, const Declarations& declarations)
      : catalog_(catalog), declarations_(declarations) {}

  std::shared_ptr<const meta::CatalogData> Get() const override { return catalog_.Get(); }

  // --- What may be declared.

  absl::StatusOr<std::optional<model::DatabaseId>> DropDatabase(std::string_view name) override {
    RETURN_IF_ERROR(
        CheckFree(declarations_.PlaceOfDatabase(name), base::StrCat("database ", name)));
    return catalog_.DropDatabase(name);
  }
  absl::Status CreateRetentionPolicy(std::string_view database, const meta::PolicySpec& policy,
                                     bool make_default) override {
    if (make_default) RETURN_IF_ERROR(CheckDefault(database, policy.name));
    return catalog_.CreateRetentionPolicy(database, policy, make_default);
  }
  absl::Status AlterRetentionPolicy(std::string_view database, const meta::PolicySpec& change,
                                    bool make_default) override {
    RETURN_IF_ERROR(CheckPolicy(database, change.name));
    if (make_default) RETURN_IF_ERROR(CheckDefault(database, change.name));
    return catalog_.AlterRetentionPolicy(database, change, make_default);
  }
  absl::StatusOr<std::vector<meta::DroppedShard>> DropRetentionPolicy(
      std::string_view database, std::string_view policy) override {
    RETURN_IF_ERROR(CheckPolicy(database, policy));
    return catalog_.DropRetentionPolicy(database, policy);
  }
  absl::Status DropContinuousQuery(std::string_view database, std::string_view name) override {
    RETURN_IF_ERROR(CheckFree(declarations_.PlaceOfQuery(database, name),
                              base::StrCat("continuous query ", name)));
    return catalog_.DropContinuousQuery(database, name);
  }

  // --- The rest. What creates cannot change what is there.

  absl::Status CreateDatabase(std::string_view name,
                              const std::optional<meta::PolicySpec>& policy) override {
    return catalog_.CreateDatabase(name, policy);
  }
  absl::StatusOr<std::vector<meta::DroppedShard>> DropShards(
      const std::vector<model::ShardId>& shards) override {
    return catalog_.DropShards(shards);
  }
  absl::Status CreateContinuousQuery(std::string_view database, std::string_view name,
                                     std::string_view query) override {
    return catalog_.CreateContinuousQuery(database, name, query);
  }
  absl::Status CreateSubscription(std::string_view database,
                                  const meta::Subscription& subscription) override {
    return catalog_.CreateSubscription(database, subscription);
  }
  absl::Status DropSubscription(std::string_view database, std::string_view policy,
                                std::string_view name) override {
    return catalog_.DropSubscription(database, policy, name);
  }
  absl::Status CreateUser(std::string_view name, std::string_view password, bool admin) override {
    return catalog_.CreateUser(name, password, admin);
  }
  absl::Status DropUser(std::string_view name) override { return catalog_.DropUser(name); }
  absl::Status SetPassword(std::string_view name, std::string_view password) override {
    return catalog_.SetPassword(name, password);
  }
  absl::Status SetAdmin(std::string_view name, bool admin) override {
    return catalog_.SetAdmin(name, admin);
  }
  absl::Status SetPrivilege(std::string_view name, std::string_view database,
                            meta::Privilege privilege) override {
    return catalog_.SetPrivilege(name, database, privilege);
  }
  bool CheckPassword(std::string_view name, std::string_view password) override {
    return catalog_.CheckPassword(name, password);
  }
  absl::StatusOr<model::WriteTarget> FindTarget(std::string_view database,
                                                std::string_view policy) override {
    return catalog_.FindTarget(database, policy);
  }
  absl::StatusOr<model::ShardRoute> RouteShard(const model::WriteTarget& target,
                                               int64_t time_ns) override {
    return catalog_.RouteShard(target, time_ns);
  }

 private:
  absl::Status CheckPolicy(std::string_view database, std::string_view policy) const {
    return CheckFree(declarations_.PlaceOfPolicy(database, policy),
                     base::StrCat("retention policy ", policy));
  }
  absl::Status CheckDefault(std::string_view database, std::string_view policy) const {
    const auto catalog = catalog_.Get();
    const meta::Database* found = catalog->FindDatabase(database);
    if (found != nullptr && found->default_policy == policy) return absl::OkStatus();
    return CheckFree(declarations_.PlaceOfDefault(database), "the default retention policy");
  }

  meta::Catalog& catalog_;
  const Declarations& declarations_;
};

}  // namespace

std::unique_ptr<meta::Catalog> GuardDeclared(meta::Catalog& catalog,
                                             const Declarations& declarations) {
  return std::make_unique<GuardedCatalog>(catalog, declarations);
}

}  // namespace varve::retention
