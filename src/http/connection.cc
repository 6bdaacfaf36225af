#include "http/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "http/asio_pch.h"
#include "http/client_stream.h"
#include "http/form.h"
#include "http/reply.h"
#include "http/response_head.h"
#include "http/router.h"
#include "http/text_body.h"

namespace varve::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = beast::http::request_parser<TextBody>;
using Clock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kLargeReadBytes = 64 << 10;
constexpr uint32_t kHeaderBytesMax = 1 << 20;  // as Go's server; queries may be in the address
constexpr size_t kQueuedBytesMax = 1 << 20;    // of an answer that wait for the client
// How long a query that was killed may go on waiting for a slow client.
constexpr absl::Duration kInterruptedEvery = absl::Milliseconds(50);
constexpr size_t kDiscardBytesMax = 256 << 20;
constexpr auto kDiscardTime = std::chrono::seconds(5);

Method MethodOf(beast::http::verb verb) {
  switch (verb) {
    case beast::http::verb::get:
      return Method::kGet;
    case beast::http::verb::head:
      return Method::kHead;
    case beast::http::verb::post:
      return Method::kPost;
    case beast::http::verb::put:
      return Method::kPut;
    case beast::http::verb::patch:
      return Method::kPatch;
    case beast::http::verb::delete_:
      return Method::kDelete;
    case beast::http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

class ConnectionImpl : public Connection,
                       public Exchange,
                       public std::enable_shared_from_this<ConnectionImpl> {
 public:
  ConnectionImpl(tcp::socket socket, NetworkLoop& loop, const TlsContext* tls,
                 const Services& services, std::function<void()> on_close)
      : loop_(loop),
        stream_(std::move(socket), tls),
        idle_timer_(stream_.get_executor()),
        services_(services),
        on_close_(std::move(on_close)) {
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    stream_.socket().non_blocking(true, ignored);
    const tcp::endpoint peer = stream_.socket().remote_endpoint(ignored);
    if (!ignored) remote_address_ = peer.address().to_string();
    buffer_.reserve(kReadBytes);
  }
  ~ConnectionImpl() override { Closed(); }

  void Start() override {
    if (!stream_.is_tls()) return ReadHeader();
    ExpireAfter(services_.options.handshake_timeout_ms);
    stream_.async_handshake(
        [self = shared_from_this()](error_code error) { self->OnHandshake(error); });
  }
  void CloseWhenIdle() override {
    stopping_ = true;
    if (!in_request_) Close();
  }
  void Abort() override { Close(); }

  // --- Exchange: any thread.

  const Request& request() const override { return request_; }
  std::string TakeBody() override { return std::move(request_.body); }
  const std::atomic<bool>& client_gone() const override { return client_gone_; }
  bool on_network_thread() const override { return loop_.IsMine(); }

  void LeaveNetworkThread() override {
    if (!loop_.IsMine()) return;
    handling_ = false;
    {
      absl::MutexLock lock(&mu_);
      if (kicked_) PostPump();
    }
    WatchClient();
    loop_.LetGo();
  }

  void Reply(Response response) override {
    const bool has_body = request_.method != Method::kHead && response.status != 204;
    std::string bytes;
    bytes.reserve(512 + response.body.size());
    AppendHead(bytes, response, {http_1_0_, keep_alive_, response.body.size()},
               services_.env->NowNs() / 1'000'000'000);
    if (has_body) bytes += response.body;
    absl::MutexLock lock(&mu_);
    status_ = response.status;
    queued_ = std::move(bytes);
    ended_ = true;
    KickLocked();
  }

  void Begin(Response head) override {
    absl::MutexLock lock(&mu_);
    status_ = head.status;
    if (http_1_0_) keep_alive_ = false;
    AppendHead(queued_, head, {http_1_0_, keep_alive_, std::nullopt},
               services_.env->NowNs() / 1'000'000'000);
  }

  absl::Status Write(std::string bytes, const std::function<absl::Status()>& interrupted) override {
    if (!Queue(bytes)) LeaveNetworkThread();
    absl::MutexLock lock(&mu_);
    while (!closed_ && queued_.size() >= kQueuedBytesMax) {
      if (interrupted) RETURN_IF_ERROR(interrupted());
      room_.WaitWithTimeout(&mu_, kInterruptedEvery);
    }
    return closed_ ? base::Cancelled("client is gone") : absl::OkStatus();
  }

  void End(bool complete) override {
    absl::MutexLock lock(&mu_);
    if (complete && !http_1_0_) queued_ += "0\r\n\r\n";
    ended_ = true;
    cut_off_ = !complete;
    KickLocked();
  }

 private:
  // Adds a part of the body to what is sent; false when too much waits for more to be added.
  bool Queue(std::string_view bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (closed_) return true;
    if (bytes.empty()) return queued_.size() < kQueuedBytesMax;
    if (http_1_0_) {
      queued_ += bytes;
    } else {
      char size[24];
      const auto end = std::to_chars(size, size + sizeof(size), bytes.size(), 16);
      queued_.append(size, end.ptr);
      queued_ += "\r\n";
      queued_ += bytes;
      queued_ += "\r\n";
    }
    KickLocked();
    return queued_.size() < kQueuedBytesMax;
  }

  // Has the network thread look at queued_ and ended_; where that is the caller, in Handle().
  void KickLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (kicked_) return;
    kicked_ = true;
    if (!loop_.IsMine() || !handling_) PostPump();
  }
  void PostPump() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->Pump(); });
  }
  bool IsKicked() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return kicked_;
  }

  void ExpireAfter(int64_t ms) { stream_.tcp().expires_after(std::chrono::milliseconds(ms)); }
  std::chrono::milliseconds IdleTime() const {
    return std::chrono::milliseconds(services_.options.idle_timeout_ms);
  }

  void OnHandshake(error_code error) {
    if (!error) return ReadHeader();
    if (services_.on_handshake_error && error != asio::error::operation_aborted) {
      services_.on_handshake_error(remote_address_, error.message());
    }
    if (!IsPlainHttp(error)) return Close();
    // As Go's server says it.
    static constexpr std::string_view kWrongScheme =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    asio::async_write(stream_.tcp(), asio::buffer(kWrongScheme.data(), kWrongScheme.size()),
                      [self = shared_from_this()](error_code, size_t) { self->DiscardRest(); });
  }

  // --- Reading: network thread.

  void ReadHeader() {
    in_request_ = false;
    header_due_ = Clock::now() + IdleTime();
    WatchTheClock();
    if (reading_ahead_) return;
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    const uint64_t max = services_.options.max_body_bytes;
    parser_->body_limit(max == 0 ? boost::none : boost::optional<uint64_t>(max));
    stream_.tcp().expires_never();
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnHeader(error); });
  }

  // Closes the connection when a header is late. The timer is not set anew for each: where requests
  // follow each other it finds that the time has moved on, once in a while.
  void WatchTheClock() {
    if (watching_the_clock_) return;
    watching_the_clock_ = true;
    idle_timer_.expires_at(header_due_);
    idle_timer_.async_wait([self = shared_from_this()](error_code stopped) {
      self->watching_the_clock_ = false;
      if (stopped || self->in_request_ || self->shutting_down_) return;
      if (Clock::now() >= self->header_due_) return self->Close();
      self->WatchTheClock();
    });
  }

  void OnHeader(error_code error) {
    if (error == beast::http::error::body_limit) return OnTooLarge();
    if (error) return OnReadError(error);
    TakeHeader();
    if (parser_->is_done()) return Handle();
    const auto length = parser_->content_length();
    if (length && *length > kLargeReadBytes) buffer_.reserve(kLargeReadBytes);
    if (!http_1_0_ && EqualsIgnoreCase(request_.Header("expect"), "100-continue")) {
      return SendContinue();
    }
    ReadBody();
  }

  void SendContinue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->Close();
                        self->ReadBody();
                      });
  }

  void ReadBody() {
    ExpireAfter(services_.options.progress_timeout_ms);
    beast::http::async_read_some(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnBody(error); });
  }

  void OnBody(error_code error) {
    if (error == beast::http::error::body_limit) return OnTooLarge();
    if (error) return OnReadError(error);
    if (parser_->is_done()) return Handle();
    ReadBody();
  }

  // The body is not read: the answer says why, and the connection ends with it.
  void OnTooLarge() {
    if (!in_request_) TakeHeader();
    request_.body_too_large = true;
    keep_alive_ = false;
    discard_rest_ = true;
    Handle();
  }

  void OnReadError(error_code error) {
    const bool parse_error =
        error.category() ==
        beast::http::make_error_code(beast::http::error::end_of_stream).category();
    if (!parse_error || error == beast::http::error::end_of_stream ||
        error == beast::http::error::partial_message) {
      return Close();
    }
    request_ = Request();
    BeginRequest();
    keep_alive_ = false;
    discard_rest_ = true;
    Reply(error == beast::http::error::header_limit
              ? MakePlain(431, "431 Request Header Fields Too Large")
              : MakePlain(400, "400 Bad Request"));
  }

  void BeginRequest() {
    in_request_ = true;
    stream_.tcp().expires_never();
    ++request_number_;
    bytes_sent_ = 0;
    client_gone_.store(false);
    request_.remote_address = remote_address_;
    request_.start_ns = services_.env->MonotonicNs();
    services_.metrics->requests_active.fetch_add(1, std::memory_order_relaxed);
  }

  void TakeHeader() {
    request_ = Request();
    const auto& message = parser_->get();
    request_.method = MethodOf(message.method());
    std::string_view target = View(message.target());
    if (const size_t scheme = target.find("://");
        !target.empty() && target[0] != '/' && scheme != std::string_view::npos) {
      const size_t slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    const size_t question = target.find('?');
    if (question != std::string_view::npos) request_.query = target.substr(question + 1);
    request_.raw_path = target.substr(0, question);
    if (!Unescape(request_.raw_path, false, &request_.path)) request_.path = request_.raw_path;
    request_.headers.reserve(8);
    for (const auto& field : message) {
      request_.headers.emplace_back(View(field.name_string()), View(field.value()));
    }
    http_1_0_ = message.version() < 11;
    keep_alive_ = message.keep_alive() && !stopping_;
    discard_rest_ = false;
    BeginRequest();
  }

  void Handle() {
    request_.body = std::move(parser_->get().body());
    stream_.tcp().expires_never();
    const bool watch = request_.path == "/query" || request_.path == "/debug/requests";
    handling_ = true;
    Route(services_, shared_from_this());
    if (!loop_.IsMine()) return;  // the handler let go of the loop, and with it of this connection
    handling_ = false;
    if (IsKicked()) return Pump();
    if (watch) WatchClient();
  }

  // While an answer is being made, nothing is read; so that a client that goes away is noticed, the
  // socket is looked at when there is something to read.
  void WatchClient() {
    if (stream_.is_tls()) return ReadAhead();
    stream_.socket().async_wait(
        tcp::socket::wait_read,
        [self = shared_from_this(), number = request_number_](error_code error) {
          if (self->in_request_ && self->request_number_ == number) self->OnReadable(error);
        });
  }

  void OnReadable(error_code error) {
    char byte;
    const ssize_t n =
        error ? -1 : ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) return;  // the next request; who pipelines is there
    if (n < 0 && !error && (errno == EAGAIN || errno == EINTR)) return WatchClient();
    ClientGone();
  }

  void ClientGone() {
    client_gone_.store(true);
    keep_alive_ = false;
    absl::MutexLock lock(&mu_);
    closed_ = true;
    room_.Signal();
  }

  // With TLS what is readable on the socket may be the client's farewell, and only reading tells.
  // What it is instead, the beginning of the next request, stays in the buffer.
  void ReadAhead() {
    if (buffer_.size() > 0) return;  // the next request; who pipelines is there
    reading_ahead_ = true;
    stream_.async_read_some(
        buffer_.prepare(kReadBytes),
        [self = shared_from_this()](error_code error, size_t n) { self->OnReadAhead(error, n); });
  }

  void OnReadAhead(error_code error, size_t n) {
    reading_ahead_ = false;
    buffer_.commit(n);
    if (shutting_down_ || !stream_.socket().is_open()) return;
    if (in_request_) {
      if (error) ClientGone();
      return;
    }
    if (error) return Close();
    ReadHeader();
  }

  // The stream's timeouts are set when an operation begins; the one ahead began without.
  void CloseIfNothingComes(std::chrono::milliseconds time) {
    idle_timer_.expires_after(time);
    idle_timer_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped && self->reading_ahead_ && !self->in_request_) self->Close();
    });
  }

  // --- Writing: network thread.

  void Pump() {
    {
      absl::MutexLock lock(&mu_);
      kicked_ = false;
      if (!in_request_ || writing_) return;
      if (queued_.empty()) {
        if (!ended_) return;
      } else {
        out_.clear();
        out_.swap(queued_);
        room_.Signal();
        written_ = 0;
        writing_ = true;
      }
    }
    if (!writing_) return FinishRequest();
    if (!WriteAtOnce()) return WriteSome();
    EndWriting();
    // What was added meanwhile takes its turn with other connections.
    if (IsAnswered()) FinishRequest();
  }

  // Writes what the socket takes without waiting; true when that was all.
  bool WriteAtOnce() {
    if (stream_.is_tls()) return false;
    error_code error;
    const size_t n = stream_.socket().write_some(Unwritten(), error);
    if (error) return false;  // not ready; what else is wrong shows when it is waited for
    written_ += n;
    bytes_sent_ += n;
    return written_ == out_.size();
  }

  asio::const_buffer Unwritten() const { return {out_.data() + written_, out_.size() - written_}; }

  void WriteSome() {
    ExpireAfter(services_.options.progress_timeout_ms);
    stream_.async_write_some(Unwritten(), [self = shared_from_this()](error_code error, size_t n) {
      self->OnWritten(error, n);
    });
  }

  void OnWritten(error_code error, size_t n) {
    if (error) return Close();
    written_ += n;
    bytes_sent_ += n;
    if (written_ < out_.size()) return WriteSome();
    EndWriting();
    Pump();
  }

  void EndWriting() {
    writing_ = false;
    if (out_.capacity() > 2 * kQueuedBytesMax) std::string().swap(out_);
  }

  // Whether all of the answer was written; has what was not looked at otherwise.
  bool IsAnswered() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (queued_.empty()) return ended_;
    KickLocked();
    return false;
  }

  void FinishRequest() {
    Account();
    const bool cut_off = ResetAnswer();
    if (cut_off || stopping_ || !stream_.socket().is_open()) return Close();
    if (discard_rest_) return Discard();
    if (!keep_alive_) return ShutDown();
    ReadHeader();
  }

  // Returns whether the answer was cut off.
  bool ResetAnswer() {
    absl::MutexLock lock(&mu_);
    const bool cut_off = cut_off_ || closed_;
    ended_ = false;
    cut_off_ = false;
    return cut_off;
  }

  void Account() {
    if (!in_request_) return;
    in_request_ = false;
    Metrics& metrics = *services_.metrics;
    metrics.requests_active.fetch_sub(1, std::memory_order_relaxed);
    metrics.requests.fetch_add(1, std::memory_order_relaxed);
    const int64_t duration = services_.env->MonotonicNs() - request_.start_ns;
    metrics.request_ns.fetch_add(static_cast<uint64_t>(duration), std::memory_order_relaxed);
    int status = 0;
    {
      absl::MutexLock lock(&mu_);
      status = status_;
    }
    metrics.CountAnswer(status);
    if (services_.access_log) {
      const std::string method(MethodText());
      services_.access_log({method, request_.path, remote_address_, status, bytes_sent_, duration});
    }
  }

  std::string_view MethodText() const {
    return parser_ ? View(parser_->get().method_string()) : std::string_view("-");
  }

  // --- Closing: network thread.

  // Tells the client that this was all, and gives it time to read it: closing while it still sends
  // would reset the connection and take the answer with it.
  void Discard() {
    idle_timer_.cancel();
    stream_.tcp().expires_after(kDiscardTime);
    if (!stream_.is_tls()) return DiscardRest();
    shutting_down_ = true;
    if (reading_ahead_) CloseIfNothingComes(kDiscardTime);
    stream_.async_shutdown([self = shared_from_this()](error_code error) {
      // Else something came that was no farewell of the client's.
      if (!error || error == asio::error::eof || self->reading_ahead_) return self->Close();
      self->DiscardRest();
    });
  }

  // Of the bytes of TCP: nobody unpacks them any more.
  void DiscardRest() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    discarded_ = 0;
    DiscardSome();
  }

  void DiscardSome() {
    buffer_.clear();
    stream_.tcp().async_read_some(buffer_.prepare(kLargeReadBytes),
                                  [self = shared_from_this()](error_code error, size_t n) {
                                    self->discarded_ += n;
                                    if (error || self->discarded_ > kDiscardBytesMax) {
                                      return self->Close();
                                    }
                                    self->DiscardSome();
                                  });
  }

  void ShutDown() {
    if (stream_.is_tls()) return Discard();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    Close();
  }

  void Close() {
    client_gone_.store(true);
    {
      absl::MutexLock lock(&mu_);
      closed_ = true;
      room_.Signal();
    }
    Account();
    error_code ignored;
    stream_.socket().close(ignored);
    stream_.tcp().cancel();
    idle_timer_.cancel();
    Closed();
  }

  void Closed() {
    if (!on_close_) return;
    std::function<void()> on_close;
    on_close.swap(on_close_);
    on_close();
  }

  NetworkLoop& loop_;
  ClientStream stream_;
  asio::steady_timer idle_timer_;
  Clock::time_point header_due_;
  bool watching_the_clock_ = false;
  const Services& services_;
  std::function<void()> on_close_;
  std::string remote_address_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;

  // Set before the request is handed out, and not changed until it is answered.
  Request request_;
  bool http_1_0_ = false;
  std::atomic<bool> keep_alive_{true};
  std::atomic<bool> client_gone_{false};

  uint64_t request_number_ = 0;
  bool in_request_ = false;
  bool handling_ = false;  // in Handle(), which looks for an answer at its end
  bool stopping_ = false;
  bool discard_rest_ = false;
  size_t discarded_ = 0;
  bool reading_ahead_ = false;  // with TLS: a read into buffer_ is under way beside a request
  bool shutting_down_ = false;  // with TLS: the farewell is under way

  std::string out_;  // being written
  size_t written_ = 0;
  uint64_t bytes_sent_ = 0;
  bool writing_ = false;

  absl::Mutex mu_;
  absl::CondVar room_;                       // queued_ was taken, or the connection closed
  std::string queued_ ABSL_GUARDED_BY(mu_);  // to be written next
  int status_ ABSL_GUARDED_BY(mu_) = 0;
  bool kicked_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;    // nothing is added to queued_ any more
  bool cut_off_ ABSL_GUARDED_BY(mu_) = false;  // ended before it was complete
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

std::shared_ptr<Connection> NewConnection(tcp::socket socket, NetworkLoop& loop,
                                          const TlsContext* tls, const Services& services,
                                          std::function<void()> on_close) {
  return std::make_shared<ConnectionImpl>(std::move(socket), loop, tls, services,
                                          std::move(on_close));
}

}  // namespace varve::http
