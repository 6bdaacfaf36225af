#include "tests/conformance/world.h"

#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "http/bound_parameters.h"
#include "http/encoder.h"
#include "http/status_code.h"
#include "model/line_protocol.h"

namespace varve::conformance {
namespace {

class TextSink final : public http::ByteSink {
 public:
  absl::Status Write(std::string_view bytes, bool) override {
    text.append(bytes);
    return absl::OkStatus();
  }
  std::string text;
};

Answer ErrorAnswer(int status, std::string_view text) {
  Answer answer;
  answer.status = status;
  answer.json.Set("error", Json(std::string(text)));
  return answer;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

World::World(int64_t now_ns) : workers_(2, 1000) {
  env_.SetNowNs(now_ns);
  const absl::Status status = Open();
  CHECK(status.ok()) << base::MessageOf(status);
}

World::~World() = default;

absl::Status World::Open() {
  executor_.reset();
  store_.reset();
  catalog_.reset();
  ASSIGN_OR_RETURN(catalog_, meta::Catalog::Open(env_, "/data/meta"));
  engine::StoreOptions options;
  options.data_folder = "/data/data";
  options.wal_folder = "/data/wal";
  options.background = false;
  std::vector<engine::KnownShard> known;
  const auto catalog = catalog_->Get();
  for (const meta::Database& database : catalog->databases) {
    for (const meta::RetentionPolicy& policy : database.policies) {
      for (const meta::ShardGroup& group : policy.shard_groups) {
        known.push_back({database.id, group.shard, group.range});
      }
    }
  }
  ASSIGN_OR_RETURN(store_, engine::Store::Open(env_, options, known, *catalog_));
  query::Executor::Environment environment;
  environment.env = &env_;
  environment.catalog = catalog_.get();
  environment.store = store_.get();
  environment.workers = &workers_;
  executor_ = query::Executor::Create(std::move(environment));
  return absl::OkStatus();
}

absl::Status World::Settle(Storage storage) {
  switch (storage) {
    case Storage::kCache:
      return absl::OkStatus();
    case Storage::kFlushed:
      return store_->Flush(/*compact=*/false);
    case Storage::kCompacted:
      return store_->Flush(/*compact=*/true);
    case Storage::kReplayed:
      break;
  }
  return Open();
}

void World::CreateDatabase(const std::string& name) {
  const absl::Status status = catalog_->CreateDatabase(name, std::nullopt);
  CHECK(status.ok()) << base::MessageOf(status);
}

Answer World::Query(const QueryStep& step) {
  const std::string_view text = Trim(step.text);
  if (text.empty()) return ErrorAnswer(400, "missing required parameter \"q\"");
  query::QueryRequest request;
  request.text = text;
  request.database = step.database;
  request.retention_policy = step.retention_policy;
  request.read_only = step.read_only;
  if (!step.parameters.empty()) {
    auto parameters = http::ParseBoundParameters(step.parameters);
    if (!parameters.ok()) return ErrorAnswer(400, base::MessageOf(parameters.status()));
    request.parameters = *std::move(parameters);
  }
  TextSink bytes;
  http::EncodeOptions options;
  options.epoch_ns = http::ParseEpoch(step.epoch);
  const auto encoder = http::NewJsonEncoder(options, bytes);
  absl::Status status = executor_->Run(request, *encoder);
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    return ErrorAnswer(400, base::StrCat("error parsing query: ", base::MessageOf(status)));
  }
  if (status.ok()) status = encoder->Finish();
  if (!status.ok()) return ErrorAnswer(http::HttpStatus(status), base::MessageOf(status));
  Answer answer;
  answer.status = 200;
  auto json = ParseJson(bytes.text);
  answer.json = json.has_value() ? *std::move(json)
                                 : Json(base::StrCat("not JSON: ", bytes.text.substr(0, 300)));
  return answer;
}

Answer World::Write(const WriteStep& step) {
  env_.AdvanceNs(1'000'000);  // no two requests come at one time
  engine::WriteRequest request;
  if (!model::ParsePrecision(step.precision, &request.precision)) {
    return ErrorAnswer(
        400, base::StrCat("invalid precision \"", step.precision, "\" (use n, u, ms, s, m or h)"));
  }
  if (step.database.empty()) return ErrorAnswer(400, "database is required");
  request.database = step.database;
  request.retention_policy = step.retention_policy;
  request.body = step.body;
  const absl::Status status = store_->WriteAndWait(request).status;
  if (status.ok()) return Answer{204, {}};
  const std::string_view text = base::MessageOf(status);
  const bool no_policy = text.substr(0, 16) == "retention policy";
  return ErrorAnswer(no_policy ? 500 : http::HttpStatus(status), text);
}

}  // namespace varve::conformance
