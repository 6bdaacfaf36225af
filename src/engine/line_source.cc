#include "engine/line_source.h"

namespace varve::engine {
namespace {

std::string EscapeFieldName(std::string_view name) {
  std::string raw;
  for (char c : name) {
    if (c == ',' || c == '=' || c == ' ') raw.push_back('\\');
    raw.push_back(c);
  }
  return raw;
}

}  // namespace

size_t PointSource::Next(std::span<model::Line> lines) {
  model::Line& line = lines[0];
  for (; next_ < points_.size(); ++next_) {
    const Point& point = points_[next_];
    names_.clear();
    names_.reserve(point.fields.size());
    fields_.clear();
    for (const auto& [name, value] : point.fields) {
      if (value.is_null()) continue;
      names_.push_back(EscapeFieldName(name));
      fields_.push_back({names_.back(), value});
    }
    if (fields_.empty()) continue;
    ++next_;
    line.text = point.series_key;
    line.raw_key = point.series_key;
    line.fields = fields_;
    line.time_ns = point.time_ns;
    line.has_time = true;
    return 1;
  }
  return 0;
}

}  // namespace varve::engine
