#include "tsm/page_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/strings.h"

namespace varve::tsm {
namespace {

PageCache::Page PageOf(uint64_t file, uint64_t offset, size_t bytes = 1000) {
  std::string text = base::StrCat(file, "/", offset);
  text.resize(bytes);
  return std::make_shared<const std::string>(std::move(text));
}

TEST(PageCacheTest, KeepsFilesApart) {
  PageCache cache(100'000);
  const uint64_t a = cache.NewFile();
  const uint64_t b = cache.NewFile();
  cache.Add(a, 8, PageOf(a, 8));
  EXPECT_EQ(cache.Find(b, 8), nullptr);
  EXPECT_EQ(cache.Find(a, 9), nullptr);
  cache.Add(b, 8, PageOf(b, 8));
  EXPECT_EQ(*cache.Find(a, 8), *PageOf(a, 8));
  EXPECT_EQ(*cache.Find(b, 8), *PageOf(b, 8));
}

TEST(PageCacheTest, WhatWasUsedLongestAgoGoesFirst) {
  PageCache cache(10'000);
  const uint64_t file = cache.NewFile();
  for (uint64_t page = 0; page < 100; ++page) {
    cache.Add(file, page, PageOf(file, page));
    ASSERT_LE(cache.bytes(), 10'000u);
    ASSERT_NE(cache.Find(file, 0), nullptr) << "used again and again";
    ASSERT_NE(cache.Find(file, page), nullptr);
  }
  EXPECT_EQ(cache.Find(file, 50), nullptr);
  EXPECT_NE(cache.Find(file, 98), nullptr);
}

TEST(PageCacheTest, APageThatGoesStaysWithItsReader) {
  PageCache cache(2'000);
  const uint64_t file = cache.NewFile();
  cache.Add(file, 1, PageOf(file, 1));
  const PageCache::Page held = cache.Find(file, 1);
  cache.Add(file, 2, PageOf(file, 2));
  EXPECT_EQ(cache.Find(file, 1), nullptr);
  EXPECT_EQ(*held, *PageOf(file, 1));
  cache.Add(file, 3, PageOf(file, 3, 5'000));
  EXPECT_EQ(cache.Find(file, 3), nullptr) << "larger than the cache";
  EXPECT_NE(cache.Find(file, 2), nullptr);
}

TEST(PageCacheTest, ManyThreads) {
  PageCache cache(20'000);
  const uint64_t file = cache.NewFile();
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 5'000; ++i) {
        const uint64_t page = (i * (t + 1)) % 37;
        if (const PageCache::Page found = cache.Find(file, page)) {
          ASSERT_EQ(*found, *PageOf(file, page));
        } else {
          cache.Add(file, page, PageOf(file, page));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(cache.bytes(), 20'000u);
}

}  // namespace
}  // namespace varve::tsm
