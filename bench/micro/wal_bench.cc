// The write-ahead log on the file system of $TMPDIR (or /tmp): appending with fdatasync, replaying.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "absl/synchronization/blocking_counter.h"
#include "base/check.h"
#include "base/env.h"
#include "wal/log.h"

namespace varve::wal {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* parent = getenv("TMPDIR");
    path_ = base::JoinPath(parent != nullptr ? parent : "/tmp", "varve_wal_bench_XXXXXX");
    CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryFolder() { (void)base::Env::Default().RemoveTree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<Log> OpenLog(const std::string& folder, SyncPolicy sync, Log::Applier applier) {
  LogOptions options;
  options.folder = folder;
  options.sync = sync;
  options.queue_bytes_max = 256 << 20;
  return Log::Open(base::Env::Default(), options, 0, std::move(applier)).value();
}

// range(0): bytes of a record; range(1): how many are appended at once.
void Append(benchmark::State& state, SyncPolicy sync) {
  TemporaryFolder folder;
  const auto log = OpenLog(folder.path(), sync, [](const Record&) {});
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  const auto together = static_cast<int>(state.range(1));
  for (auto _ : state) {
    absl::BlockingCounter waiting(together);
    for (int i = 0; i < together; ++i) {
      CHECK(log->Append(1, payload,
                        [&](const absl::Status& status, Lsn) {
                          CHECK(status.ok());
                          waiting.DecrementCount();
                        })
                .ok());
    }
    waiting.Wait();
    if (log->bytes() > (uint64_t{512} << 20)) CHECK(log->Truncate(log->applied()).ok());
  }
  state.SetItemsProcessed(state.iterations() * together);
  state.SetBytesProcessed(state.iterations() * together * state.range(0));
}
BENCHMARK_CAPTURE(Append, always, SyncPolicy::kAlways)
    ->Args({100, 1})
    ->Args({100, 64})
    ->Args({100'000, 1})
    ->Args({100'000, 16})
    ->UseRealTime();
BENCHMARK_CAPTURE(Append, off, SyncPolicy::kOff)
    ->Args({100, 1})
    ->Args({100, 64})
    ->Args({100'000, 16})
    ->UseRealTime();

void Replay(benchmark::State& state) {
  TemporaryFolder folder;
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  const auto records = static_cast<int>((256 << 20) / state.range(0));
  {
    const auto log = OpenLog(folder.path(), SyncPolicy::kOff, [](const Record&) {});
    for (int i = 1; i < records; ++i) CHECK(log->Append(1, payload, nullptr).ok());
    CHECK(log->AppendAndWait(1, payload).ok());
  }
  for (auto _ : state) {
    int seen = 0;
    const auto log = OpenLog(folder.path(), SyncPolicy::kOff, [&](const Record&) { ++seen; });
    CHECK_EQ(seen, records);
  }
  state.SetItemsProcessed(state.iterations() * records);
  state.SetBytesProcessed(state.iterations() * records * state.range(0));
}
BENCHMARK(Replay)->Arg(1000)->Arg(100'000)->UseRealTime();

}  // namespace
}  // namespace varve::wal

BENCHMARK_MAIN();
