// A building to play with, as its sensors report it: floors of rooms with a day's, a week's and a
// year's rhythm, an electricity meter on each floor, and what happened there.
//
// A reading depends on its sensor and time only, so any reading can be made again at any time, in
// any order. Times are seconds since 1970 UTC; lines have precision s.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::cli {

// Measurements: `climate` with tags floor (1 to 5), room (101 to 508) and sensor (s01 to s40) and
// fields temperature, humidity (floats with one decimal), co2 and occupancy (integers); `energy`
// with tags floor and meter and fields power (kW) and kwh, a counter that begins in 2020; `events`
// with tag kind and fields title and text. One thread at a time.
class Building {
 public:
  static constexpr size_t kFloors = 5;

  // `sensors`: 1 or more, one to a room, spread over the floors.
  explicit Building(size_t sensors = 40);

  size_t sensors() const { return sensors_; }
  size_t meters() const { return (sensors_ + rooms_per_floor_ - 1) / rooms_per_floor_; }

  // Appends the readings of every sensor, as if none were ever away.
  void AppendClimate(int64_t time_s, std::string& out) const;
  void AppendEnergy(int64_t time_s, std::string& out);
  // Appends the events of [from_s, to_s).
  static void AppendEvents(int64_t from_s, int64_t to_s, std::string& out);

  // Appends what arrives in the step from `time_s - interval_s` to `time_s`: the readings of the
  // meters and of most sensors. A sensor whose radio is cut off says nothing for a quarter of an
  // hour and then sends what it held (kHeld); one whose battery is low never does. kInPlace has
  // readings that were held in their own steps, as it suits times long past.
  enum class Late : uint8_t { kHeld, kInPlace };
  void AppendStep(int64_t time_s, int64_t interval_s, Late late, std::string& out);

  // Appends means of the hour that begins at `time_s`, of all sensors and meters, as a continuous
  // query would write them.
  void AppendHour(int64_t time_s, std::string& out);

 private:
  struct Climate {
    double temperature = 0;
    double humidity = 0;
    double co2 = 0;
    double occupancy = 0;
  };
  // What all sensors share at one time.
  struct Moment {
    explicit Moment(int64_t time_s);
    int64_t time_s;
    double sun;     // -1 to 1
    double work;    // people there, 0 to 1
    double summer;  // -1 to 1
    size_t airy_floor;
    double airing;  // 0 to 1: the windows of airy_floor were opened
  };

  Climate At(size_t sensor, const Moment& moment) const;
  void AppendTags(size_t sensor, std::string& out) const;
  void AppendReading(size_t sensor, const Moment& moment, std::string& out) const;
  void AppendMeter(size_t floor, int64_t time_s, std::string& out);
  // kWh on the meter of `floor` since the beginning of 2020, and kW.
  double MeterAt(size_t floor, int64_t time_s, double* power);

  const size_t sensors_;
  const size_t rooms_per_floor_;
  const size_t floor_number_;  // the number of a floor's rooms begins with floor * this
  std::array<std::vector<double>, kFloors> meter_days_;  // kWh at the beginning of each day
};

}  // namespace varve::cli
