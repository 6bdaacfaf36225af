#include "index/shard_state.h"

#include "base/coding.h"
#include "base/status.h"
#include "index/id_runs.h"

namespace varve::index {

std::string ShardState::Encode() const {
  std::string out;
  base::PutString(out, fields);
  PutIdRuns(out, dead);
  return out;
}

absl::StatusOr<ShardState> ShardState::Decode(std::string_view bytes) {
  ShardState state;
  base::ByteReader reader(bytes);
  std::string_view fields;
  if (!reader.GetString(&fields) || !GetIdRuns(reader, &state.dead) || reader.remaining() != 0) {
    return base::DataLoss("malformed shard state");
  }
  state.fields = fields;
  return state;
}

}  // namespace varve::index
