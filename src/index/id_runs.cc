#include "index/id_runs.h"

#include <vector>

#include "model/types.h"

namespace varve::index {

void PutIdRuns(std::string& out, const SeriesSet& set) {
  const std::vector<model::SeriesId> ids = set.ToVector();
  std::string runs;
  uint64_t count = 0;
  uint64_t end = 0;  // behind the last run
  for (size_t i = 0; i < ids.size(); ++count) {
    size_t next = i + 1;
    while (next < ids.size() && ids[next] == ids[next - 1] + 1) ++next;
    base::PutVarint(runs, ids[i] - end);
    base::PutVarint(runs, next - i);
    end = uint64_t{ids[next - 1]} + 1;
    i = next;
  }
  base::PutVarint(out, count);
  out += runs;
}

bool GetIdRuns(base::ByteReader& reader, SeriesSet* set) {
  uint64_t count;
  if (!reader.GetVarint(&count) || count > reader.remaining()) return false;
  uint64_t end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t gap;
    uint64_t length;
    if (!reader.GetVarint(&gap) || !reader.GetVarint(&length) || gap >= model::kNoId ||
        length >= model::kNoId || end + gap + length > model::kNoId || length == 0) {
      return false;
    }
    set->AddRange(end + gap, end + gap + length);
    end += gap + length;
  }
  return true;
}

}  // namespace varve::index
