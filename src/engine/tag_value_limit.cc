#include "engine/tag_value_limit.h"

namespace varve::engine {

bool TagValueLimit::Admit(const model::SeriesKey& key, uint64_t limit, const Lister& list,
                          TagValueExcess* excess) {
  absl::MutexLock lock(&mu_);
  for (const auto& tag : key.tags) {
    std::string name = key.measurement;
    name.push_back('\0');
    name.append(tag.key);
    const auto [at, is_new] = values_.try_emplace(std::move(name));
    base::StringSet& values = at->second;
    if (is_new) {
      list(tag.key, [&](std::string_view value) { values.insert(std::string(value)); });
    }
    if (values.contains(tag.value) || values.size() < limit) continue;
    *excess = {tag.key, tag.value, values.size()};
    return false;
  }
  for (const auto& tag : key.tags) {
    std::string name = key.measurement;
    name.push_back('\0');
    name.append(tag.key);
    values_[name].insert(tag.value);
  }
  return true;
}

void TagValueLimit::Clear() {
  absl::MutexLock lock(&mu_);
  values_.clear();
}

}  // namespace varve::engine
