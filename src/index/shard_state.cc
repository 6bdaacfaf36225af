#include "index/shard_state.h"

#include <vector>

#include "base/coding.h"
#include "base/status.h"
#include "model/types.h"

namespace varve::index {

// Dead series go as runs, (gap, length) each: what is dropped together was often made together.
std::string ShardState::Encode() const {
  std::string out;
  base::PutString(out, fields);
  const std::vector<model::SeriesId> ids = dead.ToVector();
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
  return out + runs;
}

absl::StatusOr<ShardState> ShardState::Decode(std::string_view bytes) {
  ShardState state;
  base::ByteReader reader(bytes);
  std::string_view fields;
  uint64_t count;
  if (!reader.GetString(&fields) || !reader.GetVarint(&count) || count > reader.remaining()) {
    return base::DataLoss("malformed shard state");
  }
  state.fields = fields;
  std::vector<model::SeriesId> ids;
  uint64_t end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t gap;
    uint64_t length;
    if (!reader.GetVarint(&gap) || !reader.GetVarint(&length) || gap >= model::kNoId ||
        length >= model::kNoId || end + gap + length > model::kNoId || length == 0) {
      return base::DataLoss("malformed shard state");
    }
    end += gap;
    for (const uint64_t run_end = end + length; end < run_end; ++end) {
      ids.push_back(static_cast<model::SeriesId>(end));
    }
  }
  if (reader.remaining() != 0) return base::DataLoss("malformed shard state");
  state.dead = SeriesSet(ids);
  return state;
}

}  // namespace varve::index
