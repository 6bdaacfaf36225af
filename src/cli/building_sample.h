// A sample to play with: the climate of a building, one day of 40 sensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::cli {

// Measurement `climate`; tags floor (1 to 5), room (101 to 508) and sensor; fields temperature and
// humidity (floats with one decimal) and co2 (integer); a row every ten seconds. The same end gives
// the same bytes.
class BuildingSample {
 public:
  static constexpr size_t kFloors = 5;
  static constexpr size_t kRoomsPerFloor = 8;
  static constexpr size_t kSensors = kFloors * kRoomsPerFloor;
  static constexpr int64_t kStepSeconds = 10;
  static constexpr size_t kSteps = 24 * 3600 / kStepSeconds;
  static constexpr size_t kPoints = kSensors * kSteps;

  // `end_s`: seconds since 1970, behind the last row.
  explicit BuildingSample(int64_t end_s) : start_s_(end_s - 24 * 3600) {}

  // Appends the lines (precision s) of all sensors for step `step`, from 0 to kSteps - 1.
  void AppendStep(size_t step, std::string& out) const;

 private:
  const int64_t start_s_;
};

}  // namespace varve::cli
