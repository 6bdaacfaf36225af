#include "cli/line_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "cli/text_table.h"

namespace varve::cli {
namespace {

struct Curve {
  std::string label;
  std::vector<std::pair<int64_t, double>> points;
};

constexpr const char* kColors[] = {"\033[36m", "\033[33m", "\033[35m",
                                   "\033[32m", "\033[31m", "\033[34m"};
constexpr char kReset[] = "\033[0m";

std::vector<Curve> CurvesOf(const AnswerStatement& statement) {
  std::vector<Curve> curves;
  for (const AnswerSeries& series : statement.series) {
    if (series.times.size() != series.rows.size()) continue;
    for (size_t column = 1; column < series.columns.size(); ++column) {
      Curve curve;
      for (size_t row = 0; row < series.rows.size(); ++row) {
        const auto& number = series.rows[row][column].number;
        if (number && std::isfinite(*number)) curve.points.emplace_back(series.times[row], *number);
      }
      if (curve.points.empty()) continue;
      curve.label = base::StrCat(series.name, " ", series.columns[column]);
      for (const auto& [key, value] : series.tags) {
        base::StrAppend(curve.label, " ", key, "=", value);
      }
      std::sort(curve.points.begin(), curve.points.end());
      curves.push_back(std::move(curve));
      break;
    }
  }
  return curves;
}

// Dots, and which curve touched a character last.
class Canvas {
 public:
  Canvas(size_t width, size_t height)
      : width_(width), height_(height), dots_(width * height), owner_(width * height, 0) {}

  void Set(size_t x, size_t y, size_t owner) {
    // Bit of a dot in U+2800, by row and column.
    constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const size_t cell = y / 4 * width_ + x / 2;
    if (x / 2 >= width_ || y / 4 >= height_) return;
    dots_[cell] |= kBits[y % 4][x % 2];
    owner_[cell] = owner;
  }
  void Line(double x0, double y0, double x1, double y1, size_t owner) {
    const double steps = std::max({std::fabs(x1 - x0), std::fabs(y1 - y0), 1.0});
    for (double step = 0; step <= steps; ++step) {
      const double t = step / steps;
      Set(static_cast<size_t>(std::lround(x0 + (x1 - x0) * t)),
          static_cast<size_t>(std::lround(y0 + (y1 - y0) * t)), owner);
    }
  }
  std::string Row(size_t y, bool color) const {
    std::string out;
    for (size_t x = 0; x < width_; ++x) {
      const uint8_t dots = dots_[y * width_ + x];
      if (dots == 0) {
        out += ' ';
        continue;
      }
      if (color) out += kColors[owner_[y * width_ + x] % std::size(kColors)];
      out += '\xe2';
      out += static_cast<char>(0xa0 | dots >> 6);
      out += static_cast<char>(0x80 | (dots & 0x3f));
      if (color) out += kReset;
    }
    return out;
  }

 private:
  size_t width_;
  size_t height_;
  std::vector<uint8_t> dots_;
  std::vector<size_t> owner_;
};

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

std::string TimeLabel(int64_t ns) {
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  return {text, size};
}

}  // namespace

std::string DrawChart(const AnswerStatement& statement, const ChartOptions& options) {
  const std::vector<Curve> curves = CurvesOf(statement);
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t last = std::numeric_limits<int64_t>::min();
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Curve& curve : curves) {
    for (const auto& [time, value] : curve.points) {
      first = std::min(first, time);
      last = std::max(last, time);
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (curves.empty() || first >= last) return "";
  if (low == high) {
    low -= 1;
    high += 1;
  }

  Canvas canvas(options.width, options.height);
  const double x_scale = static_cast<double>(options.width * 2 - 1) /
                         (static_cast<double>(last) - static_cast<double>(first));
  const double y_scale = static_cast<double>(options.height * 4 - 1) / (high - low);
  for (size_t i = 0; i < curves.size(); ++i) {
    double x0 = 0;
    double y0 = 0;
    bool begun = false;
    for (const auto& [time, value] : curves[i].points) {
      const double x = (static_cast<double>(time) - static_cast<double>(first)) * x_scale;
      const double y = (high - value) * y_scale;
      canvas.Line(begun ? x0 : x, begun ? y0 : y, x, y, i);
      begun = true;
      x0 = x;
      y0 = y;
    }
  }

  std::string out;
  const std::string top = Number(high);
  const std::string bottom = Number(low);
  const size_t label_width = std::max(DisplayWidth(top), DisplayWidth(bottom));
  for (size_t y = 0; y < options.height; ++y) {
    const std::string label = y == 0 ? top : y + 1 == options.height ? bottom : "";
    out += std::string(label_width - label.size(), ' ') + label + " │" +
           canvas.Row(y, options.color) + "\n";
  }
  out += std::string(label_width + 1, ' ') + "└";
  for (size_t x = 0; x < options.width; ++x) out += "─";
  const std::string from = TimeLabel(first);
  const std::string to = TimeLabel(last);
  const size_t gap =
      options.width > from.size() + to.size() ? options.width - from.size() - to.size() : 1;
  out += "\n" + std::string(label_width + 2, ' ') + from + std::string(gap, ' ') + to + "\n";
  for (size_t i = 0; i < curves.size() && curves.size() <= 12; ++i) {
    out += std::string(label_width + 2, ' ');
    if (options.color) out += kColors[i % std::size(kColors)];
    out += "• " + curves[i].label;
    if (options.color) out += kReset;
    out += "\n";
  }
  return out;
}

}  // namespace varve::cli
