// The list of a folder's live segments: one small file, replaced whole.
//
// What it does not name does not exist: a segment counts from the moment the list that names it is
// in place. Bytes: docs/format.md, "Series segment" ("Segment list").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"

namespace varve::index {

struct SegmentList {
  uint64_t next = 1;               // greater than every number used so far
  std::vector<uint64_t> segments;  // numbers of the live segments, in the owner's order
  std::string extra;               // the owner's own bytes
  // 2 when an older build, which does not know these `extra` bytes, must not open the folder.
  uint16_t version = 1;

  std::string Encode() const;
  static absl::StatusOr<SegmentList> Decode(std::string_view bytes, const std::string& name);
};

// Lists and segments of one kind ("series", "index") in one folder. `env` must outlive it.
// Thread safety: one thread at a time.
class SegmentFolder {
 public:
  SegmentFolder(base::Env& env, std::string folder, std::string kind);

  // Creates the folder, reads the list (empty when there is none) and removes segments of this kind
  // that it does not name.
  absl::StatusOr<SegmentList> Open();
  absl::Status WriteSegment(uint64_t number, std::string_view bytes);
  absl::Status WriteList(const SegmentList& list);
  // Removes a segment that no list names any more. Left behind when that fails; Open() tidies up.
  void RemoveSegment(uint64_t number);

  std::string SegmentPath(uint64_t number) const;
  std::string ListPath() const;
  const std::string& folder() const { return folder_; }

 private:
  base::Env& env_;
  const std::string folder_;
  const std::string kind_;
};

}  // namespace varve::index
