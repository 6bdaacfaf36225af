// The catalog: databases, retention policies, shard groups, continuous queries, users,
// subscriptions. One small document in one file, replaced atomically with each change, so a change
// that returned OK survives a crash. Bytes: docs/format.md, "Catalog".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "base/published.h"
#include "model/shard_router.h"
#include "model/types.h"

namespace varve::meta {

// A slice of time of one retention policy. Varve is one node, so a group has one shard.
struct ShardGroup {
  uint64_t id = 0;
  model::ShardId shard = 0;
  model::TimeRange range;  // both ends included; InfluxDB shows the exclusive end, max_ns + 1
};

struct RetentionPolicy {
  std::string name;
  int64_t duration_ns = 0;  // 0: for ever
  int64_t shard_group_duration_ns = 0;
  int replication = 1;  // stored and shown; Varve keeps one copy
  std::optional<int64_t> future_write_limit_ns;
  std::optional<int64_t> past_write_limit_ns;
  std::vector<ShardGroup> shard_groups;  // ascending by time, disjoint
  // Measurements that are kept for less time than the rest; ascending by name. A duration that is
  // not below the policy's has no effect.
  std::vector<model::MeasurementDuration> measurements;
};

struct ContinuousQuery {
  std::string name;
  std::string query;  // the whole CREATE CONTINUOUS QUERY statement, names written out
};

struct Subscription {
  std::string retention_policy;
  std::string name;
  std::string mode;  // "ALL" or "ANY"
  std::vector<std::string> destinations;
};

struct Database {
  model::DatabaseId id = model::kNoId;
  std::string name;
  std::string default_policy;             // empty: none
  std::vector<RetentionPolicy> policies;  // in order of creation
  std::vector<ContinuousQuery> continuous_queries;
  std::vector<Subscription> subscriptions;

  const RetentionPolicy* FindPolicy(std::string_view policy) const;  // or null
};

enum class Privilege : uint8_t { kNone = 0, kRead = 1, kWrite = 2, kAll = 3 };
std::string_view PrivilegeName(Privilege privilege);  // "NO PRIVILEGES", "READ", ...

struct User {
  std::string name;
  std::string password_hash;  // docs/format.md, "Password hash"
  bool admin = false;
  std::map<std::string, Privilege> privileges;  // by database name
};

// One version of the whole catalog. Immutable once published.
struct CatalogData {
  uint64_t version = 0;
  model::DatabaseId next_database = 0;
  uint64_t next_shard_group = 1;
  model::ShardId next_shard = 1;
  std::vector<Database> databases;  // in order of creation
  std::vector<User> users;          // ascending by name

  const Database* FindDatabase(std::string_view name) const;  // or null
  const User* FindUser(std::string_view name) const;          // or null
};

// What CREATE/ALTER RETENTION POLICY and CREATE DATABASE ... WITH say; absent: not said.
struct PolicySpec {
  std::string name;
  std::optional<int64_t> duration_ns;  // 0: INF
  std::optional<int64_t> shard_group_duration_ns;
  std::optional<int> replication;
  std::optional<int64_t> future_write_limit_ns;
  std::optional<int64_t> past_write_limit_ns;
  std::vector<model::MeasurementDuration> measurements;  // 0: as long as the policy
};

struct DroppedShard {
  model::DatabaseId database = model::kNoId;
  model::ShardId shard = 0;
};

struct CatalogOptions {
  // CREATE DATABASE without a policy makes the policy "autogen" and its default.
  bool retention_autocreate = true;
};

// Thread safety: every method may be called from any thread. A change is durable, and in Get(),
// when its method returns OK; on an error nothing changed. The text of INVALID_ARGUMENT, NOT_FOUND
// and ALREADY_EXISTS is InfluxDB's.
class Catalog : public model::ShardRouter {
 public:
  // Opens `folder`/CATALOG, creating an empty one. DATA_LOSS names damage. `env` outlives it.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(base::Env& env, std::string folder,
                                                       CatalogOptions options = {});
  virtual ~Catalog() = default;

  // The present version; stays valid and unchanged while held.
  virtual std::shared_ptr<const CatalogData> Get() const = 0;

  // CREATE DATABASE: fine when it exists (and, with `policy`, has an equal policy as its default).
  // Without `policy`, the policy "autogen" (for ever) is made and is the default.
  virtual absl::Status CreateDatabase(std::string_view name,
                                      const std::optional<PolicySpec>& policy) = 0;
  // Fine when there is none. Returns the id of what was dropped.
  virtual absl::StatusOr<std::optional<model::DatabaseId>> DropDatabase(std::string_view name) = 0;

  virtual absl::Status CreateRetentionPolicy(std::string_view database, const PolicySpec& policy,
                                             bool make_default) = 0;
  virtual absl::Status AlterRetentionPolicy(std::string_view database, const PolicySpec& change,
                                            bool make_default) = 0;
  virtual absl::StatusOr<std::vector<DroppedShard>> DropRetentionPolicy(
      std::string_view database, std::string_view policy) = 0;
  // Takes shards out of the catalog (DROP SHARD, retention). Unknown ids are passed over.
  virtual absl::StatusOr<std::vector<DroppedShard>> DropShards(
      const std::vector<model::ShardId>& shards) = 0;

  virtual absl::Status CreateContinuousQuery(std::string_view database, std::string_view name,
                                             std::string_view query) = 0;
  virtual absl::Status DropContinuousQuery(std::string_view database, std::string_view name) = 0;

  virtual absl::Status CreateSubscription(std::string_view database,
                                          const Subscription& subscription) = 0;
  virtual absl::Status DropSubscription(std::string_view database, std::string_view policy,
                                        std::string_view name) = 0;

  virtual absl::Status CreateUser(std::string_view name, std::string_view password, bool admin) = 0;
  virtual absl::Status DropUser(std::string_view name) = 0;
  virtual absl::Status SetPassword(std::string_view name, std::string_view password) = 0;
  virtual absl::Status SetAdmin(std::string_view name, bool admin) = 0;
  virtual absl::Status SetPrivilege(std::string_view name, std::string_view database,
                                    Privilege privilege) = 0;
  // True when `name` exists and has this password. Takes some milliseconds the first time (the hash
  // is slow on purpose); a password that was right is remembered, as a salted fast hash, in memory.
  virtual bool CheckPassword(std::string_view name, std::string_view password) = 0;
};

}  // namespace varve::meta
