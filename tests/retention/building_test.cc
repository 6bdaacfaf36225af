// Sixty days of a building: raw readings kept for thirty days, averages by minute and by hour kept
// for ever. Points arrive late, some are corrected, the power fails twice, the server is away for
// hours and the clock is wrong for a while. In the end every window is what a plain loop over the
// readings says.
//
// Longer: VARVE_BUILDING_SENSORS and VARVE_BUILDING_STEP (seconds between readings) in the
// environment.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "tests/retention/world.h"

namespace varve::retention {
namespace {

constexpr int64_t kDays = 60;
constexpr int64_t kTickNs = 30 * kMinuteNs;

int64_t Setting(const char* name, int64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::atoll(text);
}

struct Reading {
  int64_t arrives_ns = 0;
  int64_t sensor = 0;
  int64_t time_ns = 0;
  int64_t value = 0;
};

struct Window {
  double sum = 0;
  double count = 0;
  double min = 1e300;
  double max = -1e300;
  void Add(double value) {
    sum += value;
    ++count;
    min = std::min(min, value);
    max = std::max(max, value);
  }
};
using Windows = std::map<std::pair<int64_t, int64_t>, Window>;  // sensor, start

class BuildingTest : public World {
 protected:
  const int64_t sensors_ = Setting("VARVE_BUILDING_SENSORS", 2);
  const int64_t step_ns_ = Setting("VARVE_BUILDING_STEP", 20) * kSecondNs;

  // The readings in the order they arrive: 1 % up to two days late, some corrected later.
  std::vector<Reading> MakeReadings() {
    std::mt19937_64 random(7);
    std::vector<Reading> readings;
    for (int64_t t = 0; t < kDays * kDayNs; t += step_ns_) {
      for (int64_t sensor = 0; sensor < sensors_; ++sensor) {
        const int64_t time_ns = kStartNs + t + sensor * kSecondNs;
        const auto value = static_cast<int64_t>(random() % 4000);
        const bool late = random() % 100 == 0;
        const int64_t delay_ns = late ? static_cast<int64_t>(random() % (2 * kDayNs)) : 0;
        readings.push_back({time_ns + delay_ns, sensor, time_ns, value});
        if (random() % 2000 == 0) {
          readings.push_back({time_ns + 2 * kDayNs, sensor, time_ns, value + 10'000});
        }
      }
    }
    std::stable_sort(readings.begin(), readings.end(),
                     [](const auto& a, const auto& b) { return a.arrives_ns < b.arrives_ns; });
    return readings;
  }

  void Deliver(const std::vector<Reading>& readings, size_t* next, int64_t until_ns) {
    std::string body;
    for (; *next < readings.size() && readings[*next].arrives_ns < until_ns; ++*next) {
      const Reading& reading = readings[*next];
      base::StrAppend(body, "sensors,sensor=", reading.sensor, " temperature=", reading.value, " ",
                      reading.time_ns, "\n");
    }
    if (!body.empty()) {
      ASSERT_EQ(Write(body), "");
    }
  }

  void Compare(const std::string& select, const Windows& expected, int64_t sensor) {
    size_t seen = 0;
    const std::string answer = Query(select);
    size_t wrong = 0;
    for (size_t at = 0; at < answer.size();) {
      const size_t end = answer.find('\n', at);
      int64_t time_ns = 0;
      double mean = 0, max = 0, min = 0;
      const std::string line = answer.substr(answer.find(": ", at) + 2, 80);
      ASSERT_EQ(std::sscanf(line.c_str(), "%ld %lf %lf %lf", &time_ns, &mean, &max, &min), 4)
          << line.substr(0, 100);
      at = end + 1;
      ++seen;
      const auto found = expected.find({sensor, time_ns});
      const bool right = found != expected.end() && found->second.max == max &&
                         found->second.min == min &&
                         std::abs(found->second.sum / found->second.count - mean) < 1e-6;
      if (!right && ++wrong < 5) {
        ADD_FAILURE() << select << " at " << (time_ns - kStartNs) / kMinuteNs << " min: " << mean
                      << " " << max << " " << min << ", expected "
                      << (found == expected.end()
                              ? "none"
                              : base::StrCat(found->second.sum / found->second.count, " ",
                                             found->second.max, " ", found->second.min));
      }
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(seen, static_cast<size_t>(std::count_if(
                        expected.begin(), expected.end(),
                        [&](const auto& entry) { return entry.first.first == sensor; })));
  }
};

TEST_F(BuildingTest, EveryWindowOfSixtyDaysIsWhatThePlainLoopSays) {
  Do("CREATE RETENTION POLICY realtime ON d DURATION 30d REPLICATION 1 SHARD DURATION 1d DEFAULT");
  Do("CREATE RETENTION POLICY minute ON d DURATION INF REPLICATION 1");
  Do("CREATE RETENTION POLICY hour ON d DURATION INF REPLICATION 1 SHARD DURATION 30d");
  Do("CREATE CONTINUOUS QUERY by_minute ON d BEGIN SELECT mean(temperature) AS mean, "
     "max(temperature) AS max, min(temperature) AS min INTO minute.sensors FROM realtime.sensors "
     "GROUP BY time(1m), * END");
  Do("CREATE CONTINUOUS QUERY by_hour ON d BEGIN SELECT mean(mean) AS mean, max(max) AS max, "
     "min(min) AS min INTO hour.sensors FROM minute.sensors GROUP BY time(1h), * END");
  queries->Tick();
  const std::vector<Reading> readings = MakeReadings();
  size_t next = 0;
  // What the true time is, whatever the clock says.
  int64_t true_ns = kStartNs;
  const int64_t end_ns = kStartNs + (kDays + 3) * kDayNs;
  int64_t tick = 0;
  while (true_ns < end_ns) {
    ++tick;
    if (tick == 17 * 48 + 5) CutPower();
    if (tick == 41 * 48 + 31) {
      env.CutPower();  // and nobody is there for five hours
      Close();
      env.Reboot();
      Advance(5 * kHourNs);
      true_ns += 5 * kHourNs;
      Open();
    }
    if (tick == 50 * 48) StepClock(6 * kHourNs);
    if (tick == 50 * 48 + 7) StepClock(-6 * kHourNs);
    Advance(kTickNs);
    true_ns += kTickNs;
    Deliver(readings, &next, true_ns);
    queries->Tick();
    enforcer->Tick();
    if (tick % 37 == 0) {
      ASSERT_TRUE(store->Flush(tick % 10 == 0).ok());
    }
  }
  ASSERT_EQ(next, readings.size());
  Advance(kMinuteNs);
  queries->Tick();
  EXPECT_TRUE(errors.empty()) << ::testing::PrintToString(errors);
  EXPECT_GT(dropped.size(), 30u);
  for (const auto& status : queries->Status()) {
    EXPECT_EQ(status.windows_pending, 0u) << status.name;
    EXPECT_GT(status.windows_recomputed, 100u) << status.name;
  }

  std::map<std::pair<int64_t, int64_t>, int64_t> last;  // the last value of a sensor at a time
  for (const Reading& reading : readings) last[{reading.sensor, reading.time_ns}] = reading.value;
  Windows minutes;
  for (const auto& [key, value] : last) {
    minutes[{key.first, key.second - key.second % kMinuteNs}].Add(static_cast<double>(value));
  }
  Windows hours;
  for (const auto& [key, minute] : minutes) {
    Window& hour = hours[{key.first, key.second - key.second % kHourNs}];
    hour.sum += minute.sum / minute.count;
    ++hour.count;
    hour.min = std::min(hour.min, minute.min);
    hour.max = std::max(hour.max, minute.max);
  }
  for (int64_t sensor = 0; sensor < sensors_; ++sensor) {
    for (const auto& [policy, windows] : {std::pair("minute", &minutes), {"hour", &hours}}) {
      Compare(base::StrCat("SELECT mean, max, min FROM ", policy, ".sensors WHERE sensor='", sensor,
                           "'"),
              *windows, sensor);
    }
  }
}

}  // namespace
}  // namespace varve::retention
