#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "generators.h"

namespace varve::bench {
namespace {

constexpr uint64_t kSensorsPerRoom = 2;
constexpr uint64_t kRoomsPerFloor = 10;
constexpr uint64_t kFloorsPerBuilding = 5;
constexpr int64_t kStepSeconds = 60;
constexpr uint64_t kFields = 7;
constexpr uint64_t kMinutesPerDay = 24 * 60;
constexpr uint64_t kBurstLines = 5;  // further lines of a minute of a burst, 10 seconds apart

// One sensor; what has two decimals is in hundredths.
struct Sensor {
  std::string key;
  int64_t phase_s = 0;  // it reports at this second of the minute
  int64_t base_temperature = 0;
  int64_t wander = 0;  // of the temperature, about its course of the day
  int64_t humidity = 0;
  int64_t battery = 0;
  int64_t counter = 0;
  bool occupied = false;
  uint64_t silent_until = 0, burst_until = 0, late_until = 0;  // minutes
};

class Building {
 public:
  explicit Building(const WorkloadOptions& options) : options_(options), random_(options.seed) {
    for (uint64_t i = 0; i < options.series; ++i) sensors_.push_back(MakeSensor(i));
  }

  // Appends the lines of minute `minute` and those of earlier ones that arrive in it.
  void AppendMinute(uint64_t minute, BodyWriter& out) {
    lines_.clear();
    for (const auto end = late_.upper_bound(minute); late_.begin() != end;) {
      lines_.push_back(std::move(late_.extract(late_.begin()).mapped()));
    }
    for (Sensor& sensor : sensors_) Report(sensor, minute);
    // Lines of one minute overtake each other on their way.
    for (size_t i = 1; i < lines_.size(); ++i) {
      if (Chance(10)) std::swap(lines_[i], lines_[random_() % i]);
    }
    for (const Line& line : lines_) Emit(line, out);
  }

  // Appends the lines that are still on their way.
  void AppendLate(BodyWriter& out) {
    for (const auto& [minute, line] : late_) Emit(line, out);
  }

 private:
  struct Line {
    std::string text;
    int64_t time_ns = 0;
  };

  static void Emit(const Line& line, BodyWriter& out) {
    out.text() += line.text;
    out.EndLine(line.time_ns, kFields);
  }

  Sensor MakeSensor(uint64_t i) {
    const uint64_t room = i / kSensorsPerRoom;
    const uint64_t floor = room / kRoomsPerFloor;
    Sensor sensor;
    sensor.key = fmt::format("room,building=b{},floor={},room={},sensor=s{}",
                             floor / kFloorsPerBuilding + 1, floor % kFloorsPerBuilding + 1,
                             (floor % kFloorsPerBuilding + 1) * 100 + room % kRoomsPerFloor, i);
    sensor.phase_s = static_cast<int64_t>(random_() % 10);
    sensor.base_temperature = 2000 + static_cast<int64_t>(random_() % 300);
    sensor.humidity = 3500 + static_cast<int64_t>(random_() % 2000);
    sensor.battery = 28'000 + static_cast<int64_t>(random_() % 2000);
    return sensor;
  }

  bool Chance(uint64_t one_in) { return random_() % one_in == 0; }
  int64_t Step(int64_t most) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(2 * most + 1)) - most;
  }

  void Report(Sensor& sensor, uint64_t minute) {
    // About one gap of some hours in ten days, a burst a day, an hour offline in five days.
    if (Chance(10 * kMinutesPerDay)) sensor.silent_until = minute + 30 + random_() % 300;
    if (Chance(kMinutesPerDay)) sensor.burst_until = minute + 5;
    if (Chance(5 * kMinutesPerDay)) sensor.late_until = minute + 60;
    if (minute < sensor.silent_until) return;
    const uint64_t lines = minute < sensor.burst_until ? 1 + kBurstLines : 1;
    for (uint64_t i = 0; i < lines; ++i) {
      Line line = MakeLine(sensor, minute, static_cast<int64_t>(i) * 10);
      if (minute < sensor.late_until) {
        late_.emplace(sensor.late_until, std::move(line));
      } else {
        lines_.push_back(std::move(line));
      }
    }
  }

  Line MakeLine(Sensor& sensor, uint64_t minute, int64_t second) {
    const uint64_t minute_of_day = minute % kMinutesPerDay;
    const bool working_hours = minute_of_day >= 7 * 60 && minute_of_day < 19 * 60;
    if (Chance(45)) sensor.occupied = working_hours && !sensor.occupied;
    sensor.wander = std::clamp<int64_t>(sensor.wander + Step(3), -150, 150);
    sensor.humidity = std::clamp<int64_t>(sensor.humidity + Step(5), 2000, 7000);
    if (Chance(60)) --sensor.battery;
    if (sensor.occupied) sensor.counter += static_cast<int64_t>(random_() % 4);
    const int64_t temperature = sensor.base_temperature + DayCourse(minute_of_day) + sensor.wander;
    const int64_t power = sensor.occupied ? 12'000 + static_cast<int64_t>(random_() % 400) : 320;

    Line line;
    std::string& text = line.text;
    text = sensor.key;
    text += " temperature=";
    AppendHundredths(text, temperature);
    text += ",humidity=";
    AppendHundredths(text, sensor.humidity);
    text += ",power=";
    AppendHundredths(text, power);
    text += ",battery=";
    AppendHundredths(text, sensor.battery / 100);
    text += ",status=\"";
    text += sensor.battery < 24'000 ? "low battery" : minute < sensor.burst_until ? "alert" : "ok";
    text += "\",counter=";
    AppendInteger(text, sensor.counter);
    text += sensor.occupied ? "i,occupied=true" : "i,occupied=false";
    line.time_ns = (options_.start_s + static_cast<int64_t>(minute) * kStepSeconds +
                    (sensor.phase_s + second) % kStepSeconds) *
                   1'000'000'000;
    return line;
  }

  // Two degrees up and down, coldest at half past three in the morning.
  static int64_t DayCourse(uint64_t minute_of_day) {
    const double turn = (static_cast<double>(minute_of_day) - 210) / kMinutesPerDay;
    return std::lround(-200 * std::cos(2 * M_PI * turn));
  }

  const WorkloadOptions& options_;
  std::mt19937_64 random_;
  std::vector<Sensor> sensors_;
  std::multimap<uint64_t, Line> late_;  // by the minute of arrival
  std::vector<Line> lines_;             // of the minute at hand
};

}  // namespace

void AppendIot(const WorkloadOptions& options, BodyWriter& out) {
  Building building(options);
  for (uint64_t minute = 0; minute < options.rows; ++minute) building.AppendMinute(minute, out);
  building.AppendLate(out);
}

}  // namespace varve::bench
