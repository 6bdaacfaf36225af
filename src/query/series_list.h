// The series of a measurement in the order of SHOW SERIES.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "query/points.h"
#include "query/schema_reader.h"

namespace varve::query {

// Holds, besides a word or two, the tags of each series it keeps; the keys are made when asked for.
class SeriesList {
 public:
  // `wanted`: only so many, from the first, will be asked for.
  SeriesList(size_t wanted, const StatementContext& context) : wanted_(wanted), context_(context) {}

  // Takes the series that `series_of` finds in each of `views`, each once, in order of their tags
  // as they are, not as they are escaped. RESOURCE_EXHAUSTED: more than one query may hold. Called
  // once.
  using SeriesOf = std::function<absl::StatusOr<index::SeriesSet>(const engine::ReadView& view)>;
  absl::Status Gather(const std::vector<ViewPtr>& views, const SeriesOf& series_of);

  size_t size() const { return entries_.size(); }
  std::string KeyOf(size_t i) const { return KeyOf(entries_[i]); }

 private:
  struct Entry {
    std::string_view order;  // bytes that order as the tags do
    uint32_t view;
    model::SeriesId series;
  };
  std::string KeyOf(const Entry& entry) const;
  // Puts what was gathered in order and drops what is beyond `wanted`.
  void Settle();
  absl::Status CheckMemory() const;

  const size_t wanted_;
  const StatementContext& context_;
  std::vector<ViewPtr> views_;
  std::vector<Entry> entries_;
  TextArena texts_;
};

}  // namespace varve::query
