// Prints what a TSM file or a manifest holds, for `varve inspect`.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "base/env.h"

namespace varve::tsm {

struct DumpOptions {
  bool chunks = true;  // a line per chunk and per column; false: header, footer and pages only
  bool rows = false;   // every row too
};

// Prints the file at `path`: header, footer, pages with their layouts, and per series its chunks
// with each column's type, codec, bytes and statistics; and its rollup, when it has one. Stops at
// the first damage with its error.
absl::Status DumpFile(base::Env& env, const std::string& path, const DumpOptions& options,
                      std::ostream& out);

// Prints the manifest of the shard in `folder`.
absl::Status DumpManifest(base::Env& env, const std::string& folder, std::ostream& out);

}  // namespace varve::tsm
