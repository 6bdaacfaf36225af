// Writers, readers, deletes, flush and compaction beside each other. Run under ThreadSanitizer too.
#include <atomic>
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

}  // namespace
}  // namespace varve::engine
