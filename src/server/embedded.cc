// include/varve/varve.h on top of an Instance.
#include <map>
#include <utility>

#include "base/status.h"
#include "server/instance.h"
#include "varve/varve.h"

namespace varve {
namespace {

Value ValueOf(const query::Cell& cell) {
  switch (cell.kind) {
    case query::Cell::Kind::kNull:
      return {};
    case query::Cell::Kind::kFloat:
      return cell.float_value;
    case query::Cell::Kind::kInteger:
      return cell.integer_value;
    case query::Cell::Kind::kUnsigned:
      return cell.unsigned_value;
    case query::Cell::Kind::kBoolean:
      return cell.boolean_value;
    case query::Cell::Kind::kString:
      return cell.text;
    case query::Cell::Kind::kTime:
      break;
  }
  return Time{cell.integer_value};
}

// Hands every row to the callback and keeps the first error of a statement.
class CallbackSink : public query::ResultSink {
 public:
  explicit CallbackSink(const RowCallback& callback) : callback_(callback) {}

  const absl::Status& statement_error() const { return statement_error_; }

  absl::Status BeginStatement(int id) override {
    statement_ = id;
    return absl::OkStatus();
  }
  absl::Status Rows(const query::RowBatch& batch) override {
    const query::SeriesHeader& header = *batch.header;
    const size_t columns = header.columns.size();
    values_.resize(columns);
    Row row{statement_, header.name, &header.tags, &header.columns, &values_};
    for (size_t r = 0; r < batch.rows; ++r) {
      for (size_t c = 0; c < columns; ++c) values_[c] = ValueOf(batch.cells[r * columns + c]);
      RETURN_IF_ERROR(callback_(row));
    }
    return absl::OkStatus();
  }
  absl::Status Message(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status EndStatement(const absl::Status& status) override {
    statement_error_.Update(status);
    return absl::OkStatus();
  }

 private:
  const RowCallback& callback_;
  int statement_ = 0;
  std::vector<Value> values_;
  absl::Status statement_error_;
};

class DatabaseImpl : public Database {
 public:
  explicit DatabaseImpl(std::unique_ptr<server::Instance> instance)
      : instance_(std::move(instance)) {}

  absl::Status Write(std::string_view name, std::string_view lines) override {
    meta::Catalog& catalog = instance_->catalog();
    if (catalog.Get()->FindDatabase(name) == nullptr) {
      RETURN_IF_ERROR(catalog.CreateDatabase(name, std::nullopt));
    }
    engine::WriteRequest request;
    request.database = name;
    request.body = lines;
    return instance_->store().WriteAndWait(request).status;
  }

  absl::Status Query(std::string_view name, std::string_view influxql,
                     const RowCallback& row) override {
    query::QueryRequest request;
    request.text = influxql;
    request.database = name;
    CallbackSink sink(row);
    RETURN_IF_ERROR(instance_->executor().Run(request, sink));
    return sink.statement_error();
  }

 private:
  std::unique_ptr<server::Instance> instance_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const OpenOptions& options) {
  server::InstanceOptions instance_options;
  server::SetFolders(options.folder, &instance_options);
  instance_options.store.sync =
      options.sync_every_write ? wal::SyncPolicy::kAlways : wal::SyncPolicy::kInterval;
  instance_options.store.cache_bytes_max = options.cache_bytes_max;
  instance_options.query_threads = options.query_threads;
  ASSIGN_OR_RETURN(auto instance,
                   server::Instance::Open(base::Env::Default(), std::move(instance_options)));
  return std::unique_ptr<Database>(std::make_unique<DatabaseImpl>(std::move(instance)));
}

}  // namespace varve
