#include "server/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "server/health_log.h"

namespace varve::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

// What the server prints while `say` runs.
std::string Log(const char* format, const char* level, const std::function<void(Logger&)>& say) {
  testing::internal::CaptureStderr();
  {
    Logger logger(format, level);
    say(logger);
  }
  return testing::internal::GetCapturedStderr();
}

constexpr char kTime[] = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z";

TEST(LoggerTest, ALineIsTimeLevelMessageAndFields) {
  const std::string line = Log("auto", "info", [](Logger& logger) {
    logger.Warn("disk is slow", {{"folder", "/data"}, {"duration", "1.5ms"}});
  });
  EXPECT_THAT(line, MatchesRegex(std::string("ts=") + kTime +
                                 " lvl=warn msg=\"disk is slow\" folder=/data duration=1.5ms\n"));
}

TEST(LoggerTest, JsonHasTheSameFields) {
  const std::string line = Log("json", "info", [](Logger& logger) {
    logger.Error("disk is slow", {{"folder", "/data"}, {"bytes", "7"}});
  });
  EXPECT_THAT(line,
              MatchesRegex(std::string("\\{\"ts\":\"") + kTime +
                           "\",\"lvl\":\"error\",\"msg\":\"disk is slow\",\"folder\":\"/data\","
                           "\"bytes\":\"7\"\\}\n"));
}

TEST(LoggerTest, AnEventIsOneLineWhateverItsTexts) {
  const char nasty[] = "a\nb\r\tc \"d\" e=f \\ \x1b[31m \x7f \xc3\x28 \xe2\x80\xa8 \xc2\x85";
  for (const char* format : {"logfmt", "json"}) {
    const std::string line = Log(format, "info", [&](Logger& logger) {
      logger.Info(nasty, {{"text", nasty}, {"empty", ""}});
    });
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
    EXPECT_EQ(line.back(), '\n');
    for (const char* control :
         {"\r", "\t", "\x1b", "\x7f", "\xe2\x80\xa8", "\xc2\x85", "\x28 \xe2"}) {
      EXPECT_EQ(line.find(control), std::string::npos) << line;
    }
    EXPECT_THAT(line, HasSubstr("a\\nb\\r\\tc \\\"d\\\" e=f \\\\ "));
  }
}

TEST(LoggerTest, ValuesAreQuotedWhereTheyMustBe) {
  const std::string line = Log("logfmt", "info", [](Logger& logger) {
    logger.Info("x", {{"plain", "a-b/c:d"}, {"space", "a b"}, {"equals", "a=b"}, {"none", ""}});
  });
  EXPECT_THAT(line, HasSubstr("plain=a-b/c:d space=\"a b\" equals=\"a=b\" none=\"\"\n"));
}

TEST(LoggerTest, LevelsBelowTheChosenAreLeftOut) {
  const auto all = [](Logger& logger) {
    logger.Debug("one");
    logger.Info("two");
    logger.Warn("three");
    logger.Error("four");
  };
  const auto lines = [&](const char* level) {
    const std::string text = Log("logfmt", level, all);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines("debug"), 4);
  EXPECT_EQ(lines("info"), 3);
  EXPECT_EQ(lines("warn"), 2);
  EXPECT_EQ(lines("error"), 1);
  EXPECT_THAT(Log("logfmt", "error", all), HasSubstr("lvl=error msg=\"four\""));
}

TEST(HealthLogTest, TellsOfAChangeOnce) {
  const std::string text = Log("logfmt", "info", [](Logger& logger) {
    HealthLog log(logger);
    http::HealthCheck disk{"disk", false, true, false, "no space left on device"};
    http::HealthCheck storage{"storage", true, false, false, "a flush failed"};
    http::HealthCheck data{"data", false, false, /*logged=*/true, "told before"};
    log.Look({});
    log.Look({disk, data});
    disk.message = "no space left on device, still";
    log.Look({disk, storage, data});
    log.Look({storage});
    log.Look({storage});
    log.Look({});
  });
  EXPECT_THAT(text,
              MatchesRegex("[^ ]* lvl=error msg=\"health check fails\" check=disk "
                           "reason=\"no space left on device\"\n"
                           "[^ ]* lvl=warn msg=\"health check fails\" check=storage "
                           "reason=\"a flush failed\"\n"
                           "[^ ]* lvl=info msg=\"health check passes again\" check=disk\n"
                           "[^ ]* lvl=info msg=\"health check passes again\" check=storage\n"));
}

}  // namespace
}  // namespace varve::server
