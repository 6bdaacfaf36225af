// Series keys and definitions for the tests of this room.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/faulty_env.h"
#include "base/status.h"
#include "base/strings.h"
#include "index/series_table.h"
#include "model/series_key.h"

namespace varve::index {

inline absl::Status IgnoreDefinition(std::string) { return absl::OkStatus(); }

// A canonical key of few measurements and tags, so that they meet; some odd.
inline std::string RandomKey(std::mt19937_64& random) {
  static const std::vector<std::string> kMeasurements = {"cpu", "mem", "disk io", "a,b", "x"};
  static const std::vector<std::string> kKeys = {"host", "region", "a b", "k=", "z\\y"};
  model::SeriesKey key;
  key.measurement = kMeasurements[random() % kMeasurements.size()];
  std::vector<std::string> keys = kKeys;
  std::sort(keys.begin(), keys.end());
  for (const std::string& tag : keys) {
    if (random() % 2 == 0) continue;
    std::string value;
    switch (random() % 6) {
      case 0:
        value = base::StrCat("host_", random() % 40);
        break;
      case 1:
        value = base::StrCat("00", random() % 7, ".x", random() % 3);
        break;
      case 2:
        value = "eu,west=1 a";
        break;
      case 3:
        value = base::StrCat(random());
        break;
      case 4:
        value = std::string(1 + random() % 3, static_cast<char>(1 + random() % 30));
        break;
      default:
        value = "v";
        break;
    }
    key.tags.push_back({tag, value});
  }
  return key.Encode();
}

inline SeriesRef MustRegister(SeriesTable& table, std::string_view key) {
  auto ref = table.Register(key, IgnoreDefinition);
  CHECK(ref.ok()) << ref.status();
  return *ref;
}

// All files of a folder, name and content.
inline std::vector<std::pair<std::string, std::string>> ReadFolder(base::Env& env,
                                                                   const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  const auto names = env.List(folder);
  CHECK(names.ok());
  for (const std::string& name : *names) {
    auto bytes = base::ReadFile(env, base::JoinPath(folder, name));
    CHECK(bytes.ok());
    files.emplace_back(name, *bytes);
  }
  return files;
}

}  // namespace varve::index
