#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "http/encoder.h"
#include "http/json_text.h"
#include "http/row_limiter.h"

namespace varve::http {
namespace {

using query::Cell;

constexpr int64_t kMarch = 1614816000'000000000;  // 2021-03-04T00:00:00Z

class StringSink : public ByteSink {
 public:
  absl::Status Write(std::string_view bytes, bool) override {
    text.append(bytes);
    return absl::OkStatus();
  }
  std::string text;
};

query::SeriesHeader Header(std::string name, std::vector<std::string> columns,
                           std::vector<std::pair<std::string, std::string>> tags = {}) {
  return {std::move(name), std::move(tags), std::move(columns), ""};
}

// Feeds an encoder; a small language for the tests below.
class Answer {
 public:
  explicit Answer(EncodeOptions options, uint64_t row_limit = 0)
      : encoder_(NewEncoder(options, sink_)) {
    if (row_limit != 0) limiter_ = std::make_unique<RowLimiter>(row_limit, *encoder_);
  }
  Answer& Begin(int id) {
    Note(sink().BeginStatement(id));
    return *this;
  }
  Answer& Rows(const query::SeriesHeader& header, bool new_series, std::vector<Cell> cells) {
    query::RowBatch batch;
    batch.header = &header;
    batch.new_series = new_series;
    batch.rows = header.columns.empty() ? 0 : cells.size() / header.columns.size();
    batch.cells = std::move(cells);
    Note(sink().Rows(batch));
    return *this;
  }
  Answer& Message(std::string_view text) {
    Note(sink().Message("warning", text));
    return *this;
  }
  Answer& End(const absl::Status& status = absl::OkStatus()) {
    Note(sink().EndStatement(status));
    return *this;
  }
  std::string Text() {
    EXPECT_TRUE(encoder_->Finish().ok());
    return sink_.text;
  }

 private:
  query::ResultSink& sink() {
    return limiter_ ? static_cast<query::ResultSink&>(*limiter_) : *encoder_;
  }
  void Note(const absl::Status& status) { EXPECT_TRUE(status.ok() || limiter_) << status; }
  StringSink sink_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<RowLimiter> limiter_;
};

EncodeOptions Chunks(size_t size) {
  EncodeOptions options;
  options.chunked = true;
  options.chunk_size = size;
  return options;
}

TEST(JsonEncoderTest, PrintsEveryKindOfCell) {
  const auto header = Header("m", {"time", "a", "b", "c", "d", "e", "f"});
  EXPECT_EQ(Answer({})
                .Begin(0)
                .Rows(header, true,
                      {Cell::Time(kMarch), Cell::Float(3.5), Cell::Integer(INT64_MIN),
                       Cell::Unsigned(UINT64_MAX), Cell::Boolean(true), Cell::String("x<\"y"),
                       Cell::Null()})
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"time\","
            "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"values\":[[\"2021-03-04T00:00:00Z\",3.5,"
            "-9223372036854775808,18446744073709551615,true,\"x\\u003c\\\"y\",null]]}]}]}\n");
}

TEST(JsonEncoderTest, WhatIsNoNumberIsNull) {
  const auto header = Header("m", {"time", "v"});
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Answer({})
                .Begin(0)
                .Rows(header, true,
                      {Cell::Time(0), Cell::Float(std::nan("")), Cell::Time(0), Cell::Float(-inf)})
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"time\","
            "\"v\"],\"values\":[[\"1970-01-01T00:00:00Z\",null],[\"1970-01-01T00:00:00Z\",null]]}]}"
            "]}\n");
}

TEST(JsonEncoderTest, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(Answer({}).Begin(0).End().Text(), "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_EQ(Answer({}).Text(), "{}\n");
  const auto nameless = Header("", {"name"});
  EXPECT_EQ(Answer({}).Begin(0).Rows(nameless, true, {}).End().Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"columns\":[\"name\"]}]}]}\n");
}

TEST(JsonEncoderTest, KeysComeInInfluxOrder) {
  const auto header = Header("m", {"time"}, {{"a", "1"}, {"b", ""}});
  EncodeOptions options;
  options.epoch_ns = 1'000'000'000;
  EXPECT_EQ(Answer(options)
                .Begin(0)
                .Message("old")
                .Rows(header, true, {Cell::Time(kMarch)})
                .End(base::InvalidArgument("broken"))
                .Begin(1)
                .End(base::InvalidArgument("not executed"))
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"tags\":{\"a\":\"1\","
            "\"b\":\"\"},\"columns\":[\"time\"],\"values\":[[1614816000]]}],\"messages\":[{"
            "\"level\":\"warning\",\"text\":\"old\"}],\"error\":\"broken\"},{\"statement_id\":1,"
            "\"error\":\"not executed\"}]}\n");
}

TEST(JsonEncoderTest, MergesBatchesOfOneSeries) {
  const auto header = Header("m", {"v"});
  EXPECT_EQ(Answer({})
                .Begin(0)
                .Rows(header, true, {Cell::Integer(1)})
                .Rows(header, false, {Cell::Integer(2)})
                .Rows(header, true, {Cell::Integer(3)})
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"v\"],"
            "\"values\":[[1],[2]]},{\"name\":\"m\",\"columns\":[\"v\"],\"values\":[[3]]}]}]}\n");
}

TEST(JsonEncoderTest, OnlyTheFirstColumnsTimesFollowEpoch) {
  const auto header = Header("m", {"time", "when"});
  EncodeOptions options;
  options.epoch_ns = 1'000'000;
  EXPECT_EQ(Answer(options)
                .Begin(0)
                .Rows(header, true, {Cell::Time(-1'999'999), Cell::Time(0)})
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"time\","
            "\"when\"],\"values\":[[-1,\"1970-01-01T00:00:00Z\"]]}]}]}\n");
}

TEST(EncoderTest, TimesOfEveryFormatMayBeTexts) {
  const auto header = Header("m", {"time", "v"});
  for (const auto& [format, text] : {
           std::pair{Format::kJson, "[[\"2021-03-04T00:00:00Z\",1]]"},
           std::pair{Format::kCsv, "m,,2021-03-04T00:00:00Z,1\n"},
           std::pair{Format::kMsgPack,
                     "\xb4"
                     "2021-03-04T00:00:00Z"},
       }) {
    EncodeOptions options;
    options.format = format;
    options.rfc3339 = true;
    EXPECT_THAT(Answer(options)
                    .Begin(0)
                    .Rows(header, true, {Cell::Time(kMarch), Cell::Integer(1)})
                    .End()
                    .Text(),
                testing::HasSubstr(text));
  }
}

TEST(JsonEncoderTest, ChunksSayWhatFollows) {
  const auto a = Header("m", {"v"}, {{"t", "a"}});
  const auto b = Header("m", {"v"}, {{"t", "b"}});
  EXPECT_EQ(Answer(Chunks(2))
                .Begin(0)
                .Rows(a, true, {Cell::Integer(1), Cell::Integer(2), Cell::Integer(3)})
                .Rows(b, true, {Cell::Integer(4), Cell::Integer(5)})
                .End()
                .Begin(1)
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"tags\":{\"t\":\"a\"},"
            "\"columns\":[\"v\"],\"values\":[[1],[2]],\"partial\":true}],\"partial\":true}]}\n"
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"tags\":{\"t\":\"a\"},"
            "\"columns\":[\"v\"],\"values\":[[3]]}],\"partial\":true}]}\n"
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"tags\":{\"t\":\"b\"},"
            "\"columns\":[\"v\"],\"values\":[[4],[5]]}]}]}\n"
            "{\"results\":[{\"statement_id\":1}]}\n");
}

TEST(JsonEncoderTest, SeriesOfTagKeysAreNotSplit) {
  const auto m = Header("m", {"tagKey"});
  const auto n = Header("n", {"tagKey"});
  EXPECT_EQ(
      Answer(Chunks(1))
          .Begin(0)
          .Rows(m, true, {Cell::String("t"), Cell::String("u")})
          .Rows(n, true, {Cell::String("t")})
          .End()
          .Text(),
      "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"tagKey\"],"
      "\"values\":[[\"t\"],[\"u\"]]}]}]}\n"
      "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"n\",\"columns\":[\"tagKey\"],"
      "\"values\":[[\"t\"]]}]}]}\n");
}

TEST(JsonEncoderTest, PrettyPrintsAsMarshalIndentDoes) {
  const auto header = Header("weather", {"time", "temp"});
  EncodeOptions options;
  options.pretty = true;
  EXPECT_EQ(
      Answer(options)
          .Begin(0)
          .Rows(header, true, {Cell::Time(kMarch), Cell::Float(3.5)})
          .End()
          .Text(),
      "{\n    \"results\": [\n        {\n            \"statement_id\": 0,\n            \"series\": "
      "[\n                {\n                    \"name\": \"weather\",\n                    "
      "\"columns\": [\n                        \"time\",\n                        \"temp\"\n       "
      " "
      "            ],\n                    \"values\": [\n                        [\n              "
      " "
      "             \"2021-03-04T00:00:00Z\",\n                            3.5\n                   "
      "     ]\n                    ]\n                }\n            ]\n        }\n    ]\n}\n");
  EXPECT_EQ(EncodeError(Format::kJson, true, "a:{b"), "{\n    \"error\": \"a:{b\"\n}\n");
}

TEST(JsonEncoderTest, StringsAreEscapedAsGoDoes) {
  const auto text = [](std::string_view raw) {
    std::string out;
    AppendJsonString(out, raw);
    return out;
  };
  EXPECT_EQ(text("a<b>&c"), "\"a\\u003cb\\u003e\\u0026c\"");
  EXPECT_EQ(text("\n\r\t\x01\\\""), "\"\\n\\r\\t\\u0001\\\\\\\"\"");
  EXPECT_EQ(text("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\"");
  EXPECT_EQ(text("grün \xf0\x9f\x8c\x8d"), "\"grün \xf0\x9f\x8c\x8d\"");
  EXPECT_EQ(text("bad \xff\xc3"), "\"bad \\ufffd\\ufffd\"");
  EXPECT_EQ(text("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
}

TEST(RowLimiterTest, CutsASeriesAndLeavesTheRestOut) {
  const auto a = Header("a", {"v"});
  const auto b = Header("b", {"v"});
  EXPECT_EQ(Answer({}, 2)
                .Begin(0)
                .Rows(a, true, {Cell::Integer(1), Cell::Integer(2), Cell::Integer(3)})
                .Rows(b, true, {Cell::Integer(4)})
                .End()
                .Begin(1)
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"a\",\"columns\":[\"v\"],"
            "\"values\":[[1],[2]],\"partial\":true}]}]}\n");
  EXPECT_EQ(Answer({}, 2)
                .Begin(0)
                .Rows(a, true, {Cell::Integer(1), Cell::Integer(2)})
                .Rows(b, true, {Cell::Integer(4)})
                .End()
                .Text(),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"a\",\"columns\":[\"v\"],"
            "\"values\":[[1],[2]]}]}]}\n");
}

TEST(CsvEncoderTest, PrintsHeadersWhereColumnsChange) {
  EncodeOptions options;
  options.format = Format::kCsv;
  const auto a = Header("weather", {"time", "temp"}, {{"k", "v"}, {"l", ""}, {"m", "w"}});
  const auto plain = Header("weather", {"time", "temp"});
  const auto names = Header("measurements", {"name"});
  EXPECT_EQ(Answer(options)
                .Begin(0)
                .Rows(a, true, {Cell::Time(kMarch), Cell::Float(1e21)})
                .Rows(plain, true, {Cell::Time(1), Cell::Null()})
                .End()
                .Begin(1)
                .End(base::InvalidArgument("not shown"))
                .Begin(2)
                .Rows(names, true, {Cell::String("a,\"b\"")})
                .End()
                .Text(),
            "name,tags,time,temp\n"
            "weather,\"k=v,m=w\",1614816000000000000,1000000000000000000000\n"
            "weather,,1,\n"
            "\n"
            "name,tags,name\n"
            "measurements,,\"a,\"\"b\"\"\"\n");
  EXPECT_EQ(EncodeError(Format::kCsv, false, "no \"x\""), "error\n\"no \"\"x\"\"\"\n");
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    char text[4];
    std::snprintf(text, sizeof(text), "%02x", static_cast<unsigned char>(c));
    out += text;
  }
  return out;
}

// Recorded from InfluxDB.
TEST(MsgPackEncoderTest, WritesTheBytesOfInfluxDb) {
  EncodeOptions options;
  options.format = Format::kMsgPack;
  options.epoch_ns = 1'000'000'000;
  const auto header = Header("m", {"time", "v"});
  EXPECT_EQ(Hex(Answer(options)
                    .Begin(0)
                    .Rows(header, true,
                          {Cell::Time(10), Cell::Float(1), Cell::Time(1700000000'000000000),
                           Cell::Float(7)})
                    .End()
                    .Begin(1)
                    .End()
                    .Begin(2)
                    .End(base::InvalidArgument("x"))
                    .Text()),
            "81a7726573756c74739382ac73746174656d656e745f696400a67365726965739183a46e616d65a16da763"
            "6f6c756d6e7392a474696d65a176a676616c7565739292"
            "00cb3ff000000000000092d26553f100cb401c00000000000082ac73746174656d656e745f696401a67365"
            "7269657390"
            "81a56572726f72a178");
}

// It must hold an answer whole, so the answer has a bound; a chunk is let go when it is written.
TEST(MsgPackEncoderTest, AnAnswerThatIsHeldHasABound) {
  for (const bool chunked : {false, true}) {
    EncodeOptions options;
    options.format = Format::kMsgPack;
    options.chunked = chunked;
    options.chunk_size = 100;
    options.held_bytes_max = 10'000;
    StringSink sink;
    const auto encoder = NewEncoder(options, sink);
    const query::SeriesHeader header = Header("m", {"v"});
    ASSERT_TRUE(encoder->BeginStatement(0).ok());
    absl::Status status;
    for (int i = 0; i < 100 && status.ok(); ++i) {
      query::RowBatch batch;
      batch.header = &header;
      batch.new_series = i % 10 == 0;
      batch.rows = 50;
      batch.cells.assign(50, Cell::Integer(1'000'000'000'000));
      status = encoder->Rows(batch);
    }
    EXPECT_EQ(status.ok(), chunked) << status;
    ASSERT_TRUE(encoder->EndStatement(status).ok());
    ASSERT_TRUE(encoder->Finish().ok());
    if (chunked) continue;
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_LT(sink.text.size(), 300u);
    EXPECT_NE(sink.text.find("MessagePack answer too large"), std::string::npos);
  }
}

TEST(MsgPackEncoderTest, TimesAreExtensionsWithoutEpoch) {
  EncodeOptions options;
  options.format = Format::kMsgPack;
  const auto header = Header("m", {"time"});
  const std::string text =
      Answer(options).Begin(0).Rows(header, true, {Cell::Time(1700000000'123456789)}).End().Text();
  EXPECT_NE(Hex(text).find("c70c05000000006553f100075bcd15"), std::string::npos);
}

TEST(ListTest, EachFormatWritesOne) {
  const query::SeriesHeader header = Header("d", {"name", "destinations"});
  const std::string_view items("a\0b\0", 4);
  const auto answer = [&](Format format) {
    return Answer({.format = format})
        .Begin(0)
        .Rows(header, true, {Cell::String("s"), Cell::List(items)})
        .End()
        .Text();
  };
  EXPECT_EQ(answer(Format::kJson),
            "{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"d\",\"columns\":[\"name\","
            "\"destinations\"],\"values\":[[\"s\",[\"a\",\"b\"]]]}]}]}\n");
  EXPECT_EQ(answer(Format::kCsv), "name,tags,name,destinations\nd,,s,destinations\n");
  EXPECT_EQ(answer(Format::kMsgPack).substr(answer(Format::kMsgPack).size() - 8),
            "\x92\xa1s\x92\xa1"
            "a\xa1"
            "b");
}

TEST(AcceptTest, ListsAndWildcardsAreRead) {
  EXPECT_EQ(NegotiateFormat(""), Format::kJson);
  EXPECT_EQ(NegotiateFormat("*/*"), Format::kJson);
  EXPECT_EQ(NegotiateFormat("text/html"), Format::kJson);
  EXPECT_EQ(NegotiateFormat("application/csv"), Format::kCsv);
  EXPECT_EQ(NegotiateFormat("text/csv;q=0.9"), Format::kCsv);
  EXPECT_EQ(NegotiateFormat("text/html, application/x-msgpack"), Format::kMsgPack);
  EXPECT_EQ(NegotiateFormat("TEXT/CSV"), Format::kCsv);
  EXPECT_EQ(NegotiateFormat("text/*"), Format::kCsv);
  EXPECT_EQ(NegotiateFormat("application/*"), Format::kJson);
  EXPECT_EQ(NegotiateFormat(",;q=,=,/*,*"), Format::kJson);
}

TEST(AcceptTest, QualityThenPrecisionThenJsonDecide) {
  EXPECT_EQ(NegotiateFormat("application/csv, application/json"), Format::kJson);
  EXPECT_EQ(NegotiateFormat("application/x-msgpack, text/csv"), Format::kMsgPack);
  EXPECT_EQ(NegotiateFormat("application/json;q=0.5, application/csv"), Format::kCsv);
  EXPECT_EQ(NegotiateFormat("text/csv; header=present; q=0.2, application/x-msgpack; q=0.3"),
            Format::kMsgPack);
  EXPECT_EQ(NegotiateFormat("*/*, application/x-msgpack"), Format::kMsgPack);
  EXPECT_EQ(NegotiateFormat("*/*, application/x-msgpack;q=0"), Format::kJson);
  EXPECT_EQ(NegotiateFormat("application/json;q=0, text/*;q=0.1"), Format::kCsv);
}

}  // namespace
}  // namespace varve::http
