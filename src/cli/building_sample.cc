#include "cli/building_sample.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"

namespace varve::cli {
namespace {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): noise
// that depends on its place only.
double Noise(uint64_t sensor, uint64_t step, uint64_t field) {
  uint64_t z = (sensor << 40 ^ step << 8 ^ field) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / 9007199254740992.0 - 0.5;
}

double OneDecimal(double value) { return std::round(value * 10) / 10; }

}  // namespace

void BuildingSample::AppendStep(size_t step, std::string& out) const {
  const int64_t time_s = start_s_ + static_cast<int64_t>(step) * kStepSeconds;
  const double hour = static_cast<double>((time_s % 86400 + 86400) % 86400) / 3600;
  const double sun = std::cos((hour - 15) / 24 * 2 * M_PI);
  const double work = std::exp(-std::pow((hour - 12.5) / 3.5, 4));  // people, 9 to 16 o'clock
  for (size_t sensor = 0; sensor < kSensors; ++sensor) {
    const size_t floor = sensor / kRoomsPerFloor + 1;
    const size_t room = floor * 100 + sensor % kRoomsPerFloor + 1;
    const auto place = static_cast<double>(sensor % kRoomsPerFloor);
    const double temperature = 20 + 0.5 * static_cast<double>(floor) + 0.15 * place + 1.4 * sun +
                               0.9 * work + 0.3 * Noise(sensor, step, 0);
    const double humidity =
        42 - 4 * sun + 3 * work + 0.8 * place / 7 + 0.6 * Noise(sensor, step, 1);
    const double co2 = 420 + (180 + 40 * place) * work + 12 * Noise(sensor, step, 2);
    base::StrAppend(out, "climate,floor=", floor, ",room=", room, ",sensor=s",
                    sensor + 1 < 10 ? "0" : "", sensor + 1,
                    " temperature=", OneDecimal(temperature), ",humidity=", OneDecimal(humidity),
                    ",co2=", static_cast<int64_t>(co2), "i ", time_s, "\n");
  }
}

}  // namespace varve::cli
