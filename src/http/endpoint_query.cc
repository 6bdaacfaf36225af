// GET and POST /query: InfluxQL in, rows out.
#include <atomic>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "http/bound_parameters.h"
#include "http/endpoints.h"
#include "http/form.h"
#include "http/gzip.h"
#include "http/reply.h"
#include "http/reply_stream.h"
#include "http/row_limiter.h"
#include "http/status_code.h"

namespace varve::http {
namespace {

// One request for as long as its query runs.
struct RunningQuery {
  ExchangePtr exchange;
  query::QueryRequest request;
  std::optional<query::Principal> principal;
  EncodeOptions encode;
  bool gzip = false;
  bool async = false;
};

// The sink of an async query: answers 204 when the first statement begins, drops what follows.
class AsyncSink : public query::ResultSink {
 public:
  AsyncSink(const Services& services, Exchange& exchange)
      : services_(services), exchange_(exchange) {}

  bool answered() const { return answered_; }
  void Answer() {
    if (answered_) return;
    answered_ = true;
    const Request& request = exchange_.request();
    exchange_.Reply(MakeResponse(services_, request, 204, FormatOf(request)));
  }

  absl::Status BeginStatement(int) override {
    Answer();
    return absl::OkStatus();
  }
  absl::Status Rows(const query::RowBatch&) override { return absl::OkStatus(); }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status&) override { return absl::OkStatus(); }

 private:
  const Services& services_;
  Exchange& exchange_;
  bool answered_ = false;
};

// A query runs on the network thread for so long.
constexpr int64_t kNetworkThreadNs = 1'000'000;
// The text of one that may: parsing it takes a small part of that.
constexpr size_t kShortText = 16 << 10;

// The network thread, lent to a query.
class NetworkThread final : public query::LentThread {
 public:
  NetworkThread(const Services& services, Exchange& exchange)
      : env_(*services.env),
        exchange_(exchange),
        until_ns_(env_.MonotonicNs() + kNetworkThreadNs) {}

  bool GoesOn() override {
    if (!exchange_.on_network_thread()) return false;
    if (env_.MonotonicNs() < until_ns_) return true;
    GiveBack();
    return false;
  }
  void GiveBack() override { exchange_.LeaveNetworkThread(); }

 private:
  base::Env& env_;
  Exchange& exchange_;
  const int64_t until_ns_;
};

size_t ChunkSize(std::string_view text) {
  int64_t size = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole && size > 0 ? static_cast<size_t>(size) : EncodeOptions{}.chunk_size;
}

// What a query is answered with that failed before it wrote anything.
Response RunError(const Services& services, const Request& request, const absl::Status& status) {
  std::string text(base::MessageOf(status));
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    text = base::StrCat("error parsing query: ", text);
  } else if (status.code() == absl::StatusCode::kPermissionDenied) {
    text = base::StrCat("error authorizing query: ", text);
  }
  return MakeError(services, request, HttpStatus(status), text);
}

void RunAsync(const Services& services, RunningQuery& running) {
  AsyncSink sink(services, *running.exchange);
  running.request.cancelled = &services.query_threads->stopping();  // the client need not stay
  const absl::Status status = services.executor->Run(running.request, sink);
  if (sink.answered()) return;
  if (status.ok()) {
    sink.Answer();
  } else {
    running.exchange->Reply(RunError(services, running.exchange->request(), status));
  }
}

void RunStreaming(const Services& services, RunningQuery& running) {
  Exchange& exchange = *running.exchange;
  const Request& request = exchange.request();
  Response head = MakeResponse(services, request, 200, running.encode.format);
  if (running.gzip) head.headers.emplace_back("Content-Encoding", "gzip");
  ReplyStream stream(exchange, std::move(head), /*eager=*/running.encode.chunked);
  std::optional<GzipSink> gzip;
  if (running.gzip) gzip.emplace(stream);
  ByteSink& bytes = gzip ? static_cast<ByteSink&>(*gzip) : stream;

  running.encode.held_bytes_max = services.options.max_held_bytes;
  const std::unique_ptr<Encoder> encoder = NewEncoder(running.encode, bytes);
  std::optional<RowLimiter> limiter;
  if (services.options.max_rows != 0 && !running.encode.chunked) {
    limiter.emplace(services.options.max_rows, *encoder);
  }
  query::ResultSink& sink = limiter ? static_cast<query::ResultSink&>(*limiter) : *encoder;
  running.request.on_begin = [&stream](const std::function<absl::Status()>& interrupted) {
    stream.SetInterrupted(interrupted);
  };
  absl::Status status = services.executor->Run(running.request, sink);
  stream.SetInterrupted(nullptr);
  if (limiter && limiter->reached()) status = absl::OkStatus();
  if (!status.ok() && stream.untouched() && !exchange.client_gone().load()) {
    exchange.Reply(RunError(services, request, status));
    return;
  }
  if (status.ok()) status = encoder->Finish();
  if (status.ok() && gzip) status = gzip->Finish();
  stream.Finish(status.ok());
  services.metrics->query_bytes.fetch_add(stream.bytes(), std::memory_order_relaxed);
}

void RunQuery(const Services& services, RunningQuery& running) {
  Metrics& metrics = *services.metrics;
  const int64_t start_ns = services.env->MonotonicNs();
  if (running.async) {
    RunAsync(services, running);
  } else {
    RunStreaming(services, running);
  }
  const int64_t now_ns = services.env->MonotonicNs();
  const int64_t duration = now_ns - start_ns;
  metrics.query_ns.fetch_add(static_cast<uint64_t>(duration), std::memory_order_relaxed);
  metrics.query_latency.Observe(duration, now_ns);
  metrics.queries_active.fetch_sub(1, std::memory_order_relaxed);
}

// Runs a query where its request came in, until it is seen to be long. False when it must wait, or
// is long for sure.
bool RunOnNetworkThread(const Services& services, RunningQuery& running) {
  if (running.async || running.request.text.size() > kShortText) return false;
  if (!services.query_threads->TryBegin()) return false;
  NetworkThread thread(services, *running.exchange);
  running.request.thread = &thread;
  RunQuery(services, running);
  services.query_threads->End();
  return true;
}

// With authentication on and no admin yet, only making one is allowed.
bool CreatesFirstAdmin(const query::QueryRequest& request) {
  const auto statements = query::ParseQuery(request.text, request.parameters);
  if (!statements.ok() || statements->empty()) return false;
  const auto* create = statements->front().As<query::CreateUser>();
  return create != nullptr && create->admin;
}

}  // namespace

void HandleQuery(const Services& services, ExchangePtr exchange, const Identity& who) {
  const Request& request = exchange->request();
  Metrics& metrics = *services.metrics;
  metrics.query_requests.fetch_add(1, std::memory_order_relaxed);
  metrics.tracker.CountQuery(NameOf(who), request.remote_address);
  if (request.body_too_large) {
    exchange->Reply(MakeError(services, request, 413, "Request Entity Too Large"));
    return;
  }

  const Form form = RequestForm(request);
  auto running = std::make_shared<RunningQuery>();
  query::QueryRequest& query = running->request;
  query.text = TrimSpace(form.Get("q"));
  if (query.text.empty()) {
    exchange->Reply(MakeError(services, request, 400, "missing required parameter \"q\""));
    return;
  }
  const std::string_view time_format = TrimSpace(form.Get("time_format"));
  if (!time_format.empty() && time_format != "epoch" && time_format != "rfc3339") {
    exchange->Reply(MakeError(
        services, request, 400,
        base::StrCat("invalid time_format \"", time_format, "\" (use epoch or rfc3339)")));
    return;
  }
  if (const std::string_view params = form.Get("params"); !params.empty()) {
    absl::StatusOr<query::Parameters> parameters = ParseBoundParameters(params);
    if (!parameters.ok()) {
      exchange->Reply(MakeError(services, request, 400, base::MessageOf(parameters.status())));
      return;
    }
    query.parameters = *std::move(parameters);
  }
  query.database = form.Get("db");
  query.retention_policy = form.Get("rp");
  query.read_only = request.method == Method::kGet;
  query.client = request.remote_address;
  query.cancelled = &exchange->client_gone();
  running->principal = who.principal;
  if (running->principal) query.principal = &*running->principal;
  if (who.required && !who.principal && !CreatesFirstAdmin(query)) {
    exchange->Reply(MakeError(services, request, 403,
                              "error authorizing query: create admin user first or disable "
                              "authentication"));
    return;
  }
  running->encode.format = FormatOf(request);
  running->encode.pretty = WantsPretty(request);
  running->encode.chunked = form.Get("chunked") == "true";
  if (running->encode.chunked) running->encode.chunk_size = ChunkSize(form.Get("chunk_size"));
  running->encode.rfc3339 = time_format == "rfc3339";
  if (!running->encode.rfc3339) {
    running->encode.epoch_ns = ParseEpoch(TrimSpace(form.Get("epoch")));
  }
  running->gzip = HasToken(request.Header("accept-encoding"), "gzip");
  running->async = form.Get("async") == "true";
  running->exchange = exchange;

  metrics.queries_active.fetch_add(1, std::memory_order_relaxed);
  // A thread that waited for the password may as well wait for the query.
  if (!exchange->on_network_thread()) return RunQuery(services, *running);
  if (RunOnNetworkThread(services, *running)) return;
  if (!services.query_threads->Submit([&services, running] { RunQuery(services, *running); })) {
    metrics.queries_active.fetch_sub(1, std::memory_order_relaxed);
    exchange->Reply(MakeError(services, request, 503, "too many queries are waiting"));
  }
}

}  // namespace varve::http
