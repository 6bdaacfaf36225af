#include "http/server.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "http/asio_pch.h"
#include "http/connection.h"

namespace varve::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A network loop with its connections.
struct Loop {
  explicit Loop(QueryThreads& threads) : network(threads) {}
  asio::io_context& context() { return network.context(); }

  // By number; touched on the loop's thread only. Outlives the context, whose end closes what is
  // left.
  std::map<uint64_t, std::weak_ptr<Connection>> connections;
  NetworkLoop network;
};

class ServerImpl : public Server {
 public:
  explicit ServerImpl(Services services) : services_(std::move(services)), tls_(services_.tls) {
    size_t threads = services_.options.threads;
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    for (size_t i = 0; i < threads; ++i) {
      loops_.push_back(std::make_unique<Loop>(*services_.query_threads));
    }
    acceptor_.emplace(loops_[0]->context());
    pause_.emplace(loops_[0]->context());
  }
  ~ServerImpl() override {
    Stop(0);
    acceptor_.reset();
    pause_.reset();
    loops_.clear();
  }

  absl::Status Listen() {
    const HttpOptions& options = services_.options;
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return base::InvalidArgument("no IP address: ", options.address);
    const tcp::endpoint endpoint(address, options.port);
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(1024, error);
    if (!error) port_ = acceptor_->local_endpoint(error).port();
    if (error) {
      return base::Unavailable("cannot listen on ", options.address, ":", options.port, ": ",
                               error.message());
    }
    services_.options.port = port_;
    return absl::OkStatus();
  }

  void Run() {
    for (const auto& loop : loops_) loop->network.Start();
    asio::post(loops_[0]->context(), [this] { Accept(); });
  }

  uint16_t port() const override { return port_; }

  void UseTls(std::shared_ptr<const TlsContext> tls) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    tls_ = std::move(tls);
  }

  void Stop(int64_t grace_ms) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (stopped_) return;
      stopped_ = true;
    }
    asio::post(loops_[0]->context(), [this] {
      error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    ForEachConnection([](Connection& connection) { connection.CloseWhenIdle(); });
    AwaitNoConnections(grace_ms);
    ForEachConnection([](Connection& connection) { connection.Abort(); });
    AwaitNoConnections(1000);
    for (const auto& loop : loops_) loop->network.Stop();
  }

 private:
  void Accept() {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(loop.context(), [this, &loop](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        // Out of file descriptors, most likely: give others time to close theirs.
        pause_->expires_after(std::chrono::milliseconds(100));
        pause_->async_wait([this](error_code stopped) {
          if (!stopped) Accept();
        });
        return;
      }
      Admit(loop, std::move(socket));
      Accept();
    });
  }

  void Admit(Loop& loop, tcp::socket socket) {
    Metrics& metrics = *services_.metrics;
    const size_t max = services_.options.max_connections;
    std::shared_ptr<const TlsContext> tls;
    {
      absl::MutexLock lock(&mu_);
      if (stopped_ || (max != 0 && open_ >= max)) {
        metrics.connections_refused.fetch_add(1, std::memory_order_relaxed);
        return;  // closes the socket
      }
      ++open_;
      tls = tls_;
    }
    metrics.connections_total.fetch_add(1, std::memory_order_relaxed);
    metrics.connections.fetch_add(1, std::memory_order_relaxed);
    const uint64_t number = next_connection_++;
    auto connection =
        NewConnection(std::move(socket), loop.network, tls.get(), services_, [this, &loop, number] {
          loop.connections.erase(number);
          services_.metrics->connections.fetch_sub(1, std::memory_order_relaxed);
          absl::MutexLock lock(&mu_);
          --open_;
          closed_one_.SignalAll();
        });
    asio::post(loop.context(), [&loop, number, connection = std::move(connection)] {
      loop.connections.emplace(number, connection);
      connection->Start();
    });
  }

  template <typename Function>
  void ForEachConnection(Function function) {
    for (const auto& loop : loops_) {
      asio::post(loop->context(), [&loop = *loop, function] {
        // Closing takes a connection out of the map.
        std::vector<std::shared_ptr<Connection>> open;
        for (const auto& [number, weak] : loop.connections) {
          if (auto connection = weak.lock()) open.push_back(std::move(connection));
        }
        for (const auto& connection : open) function(*connection);
      });
    }
  }

  void AwaitNoConnections(int64_t timeout_ms) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const absl::Time deadline = absl::Now() + absl::Milliseconds(timeout_ms);
    while (open_ != 0 && !closed_one_.WaitWithDeadline(&mu_, deadline)) {
    }
  }

  Services services_;
  absl::Mutex mu_;
  absl::CondVar closed_one_;
  size_t open_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::shared_ptr<const TlsContext> tls_ ABSL_GUARDED_BY(mu_);  // null: plain HTTP
  std::vector<std::unique_ptr<Loop>> loops_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> pause_;
  size_t next_loop_ = 0;
  uint64_t next_connection_ = 0;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Services services) {
  auto server = std::make_unique<ServerImpl>(std::move(services));
  RETURN_IF_ERROR(server->Listen());
  server->Run();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace varve::http
