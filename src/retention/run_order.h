// In which order continuous queries run that feed each other.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "retention/query_plan.h"

namespace varve::retention {

struct RunOrder {
  std::vector<size_t> order;       // indexes of the plans: feeders first, otherwise as they came
  std::vector<bool> feeds_itself;  // by index: directly or through others
};

RunOrder OrderPlans(const std::vector<std::shared_ptr<const QueryPlan>>& plans);

}  // namespace varve::retention
