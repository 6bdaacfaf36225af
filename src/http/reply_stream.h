// The body of an answer on its way to the client: short ones whole, long ones in pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "http/encoder.h"
#include "http/message.h"

namespace varve::http {

// Collects up to kWholeBytes and then, unless more came, sends one answer with a Content-Length;
// a longer answer is sent in pieces as it is made. Blocks on a slow client, so it is never used on
// a network thread. One thread at a time.
class ReplyStream : public ByteSink {
 public:
  static constexpr size_t kWholeBytes = 64 << 10;

  // `head` is status and headers. With `eager` every flush reaches the client at once.
  ReplyStream(Exchange& exchange, Response head, bool eager)
      : exchange_(exchange), head_(std::move(head)), eager_(eager) {}

  absl::Status Write(std::string_view bytes, bool flush) override;
  // Sends the rest. With `complete` false an answer that was begun is cut off.
  void Finish(bool complete);
  // True when nothing has been sent, so that another answer can be.
  bool untouched() const { return !begun_; }
  uint64_t bytes() const { return bytes_; }
  // Asked while the client is slow; an error ends the answer. Must stay valid while Write() and
  // Finish() are called.
  void SetInterrupted(std::function<absl::Status()> interrupted) {
    interrupted_ = std::move(interrupted);
  }

 private:
  absl::Status Send();

  Exchange& exchange_;
  Response head_;
  const bool eager_;
  bool begun_ = false;
  uint64_t bytes_ = 0;
  std::string pending_;
  std::function<absl::Status()> interrupted_;
};

}  // namespace varve::http
