#include "cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/env.h"

namespace varve::cli {
namespace {

constexpr size_t kBarWidth = 40;
constexpr int64_t kDrawEveryNs = 100'000'000;

}  // namespace

ProgressBar::ProgressBar(uint64_t total)
    : total_(std::max<uint64_t>(total, 1)),
      visible_(isatty(STDERR_FILENO) != 0),
      start_ns_(base::Env::Default().MonotonicNs()) {}

void ProgressBar::Update(uint64_t done, uint64_t points) {
  const int64_t now = base::Env::Default().MonotonicNs();
  if (!visible_ || now - drawn_ns_ < kDrawEveryNs) return;
  drawn_ns_ = now;
  Draw(done, points);
}

void ProgressBar::Draw(uint64_t done, uint64_t points) {
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const auto full = static_cast<size_t>(part * static_cast<double>(kBarWidth));
  std::string bar;
  for (size_t i = 0; i < kBarWidth; ++i) bar += i < full ? "█" : "░";
  const double seconds = static_cast<double>(base::Env::Default().MonotonicNs() - start_ns_) / 1e9;
  std::fprintf(stderr, "\r%s %3d %%  %llu points  %.0f/s ", bar.c_str(),
               static_cast<int>(part * 100), static_cast<unsigned long long>(points),
               seconds > 0 ? static_cast<double>(points) / seconds : 0.0);
}

void ProgressBar::Finish() {
  if (visible_ && drawn_ns_ != 0) std::fprintf(stderr, "\r\033[K");
}

}  // namespace varve::cli
