#include "retention/run_order.h"

#include <algorithm>

namespace varve::retention {

RunOrder OrderPlans(const std::vector<std::shared_ptr<const QueryPlan>>& plans) {
  const size_t count = plans.size();
  std::vector<std::vector<size_t>> feeds(count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < count; ++j) {
      if (plans[i]->Feeds(*plans[j])) feeds[i].push_back(j);
    }
  }
  RunOrder result;
  result.feeds_itself.resize(count);
  std::vector<bool> reached(count);
  for (size_t i = 0; i < count; ++i) {
    reached.assign(count, false);
    std::vector<size_t> open = {i};
    while (!open.empty()) {
      const size_t at = open.back();
      open.pop_back();
      for (size_t next : feeds[at]) {
        if (!reached[next]) open.push_back(next);
        reached[next] = true;
      }
    }
    result.feeds_itself[i] = reached[i];
  }
  // Of those left the first that nobody left feeds; in a circle, the first.
  std::vector<bool> placed(count);
  const auto is_fed = [&](size_t i) {
    for (size_t j = 0; j < count; ++j) {
      if (j == i || placed[j]) continue;
      if (std::find(feeds[j].begin(), feeds[j].end(), i) != feeds[j].end()) return true;
    }
    return false;
  };
  while (result.order.size() < count) {
    size_t next = count;
    for (size_t i = 0; i < count && next == count; ++i) {
      if (!placed[i] && !is_fed(i)) next = i;
    }
    if (next == count) {
      next = static_cast<size_t>(std::find(placed.begin(), placed.end(), false) - placed.begin());
    }
    placed[next] = true;
    result.order.push_back(next);
  }
  return result;
}

}  // namespace varve::retention
