// Keeps a server supplied with what the sensors of a building report, from some weeks ago to the
// present.
//
// A reading can be made again at any time (cli/building.h), so the feeder remembers only how far it
// has come: what a server that is away or busy has missed is made when it is back, and a feeder
// that is started again goes on where the data ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/building.h"
#include "cli/server_client.h"

namespace varve::cli {

// One thread at a time.
class Feeder {
 public:
  struct Options {
    std::string database;
    size_t sensors = 40;
    int64_t interval_s = 10;  // 1 or more
    int64_t backfill_s = 0;   // readings begin so long before the present
    int64_t history_s = 0;    // hourly means, where the database has a policy "hour"
    // Waits so many seconds; false: stop now.
    std::function<bool(int64_t)> wait;
    // Told of what is done, and of a server that is away. May be empty.
    std::function<void(const std::string&)> note;
    // How far FillUpTo() has come, from 0 to 1. May be empty.
    std::function<void(double)> progress;
  };

  // `client` outlives the feeder.
  Feeder(ServerClient& client, Options options);

  // All of these wait for a server that is UNAVAILABLE, as long as it takes, and return CANCELLED
  // when `wait` says to stop.

  // Makes the database, where it is missing, and finds out where its readings end. In an empty one
  // readings are to begin `backfill_s` before `now_s`, but within what the default policy keeps;
  // what lies before them is written as hours.
  absl::Status Prepare(int64_t now_s);
  // Writes all readings up to `now_s` that are not written yet. Memory: one step and half a
  // megabyte. `late`: whether what radios held comes late or in its place.
  absl::Status FillUpTo(int64_t now_s, Building::Late late);
  // Computes the windows of the continuous queries from where Prepare() found the readings to end.
  absl::Status ComputeLevels(int64_t now_s);

  // The time of the next readings.
  int64_t next_s() const { return next_s_; }
  uint64_t lines_written() const { return lines_written_; }

 private:
  struct Policies {
    int64_t keeps_s = 0;  // of the default one; 0: for ever
    bool hour = false;
  };

  absl::StatusOr<Answer> Ask(const std::string& text);
  absl::Status Write(const std::string& policy, const std::string& lines);
  absl::Status WithPatience(const std::function<absl::Status()>& request);
  absl::StatusOr<Policies> ReadPolicies();
  absl::StatusOr<int64_t> LastReading(int64_t since_s);
  absl::Status WriteHistory(int64_t from_s, int64_t to_s);
  absl::Status WriteLevels();

  ServerClient& client_;
  const Options options_;
  Building building_;
  std::string long_policy_;  // of what is kept for ever: "hour", or "" for the default
  int64_t next_s_ = 0;
  int64_t found_s_ = 0;  // next_s_ as Prepare() left it
  uint64_t lines_written_ = 0;
};

}  // namespace varve::cli
