// A whole data folder on a disk in memory, with a clock that stands still until it is moved:
// catalog, store, executor and what looks after the data, spoken to in InfluxQL and line protocol.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/faulty_env.h"
#include "base/status.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "engine/store.h"
#include "meta/catalog.h"
#include "query/executor.h"
#include "retention/continuous_queries.h"
#include "retention/declarations.h"
#include "retention/enforcer.h"

namespace varve::retention {

inline constexpr int64_t kSecondNs = 1'000'000'000;
inline constexpr int64_t kMinuteNs = 60 * kSecondNs;
inline constexpr int64_t kHourNs = 60 * kMinuteNs;
inline constexpr int64_t kDayNs = 24 * kHourNs;
// 2026-01-05T00:00:00Z, a Monday.
inline constexpr int64_t kStartNs = 1'767'571'200 * kSecondNs;

class World : public ::testing::Test {
 protected:
  World();
  ~World() override { Close(); }

  void Open();
  void Close();
  void Reopen() {
    Close();
    Open();
  }
  // The power fails: what was not synced is gone. Then all is opened again.
  void CutPower() {
    env.CutPower();
    Close();
    env.Reboot();
    Open();
  }

  // Runs statements; each row is one line, "name,tag=value: cell cell"; an error is "ERR: text".
  std::string Query(std::string_view text, std::string_view database = "d");
  // Runs statements that must succeed.
  void Do(std::string_view text) {
    const std::string answer = Query(text);
    EXPECT_EQ(answer.find("ERR"), std::string::npos) << text << ": " << answer;
  }
  // What the client is told; empty when all points were taken.
  std::string Write(std::string_view body, std::string_view policy = "");
  // Both clocks.
  void Advance(int64_t ns) { env.AdvanceNs(ns); }
  // Only the wall clock.
  void StepClock(int64_t ns) { env.SetNowNs(env.NowNs() + ns); }
  int64_t Now() { return env.NowNs(); }
  static std::string At(int64_t ns) { return base::StrCat(" ", ns); }

  base::FaultyEnv env;
  Declarations declarations;
  std::unique_ptr<meta::Catalog> catalog;
  std::unique_ptr<meta::Catalog> guarded;  // as statements see it
  std::unique_ptr<engine::Store> store;
  std::unique_ptr<base::ThreadPool> workers;
  std::unique_ptr<query::Executor> executor;
  std::unique_ptr<ContinuousQueryService> queries;
  std::unique_ptr<Enforcer> enforcer;
  std::vector<std::string> dropped;  // "policy:shard"
  std::vector<std::string> deleted;  // "policy:measurement"
  std::vector<std::string> errors;
  std::vector<std::string> runs;  // "query start..end", "again query start..end", since kStartNs
};

}  // namespace varve::retention
