// Minimises a function of several variables without derivatives.
//
// Source: Nelder, Mead, "A simplex method for function minimization", 1965; step for step the
// variant InfluxDB 1.x uses ("query/neldermead"), so that holt_winters() finds the same minimum.
#pragma once

#include <functional>
#include <vector>

namespace varve::query {

// The function may change its argument: what it leaves there is the vertex from then on.
using Objective = std::function<double(std::vector<double>&)>;

struct Minimum {
  double value = 0;
  std::vector<double> at;
};

// Ends when the values at the vertices deviate by less than `epsilon`, or after 1,000 steps.
Minimum Minimize(const Objective& objective, const std::vector<double>& start, double epsilon,
                 double scale);

}  // namespace varve::query
