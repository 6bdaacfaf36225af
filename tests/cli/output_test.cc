#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/line_chart.h"
#include "cli/server_client.h"
#include "cli/text_table.h"

namespace varve::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kAnswer[] =
    R"({"results":[{"statement_id":0,"series":[)"
    R"({"name":"m","tags":{"t":"a"},"columns":["time","v","s"],"values":[[1000000000,1.5,"x"],)"
    R"([2000000000,10,null]]},)"
    R"({"name":"m","tags":{"t":"ü"},"columns":["time","v","s"],"values":[[1000000000,-3,"y"]]}]},)"
    R"({"statement_id":1,"error":"broken"},)"
    R"({"statement_id":2,"messages":[{"level":"warning","text":"old"}]}]})";

TEST(AnswerTest, ReadsSeriesErrorsAndMessages) {
  const auto answer = ParseAnswer(kAnswer);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->size(), 3u);
  const AnswerSeries& series = (*answer)[0].series[0];
  EXPECT_EQ(series.times, (std::vector<int64_t>{1000000000, 2000000000}));
  EXPECT_EQ(series.rows[0][0].text, "1970-01-01T00:00:01Z");
  EXPECT_EQ(series.rows[1][1].number, 10);
  EXPECT_EQ(series.rows[1][2].text, "");
  EXPECT_EQ((*answer)[1].error, "broken");
  EXPECT_EQ((*answer)[2].messages, std::vector<std::string>{"old"});
  EXPECT_FALSE(ParseAnswer("{\"error\":\"x\"}").ok());
  EXPECT_FALSE(ParseAnswer("nonsense").ok());
}

TEST(AnswerTest, ReadsHealth) {
  EXPECT_EQ(ParseHealth(R"({"checks":[],"message":"ready","status":"pass"})"),
            std::vector<std::string>{"ready"});
  EXPECT_EQ(ParseHealth(R"({"checks":[{"name":"data","message":"a broken"}],"message":"ready"})"),
            (std::vector<std::string>{"ready", "a broken"}));
  EXPECT_TRUE(ParseHealth("nonsense").empty());
}

TEST(ServerClientTest, AnAddressHasAScheme) {
  const auto works = [](const std::string& host_port, bool tls) {
    ServerAddress address;
    address.host_port = host_port;
    address.tls = tls;
    return ServerClient::Create(address).ok();
  };
  EXPECT_TRUE(works("https://localhost", false));
  EXPECT_TRUE(works("localhost:1234", true));
  EXPECT_TRUE(works("http://localhost:1234/", false));
  EXPECT_FALSE(works("http://localhost:1234", true));
  EXPECT_FALSE(works("https://localhost:0", false));
  EXPECT_FALSE(works("localhost:x", false));
}

TEST(TextTableTest, AlignsAndJoinsSeries) {
  const auto answer = ParseAnswer(kAnswer);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(FormatTables((*answer)[0]),
            "m\n"
            "t  time                    v  s\n"
            "-  --------------------  ---  -\n"
            "a  1970-01-01T00:00:01Z  1.5  x\n"
            "a  1970-01-01T00:00:02Z   10\n"
            "ü  1970-01-01T00:00:01Z   -3  y\n");
  EXPECT_EQ(FormatTables((*answer)[1]), "error: broken\n");
  EXPECT_EQ(FormatTables((*answer)[2]), "old\n");
}

TEST(LineChartTest, DrawsALineFromCornerToCorner) {
  const auto answer = ParseAnswer(kAnswer);
  ASSERT_TRUE(answer.ok());
  ChartOptions options;
  options.width = 8;
  options.height = 2;
  const std::string chart = DrawChart((*answer)[0], options);
  EXPECT_THAT(chart, HasSubstr("10 │"));
  EXPECT_THAT(chart, HasSubstr("-3 │"));
  EXPECT_THAT(chart, HasSubstr("• m v t=a"));
  EXPECT_EQ(DrawChart((*answer)[1], options), "");
}

}  // namespace
}  // namespace varve::cli
