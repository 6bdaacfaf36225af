#include "loader.h"

#include <zlib.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/status.h"

namespace varve::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double OwnCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// What the connections of one load share.
class Run {
 public:
  Run(const std::vector<std::string>& bodies, const LoadOptions& options)
      : bodies_(bodies), options_(options) {}

  absl::StatusOr<LoadResult> Execute() {
    const double cpu_before = OwnCpuSeconds();
    start_ = Clock::now();
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < options_.connections; ++i) threads.emplace_back([this] { Send(); });
    for (std::thread& thread : threads) thread.join();
    if (!failure_.ok()) return failure_;
    result_.seconds = SecondsSince(start_);
    result_.client_cpu_s = OwnCpuSeconds() - cpu_before;
    for (const std::string& body : bodies_) result_.bytes += body.size();
    return std::move(result_);
  }

 private:
  void Send() {
    Client client(options_.address);
    Latencies latencies;
    for (size_t i = next_++; i < bodies_.size(); i = next_++) {
      auto from = Clock::now();
      if (options_.bodies_per_s > 0) {
        from = start_ + std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(i) /
                                                                      options_.bodies_per_s * 1e9));
        std::this_thread::sleep_until(from);
      }
      const auto answer = client.Post(options_.target, bodies_[i], options_.packed);
      if (!answer.ok()) {
        const std::lock_guard lock(mutex_);
        failure_ = answer.status();
        next_ = bodies_.size();
        return;
      }
      latencies.Add(SecondsSince(from) * 1e3);
    }
    const std::lock_guard lock(mutex_);
    result_.latencies.Add(latencies);
  }

  const std::vector<std::string>& bodies_;
  const LoadOptions& options_;
  Clock::time_point start_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  absl::Status failure_;
  LoadResult result_;
};

std::string Gzip(const std::string& text) {
  z_stream stream{};
  // 16 more than the size of the window asks for the gzip frame.
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

absl::StatusOr<LoadResult> Load(const std::vector<std::string>& bodies,
                                const LoadOptions& options) {
  return Run(bodies, options).Execute();
}

void Pack(std::vector<std::string>& bodies) {
  std::atomic<size_t> next{0};
  const auto pack = [&] {
    for (size_t i = next++; i < bodies.size(); i = next++) bodies[i] = Gzip(bodies[i]);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(pack);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace varve::bench
