#include "model/series_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "base/status.h"

namespace varve::model {
namespace {

std::string Canonical(std::string_view raw) {
  const absl::StatusOr<SeriesKey> key = ParseRawSeriesKey(raw);
  return key.ok() ? key->Encode() : std::string(base::MessageOf(key.status()));
}

TEST(SeriesKeyTest, SortsAndEscapes) {
  EXPECT_EQ(Canonical("m"), "m");
  EXPECT_EQ(Canonical("m,b=2,a=1"), "m,a=1,b=2");
  EXPECT_EQ(Canonical("m,B=1,a=1,A=2"), "m,A=2,B=1,a=1");
  EXPECT_EQ(Canonical("a\\ b,x\\,y=p\\=q"), "a\\ b,x\\,y=p\\=q");
  EXPECT_EQ(Canonical("a\\=b"), "a=b");
  EXPECT_EQ(Canonical("a\\\"b"), "a\"b");
  EXPECT_EQ(Canonical("m,t==a"), "m,t=\\=a");
  EXPECT_EQ(Canonical("a\\b,t=c\\\\d"), "a\\b,t=c\\\\d");
}

// As InfluxDB's SHOW SERIES lists them.
TEST(SeriesKeyTest, UnescapesMeasurementsTwice) {
  EXPECT_EQ(Canonical("a\\ b"), "a\\ b");
  EXPECT_EQ(Canonical("a\\\\ b"), "a\\ b");
  EXPECT_EQ(Canonical("a\\\\\\ b"), "a\\\\ b");
  EXPECT_EQ(Canonical("a\\\\\\\\ b"), "a\\\\\\ b");
  EXPECT_EQ(Canonical("a\\\\,b,t=v"), "a\\,b,t=v");
  EXPECT_EQ(Canonical("a\\\\\\,b,t=v"), "a\\\\,b,t=v");
  EXPECT_EQ(Canonical("a\\\\=b"), "a\\=b");
  EXPECT_EQ(Canonical("a\\\\\\=b"), "a\\\\=b");
  EXPECT_EQ(Canonical("a\\\\\"b"), "a\\\"b");
  EXPECT_EQ(Canonical("a\\\\b"), "a\\\\b");
  // Tags are unescaped once.
  EXPECT_EQ(Canonical("m,a\\\\ b=c\\\\,d"), "m,a\\\\ b=c\\\\,d");
  EXPECT_EQ(MeasurementOf("a\\\\ b,t=v"), "a\\ b");
}

TEST(SeriesKeyTest, KnowsWhichBytesAreTheirOwnSpelling) {
  std::mt19937_64 random(7);
  constexpr std::string_view kLetters = "ab\\\\\\\\, =\"";
  int others = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string raw;
    for (uint64_t n = random() % 8; n > 0; --n) raw.push_back(kLetters[random() % kLetters.size()]);
    if (random() % 2 == 0) raw += ",t\\=u=v\\ w";
    const absl::StatusOr<SeriesKey> key = ParseRawSeriesKey(raw);
    if (!key.ok()) continue;
    const std::string canonical = key->Encode();
    const absl::StatusOr<SeriesKey> again = ParseRawSeriesKey(canonical);
    const bool itself = again.ok() && again->Encode() == canonical;
    others += itself ? 0 : 1;
    ASSERT_EQ(MeansItself(canonical), itself) << raw << " is " << canonical;
  }
  EXPECT_GT(others, 100);
}

TEST(SeriesKeyTest, PlainlyCanonicalBytesAreCanonical) {
  std::mt19937_64 random(8);
  constexpr std::string_view kLetters = "aabbcc,,,===\\ \"";
  int plain = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string raw;
    for (uint64_t n = random() % 14; n > 0; --n)
      raw.push_back(kLetters[random() % kLetters.size()]);
    if (!IsPlainlyCanonical(raw)) continue;
    ++plain;
    const absl::StatusOr<SeriesKey> key = ParseRawSeriesKey(raw);
    ASSERT_TRUE(key.ok()) << raw;
    ASSERT_EQ(key->Encode(), raw);
  }
  EXPECT_GT(plain, 1000);
  for (const std::string_view raw : {"m", "m,a=b", "m,a=1,b=2,c=3", "\"m\"", "m=n,a=b"}) {
    EXPECT_TRUE(IsPlainlyCanonical(raw)) << raw;
  }
  for (const std::string_view raw : {"m,b=1,a=2", "m,a=1,a=2", "m,a=", "m,a\\ b=c"}) {
    EXPECT_FALSE(IsPlainlyCanonical(raw)) << raw;
  }
}

TEST(SeriesKeyTest, RefusesWithInfluxDbsWords) {
  EXPECT_EQ(Canonical(""), "missing measurement");
  EXPECT_EQ(Canonical(",t=a"), "missing measurement");
  EXPECT_EQ(Canonical("m,"), "missing tag key");
  EXPECT_EQ(Canonical("m,=a"), "missing tag key");
  EXPECT_EQ(Canonical("m,,t=a"), "missing tag key");
  EXPECT_EQ(Canonical("m,t"), "missing tag value");
  EXPECT_EQ(Canonical("m,t="), "missing tag value");
  EXPECT_EQ(Canonical("m,t=a,u"), "missing tag value");
  EXPECT_EQ(Canonical("m,t=a=b"), "invalid tag format");
  EXPECT_EQ(Canonical("m,t=a,t=b"), "duplicate tags");
  EXPECT_EQ(Canonical("m,t=a,s=c,t=b"), "duplicate tags");
}

std::string RandomText(std::mt19937_64& random) {
  constexpr std::string_view kLetters = "abc ,=\"x1";
  std::string text;
  for (uint64_t n = random() % 6 + 1; n > 0; --n) text.push_back(kLetters[random() % 9]);
  return text;
}

TEST(SeriesKeyTest, RoundTripsAndFindsTags) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 random(seed);
    SeriesKey key;
    key.measurement = RandomText(random);
    std::set<std::string> keys;
    for (uint64_t n = random() % 5; n > 0; --n) keys.insert(RandomText(random));
    for (const std::string& tag : keys) key.tags.push_back({tag, RandomText(random)});
    const std::string bytes = key.Encode();
    ASSERT_EQ(DecodeSeriesKey(bytes), key) << "seed " << seed << ": " << bytes;
    ASSERT_EQ(MeasurementOf(bytes), key.measurement);
    // What InfluxDB lists can be written again, and is the same series.
    const absl::StatusOr<SeriesKey> parsed = ParseRawSeriesKey(bytes);
    ASSERT_TRUE(parsed.ok()) << bytes;
    ASSERT_EQ(*parsed, key) << bytes;
    std::string value;
    for (const Tag& tag : key.tags) {
      ASSERT_TRUE(FindTag(bytes, tag.key, &value)) << bytes;
      ASSERT_EQ(value, tag.value);
    }
    const std::string other = RandomText(random) + "?";
    ASSERT_FALSE(FindTag(bytes, other, &value));
  }
}

TEST(SeriesKeyTest, MalformedBytesAreReadWithinBounds) {
  std::mt19937_64 random(9);
  constexpr std::string_view kLetters = "ab ,=\\";
  for (int i = 0; i < 20'000; ++i) {
    std::vector<char> bytes(random() % 12);
    for (char& c : bytes) c = kLetters[random() % kLetters.size()];
    const std::string_view text(bytes.data(), bytes.size());
    std::string value;
    (void)DecodeSeriesKey(text);
    (void)MeasurementOf(text);
    (void)FindTag(text, "a", &value);
    const absl::StatusOr<SeriesKey> key = ParseRawSeriesKey(text);
    if (key.ok()) {
      EXPECT_TRUE(std::is_sorted(key->tags.begin(), key->tags.end(),
                                 [](const Tag& a, const Tag& b) { return a.key < b.key; }));
    }
  }
}

}  // namespace
}  // namespace varve::model
