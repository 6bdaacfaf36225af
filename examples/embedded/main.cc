// Varve inside a program: opens a folder, writes a few points, asks for a mean.
//
//   embedded [FOLDER]
#include <cstdio>
#include <string>

#include "varve/varve.h"

namespace {

absl::Status PrintRow(const varve::Row& row) {
  for (const auto& [key, value] : *row.tags) std::printf("%s=%s ", key.c_str(), value.c_str());
  for (size_t i = 0; i < row.values->size(); ++i) {
    std::printf("%s=", (*row.columns)[i].c_str());
    const varve::Value& value = (*row.values)[i];
    if (const auto* time = std::get_if<varve::Time>(&value)) {
      std::printf("%lld ", static_cast<long long>(time->ns));
    } else if (const auto* number = std::get_if<double>(&value)) {
      std::printf("%g ", *number);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      std::printf("%.*s ", static_cast<int>(text->size()), text->data());
    } else {
      std::printf("? ");
    }
  }
  std::printf("\n");
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder) {
  auto database = varve::Database::Open({.folder = folder});
  if (!database.ok()) return database.status();
  const absl::Status written =
      (*database)->Write("building",
                         "temperature,floor=1 value=20.5 1700000000000000000\n"
                         "temperature,floor=1 value=21.5 1700000010000000000\n"
                         "temperature,floor=2 value=23.25 1700000000000000000\n");
  if (!written.ok()) return written;
  return (*database)->Query("building", "SELECT mean(value) FROM temperature GROUP BY floor",
                            PrintRow);
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "varve-example");
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
