#include "cli/building.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"

namespace varve::cli {
namespace {

constexpr int64_t kDayS = 86400;
constexpr int64_t kHourS = 3600;
constexpr int64_t kRadioSlotS = 900;
constexpr int64_t kMeterStartS = 1'577'836'800;  // 2020-01-01

int64_t FloorDiv(int64_t a, int64_t b) { return (a >= 0 ? a : a - b + 1) / b; }
int64_t DayOf(int64_t time_s) { return FloorDiv(time_s, kDayS); }
double HourOf(int64_t time_s) { return static_cast<double>(time_s - DayOf(time_s) * kDayS) / 3600; }
bool Weekend(int64_t day) { return ((day + 3) % 7 + 7) % 7 >= 5; }  // 1970-01-01 was a Thursday

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): noise
// from 0 to 1 that depends on its place only.
double Noise(uint64_t what, int64_t step, uint64_t field) {
  uint64_t z = (what << 40 ^ static_cast<uint64_t>(step) << 8 ^ field) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / 9007199254740992.0;
}

// The same, going smoothly from one value to the next in `period_s`.
double SlowNoise(uint64_t what, int64_t time_s, int64_t period_s, uint64_t field) {
  const int64_t step = FloorDiv(time_s, period_s);
  const double part = static_cast<double>(time_s - step * period_s) / static_cast<double>(period_s);
  const double smooth = part * part * (3 - 2 * part);
  return Noise(what, step, field) * (1 - smooth) + Noise(what, step + 1, field) * smooth;
}

// Fields of Noise().
enum : uint64_t { kTemperature, kHumidity, kCo2, kMood, kDrift, kRoom, kRadio, kMeter, kWindows };

double OneDecimal(double value) { return std::round(value * 10) / 10; }

// How much of the staff is there, 0 to 1: from 9 to 16 o'clock most, at weekends hardly any.
double WorkAt(int64_t day, double hour) {
  return std::exp(-std::pow((hour - 12.5) / 3.5, 4)) * (Weekend(day) ? 0.06 : 1.0);
}

double SummerAt(int64_t day) {
  return std::cos(static_cast<double>(day % 1461) / 365.25 * 2 * M_PI - 3.4);  // mid July
}

// On most working days somebody opens the windows of a floor for a while.
struct Airing {
  bool there;
  int64_t time_s;
  size_t floor;
};
Airing AiringOf(int64_t day) {
  const double when = Noise(1, day, kWindows);
  return {!Weekend(day) && Noise(0, day, kWindows) < 0.7,
          day * kDayS + 9 * kHourS + static_cast<int64_t>(when * 360) * 60,
          1 + static_cast<size_t>(Noise(2, day, kWindows) * Building::kFloors)};
}

enum class Radio : uint8_t { kSends, kHolds, kSilent };
Radio RadioOf(size_t sensor, int64_t time_s) {
  const double noise = Noise(sensor, FloorDiv(time_s, kRadioSlotS), kRadio);
  if (noise < 0.004) return Radio::kSilent;
  return noise < 0.02 ? Radio::kHolds : Radio::kSends;
}

// kW of a floor over the day, of a factor of 1; kWh from midnight to each minute.
class MeterProfile {
 public:
  explicit MeterProfile(bool weekend) {
    const int64_t day = weekend ? 2 : 0;  // 1970-01-03 was a Saturday
    for (size_t minute = 0; minute < 1440; ++minute) {
      const double hour = (static_cast<double>(minute) + 0.5) / 60;
      const double heating_up = weekend ? 0 : 2.2 * std::exp(-std::pow((hour - 6.7) / 0.8, 2));
      power_[minute] = 1.4 + 6.5 * WorkAt(day, hour) + heating_up;
      energy_[minute + 1] = energy_[minute] + power_[minute] / 60;
    }
  }
  double Power(int64_t second) const { return power_[static_cast<size_t>(second / 60)]; }
  double Energy(int64_t second) const {
    return energy_[static_cast<size_t>(second / 60)] +
           Power(second) * static_cast<double>(second % 60) / 3600;
  }
  double Day() const { return energy_.back(); }

 private:
  std::array<double, 1440> power_{};
  std::array<double, 1441> energy_{};
};

const MeterProfile& ProfileOf(int64_t day) {
  static const MeterProfile kWorkday(false);
  static const MeterProfile kWeekend(true);
  return Weekend(day) ? kWeekend : kWorkday;
}

// What a day takes more or less than another, for heating in winter, cooling in summer, and chance.
double MeterFactor(size_t floor, int64_t day) {
  const double summer = SummerAt(day);
  return (1 + 0.12 * static_cast<double>(floor - 1)) *
         (1 - 0.22 * summer + 0.12 * summer * summer) * (0.92 + 0.16 * Noise(floor, day, kMeter));
}

size_t FloorNumber(size_t rooms) {
  size_t number = 100;
  while (number <= rooms) number *= 10;
  return number;
}

}  // namespace

Building::Building(size_t sensors)
    : sensors_(std::max<size_t>(sensors, 1)),
      rooms_per_floor_((sensors_ + kFloors - 1) / kFloors),
      floor_number_(FloorNumber(rooms_per_floor_)) {}

Building::Moment::Moment(int64_t time) : time_s(time) {
  const int64_t day = DayOf(time_s);
  const double hour = HourOf(time_s);
  const Airing open = AiringOf(day);
  sun = std::cos((hour - 15) / 24 * 2 * M_PI);
  work = WorkAt(day, hour);
  summer = SummerAt(day);
  airy_floor = open.floor;
  airing = 0;
  if (open.there && time_s >= open.time_s) {  // ten minutes down, then slowly back
    const double minutes = static_cast<double>(time_s - open.time_s) / 60;
    airing = minutes < 10 ? minutes / 10 : std::exp(-(minutes - 10) / 25);
  }
}

Building::Climate Building::At(size_t sensor, const Moment& moment) const {
  const size_t floor = sensor / rooms_per_floor_ + 1;
  const double place = static_cast<double>(sensor % rooms_per_floor_) * 8 /
                       static_cast<double>(rooms_per_floor_);  // 0 to 8, from north to south
  const double airing = floor == moment.airy_floor ? moment.airing : 0;
  const double people = moment.work * (0.55 + 0.45 * SlowNoise(sensor, moment.time_s, 2700, kMood));
  const double desks = 2 + std::floor(7 * Noise(sensor, 0, kRoom));
  const double drift = SlowNoise(sensor, moment.time_s, 10800, kDrift) - 0.5;
  Climate climate;
  climate.temperature = 20 + 0.5 * static_cast<double>(floor) + 0.15 * place + 1.4 * moment.sun +
                        0.9 * people + 0.8 * moment.summer + drift - 1.8 * airing +
                        0.2 * (Noise(sensor, moment.time_s, kTemperature) - 0.5);
  climate.humidity = 42 - 4 * moment.sun + 3 * people + 5 * moment.summer + 0.1 * place +
                     2 * drift - 4 * airing + 0.6 * (Noise(sensor, moment.time_s, kHumidity) - 0.5);
  climate.occupancy = std::round(desks * people);
  climate.co2 = 420 + (90 * desks * people + 60 * moment.work) * (1 - 0.7 * airing) +
                12 * (Noise(sensor, moment.time_s, kCo2) - 0.5);
  return climate;
}

void Building::AppendTags(size_t sensor, std::string& out) const {
  const size_t floor = sensor / rooms_per_floor_ + 1;
  const size_t room = floor * floor_number_ + sensor % rooms_per_floor_ + 1;
  base::StrAppend(out, "climate,floor=", floor, ",room=", room, ",sensor=s",
                  sensor + 1 < 10 ? "0" : "", sensor + 1);
}

void Building::AppendReading(size_t sensor, const Moment& moment, std::string& out) const {
  const Climate climate = At(sensor, moment);
  AppendTags(sensor, out);
  base::StrAppend(
      out, " temperature=", OneDecimal(climate.temperature),
      ",humidity=", OneDecimal(climate.humidity), ",co2=", static_cast<int64_t>(climate.co2),
      "i,occupancy=", static_cast<int64_t>(climate.occupancy), "i ", moment.time_s, "\n");
}

void Building::AppendClimate(int64_t time_s, std::string& out) const {
  const Moment moment(time_s);
  for (size_t sensor = 0; sensor < sensors_; ++sensor) AppendReading(sensor, moment, out);
}

double Building::MeterAt(size_t floor, int64_t time_s, double* power) {
  const int64_t first_day = DayOf(kMeterStartS);
  const int64_t day = DayOf(time_s);
  *power = MeterFactor(floor, day) * ProfileOf(day).Power(time_s - day * kDayS);
  if (day < first_day) return 0;
  std::vector<double>& days = meter_days_[floor - 1];
  if (days.empty()) days.push_back(0);
  while (days.size() <= static_cast<size_t>(day - first_day)) {
    const int64_t last = first_day + static_cast<int64_t>(days.size()) - 1;
    days.push_back(days.back() + MeterFactor(floor, last) * ProfileOf(last).Day());
  }
  return days[static_cast<size_t>(day - first_day)] +
         MeterFactor(floor, day) * ProfileOf(day).Energy(time_s - day * kDayS);
}

void Building::AppendMeter(size_t floor, int64_t time_s, std::string& out) {
  double power = 0;
  const double kwh = MeterAt(floor, time_s, &power);
  base::StrAppend(out, "energy,floor=", floor, ",meter=m", floor,
                  " power=", std::round(power * 1000) / 1000,
                  ",kwh=", std::round(kwh * 1000) / 1000, " ", time_s, "\n");
}

void Building::AppendEnergy(int64_t time_s, std::string& out) {
  for (size_t floor = 1; floor <= meters(); ++floor) AppendMeter(floor, time_s, out);
}

void Building::AppendStep(int64_t time_s, int64_t interval_s, Late late, std::string& out) {
  const Moment moment(time_s);
  const int64_t slot = FloorDiv(time_s, kRadioSlotS);
  const int64_t before_s = time_s - interval_s;
  const int64_t slot_before = FloorDiv(before_s, kRadioSlotS);
  for (size_t sensor = 0; sensor < sensors_; ++sensor) {
    if (late == Late::kHeld && slot != slot_before && RadioOf(sensor, before_s) == Radio::kHolds) {
      int64_t first_s = FloorDiv(slot_before * kRadioSlotS, interval_s) * interval_s;
      if (first_s < slot_before * kRadioSlotS) first_s += interval_s;
      for (int64_t held_s = first_s; held_s <= before_s; held_s += interval_s) {
        AppendReading(sensor, Moment(held_s), out);
      }
    }
    const Radio radio = RadioOf(sensor, time_s);
    if (radio == Radio::kSends || (radio == Radio::kHolds && late == Late::kInPlace)) {
      AppendReading(sensor, moment, out);
    }
  }
  AppendEnergy(time_s, out);
}

void Building::AppendHour(int64_t time_s, std::string& out) {
  constexpr int64_t kReadings = 6;
  std::vector<Moment> moments;
  for (int64_t i = 0; i < kReadings; ++i) {
    moments.emplace_back(time_s + (2 * i + 1) * kHourS / (2 * kReadings));
  }
  for (size_t sensor = 0; sensor < sensors_; ++sensor) {
    Climate sum;
    double coldest = 1e9;
    double warmest = -1e9;
    for (const Moment& moment : moments) {
      const Climate climate = At(sensor, moment);
      sum.temperature += climate.temperature;
      sum.humidity += climate.humidity;
      sum.co2 += climate.co2;
      sum.occupancy += climate.occupancy;
      coldest = std::min(coldest, climate.temperature);
      warmest = std::max(warmest, climate.temperature);
    }
    AppendTags(sensor, out);
    const auto mean = [](double total) { return std::round(total / kReadings * 1000) / 1000; };
    base::StrAppend(out, " temperature=", mean(sum.temperature), ",humidity=", mean(sum.humidity),
                    ",co2=", mean(sum.co2), ",occupancy=", mean(sum.occupancy),
                    ",temperature_min=", OneDecimal(coldest),
                    ",temperature_max=", OneDecimal(warmest), " ", time_s, "\n");
  }
  for (size_t floor = 1; floor <= meters(); ++floor) {
    double power = 0;
    const double kwh = MeterAt(floor, time_s + kHourS - 1, &power);
    double unused = 0;
    const double mean = kwh - MeterAt(floor, time_s, &unused);  // of an hour: kWh are kW
    base::StrAppend(out, "energy,floor=", floor, ",meter=m", floor,
                    " power=", std::round(mean * 1000) / 1000,
                    ",kwh=", std::round(kwh * 1000) / 1000, " ", time_s, "\n");
  }
}

void Building::AppendEvents(int64_t from_s, int64_t to_s, std::string& out) {
  const auto add = [&](int64_t time_s, std::string_view kind, std::string_view title,
                       const std::string& text) {
    if (time_s < from_s || time_s >= to_s) return;
    base::StrAppend(out, "events,kind=", kind, " title=\"", title, "\",text=\"", text, "\" ",
                    time_s, "\n");
  };
  for (int64_t day = DayOf(from_s); day <= DayOf(to_s - 1); ++day) {
    const int64_t midnight_s = day * kDayS;
    const Airing airing = AiringOf(day);
    if (airing.there) {
      add(airing.time_s, "windows", "Windows opened",
          base::StrCat("Somebody let air in on floor ", airing.floor, "."));
    }
    const int64_t weekday = ((day + 3) % 7 + 7) % 7;  // Monday is 0
    if (weekday == 2) {
      add(midnight_s + 10 * kHourS, "maintenance", "Ventilation serviced",
          "Filters of the ventilation were changed.");
    }
    if (weekday == 0 && FloorDiv(day, 7) % 4 == 0) {
      add(midnight_s + 11 * kHourS, "safety", "Fire drill", "Everybody left the building.");
    }
  }
}

}  // namespace varve::cli
