#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace varve::base {
namespace {

TEST(ThreadPoolTest, RunsWhatWasQueuedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(2, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPoolTest, RefusesMoreThanItsQueueHolds) {
  ThreadPool pool(1, 2);
  absl::Notification started;
  absl::Notification go_on;
  ASSERT_TRUE(pool.TrySubmit([&] {
    started.Notify();
    go_on.WaitForNotification();
  }));
  started.WaitForNotification();
  EXPECT_TRUE(pool.TrySubmit([] {}));
  EXPECT_TRUE(pool.TrySubmit([] {}));
  EXPECT_FALSE(pool.TrySubmit([] {}));
  go_on.Notify();
}

TEST(ThreadPoolTest, ParallelForVisitsEachIndexOnce) {
  ThreadPool pool(3, 4);
  for (const size_t n : {size_t{0}, size_t{1}, size_t{2}, size_t{1000}}) {
    std::vector<std::atomic<int>> visits(n);
    pool.ParallelFor(n, [&](size_t i) { ++visits[i]; });
    for (const std::atomic<int>& count : visits) EXPECT_EQ(count, 1);
  }
}

TEST(ThreadPoolTest, ParallelForWorksInsideABusyPool) {
  ThreadPool pool(2, 100);
  std::atomic<int> total = 0;
  absl::BlockingCounter finished(8);
  for (int t = 0; t < 8; ++t) {
    ASSERT_TRUE(pool.TrySubmit([&] {
      pool.ParallelFor(20, [&](size_t) { pool.ParallelFor(5, [&](size_t) { ++total; }); });
      finished.DecrementCount();
    }));
  }
  finished.Wait();
  EXPECT_EQ(total, 8 * 20 * 5);
}

}  // namespace
}  // namespace varve::base
