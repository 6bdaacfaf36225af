// /api/v2/buckets: retention policies as buckets "database/policy" of InfluxDB 2.
#include <simdjson.h>

#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "http/bucket.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/json_text.h"
#include "http/reply.h"
#include "http/run_statement.h"
#include "http/status_code.h"

namespace varve::http {
namespace {

namespace dom = simdjson::dom;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSecondsMax = INT64_MAX / kSecondNs;
constexpr int64_t kListDefault = 100;

// --- What comes in

struct Rule {
  int64_t every_s = 0;        // 0: for ever
  int64_t shard_group_s = 0;  // 0: as long as fits
};
struct BucketBody {
  std::string name;
  std::optional<Rule> rule;
};

absl::Status ReadSeconds(dom::object object, std::string_view name, int64_t* seconds) {
  dom::element value;
  if (object[name].get(value)) return absl::OkStatus();
  if (value.get_int64().get(*seconds) || *seconds < 0 || *seconds > kSecondsMax) {
    return base::InvalidArgument(name, " must be a number of seconds");
  }
  return absl::OkStatus();
}

absl::StatusOr<BucketBody> ParseBody(const std::string& json) {
  dom::parser parser;
  dom::object object;
  if (const auto error = parser.parse(json).get_object().get(object)) {
    return base::InvalidArgument(simdjson::error_message(error));
  }
  BucketBody body;
  std::string_view name;
  dom::element member;
  if (!object["name"].get(member)) {
    if (member.get_string().get(name)) return base::InvalidArgument("name must be a string");
    body.name = name;
  }
  if (object["retentionRules"].get(member) || member.is_null()) return body;
  dom::array rules;
  if (member.get_array().get(rules)) {
    return base::InvalidArgument("retentionRules must be an array");
  }
  if (rules.size() == 0) return body;
  if (rules.size() > 1) return base::InvalidArgument("there can be one retention rule only");
  dom::object rule;
  if ((*rules.begin()).get_object().get(rule)) {
    return base::InvalidArgument("a retention rule must be an object");
  }
  body.rule.emplace();
  RETURN_IF_ERROR(ReadSeconds(rule, "everySeconds", &body.rule->every_s));
  RETURN_IF_ERROR(ReadSeconds(rule, "shardGroupDurationSeconds", &body.rule->shard_group_s));
  return body;
}

// The rule as clauses of CREATE and ALTER RETENTION POLICY.
std::string DurationText(const Rule& rule) {
  return rule.every_s == 0 ? " DURATION INF" : base::StrCat(" DURATION ", rule.every_s, "s");
}
std::string ShardDurationText(const Rule& rule) {
  return rule.shard_group_s == 0 ? "" : base::StrCat(" SHARD DURATION ", rule.shard_group_s, "s");
}

// --- What goes out

void AppendBucket(std::string& out, const std::string& database,
                  const meta::RetentionPolicy& policy) {
  const std::string name = base::StrCat(database, "/", policy.name);
  out += "{\"description\":\"\",\"name\":";
  AppendJsonString(out, name);
  base::StrAppend(
      out, ",\"retentionRules\":[{\"type\":\"\",\"everySeconds\":", policy.duration_ns / kSecondNs,
      ",\"shardGroupDurationSeconds\":", policy.shard_group_duration_ns / kSecondNs,
      "}],\"orgId\":\"\",\"schemaType\":\"implicit\",\"id\":");
  AppendJsonString(out, name);
  out += ",\"type\":\"\",\"rp\":";
  AppendJsonString(out, policy.name);
  out += ",\"createdAt\":\"0001-01-01T00:00:00Z\",\"updatedAt\":\"0001-01-01T00:00:00Z\"}";
}

const meta::RetentionPolicy* Find(const meta::CatalogData& catalog, const Bucket& bucket) {
  const meta::Database* database = catalog.FindDatabase(bucket.database);
  return database == nullptr ? nullptr : database->FindPolicy(bucket.retention_policy);
}

// --- One request

class BucketRequest {
 public:
  BucketRequest(const Services& services, const ExchangePtr& exchange, const Identity& who)
      : services_(services), exchange_(exchange), who_(who), request_(exchange->request()) {}

  void List();
  void Create();
  void Retrieve();
  void Update();
  void Delete();

 private:
  void Refuse(int status, std::string_view text) {
    exchange_->Reply(MakeError(services_, request_, status, text));
  }
  void ReplyJson(int status, std::string json) {
    Response response = MakeResponse(services_, request_, status, Format::kJson);
    response.body = std::move(json);
    response.body += '\n';
    exchange_->Reply(std::move(response));
  }
  void ReplyBucket(int status, const Bucket& bucket) {
    const auto catalog = services_.catalog->Get();
    const meta::RetentionPolicy* policy = Find(*catalog, bucket);
    if (policy == nullptr) return Refuse(404, NotFound(bucket));
    std::string json;
    AppendBucket(json, bucket.database, *policy);
    ReplyJson(status, std::move(json));
  }
  static std::string NotFound(const Bucket& bucket) {
    return base::StrCat("bucket not found: \"", bucket.database, "/", bucket.retention_policy,
                        "\"");
  }

  // The bucket of the address; false when it is refused.
  bool BucketOfAddress(std::string_view doing, Bucket* bucket);
  bool ReadBody(std::string_view error, BucketBody* body);
  // Runs a statement; false when it failed and the failure was sent.
  bool Run(const std::string& text, const std::string& database, std::string_view error);

  const Services& services_;
  const ExchangePtr& exchange_;
  const Identity& who_;
  const Request& request_;
};

bool BucketRequest::BucketOfAddress(std::string_view doing, Bucket* bucket) {
  const std::string id = PathSegment(request_, 3);
  const absl::StatusOr<Bucket> parsed = ParseBucket(id);
  if (!parsed.ok()) {
    Refuse(400, base::StrCat(doing, "bucket \"", id, "\": ", base::MessageOf(parsed.status())));
    return false;
  }
  if (parsed->retention_policy.empty()) {
    Refuse(400,
           base::StrCat(doing, "bucket \"", id, "\": illegal bucket id, empty retention policy"));
    return false;
  }
  *bucket = *parsed;
  return true;
}

bool BucketRequest::ReadBody(std::string_view error, BucketBody* body) {
  if (request_.body_too_large) {
    Refuse(413, "Request Entity Too Large");
    return false;
  }
  absl::StatusOr<BucketBody> parsed = ParseBody(request_.body);
  if (!parsed.ok()) {
    Refuse(400,
           base::StrCat(error, "cannot parse request body: ", base::MessageOf(parsed.status())));
    return false;
  }
  *body = *std::move(parsed);
  return true;
}

bool BucketRequest::Run(const std::string& text, const std::string& database,
                        std::string_view error) {
  const absl::Status status = RunStatement(services_, who_, request_, text, database);
  if (status.ok()) return true;
  const int code = HttpStatus(status);
  Refuse(code == 403 || code >= 500 ? code : 400, base::StrCat(error, base::MessageOf(status)));
  return false;
}

void BucketRequest::List() {
  const Form form = ParseUrlEncoded(request_.query);
  const auto number = [&](std::string_view name, int64_t* value) {
    const std::string_view text = form.Get(name);
    if (text.empty()) return true;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), *value);
    return end.ec == std::errc() && end.ptr == text.data() + text.size();
  };
  int64_t limit = kListDefault;
  int64_t offset = 0;
  for (const auto& [name, value] :
       {std::pair<std::string_view, int64_t*>{"limit", &limit}, {"offset", &offset}}) {
    if (!number(name, value)) {
      return Refuse(400, base::StrCat("buckets - invalid ", name, " \"", form.Get(name), "\""));
    }
  }
  const std::string_view after = form.Get("after");
  if (!after.empty() && !form.Get("offset").empty()) {
    return Refuse(400, "buckets - offset and after cannot be used together");
  }
  const std::string_view id = form.Get("id");
  const std::string_view wanted = id.empty() ? form.Get("name") : id;
  if (!form.Get("name").empty() && form.Get("name") != wanted) {
    return Refuse(
        400, base::StrCat("buckets - name \"", form.Get("name"), "\" and id \"", id, "\" differ"));
  }

  bool begun = after.empty();
  int64_t sent = 0;
  std::string json = "{\"buckets\":[";
  const auto catalog = services_.catalog->Get();
  for (const meta::Database& database : catalog->databases) {
    if (!MayRead(who_, database.name)) continue;
    for (const meta::RetentionPolicy& policy : database.policies) {
      const std::string name = base::StrCat(database.name, "/", policy.name);
      if (!begun) {
        begun = name == after;
        continue;
      }
      if (!wanted.empty() && name != wanted) continue;
      if (offset > 0) {
        --offset;
        continue;
      }
      if (limit > 0 && sent == limit) continue;
      if (sent++ > 0) json += ',';
      AppendBucket(json, database.name, policy);
    }
  }
  if (!begun) return Refuse(404, base::StrCat("bucket not found: \"", after, "\""));
  if (!wanted.empty() && sent == 0) {
    return Refuse(404, base::StrCat("bucket not found: \"", wanted, "\""));
  }
  json += "]}";
  ReplyJson(200, std::move(json));
}

void BucketRequest::Create() {
  BucketBody body;
  if (!ReadBody("buckets - ", &body)) return;
  const absl::StatusOr<Bucket> bucket = ParseBucket(body.name);
  if (!bucket.ok() || bucket->retention_policy.empty()) {
    return Refuse(400, base::StrCat("buckets - illegal bucket name: \"", body.name, "\""));
  }
  const Rule rule = body.rule.value_or(Rule());
  const std::string database = query::QuoteIdentifier(bucket->database);
  const std::string policy = query::QuoteIdentifier(bucket->retention_policy);
  const bool is_new = services_.catalog->Get()->FindDatabase(bucket->database) == nullptr;
  const std::string text =
      is_new ? base::StrCat("CREATE DATABASE ", database, " WITH", DurationText(rule),
                            " REPLICATION 1", ShardDurationText(rule), " NAME ", policy)
             : base::StrCat("CREATE RETENTION POLICY ", policy, " ON ", database,
                            DurationText(rule), " REPLICATION 1", ShardDurationText(rule));
  if (!Run(text, bucket->database,
           base::StrCat("buckets - cannot create bucket \"", body.name, "\": "))) {
    return;
  }
  ReplyBucket(201, *bucket);
}

void BucketRequest::Retrieve() {
  Bucket bucket;
  if (!BucketOfAddress("", &bucket)) return;
  if (!MayRead(who_, bucket.database)) return Refuse(404, NotFound(bucket));
  ReplyBucket(200, bucket);
}

void BucketRequest::Update() {
  Bucket bucket;
  BucketBody body;
  if (!BucketOfAddress("update ", &bucket) || !ReadBody("buckets - ", &body)) return;
  const std::string error =
      base::StrCat("update bucket \"", bucket.database, "/", bucket.retention_policy, "\": ");
  if (body.rule) {
    const std::string text =
        base::StrCat("ALTER RETENTION POLICY ", query::QuoteIdentifier(bucket.retention_policy),
                     " ON ", query::QuoteIdentifier(bucket.database), DurationText(*body.rule),
                     ShardDurationText(*body.rule));
    if (!Run(text, bucket.database, error)) return;
  } else if (!MayRead(who_, bucket.database) ||
             Find(*services_.catalog->Get(), bucket) == nullptr) {
    return Refuse(400, base::StrCat(error, NotFound(bucket)));
  }
  ReplyBucket(200, bucket);
}

void BucketRequest::Delete() {
  Bucket bucket;
  if (!BucketOfAddress("delete ", &bucket)) return;
  if (Find(*services_.catalog->Get(), bucket) == nullptr) {
    return Refuse(404, base::StrCat("delete bucket - not found: \"", bucket.database, "/",
                                    bucket.retention_policy, "\""));
  }
  const std::string text =
      base::StrCat("DROP RETENTION POLICY ", query::QuoteIdentifier(bucket.retention_policy),
                   " ON ", query::QuoteIdentifier(bucket.database));
  if (!Run(text, bucket.database, "delete bucket - ")) return;
  exchange_->Reply(MakeResponse(services_, request_, 200, FormatOf(request_)));
}

}  // namespace

void HandleBucketList(const Services& services, ExchangePtr exchange, const Identity& who) {
  BucketRequest(services, exchange, who).List();
}
void HandleBucketCreate(const Services& services, ExchangePtr exchange, const Identity& who) {
  BucketRequest(services, exchange, who).Create();
}
void HandleBucketRetrieve(const Services& services, ExchangePtr exchange, const Identity& who) {
  BucketRequest(services, exchange, who).Retrieve();
}
void HandleBucketUpdate(const Services& services, ExchangePtr exchange, const Identity& who) {
  BucketRequest(services, exchange, who).Update();
}
void HandleBucketDelete(const Services& services, ExchangePtr exchange, const Identity& who) {
  BucketRequest(services, exchange, who).Delete();
}
void HandleBucketPart(const Services& services, ExchangePtr exchange, const Identity&) {
  const Request& request = exchange->request();
  exchange->Reply(MakeError(
      services, request, 405,
      base::StrCat("bucket ", PathSegment(request, 4), " not supported in this version")));
}

}  // namespace varve::http
