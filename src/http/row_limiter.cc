#include "http/row_limiter.h"

#include "base/status.h"

namespace varve::http {

absl::Status RowLimiter::Stop(bool cut) {
  if (!reached_) {
    reached_ = true;
    if (cut) encoder_.MarkSeriesPartial();
    RETURN_IF_ERROR(encoder_.EndStatement(absl::OkStatus()));
  }
  return base::Cancelled("max-row-limit reached");
}

absl::Status RowLimiter::BeginStatement(int id) {
  if (reached_) return Stop(false);
  return encoder_.BeginStatement(id);
}

absl::Status RowLimiter::Rows(const query::RowBatch& batch) {
  if (reached_) return Stop(false);
  if (rows_ == limit_) return Stop(/*cut=*/!batch.new_series && batch.rows != 0);
  if (batch.rows <= limit_ - rows_) {
    rows_ += batch.rows;
    return encoder_.Rows(batch);
  }
  query::RowBatch head = batch;
  head.rows = limit_ - rows_;
  head.cells.resize(head.rows * batch.header->columns.size());
  rows_ = limit_;
  RETURN_IF_ERROR(encoder_.Rows(head));
  return Stop(/*cut=*/true);
}

absl::Status RowLimiter::Message(std::string_view level, std::string_view text) {
  if (reached_) return Stop(false);
  return encoder_.Message(level, text);
}

absl::Status RowLimiter::EndStatement(const absl::Status& status) {
  if (reached_) return Stop(false);
  RETURN_IF_ERROR(encoder_.EndStatement(status));
  if (rows_ < limit_) return absl::OkStatus();
  reached_ = true;
  return base::Cancelled("max-row-limit reached");
}

}  // namespace varve::http
