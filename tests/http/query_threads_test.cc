#include "http/query_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace varve::http {
namespace {

TEST(QueryThreadsTest, CountsQueriesThatRunElsewhere) {
  QueryThreads threads(2, 1);
  ASSERT_TRUE(threads.TryBegin());
  ASSERT_TRUE(threads.TryBegin());
  EXPECT_FALSE(threads.TryBegin());
  absl::Notification ran;
  ASSERT_TRUE(threads.Submit([&] { ran.Notify(); })) << "it may wait";
  EXPECT_FALSE(threads.Submit([] {})) << "the queue is full";
  EXPECT_FALSE(ran.WaitForNotificationWithTimeout(absl::Milliseconds(20)));
  threads.End();
  ran.WaitForNotification();
  threads.End();
}

TEST(QueryThreadsTest, NobodyOvertakesWhatWaits) {
  QueryThreads threads(1, 1);
  absl::Notification go_on;
  absl::Notification begun;
  ASSERT_TRUE(threads.Submit([&] {
    begun.Notify();
    go_on.WaitForNotification();
  }));
  begun.WaitForNotification();
  absl::Notification ran;
  ASSERT_TRUE(threads.Submit([&] { ran.Notify(); }));
  EXPECT_FALSE(threads.TryBegin());
  go_on.Notify();
  ran.WaitForNotification();
}

TEST(QueryThreadsTest, LoopsRunWhateverElseDoes) {
  absl::Notification go_on;
  absl::Notification loop_ran;
  absl::Notification begun;
  QueryThreads threads(1, 0);
  ASSERT_TRUE(threads.Submit([&] {
    begun.Notify();
    go_on.WaitForNotification();
  }));
  begun.WaitForNotification();
  threads.RunNow([&] { loop_ran.Notify(); });
  loop_ran.WaitForNotification();
  go_on.Notify();
}

TEST(QueryThreadsTest, RunsWhatWaitsBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    absl::Notification go_on;
    QueryThreads threads(1, 10);
    ASSERT_TRUE(threads.Submit([&] { go_on.WaitForNotification(); }));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(threads.Submit([&] { ++ran; }));
    go_on.Notify();
  }
  EXPECT_EQ(ran.load(), 10);
}

TEST(QueryThreadsTest, PropertyEveryQueryRunsOnceWithinTheBound) {
  constexpr size_t kMax = 3;
  constexpr int kQueries = 2000;
  std::atomic<size_t> running{0};
  std::atomic<size_t> most{0};
  absl::BlockingCounter left(2 * kQueries);
  QueryThreads threads(kMax, 2 * kQueries);
  const auto query = [&] {
    const size_t now = ++running;
    for (size_t seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    --running;
    left.DecrementCount();
  };
  std::vector<std::thread> clients;
  for (int client = 0; client < 2; ++client) {
    clients.emplace_back([&] {
      for (int i = 0; i < kQueries; ++i) {
        if (threads.TryBegin()) {
          query();
          threads.End();
        } else {
          ASSERT_TRUE(threads.Submit(query));
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  left.Wait();
  EXPECT_LE(most.load(), kMax);
}

}  // namespace
}  // namespace varve::http
