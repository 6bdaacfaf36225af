#include <csignal>
#include <iostream>
#include <string>

#include "base/env.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/feeder.h"
#include "cli/progress_bar.h"
#include "query/parser.h"

namespace varve::cli {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
// With more to catch up than this, windows are computed at once; the server makes up for less by
// itself.
constexpr int64_t kGapS = 3600;

int64_t NowS() { return base::Env::Default().NowNs() / kSecondNs; }

absl::StatusOr<int64_t> Seconds(const char* option, const std::string& text, int64_t at_least) {
  const absl::StatusOr<int64_t> ns = query::ParseDuration(text);
  if (!ns.ok() || *ns % kSecondNs != 0 || *ns / kSecondNs < at_least) {
    return base::InvalidArgument(option, " is no duration of whole seconds, ", at_least,
                                 "s or more: ", text);
  }
  return *ns / kSecondNs;
}

// SIGINT and SIGTERM, taken between two requests: what has begun is finished.
class StopSignals {
 public:
  explicit StopSignals(int64_t run_for_s)
      : end_ns_(run_for_s == 0 ? 0 : base::Env::Default().MonotonicNs() + run_for_s * kSecondNs) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // False: a signal came, or the time is over.
  bool Wait(int64_t wait_ns) {
    const int64_t left_ns = end_ns_ == 0 ? wait_ns : end_ns_ - base::Env::Default().MonotonicNs();
    if (left_ns <= 0 && end_ns_ != 0) return false;
    const int64_t ns = std::min(wait_ns, left_ns);
    timespec time{};
    time.tv_sec = ns / kSecondNs;
    time.tv_nsec = ns % kSecondNs;
    return sigtimedwait(&signals_, nullptr, &time) < 0;
  }

 private:
  sigset_t signals_;
  const int64_t end_ns_;  // monotonic; 0: none
};

absl::Status Feed(Feeder& feeder, StopSignals& stop, int64_t interval_s) {
  RETURN_IF_ERROR(feeder.Prepare(NowS()));
  const bool gap = NowS() - feeder.next_s() > kGapS;
  // While the gap is filled new readings come due: they are sent in the second round.
  RETURN_IF_ERROR(feeder.FillUpTo(NowS(), Building::Late::kInPlace));
  if (gap) RETURN_IF_ERROR(feeder.ComputeLevels(NowS()));
  std::cout << "Sent " << feeder.lines_written() << " lines; now a reading of every sensor each "
            << interval_s << " s." << std::endl;
  while (true) {
    RETURN_IF_ERROR(feeder.FillUpTo(NowS(), Building::Late::kHeld));
    const int64_t wait_ns = feeder.next_s() * kSecondNs - base::Env::Default().NowNs();
    // A clock that is set back must not stop the feed for as long as it was set back.
    if (!stop.Wait(std::clamp<int64_t>(wait_ns, 0, interval_s * kSecondNs))) {
      return base::Cancelled("stopped");
    }
  }
}

}  // namespace

absl::Status RunFeed(const FeedCommand& command) {
  Feeder::Options options;
  options.database = command.database;
  options.sensors = command.sensors;
  ASSIGN_OR_RETURN(options.interval_s, Seconds("--interval", command.interval, 1));
  ASSIGN_OR_RETURN(options.backfill_s, Seconds("--backfill", command.backfill, 0));
  ASSIGN_OR_RETURN(options.history_s, Seconds("--history", command.history, 0));
  ASSIGN_OR_RETURN(const int64_t run_for_s, Seconds("--for", command.run_for, 0));
  ASSIGN_OR_RETURN(const auto client, ServerClient::Create(command.server));
  StopSignals stop(run_for_s);
  constexpr uint64_t kParts = 1000;
  ProgressBar bar(kParts);
  options.wait = [&](int64_t seconds) { return stop.Wait(seconds * kSecondNs); };
  options.note = [](const std::string& text) { std::cout << text << std::endl; };
  Feeder* told = nullptr;
  options.progress = [&](double part) {
    bar.Update(static_cast<uint64_t>(part * kParts), told->lines_written());
    if (part >= 1) bar.Finish();
  };
  Feeder feeder(*client, options);
  told = &feeder;
  const absl::Status status = Feed(feeder, stop, options.interval_s);
  bar.Finish();
  if (status.code() != absl::StatusCode::kCancelled) return status;
  std::cout << "Sent " << feeder.lines_written() << " lines in all." << std::endl;
  return absl::OkStatus();
}

}  // namespace varve::cli
