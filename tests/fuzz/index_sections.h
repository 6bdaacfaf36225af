// Makes files of index segments from fuzz input, with checksums that hold: a fuzzer does not guess
// those, and what lies behind them must be safe by itself.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "index/section_file.h"

namespace varve::index {

// Takes u16 lengths, one for each section but the last, then the sections.
inline std::string SectionsOfInput(std::string_view input, const SectionFormat& format) {
  std::vector<std::string> sections(format.sections);
  std::vector<size_t> lengths(format.sections);
  for (size_t i = 0; i + 1 < lengths.size() && input.size() >= 2; ++i) {
    uint16_t length;
    std::memcpy(&length, input.data(), sizeof(length));
    lengths[i] = length;
    input.remove_prefix(2);
  }
  lengths.back() = input.size();
  for (size_t i = 0; i < sections.size(); ++i) {
    sections[i] = input.substr(0, lengths[i]);
    input.remove_prefix(sections[i].size());
  }
  return JoinSections(format, sections);
}

// The input that gives the sections of `file`.
inline std::string InputOfSections(const SectionFile& file, const SectionFormat& format) {
  std::string input;
  for (size_t i = 0; i + 1 < format.sections; ++i) {
    const auto length = static_cast<uint16_t>(file.section(i).size());
    input.append(reinterpret_cast<const char*>(&length), sizeof(length));
  }
  for (size_t i = 0; i < format.sections; ++i) input.append(file.section(i));
  return input;
}

}  // namespace varve::index
