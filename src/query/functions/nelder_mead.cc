#include "query/functions/nelder_mead.h"

#include <cmath>
#include <cstddef>

namespace varve::query {
namespace {

constexpr int kStepsMax = 1000;
constexpr double kReflection = 1.0;
constexpr double kContraction = 0.5;
constexpr double kExpansion = 2.0;

class Simplex {
 public:
  Simplex(const Objective& objective, const std::vector<double>& start, double scale)
      : objective_(objective), n_(start.size()), centroid_(n_) {
    const auto n = static_cast<double>(n_);
    const double pn = scale * (std::sqrt(n + 1) - 1 + n) / (n * std::sqrt(2.0));
    const double qn = scale * (std::sqrt(n + 1) - 1) / (n * std::sqrt(2.0));
    vertices_.assign(n_ + 1, start);
    for (size_t i = 1; i <= n_; ++i) {
      for (size_t j = 0; j < n_; ++j) vertices_[i][j] = (i - 1 == j ? pn : qn) + start[j];
    }
    for (auto& vertex : vertices_) values_.push_back(objective_(vertex));
  }

  void Step() {
    FindExtremes();
    FindCentroid();
    std::vector<double> reflected(n_);
    for (size_t i = 0; i < n_; ++i) {
      reflected[i] = centroid_[i] + kReflection * (centroid_[i] - vertices_[worst_][i]);
    }
    const double value = objective_(reflected);
    if (value < values_[second_worst_] && value >= values_[best_]) Replace(reflected, value);
    if (value < values_[best_]) Expand(reflected, value);
    if (value >= values_[second_worst_]) Contract(reflected, value);
  }

  double Deviation() const {
    double sum = 0;
    for (const double value : values_) sum += value;
    const double average = sum / static_cast<double>(n_ + 1);
    double squares = 0;
    for (const double value : values_) {
      squares += std::pow(value - average, 2.0) / static_cast<double>(n_);
    }
    return std::sqrt(squares);
  }

  Minimum Best() {
    size_t best = 0;
    for (size_t i = 0; i <= n_; ++i) {
      if (values_[i] < values_[best]) best = i;
    }
    Minimum minimum{0, vertices_[best]};
    minimum.value = objective_(vertices_[best]);
    return minimum;
  }

 private:
  void FindExtremes() {
    worst_ = best_ = 0;
    for (size_t i = 0; i <= n_; ++i) {
      if (values_[i] > values_[worst_]) worst_ = i;
      if (values_[i] < values_[best_]) best_ = i;
    }
    second_worst_ = best_;
    for (size_t i = 0; i <= n_; ++i) {
      if (values_[i] > values_[second_worst_] && values_[i] < values_[worst_]) second_worst_ = i;
    }
  }
  void FindCentroid() {
    for (size_t i = 0; i < n_; ++i) {
      double sum = 0;
      for (size_t m = 0; m <= n_; ++m) {
        if (m != worst_) sum += vertices_[m][i];
      }
      centroid_[i] = sum / static_cast<double>(n_);
    }
  }
  void Replace(const std::vector<double>& vertex, double value) {
    vertices_[worst_] = vertex;
    values_[worst_] = value;
  }
  void Expand(const std::vector<double>& reflected, double reflected_value) {
    std::vector<double> expanded(n_);
    for (size_t i = 0; i < n_; ++i) {
      expanded[i] = centroid_[i] + kExpansion * (reflected[i] - centroid_[i]);
    }
    const double value = objective_(expanded);
    if (value < reflected_value) {
      Replace(expanded, value);
    } else {
      Replace(reflected, reflected_value);
    }
  }
  void Contract(const std::vector<double>& reflected, double reflected_value) {
    std::vector<double> contracted(n_);
    const bool outside = reflected_value < values_[worst_];
    for (size_t i = 0; i < n_; ++i) {
      contracted[i] = outside ? centroid_[i] + kContraction * (reflected[i] - centroid_[i])
                              : centroid_[i] - kContraction * (centroid_[i] - vertices_[worst_][i]);
    }
    const double value = objective_(contracted);
    if (value < values_[worst_]) return Replace(contracted, value);
    for (size_t row = 0; row <= n_; ++row) {
      if (row == best_) continue;
      for (size_t i = 0; i < n_; ++i) {
        vertices_[row][i] = vertices_[best_][i] + (vertices_[row][i] - vertices_[best_][i]) / 2.0;
      }
    }
    values_[worst_] = objective_(vertices_[worst_]);
    values_[second_worst_] = objective_(vertices_[second_worst_]);
  }

  const Objective& objective_;
  size_t n_;
  std::vector<std::vector<double>> vertices_;
  std::vector<double> values_;
  std::vector<double> centroid_;
  size_t worst_ = 0;
  size_t second_worst_ = 0;
  size_t best_ = 0;
};

}  // namespace

Minimum Minimize(const Objective& objective, const std::vector<double>& start, double epsilon,
                 double scale) {
  Simplex simplex(objective, start, scale);
  for (int step = 0; step < kStepsMax; ++step) {
    simplex.Step();
    if (simplex.Deviation() < epsilon) break;
  }
  return simplex.Best();
}

}  // namespace varve::query
