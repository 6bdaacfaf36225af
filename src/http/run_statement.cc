#include "http/run_statement.h"

#include <utility>

#include "base/status.h"

namespace varve::http {
namespace {

class StatementSink : public query::ResultSink {
 public:
  explicit StatementSink(const std::function<absl::Status(const query::RowBatch&)>& rows)
      : rows_(rows) {}
  const absl::Status& status() const { return status_; }

  absl::Status BeginStatement(int) override { return absl::OkStatus(); }
  absl::Status Rows(const query::RowBatch& batch) override { return rows_(batch); }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    status_ = status;
    return absl::OkStatus();
  }

 private:
  const std::function<absl::Status(const query::RowBatch&)>& rows_;
  absl::Status status_;
};

}  // namespace

absl::Status RunStatement(const Services& services, const Identity& who, const Request& request,
                          std::string text, std::string database) {
  return RunStatement(services, who, request, std::move(text), std::move(database),
                      [](const query::RowBatch&) { return absl::OkStatus(); });
}

absl::Status RunStatement(const Services& services, const Identity& who, const Request& request,
                          std::string text, std::string database,
                          const std::function<absl::Status(const query::RowBatch&)>& rows) {
  if (who.required && !who.principal) {
    return absl::PermissionDeniedError("create admin user first or disable authentication");
  }
  query::QueryRequest query;
  query.text = std::move(text);
  query.database = std::move(database);
  query.client = request.remote_address;
  if (who.principal) query.principal = &*who.principal;
  StatementSink sink(rows);
  RETURN_IF_ERROR(services.executor->Run(query, sink));
  return sink.status();
}

}  // namespace varve::http
