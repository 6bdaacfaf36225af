// Any bytes as the newest segment of a log: no bad read; the log either refuses it or opens, and
// then opens again with the same records.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/faulty_env.h"
#include "wal/recovery.h"
#include "wal/segment_format.h"
#include "wal/segment_reader.h"

using namespace varve;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  base::FaultyEnv env;
  Require(env.CreateDirs("/wal").ok());
  // Both as they are, and behind a good header, which a fuzzer would hardly find.
  for (const bool with_header : {false, true}) {
    const std::string path = base::JoinPath("/wal", wal::SegmentFileName(1));
    const std::string file =
        (with_header ? wal::EncodeSegmentHeader({1, 0}) : std::string()) + std::string(bytes);
    Require(base::WriteFileAtomically(env, path, file).ok());
    uint64_t payload_bytes = 0;
    const auto count = [&](const wal::Record& record) { payload_bytes += record.payload.size(); };
    absl::StatusOr<wal::RecoveredLog> log = wal::ReadLog(env, "/wal", count);
    if (!log.ok()) continue;
    Require(payload_bytes <= size);
    const uint64_t records = log->segments.at(0).records;
    Require(wal::RepairTail(env, "/wal", &*log).ok());
    log = wal::ReadLog(env, "/wal", count);
    Require(log.ok() && log->segments.at(0).records == records);
    Require(log->segments.at(0).torn_bytes == 0);
  }
  return 0;
}
