#include "meta/catalog_codec.h"

#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::meta {
namespace {

constexpr std::string_view kMagic = "VCAT";
// Version 2 is written where it says more than 1: so a catalog without the new is read by old
// servers.
constexpr uint16_t kVersion = 2;
constexpr uint16_t kWithMeasurements = 2;
constexpr size_t kHeaderBytes = 16;

void PutOptional(std::string& out, const std::optional<int64_t>& value) {
  out.push_back(value.has_value() ? 1 : 0);
  if (value.has_value()) base::PutSignedVarint(out, *value);
}

uint16_t VersionOf(const CatalogData& data) {
  for (const Database& database : data.databases) {
    for (const RetentionPolicy& policy : database.policies) {
      if (!policy.measurements.empty()) return kWithMeasurements;
    }
  }
  return 1;
}

void PutPolicy(std::string& out, const RetentionPolicy& policy, uint16_t version) {
  base::PutString(out, policy.name);
  base::PutSignedVarint(out, policy.duration_ns);
  base::PutSignedVarint(out, policy.shard_group_duration_ns);
  base::PutVarint(out, static_cast<uint64_t>(policy.replication));
  PutOptional(out, policy.future_write_limit_ns);
  PutOptional(out, policy.past_write_limit_ns);
  base::PutVarint(out, policy.shard_groups.size());
  for (const ShardGroup& group : policy.shard_groups) {
    base::PutVarint(out, group.id);
    base::PutVarint(out, group.shard);
    base::PutFixed(out, group.range.min_ns);
    base::PutFixed(out, group.range.max_ns);
  }
  if (version < kWithMeasurements) return;
  base::PutVarint(out, policy.measurements.size());
  for (const auto& [measurement, duration_ns] : policy.measurements) {
    base::PutString(out, measurement);
    base::PutSignedVarint(out, duration_ns);
  }
}

void PutDatabase(std::string& out, const Database& database, uint16_t version) {
  base::PutVarint(out, database.id);
  base::PutString(out, database.name);
  base::PutString(out, database.default_policy);
  base::PutVarint(out, database.policies.size());
  for (const RetentionPolicy& policy : database.policies) PutPolicy(out, policy, version);
  base::PutVarint(out, database.continuous_queries.size());
  for (const ContinuousQuery& query : database.continuous_queries) {
    base::PutString(out, query.name);
    base::PutString(out, query.query);
  }
  base::PutVarint(out, database.subscriptions.size());
  for (const Subscription& subscription : database.subscriptions) {
    base::PutString(out, subscription.retention_policy);
    base::PutString(out, subscription.name);
    base::PutString(out, subscription.mode);
    base::PutVarint(out, subscription.destinations.size());
    for (const std::string& url : subscription.destinations) base::PutString(out, url);
  }
}

void PutUser(std::string& out, const User& user) {
  base::PutString(out, user.name);
  base::PutString(out, user.password_hash);
  out.push_back(user.admin ? 1 : 0);
  base::PutVarint(out, user.privileges.size());
  for (const auto& [database, privilege] : user.privileges) {
    base::PutString(out, database);
    out.push_back(static_cast<char>(privilege));
  }
}

// Reads the body; any method fails by failing the reader underneath, which the end looks at once.
class BodyReader {
 public:
  BodyReader(std::string_view body, uint16_t version) : reader_(body), version_(version) {}

  bool Read(CatalogData* data) {
    data->version = Varint();
    data->next_database = static_cast<model::DatabaseId>(Varint());
    data->next_shard_group = Varint();
    data->next_shard = Varint();
    ReadList(&data->databases, [this] { return ReadDatabase(); });
    ReadList(&data->users, [this] { return ReadUser(); });
    return !reader_.failed() && !malformed_ && reader_.remaining() == 0;
  }
  size_t offset() const { return reader_.offset(); }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    return reader_.GetVarint(&value) ? value : 0;
  }
  int64_t SignedVarint() {
    int64_t value = 0;
    return reader_.GetSignedVarint(&value) ? value : 0;
  }
  std::string String() {
    std::string_view text;
    return reader_.GetString(&text) ? std::string(text) : std::string();
  }
  uint8_t Byte(uint8_t max) {
    uint8_t value = 0;
    if (!reader_.GetFixed(&value)) return 0;
    if (value > max) malformed_ = true;
    return value;
  }
  std::optional<int64_t> Optional() {
    if (Byte(1) == 0) return std::nullopt;
    return SignedVarint();
  }
  // An element takes at least one byte, so a count beyond what remains is damage.
  template <typename T, typename F>
  void ReadList(std::vector<T>* list, F read) {
    const uint64_t count = Varint();
    if (count > reader_.remaining()) {
      malformed_ = true;
      return;
    }
    for (uint64_t i = 0; i < count && !reader_.failed() && !malformed_; ++i) {
      list->push_back(read());
    }
  }

  ShardGroup ReadShardGroup() {
    ShardGroup group;
    group.id = Varint();
    group.shard = Varint();
    if (!reader_.GetFixed(&group.range.min_ns) || !reader_.GetFixed(&group.range.max_ns) ||
        group.range.empty()) {
      malformed_ = true;
    }
    return group;
  }

  RetentionPolicy ReadPolicy() {
    RetentionPolicy policy;
    policy.name = String();
    policy.duration_ns = SignedVarint();
    policy.shard_group_duration_ns = SignedVarint();
    policy.replication = static_cast<int>(Varint());
    policy.future_write_limit_ns = Optional();
    policy.past_write_limit_ns = Optional();
    if (policy.shard_group_duration_ns <= 0 || policy.duration_ns < 0) malformed_ = true;
    ReadList(&policy.shard_groups, [this] { return ReadShardGroup(); });
    if (version_ < kWithMeasurements) return policy;
    ReadList(&policy.measurements, [this] {
      model::MeasurementDuration item;
      item.measurement = String();
      item.duration_ns = SignedVarint();
      if (item.duration_ns <= 0) malformed_ = true;
      return item;
    });
    return policy;
  }

  Subscription ReadSubscription() {
    Subscription subscription;
    subscription.retention_policy = String();
    subscription.name = String();
    subscription.mode = String();
    ReadList(&subscription.destinations, [this] { return String(); });
    return subscription;
  }

  Database ReadDatabase() {
    Database database;
    database.id = static_cast<model::DatabaseId>(Varint());
    database.name = String();
    database.default_policy = String();
    ReadList(&database.policies, [this] { return ReadPolicy(); });
    ReadList(&database.continuous_queries, [this] {
      ContinuousQuery query;
      query.name = String();
      query.query = String();
      return query;
    });
    ReadList(&database.subscriptions, [this] { return ReadSubscription(); });
    return database;
  }

  User ReadUser() {
    User user;
    user.name = String();
    user.password_hash = String();
    user.admin = Byte(1) != 0;
    std::vector<std::pair<std::string, Privilege>> privileges;
    ReadList(&privileges, [this] {
      std::string database = String();
      const auto privilege = static_cast<Privilege>(Byte(static_cast<uint8_t>(Privilege::kAll)));
      return std::pair(std::move(database), privilege);
    });
    user.privileges.insert(privileges.begin(), privileges.end());
    return user;
  }

  base::ByteReader reader_;
  const uint16_t version_;
  bool malformed_ = false;
};

}  // namespace

std::string EncodeCatalog(const CatalogData& data) {
  const uint16_t version = VersionOf(data);
  std::string body;
  base::PutVarint(body, data.version);
  base::PutVarint(body, data.next_database);
  base::PutVarint(body, data.next_shard_group);
  base::PutVarint(body, data.next_shard);
  base::PutVarint(body, data.databases.size());
  for (const Database& database : data.databases) PutDatabase(body, database, version);
  base::PutVarint(body, data.users.size());
  for (const User& user : data.users) PutUser(body, user);

  std::string out(kMagic);
  base::PutFixed<uint16_t>(out, version);
  base::PutFixed<uint16_t>(out, 0);
  base::PutFixed<uint64_t>(out, base::Checksum(body));
  return out + body;
}

absl::StatusOr<CatalogData> DecodeCatalog(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return base::DataLoss("not a catalog: wrong magic or shorter than its header");
  }
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(bytes.data() + 6);
  if (version > kVersion || flags != 0) {
    return base::FailedPrecondition("catalog written by a newer Varve: version=", version,
                                    " flags=", flags);
  }
  const std::string_view body = bytes.substr(kHeaderBytes);
  if (base::LoadFixed<uint64_t>(bytes.data() + 8) != base::Checksum(body)) {
    return base::DataLoss("catalog checksum is wrong");
  }
  CatalogData data;
  BodyReader reader(body, version);
  if (!reader.Read(&data)) {
    return base::DataLoss("catalog is malformed: offset=", kHeaderBytes + reader.offset());
  }
  return data;
}

}  // namespace varve::meta
