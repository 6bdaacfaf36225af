#include "query/executor.h"

#include <optional>

#include "base/status.h"
#include "query/parser.h"
#include "query/privileges.h"
#include "query/query_registry.h"
#include "query/select.h"
#include "query/statements.h"

namespace varve::query {
namespace {

// What the text of a request shows: statements as they are printed, so without passwords.
std::string TextOf(const std::vector<Statement>& statements) {
  std::string text;
  for (const Statement& statement : statements) {
    base::StrAppend(text, text.empty() ? "" : ";\n", Format(statement));
  }
  return text;
}

// The database a statement names for itself, used when the request names none.
struct OwnDatabase {
  template <typename S>
  std::string operator()(const S& s) const {
    if constexpr (requires { s.database; }) {
      return s.database;
    } else {
      return {};
    }
  }
};

// A statement that changes something answers a GET with a warning. DELETE does not, and SELECT only
// with INTO.
struct Changes {
  bool operator()(const SelectStatement& s) const { return s.target.has_value(); }
  bool operator()(const Explain&) const { return false; }
  bool operator()(const DeleteSeries&) const { return false; }
  bool operator()(const ShowDatabases&) const { return false; }
  bool operator()(const ShowRetentionPolicies&) const { return false; }
  bool operator()(const ShowMeasurements&) const { return false; }
  bool operator()(const ShowSeries&) const { return false; }
  bool operator()(const ShowTagKeys&) const { return false; }
  bool operator()(const ShowTagValues&) const { return false; }
  bool operator()(const ShowFieldKeys&) const { return false; }
  bool operator()(const ShowCardinality&) const { return false; }
  bool operator()(const ShowContinuousQueries&) const { return false; }
  bool operator()(const ShowContinuousQueryStatus&) const { return false; }
  bool operator()(const ShowMeasurementRetention&) const { return false; }
  bool operator()(const ShowSubscriptions&) const { return false; }
  bool operator()(const ShowUsers&) const { return false; }
  bool operator()(const ShowGrants&) const { return false; }
  bool operator()(const ShowQueries&) const { return false; }
  bool operator()(const ShowShards&) const { return false; }
  bool operator()(const ShowShardGroups&) const { return false; }
  bool operator()(const ShowStats&) const { return false; }
  bool operator()(const ShowDiagnostics&) const { return false; }
  template <typename Other>
  bool operator()(const Other&) const {
    return true;
  }
};

// Names of iterators inside InfluxDB, which a SELECT may not read.
absl::Status CheckSystemSources(const SelectStatement& statement) {
  struct Use {
    std::string_view source, command;
  };
  static constexpr Use kUses[] = {
      {"_fieldKeys", "SHOW FIELD KEYS"},
      {"_measurements", "SHOW MEASUREMENTS"},
      {"_series", "SHOW SERIES"},
      {"_tagKeys", "SHOW TAG KEYS"},
      {"_tags", "SHOW TAG VALUES"},
      {"_name", "the appropriate meta command"},
      {"_tagKey", "the appropriate meta command"},
  };
  for (const Source& source : statement.sources) {
    const auto* m = std::get_if<Measurement>(&source.node);
    if (m == nullptr) continue;
    for (const Use& use : kUses) {
      if (m->name != use.source) continue;
      return base::InvalidArgument("unable to use system source '", use.source, "': use ",
                                   use.command, " instead");
    }
  }
  return absl::OkStatus();
}

// One request on its way through its statements.
class RequestRun {
 public:
  RequestRun(const Executor::Environment& environment, const QueryRequest& request,
             QueryRegistry& registry, const QueryRegistry::Running& running, ResultSink& sink)
      : request_(request), running_(running), context_{environment,
                                                       request,
                                                       registry,
                                                       sink,
                                                       environment.env->NowNs(),
                                                       [this] { return Interrupted(); }} {
    const int64_t timeout_ns = environment.limits.timeout_ns;
    if (timeout_ns > 0) deadline_ns_ = running.start_ns + timeout_ns;
  }

  absl::Status Run(const std::vector<Statement>& statements) {
    if (request_.on_begin) request_.on_begin(context_.interrupted);
    bool failed = false;
    for (size_t i = 0; i < statements.size(); ++i) {
      RETURN_IF_ERROR(context_.sink.BeginStatement(static_cast<int>(i)));
      absl::Status status = failed ? base::InvalidArgument("not executed") : RunOne(statements[i]);
      failed = failed || !status.ok();
      RETURN_IF_ERROR(context_.sink.EndStatement(status));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status RunOne(const Statement& statement) {
    RETURN_IF_ERROR(Interrupted());
    if (const auto* select = statement.As<SelectStatement>()) return RunSelectStatement(*select);
    if (request_.thread != nullptr) request_.thread->GiveBack();
    RETURN_IF_ERROR(std::visit([this](const auto& s) { return Dispatch(s); }, statement.node));
    if (!std::visit(Changes{}, statement.node)) return absl::OkStatus();
    return WarnReadOnly(Format(statement));
  }

  template <typename S>
  absl::Status Dispatch(const S& statement) {
    return RunStatement(statement, context_);
  }
  absl::Status Dispatch(const SelectStatement&) { return absl::OkStatus(); }
  absl::Status Dispatch(const Explain& explain) {
    return ExplainSelect(explain, MakeSelectContext(), context_.sink);
  }

  absl::Status RunSelectStatement(const SelectStatement& select) {
    RETURN_IF_ERROR(CheckSystemSources(select));
    RETURN_IF_ERROR(RunSelect(select, MakeSelectContext(), context_.sink));
    if (!select.target.has_value() || !request_.read_only) return absl::OkStatus();
    // The warning shows the names that were used.
    SelectStatement filled = select;
    RETURN_IF_ERROR(FillNames(&filled, request_.database, request_.retention_policy,
                              *context_.catalog().Get()));
    return WarnReadOnly(Format(filled));
  }

  absl::Status WarnReadOnly(std::string_view text) {
    if (!request_.read_only) return absl::OkStatus();
    return context_.sink.Message(
        "warning", base::StrCat("deprecated use of '", text,
                                "' in a read only context, please use a POST request instead"));
  }

  SelectContext MakeSelectContext() const {
    SelectContext select;
    select.environment = &context_.environment;
    select.database = request_.database;
    select.retention_policy = request_.retention_policy;
    select.now_ns = context_.now_ns;
    select.interrupted = context_.interrupted;
    select.thread = request_.thread;
    return select;
  }

  absl::Status Interrupted() const {
    if (request_.thread != nullptr) request_.thread->GoesOn();
    if (running_.killed.load(std::memory_order_relaxed)) {
      return base::Cancelled("query interrupted");
    }
    if (request_.cancelled != nullptr && request_.cancelled->load(std::memory_order_relaxed)) {
      return base::Cancelled("query interrupted");
    }
    if (deadline_ns_.has_value() && context_.environment.env->MonotonicNs() > *deadline_ns_) {
      return base::DeadlineExceeded("query-timeout limit exceeded");
    }
    return absl::OkStatus();
  }

  const QueryRequest& request_;
  const QueryRegistry::Running& running_;
  std::optional<int64_t> deadline_ns_;
  StatementContext context_;
};

class ExecutorImpl final : public Executor {
 public:
  explicit ExecutorImpl(Environment environment)
      : environment_(std::move(environment)),
        registry_(*environment_.env, environment_.limits.max_concurrent) {}

  absl::Status Run(const QueryRequest& request, ResultSink& sink) override {
    ASSIGN_OR_RETURN(const std::vector<Statement> statements,
                     ParseQuery(request.text, request.parameters));
    if (request.principal != nullptr) {
      RETURN_IF_ERROR(Authorize(statements, *request.principal, request.database));
    }
    if (statements.empty()) return absl::OkStatus();

    std::string database = request.database;
    if (database.empty()) database = std::visit(OwnDatabase{}, statements[0].node);
    auto ticket = registry_.Attach(TextOf(statements), database);
    if (!ticket.ok()) {
      RETURN_IF_ERROR(sink.BeginStatement(0));
      return sink.EndStatement(ticket.status());
    }
    RequestRun run(environment_, request, registry_, ticket->running(), sink);
    const absl::Status status = run.Run(statements);
    ReportSlow(ticket->running());
    return status;
  }

 private:
  void ReportSlow(const QueryRegistry::Running& running) const {
    const int64_t limit_ns = environment_.limits.log_after_ns;
    if (limit_ns <= 0 || !environment_.on_slow_query) return;
    const int64_t age_ns = registry_.AgeNs(running);
    if (age_ns > limit_ns) environment_.on_slow_query(running.text, running.database, age_ns);
  }

  const Environment environment_;
  QueryRegistry registry_;
};

}  // namespace

std::unique_ptr<Executor> Executor::Create(Environment environment) {
  return std::make_unique<ExecutorImpl>(std::move(environment));
}

}  // namespace varve::query
