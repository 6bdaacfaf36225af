#include "http/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/status.h"

namespace varve::http {
namespace {

class StringSink : public ByteSink {
 public:
  absl::Status Write(std::string_view bytes, bool) override {
    text.append(bytes);
    return absl::OkStatus();
  }
  std::string text;
};

std::string Pack(std::string_view text) {
  StringSink sink;
  GzipSink gzip(sink);
  for (size_t at = 0; at < text.size(); at += 1000) {
    EXPECT_TRUE(gzip.Write(text.substr(at, 1000), at % 3000 == 0).ok());
  }
  EXPECT_TRUE(gzip.Finish().ok());
  return sink.text;
}

TEST(GzipTest, RoundTrips) {
  std::mt19937 random(1);
  for (const size_t size : {0u, 1u, 999u, 100'000u, 3'000'000u}) {
    std::string text;
    while (text.size() < size) text += static_cast<char>('a' + random() % 7);
    const auto unpacked = Gunzip(Pack(text), 4'000'000);
    ASSERT_TRUE(unpacked.ok()) << size << " " << unpacked.status();
    EXPECT_EQ(*unpacked, text);
  }
}

TEST(GzipTest, SeveralMembersAreJoined) {
  const auto unpacked = Gunzip(Pack("one ") + Pack("two"), 100);
  ASSERT_TRUE(unpacked.ok());
  EXPECT_EQ(*unpacked, "one two");
}

TEST(GzipTest, WithoutAHeaderTheInputEndsTooEarly) {
  EXPECT_EQ(base::MessageOf(Gunzip("", 10).status()), "EOF");
  EXPECT_EQ(base::MessageOf(Gunzip("abc", 10).status()), "unexpected EOF");
  EXPECT_EQ(base::MessageOf(Gunzip("abcdefghij", 10).status()), "gzip: invalid header");
}

TEST(GzipTest, RefusesWhatIsNoGzip) {
  EXPECT_EQ(base::MessageOf(Gunzip("m v=3 1614816002", 100).status()), "gzip: invalid header");
}

TEST(GzipTest, EveryTruncationAndFlipIsAnErrorOrTheText) {
  const std::string text = "cpu,host=a v=1 10\ncpu,host=a v=2 20\n";
  const std::string packed = Pack(text);
  for (size_t n = 1; n < packed.size(); ++n) {
    EXPECT_FALSE(Gunzip(packed.substr(0, n), 1000).ok()) << n;
  }
  for (size_t i = 0; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const auto unpacked = Gunzip(damaged, 1000);
    if (unpacked.ok()) {
      EXPECT_EQ(*unpacked, text) << i;
    }
  }
}

TEST(GzipTest, StopsAtTheLimit) {
  const std::string packed = Pack(std::string(1'000'000, 'x'));
  EXPECT_EQ(Gunzip(packed, 999'999).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Gunzip(packed, 1'000'000).ok());
}

}  // namespace
}  // namespace varve::http
