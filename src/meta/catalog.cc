#include "meta/catalog.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "meta/catalog_codec.h"
#include "meta/password.h"
#include "meta/password_cache.h"
#include "meta/policy_rules.h"
#include "meta/subscription_url.h"

namespace varve::meta {
namespace {

constexpr char kFileName[] = "CATALOG";
constexpr char kAutogen[] = "autogen";

template <typename List>
auto FindByName(List& list, std::string_view name) -> decltype(&*list.begin()) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  return it == list.end() ? nullptr : &*it;
}

absl::Status DatabaseNotFound(std::string_view name) {
  return base::NotFound("database not found: ", name);
}
absl::Status PolicyNotFound(std::string_view name) {
  return base::NotFound("retention policy not found: ", name);
}
absl::Status UserNotFound() { return base::NotFound("user not found"); }

bool EqualFold(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

void CollectShards(const Database& database, const RetentionPolicy& policy,
                   std::vector<DroppedShard>* dropped) {
  for (const ShardGroup& group : policy.shard_groups) {
    dropped->push_back({database.id, group.shard});
  }
}

// Adds `policy` to `database` by the rules of CREATE RETENTION POLICY.
absl::Status AddPolicy(Database* database, RetentionPolicy policy, bool make_default) {
  if (const RetentionPolicy* old = database->FindPolicy(policy.name)) {
    if (old->replication != policy.replication || old->duration_ns != policy.duration_ns ||
        old->shard_group_duration_ns != policy.shard_group_duration_ns) {
      return base::AlreadyExists("retention policy already exists");
    }
    if (make_default && database->default_policy != policy.name) {
      return base::AlreadyExists("retention policy conflicts with an existing policy");
    }
    return absl::OkStatus();
  }
  if (make_default) database->default_policy = policy.name;
  database->policies.push_back(std::move(policy));
  return absl::OkStatus();
}

// The policy a write target names, in a catalog that may have changed since it was found.
template <typename Data>
auto FindTargetPolicy(Data& data, const model::WriteTarget& target)
    -> absl::StatusOr<decltype(&*data.databases[0].policies.begin())> {
  auto* database = FindByName(data.databases, target.database_name);
  if (database == nullptr || database->id != target.database) {
    return base::NotFound("database not found: \"", target.database_name, "\"");
  }
  auto* policy = FindByName(database->policies, target.policy_name);
  if (policy == nullptr) return PolicyNotFound(target.policy_name);
  return policy;
}

// Every change copies the catalog, edits the copy, writes it and publishes it. The catalog is small
// (a shard group takes some 20 bytes) and changes are rare, so there is no cleverer way to be sure
// that what readers see is what the disk has.
class FileCatalog final : public Catalog {
 public:
  FileCatalog(base::Env& env, std::string folder, CatalogOptions options, CatalogData data)
      : env_(env),
        path_(base::JoinPath(folder, kFileName)),
        options_(options),
        published_(std::make_shared<const CatalogData>(std::move(data))) {}

  std::shared_ptr<const CatalogData> Get() const override { return published_.Load(); }

  absl::Status CreateDatabase(std::string_view name,
                              const std::optional<PolicySpec>& policy) override;
  absl::StatusOr<std::optional<model::DatabaseId>> DropDatabase(std::string_view name) override;

  absl::Status CreateRetentionPolicy(std::string_view database, const PolicySpec& policy,
                                     bool make_default) override;
  absl::Status AlterRetentionPolicy(std::string_view database, const PolicySpec& change,
                                    bool make_default) override;
  absl::StatusOr<std::vector<DroppedShard>> DropRetentionPolicy(std::string_view database,
                                                                std::string_view policy) override;
  absl::StatusOr<std::vector<DroppedShard>> DropShards(
      const std::vector<model::ShardId>& shards) override;

  absl::Status CreateContinuousQuery(std::string_view database, std::string_view name,
                                     std::string_view query) override;
  absl::Status DropContinuousQuery(std::string_view database, std::string_view name) override;
  absl::Status CreateSubscription(std::string_view database,
                                  const Subscription& subscription) override;
  absl::Status DropSubscription(std::string_view database, std::string_view policy,
                                std::string_view name) override;

  absl::Status CreateUser(std::string_view name, std::string_view password, bool admin) override;
  absl::Status DropUser(std::string_view name) override;
  absl::Status SetPassword(std::string_view name, std::string_view password) override;
  absl::Status SetAdmin(std::string_view name, bool admin) override;
  absl::Status SetPrivilege(std::string_view name, std::string_view database,
                            Privilege privilege) override;
  bool CheckPassword(std::string_view name, std::string_view password) override;

  absl::StatusOr<model::WriteTarget> FindTarget(std::string_view database,
                                                std::string_view policy) override;
  absl::StatusOr<model::ShardRoute> RouteShard(const model::WriteTarget& target,
                                               int64_t time_ns) override;

 private:
  // Runs `edit` on a copy; when it returns OK the copy becomes the catalog, once durable. An edit
  // that changes nothing says so with `*changed` = false.
  template <typename Edit>
  absl::Status Change(Edit edit) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    CatalogData data = *published_.Load();
    bool changed = true;
    RETURN_IF_ERROR(edit(data, &changed));
    if (!changed) return absl::OkStatus();
    ++data.version;
    RETURN_IF_ERROR(base::WriteFileAtomically(env_, path_, EncodeCatalog(data)));
    published_.Store(std::make_shared<const CatalogData>(std::move(data)));
    return absl::OkStatus();
  }

  // As Change, for edits of one database that must exist.
  template <typename Edit>
  absl::Status ChangeDatabase(std::string_view name, Edit edit) {
    return Change([&](CatalogData& data, bool* changed) -> absl::Status {
      Database* database = FindByName(data.databases, name);
      if (database == nullptr) return DatabaseNotFound(name);
      return edit(*database, changed);
    });
  }
  template <typename Edit>
  absl::Status ChangeUser(std::string_view name, Edit edit) {
    return Change([&](CatalogData& data, bool* changed) -> absl::Status {
      User* user = FindByName(data.users, name);
      if (user == nullptr) return UserNotFound();
      return edit(data, *user, changed);
    });
  }

  base::Env& env_;
  const std::string path_;
  const CatalogOptions options_;
  absl::Mutex mu_;  // serialises changes, their disk writes included; readers take published_
  base::Published<CatalogData> published_;
  PasswordCache password_cache_;
};

absl::Status FileCatalog::CreateDatabase(std::string_view name,
                                         const std::optional<PolicySpec>& spec) {
  RETURN_IF_ERROR(CheckName(name));
  std::optional<RetentionPolicy> policy;
  PolicySpec named = spec.value_or(PolicySpec{});
  if (named.name.empty()) named.name = kAutogen;
  if (spec.has_value() || options_.retention_autocreate) {
    ASSIGN_OR_RETURN(policy, MakePolicy(named));
  }
  return Change([&](CatalogData& data, bool* changed) -> absl::Status {
    if (const Database* old = data.FindDatabase(name)) {
      if (!spec.has_value()) {
        *changed = false;
        return absl::OkStatus();
      }
      if (!old->policies.empty()) {
        const RetentionPolicy* there = old->FindPolicy(named.name);
        *changed = false;
        return there != nullptr && Matches(named, *there)
                   ? absl::OkStatus()
                   : base::AlreadyExists("retention policy conflicts with an existing policy");
      }
      return AddPolicy(FindByName(data.databases, name), *std::move(policy), true);
    }
    Database& database = data.databases.emplace_back();
    database.id = data.next_database++;
    database.name = name;
    return policy.has_value() ? AddPolicy(&database, *std::move(policy), true) : absl::OkStatus();
  });
}

absl::StatusOr<std::optional<model::DatabaseId>> FileCatalog::DropDatabase(std::string_view name) {
  std::optional<model::DatabaseId> dropped;
  RETURN_IF_ERROR(Change([&](CatalogData& data, bool* changed) -> absl::Status {
    const Database* database = data.FindDatabase(name);
    if (database == nullptr) {
      *changed = false;
      return absl::OkStatus();
    }
    dropped = database->id;
    data.databases.erase(data.databases.begin() + (database - data.databases.data()));
    for (User& user : data.users) user.privileges.erase(std::string(name));
    return absl::OkStatus();
  }));
  return dropped;
}

absl::Status FileCatalog::CreateRetentionPolicy(std::string_view database_name,
                                                const PolicySpec& spec, bool make_default) {
  ASSIGN_OR_RETURN(const RetentionPolicy policy, MakePolicy(spec));
  return ChangeDatabase(database_name, [&](Database& database, bool*) {
    return AddPolicy(&database, policy, make_default);
  });
}

absl::Status FileCatalog::AlterRetentionPolicy(std::string_view database_name,
                                               const PolicySpec& change, bool make_default) {
  return ChangeDatabase(database_name, [&](Database& database, bool*) -> absl::Status {
    RetentionPolicy* policy = FindByName(database.policies, change.name);
    if (policy == nullptr) return PolicyNotFound(change.name);
    RETURN_IF_ERROR(AlterPolicy(change, policy));
    if (make_default) database.default_policy = policy->name;
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<DroppedShard>> FileCatalog::DropRetentionPolicy(
    std::string_view database_name, std::string_view policy_name) {
  std::vector<DroppedShard> dropped;
  RETURN_IF_ERROR(Change([&](CatalogData& data, bool* changed) -> absl::Status {
    Database* database = FindByName(data.databases, database_name);
    RetentionPolicy* policy =
        database == nullptr ? nullptr : FindByName(database->policies, policy_name);
    if (policy == nullptr) {
      *changed = false;
      return absl::OkStatus();
    }
    CollectShards(*database, *policy, &dropped);
    database->policies.erase(database->policies.begin() + (policy - database->policies.data()));
    return absl::OkStatus();
  }));
  return dropped;
}

absl::StatusOr<std::vector<DroppedShard>> FileCatalog::DropShards(
    const std::vector<model::ShardId>& shards) {
  std::vector<DroppedShard> dropped;
  RETURN_IF_ERROR(Change([&](CatalogData& data, bool* changed) -> absl::Status {
    for (Database& database : data.databases) {
      for (RetentionPolicy& policy : database.policies) {
        std::erase_if(policy.shard_groups, [&](const ShardGroup& group) {
          if (std::find(shards.begin(), shards.end(), group.shard) == shards.end()) return false;
          dropped.push_back({database.id, group.shard});
          return true;
        });
      }
    }
    *changed = !dropped.empty();
    return absl::OkStatus();
  }));
  return dropped;
}

absl::Status FileCatalog::CreateContinuousQuery(std::string_view database_name,
                                                std::string_view name, std::string_view query) {
  return ChangeDatabase(database_name, [&](Database& database, bool* changed) -> absl::Status {
    if (const ContinuousQuery* old = FindByName(database.continuous_queries, name)) {
      *changed = false;
      return EqualFold(old->query, query) ? absl::OkStatus()
                                          : base::AlreadyExists("continuous query already exists");
    }
    database.continuous_queries.push_back({std::string(name), std::string(query)});
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::DropContinuousQuery(std::string_view database_name,
                                              std::string_view name) {
  return Change([&](CatalogData& data, bool* changed) {
    Database* database = FindByName(data.databases, database_name);
    *changed = database != nullptr &&
               std::erase_if(database->continuous_queries,
                             [&](const ContinuousQuery& query) { return query.name == name; }) > 0;
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::CreateSubscription(std::string_view database_name,
                                             const Subscription& subscription) {
  for (const std::string& url : subscription.destinations) {
    RETURN_IF_ERROR(CheckSubscriptionUrl(url));
  }
  return ChangeDatabase(database_name, [&](Database& database, bool*) -> absl::Status {
    if (database.FindPolicy(subscription.retention_policy) == nullptr) {
      return PolicyNotFound(subscription.retention_policy);
    }
    for (const Subscription& old : database.subscriptions) {
      if (old.name == subscription.name && old.retention_policy == subscription.retention_policy) {
        return base::AlreadyExists("subscription already exists");
      }
    }
    database.subscriptions.push_back(subscription);
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::DropSubscription(std::string_view database_name, std::string_view policy,
                                           std::string_view name) {
  return ChangeDatabase(database_name, [&](Database& database, bool*) -> absl::Status {
    if (database.FindPolicy(policy) == nullptr) return PolicyNotFound(policy);
    const size_t erased = std::erase_if(database.subscriptions, [&](const Subscription& s) {
      return s.name == name && s.retention_policy == policy;
    });
    return erased > 0 ? absl::OkStatus() : base::NotFound("subscription not found");
  });
}

absl::Status FileCatalog::CreateUser(std::string_view name, std::string_view password, bool admin) {
  if (name.empty()) return base::InvalidArgument("username required");
  const auto before = Get();
  if (const User* old = before->FindUser(name)) {
    return old->admin == admin && PasswordMatches(password, old->password_hash)
               ? absl::OkStatus()
               : base::AlreadyExists("user already exists");
  }
  std::string hash = HashPassword(password);  // slow, so before the lock
  return Change([&](CatalogData& data, bool*) -> absl::Status {
    if (data.FindUser(name) != nullptr) return base::AlreadyExists("user already exists");
    const auto at = std::lower_bound(data.users.begin(), data.users.end(), name,
                                     [](const User& user, auto n) { return user.name < n; });
    User user;
    user.name = name;
    user.password_hash = std::move(hash);
    user.admin = admin;
    data.users.insert(at, std::move(user));
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::DropUser(std::string_view name) {
  return ChangeUser(name, [](CatalogData& data, User& user, bool*) {
    data.users.erase(data.users.begin() + (&user - data.users.data()));
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::SetPassword(std::string_view name, std::string_view password) {
  if (Get()->FindUser(name) == nullptr) return UserNotFound();
  std::string hash = HashPassword(password);
  return ChangeUser(name, [&](CatalogData&, User& user, bool*) {
    user.password_hash = std::move(hash);
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::SetAdmin(std::string_view name, bool admin) {
  return ChangeUser(name, [&](CatalogData&, User& user, bool* changed) {
    *changed = user.admin != admin;
    user.admin = admin;
    return absl::OkStatus();
  });
}

absl::Status FileCatalog::SetPrivilege(std::string_view name, std::string_view database,
                                       Privilege privilege) {
  if (Get()->FindDatabase(database) == nullptr) return DatabaseNotFound(database);
  return ChangeUser(name, [&](CatalogData&, User& user, bool*) {
    user.privileges[std::string(database)] = privilege;
    return absl::OkStatus();
  });
}

bool FileCatalog::CheckPassword(std::string_view name, std::string_view password) {
  const auto data = Get();
  const User* user = data->FindUser(name);
  if (user == nullptr) return false;
  if (password_cache_.Contains(user->password_hash, password)) return true;
  if (!PasswordMatches(password, user->password_hash)) return false;
  password_cache_.Add(user->password_hash, password);
  return true;
}

absl::StatusOr<model::WriteTarget> FileCatalog::FindTarget(std::string_view database_name,
                                                           std::string_view policy_name) {
  const auto data = Get();
  const Database* database = data->FindDatabase(database_name);
  if (database == nullptr) return base::NotFound("database not found: \"", database_name, "\"");
  if (policy_name.empty()) policy_name = database->default_policy;
  const RetentionPolicy* policy = database->FindPolicy(policy_name);
  if (policy == nullptr) return PolicyNotFound(policy_name);
  model::WriteTarget target;
  target.database = database->id;
  target.database_name = database->name;
  target.policy_name = policy->name;
  target.duration_ns = policy->duration_ns;
  target.future_limit_ns = policy->future_write_limit_ns.value_or(0);
  target.past_limit_ns = policy->past_write_limit_ns.value_or(0);
  if (!policy->measurements.empty()) target.measurements = {data, &policy->measurements};
  return target;
}

absl::StatusOr<model::ShardRoute> FileCatalog::RouteShard(const model::WriteTarget& target,
                                                          int64_t time_ns) {
  const auto before = Get();
  ASSIGN_OR_RETURN(const RetentionPolicy* known, FindTargetPolicy(*before, target));
  if (const ShardGroup* group = FindShardGroup(*known, time_ns)) {
    return model::ShardRoute{group->shard, group->range};
  }
  model::ShardRoute route;
  RETURN_IF_ERROR(Change([&](CatalogData& data, bool* changed) -> absl::Status {
    ASSIGN_OR_RETURN(RetentionPolicy * found, FindTargetPolicy(data, target));
    if (const ShardGroup* group = FindShardGroup(*found, time_ns)) {
      *changed = false;
      route = {group->shard, group->range};
      return absl::OkStatus();
    }
    ShardGroup group;
    group.id = data.next_shard_group++;
    group.shard = data.next_shard++;
    group.range = NewShardGroupRange(*found, time_ns);
    route = {group.shard, group.range};
    auto& groups = found->shard_groups;
    const auto at =
        std::lower_bound(groups.begin(), groups.end(), group.range.min_ns,
                         [](const ShardGroup& g, int64_t t) { return g.range.min_ns < t; });
    groups.insert(at, group);
    return absl::OkStatus();
  }));
  return route;
}

}  // namespace

const RetentionPolicy* Database::FindPolicy(std::string_view policy) const {
  return FindByName(policies, policy);
}
const Database* CatalogData::FindDatabase(std::string_view database) const {
  return FindByName(databases, database);
}
const User* CatalogData::FindUser(std::string_view user) const { return FindByName(users, user); }

std::string_view PrivilegeName(Privilege privilege) {
  switch (privilege) {
    case Privilege::kNone:
      return "NO PRIVILEGES";
    case Privilege::kRead:
      return "READ";
    case Privilege::kWrite:
      return "WRITE";
    case Privilege::kAll:
      return "ALL PRIVILEGES";
  }
  return "";
}

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(base::Env& env, std::string folder,
                                                       CatalogOptions options) {
  RETURN_IF_ERROR(env.CreateDirs(folder));
  const std::string path = base::JoinPath(folder, kFileName);
  if (!env.Exists(path)) {
    RETURN_IF_ERROR(base::WriteFileAtomically(env, path, EncodeCatalog(CatalogData())));
  }
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, path));
  ASSIGN_OR_RETURN(CatalogData data, DecodeCatalog(bytes), "file=", path);
  return std::make_unique<FileCatalog>(env, std::move(folder), options, std::move(data));
}

}  // namespace varve::meta
