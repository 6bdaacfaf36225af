#include "loader.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/status.h"

namespace varve::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

httplib::Client MakeClient(const LoadOptions& options) {
  httplib::Client client(options.host, options.port);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  client.set_read_timeout(120);
  client.set_write_timeout(120);
  return client;
}

}  // namespace

absl::StatusOr<LoadResult> Load(const std::vector<std::string>& bodies,
                                const LoadOptions& options) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  absl::Status failure;
  LoadResult result;

  const auto send = [&] {
    httplib::Client client = MakeClient(options);
    std::vector<double> latencies_ms;
    for (size_t i = next++; i < bodies.size(); i = next++) {
      const auto start = Clock::now();
      const auto answer = client.Post(options.target, bodies[i], "text/plain");
      if (!answer || answer->status / 100 != 2) {
        const std::lock_guard lock(mutex);
        failure = answer ? base::Internal("status ", answer->status, ": ", answer->body)
                         : base::Unavailable("no answer: ", httplib::to_string(answer.error()));
        next = bodies.size();
        return;
      }
      latencies_ms.push_back(SecondsSince(start) * 1e3);
    }
    const std::lock_guard lock(mutex);
    result.latencies_ms.insert(result.latencies_ms.end(), latencies_ms.begin(), latencies_ms.end());
  };

  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < options.connections; ++i) threads.emplace_back(send);
  for (std::thread& thread : threads) thread.join();
  result.seconds = SecondsSince(start);
  if (!failure.ok()) return failure;
  for (const std::string& body : bodies) result.bytes += body.size();
  std::sort(result.latencies_ms.begin(), result.latencies_ms.end());
  return result;
}

absl::StatusOr<std::string> Request(const LoadOptions& options, const std::string& method,
                                    const std::string& target) {
  httplib::Client client = MakeClient(options);
  httplib::Request request;
  request.method = method;
  request.path = target;
  const auto answer = client.send(request);
  if (!answer) return base::Unavailable("no answer: ", httplib::to_string(answer.error()));
  if (answer->status / 100 != 2) {
    return base::Internal("status ", answer->status, ": ", answer->body);
  }
  return answer->body;
}

}  // namespace varve::bench
