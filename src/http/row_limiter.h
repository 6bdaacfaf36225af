// max-row-limit: ends an answer that is not chunked after so many rows.
#pragma once

#include <cstdint>
#include <memory>

#include "http/encoder.h"
#include "query/executor.h"

namespace varve::http {

// A sink in front of an encoder. At the limit it marks a series that is cut as partial, ends the
// statement, and answers CANCELLED from then on, which stops the query. As InfluxDB's
// services/httpd does, statements behind the limit are left out of the answer.
class RowLimiter : public query::ResultSink {
 public:
  // limit >= 1. `encoder` must outlive the limiter.
  RowLimiter(uint64_t limit, Encoder& encoder) : limit_(limit), encoder_(encoder) {}

  bool reached() const { return reached_; }

  absl::Status BeginStatement(int id) override;
  absl::Status Rows(const query::RowBatch& batch) override;
  absl::Status Message(std::string_view level, std::string_view text) override;
  absl::Status EndStatement(const absl::Status& status) override;

 private:
  absl::Status Stop(bool cut);

  const uint64_t limit_;
  Encoder& encoder_;
  uint64_t rows_ = 0;
  bool reached_ = false;
};

}  // namespace varve::http
