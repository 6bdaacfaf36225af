#include "http/reply_stream.h"

#include <utility>

#include "base/status.h"

namespace varve::http {

absl::Status ReplyStream::Send() {
  if (!begun_) {
    begun_ = true;
    exchange_.Begin(std::move(head_));
  }
  std::string piece;
  piece.swap(pending_);
  return exchange_.Write(std::move(piece), interrupted_);
}

absl::Status ReplyStream::Write(std::string_view bytes, bool flush) {
  bytes_ += bytes.size();
  pending_.append(bytes);
  if (pending_.size() >= kWholeBytes || (eager_ && flush && !pending_.empty())) return Send();
  if (exchange_.client_gone().load(std::memory_order_relaxed)) {
    return base::Cancelled("client is gone");
  }
  return absl::OkStatus();
}

void ReplyStream::Finish(bool complete) {
  if (!begun_) {
    head_.body = std::move(pending_);
    exchange_.Reply(std::move(head_));
    begun_ = true;
    return;
  }
  if (complete && !pending_.empty()) complete = Send().ok();
  exchange_.End(complete);
}

}  // namespace varve::http
