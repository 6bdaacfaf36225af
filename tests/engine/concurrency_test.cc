// Writers, readers, deletes, flush and compaction beside each other. Run under ThreadSanitizer too.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "tests/engine/store_fixture.h"

namespace varve::engine {
namespace {

class ConcurrencyTest : public StoreFixture {};

TEST_F(ConcurrencyTest, EveryViewIsWholeAndNothingIsLost) {
  options.background = true;
  options.cache_snapshot_bytes = 1;  // flush all the time
  options.compact_bytes_per_second = 0;
  router.shard_ns = 1'000'000;
  store();
  // Both shards exist before the first view lists them.
  ASSERT_EQ(Write("stays v=1 0\nstays v=1 1000000"), "");
  constexpr int kWriters = 3;
  constexpr int kRecords = 150;
  std::atomic<int> running{kWriters};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < kRecords; ++i) {
        // One record over two series and two shards: a view has all of it or nothing.
        std::string body;
        for (int shard = 0; shard < 2; ++shard) {
          for (const char* t : {"x", "y"}) {
            body += base::StrCat("m,w=", w, ",t=", t, " v=", i, "i ", shard * 1'000'000 + i, "\n");
          }
        }
        EXPECT_EQ(Write(body), "");
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; running > 0; ++i) {
      EXPECT_EQ(Write(base::StrCat("gone v=1 ", i, "\nstays v=1 ", i)), "");
      Delete({"gone"}, {});
    }
  });
  for (int r = 0; r < 2; ++r) {
    threads.emplace_back([&] {
      do {
        const auto view = View();
        std::map<std::string, size_t> rows;
        const auto fields = view->Fields("m");
        if (fields.empty()) continue;
        ScanOptions scan;
        scan.fields = {{fields[0].field, model::FieldType::kInteger}};
        const auto scanner = view->NewScanner(scan);
        ScanStep step;
        const auto ids = view->Match("m", index::TagPredicate::All()).ToVector();
        for (model::SeriesId id : ids) {
          std::string key;
          view->KeyOf(id, &key);
          ASSERT_TRUE(Ok(scanner->Seek(id)));
          size_t count = 0;
          while (true) {
            ASSERT_TRUE(Ok(scanner->Next(&step)));
            if (step.kind == ScanStep::Kind::kEnd) break;
            for (size_t i = 0; i < step.rows.rows; ++i, ++count) {
              ASSERT_EQ(step.rows.columns[0].integers[i], step.rows.times[i] % 1'000'000);
            }
          }
          ASSERT_EQ(count % 2, 0u) << key;
          rows[key] = count;
        }
        for (const auto& [key, count] : rows) {
          std::string other = key;
          other[other.find(",t=") + 3] ^= 'x' ^ 'y';
          ASSERT_EQ(rows[other], count) << key;
        }
      } while (running > 0);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto count = [&] {
    const std::string rows = Read();
    size_t found = 0;
    for (size_t at = 0; (at = rows.find("\nm,", at)) != std::string::npos; ++at) ++found;
    return found + (rows.starts_with("m,") ? 1 : 0);
  };
  EXPECT_EQ(count(), size_t{kWriters * kRecords * 4});
  const std::string all = Read();
  Reopen();
  EXPECT_EQ(Read(), all);
  Compact();
  EXPECT_EQ(Read(), all);
  EXPECT_EQ(View()->Match("gone", index::TagPredicate::All()).Count(), 0u);
}

TEST_F(ConcurrencyTest, NewSeriesAndFieldsFromSeveralWriters) {
  store();
  std::vector<std::thread> threads;
  for (int w = 0; w < 4; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(Write(base::StrCat("m,i=", i, " f", i % 10, "=", w, " ", w, "\nn,w=", w, ",i=", i,
                                     " v=1 1")),
                  "");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(View()->Match("m", index::TagPredicate::All()).Count(), 100u);
  EXPECT_EQ(View()->Match("n", index::TagPredicate::All()).Count(), 400u);
  const std::string all = Read();
  CutPower();
  EXPECT_EQ(Read(), all);
}

TEST_F(ConcurrencyTest, ShardsAreDroppedBesideWriters) {
  options.background = true;
  options.cache_snapshot_bytes = 1;
  store();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      const std::string told = Write(base::StrCat("m v=1 ", i % 5 * 1000, "\nm v=1 9000"));
      EXPECT_TRUE(told.empty() || told.find("pending deletion") != std::string::npos) << told;
    }
    done = true;
  });
  while (!done) {
    for (const auto& known : router.Known()) {
      if (known.range.min_ns == 9000) continue;
      router.Forget(known.shard);
      ASSERT_TRUE(Ok(store().DropShard(known.database, known.shard)));
    }
    DumpView(*View());
  }
  writer.join();
  EXPECT_EQ(DumpView(*View(), {9000, 9999}), "m 9000 v=1\n");
}

// The same series come back in the very moments in which they are forgotten. A row tells by its
// value which series it is of.
TEST_F(ConcurrencyTest, SeriesComeBackWhileTheyAreForgotten) {
  options.cache_snapshot_bytes = 1;
  constexpr int kWriters = 3;
  constexpr int kRounds = 250;
  constexpr int kSeries = 12;
  store();
  std::atomic<int> running{kWriters};
  std::atomic<int64_t> slot{0};  // the shard that is written to
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      std::mt19937_64 random(static_cast<uint64_t>(w));
      for (int i = 0; i < kRounds; ++i) {
        std::string body;
        for (int n = 0; n < 3; ++n) {
          const uint64_t series = random() % kSeries;
          body += base::StrCat("m,t=", series, " v=", series, " ", slot.load() * 1000 + i, "\n");
        }
        const std::string told = Write(body);
        EXPECT_TRUE(told.empty() || told.find("pending deletion") != std::string::npos) << told;
        if (i % 20 == 0) {
          EXPECT_EQ(Write(base::StrCat("n,t=", w, " v=", w, " ", 1'000'000'000 + i)), "");
          if (i % 40 == 0) DropSeries({"n"});
        }
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    while (running > 0) EXPECT_TRUE(Ok(store().Flush(false)));
  });
  threads.emplace_back([&] {
    while (running > 0) {
      const auto view = View();
      for (const auto id : view->Match("m", index::TagPredicate::All()).ToVector()) {
        std::string key;
        view->KeyOf(id, &key);
        EXPECT_TRUE(key.starts_with("m,t=")) << id << " has the key " << key;
      }
    }
  });
  while (running > 0) {
    const int64_t old = slot.fetch_add(1);
    for (const auto& known : router.Known()) {
      if (known.range.min_ns > old * 1000) continue;
      router.Forget(known.shard);
      ASSERT_TRUE(Ok(store().DropShard(known.database, known.shard)));
    }
    std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
  for (int round = 0; round < 3; ++round) {
    const auto view = View();
    for (const char* measurement : {"m", "n"}) {
      std::set<std::string> keys;
      for (const auto id : view->Match(measurement, index::TagPredicate::All()).ToVector()) {
        std::string key;
        view->KeyOf(id, &key);
        EXPECT_TRUE(keys.insert(key).second) << key << " is there twice";
      }
    }
    const std::string rows = Read();
    size_t from = 0;
    for (size_t end; (end = rows.find('\n', from)) != std::string::npos; from = end + 1) {
      const std::string row = rows.substr(from, end - from);
      ASSERT_TRUE(row.ends_with(" v=" + row.substr(4, row.find(' ') - 4))) << row;
    }
    if (round == 0) Flush();
    if (round == 1) CutPower();
    EXPECT_EQ(Read(), rows);
  }
}

}  // namespace
}  // namespace varve::engine
