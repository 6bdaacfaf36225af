#include "index/table_state.h"

#include "base/coding.h"
#include "base/status.h"
#include "index/id_runs.h"

namespace varve::index {

std::string TableState::Encode() const {
  std::string out;
  base::PutVarint(out, next_series);
  PutIdRuns(out, dead);
  return out;
}

absl::StatusOr<TableState> TableState::Decode(std::string_view bytes) {
  TableState state;
  base::ByteReader reader(bytes);
  if (!reader.GetVarintAs(&state.next_series) || !GetIdRuns(reader, &state.dead) ||
      reader.remaining() != 0) {
    return base::DataLoss("malformed state of a series table");
  }
  return state;
}

}  // namespace varve::index
