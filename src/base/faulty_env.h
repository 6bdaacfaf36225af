// An Env for tests: a disk in memory that fails when told to and loses what was not synced.
//
// Stricter than a real file system wherever POSIX allows it: a file's bytes are durable after its
// Sync(), a name after the SyncDir() of its folder, and nothing else is; after a failed Sync() the
// bytes it was to save never become durable, though later calls of Sync() return OK.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/env.h"

namespace varve::base {

enum class FaultKind : uint8_t {
  kIoError,     // UNAVAILABLE, nothing done
  kNoSpace,     // RESOURCE_EXHAUSTED, nothing done
  kShortWrite,  // an Append() writes half of its bytes, then RESOURCE_EXHAUSTED; others: kNoSpace
  kCutPower,    // as CutPower(), in the place of the call
};

// What a power cut may leave of what was not synced.
enum class Remains : uint8_t {
  kNothing,  // exactly what was synced
  kRandom,   // by a seeded choice: folders old or new; of a file's unsynced bytes a prefix, or
             // sectors of 512 bytes written in any order, the missing ones zero
};

// Thread safety: every method may be called from any thread.
class FaultyEnv final : public Env {
 public:
  explicit FaultyEnv(uint64_t seed = 1);
  ~FaultyEnv() override;

  // Calls that change something: creating, appending, syncing, renaming, removing, truncating files
  // and folders. A test first counts those of a run, then runs it again and again, each time with
  // another one failing.
  uint64_t calls() const ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the n-th such call from now (n >= 1) fail, or every one from it on.
  void FailAfter(uint64_t n, FaultKind kind) ABSL_LOCKS_EXCLUDED(mu_);
  void FailFrom(uint64_t n, FaultKind kind) ABSL_LOCKS_EXCLUDED(mu_);
  void ClearFaults() ABSL_LOCKS_EXCLUDED(mu_);
  // "append /data/x.wal": the call that failed last; empty when none did.
  std::string last_fault() const ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what was not synced. Until Reboot() every call fails with UNAVAILABLE, and files open
  // for writing fail for ever.
  void CutPower(Remains remains = Remains::kNothing) ABSL_LOCKS_EXCLUDED(mu_);
  // Switches the power on again, without faults.
  void Reboot() ABSL_LOCKS_EXCLUDED(mu_);

  // Changes the byte at `offset` of a file by XOR, on the disk and in what readers see.
  absl::Status FlipBits(const std::string& path, uint64_t offset, uint8_t mask)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The clock stands still until moved.
  void SetNowNs(int64_t now_ns) ABSL_LOCKS_EXCLUDED(mu_);
  void AdvanceNs(int64_t ns) ABSL_LOCKS_EXCLUDED(mu_);  // both clocks
  void SetFreeBytes(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> AppendFile(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<MappedFile>> MapFile(const std::string& path) override;
  absl::Status RenameFile(const std::string& from, const std::string& to) override;
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status TruncateFile(const std::string& path, uint64_t size) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  bool Exists(const std::string& path) override;
  absl::Status CreateDirs(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status SyncDir(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override;
  int64_t NowNs() override;
  int64_t MonotonicNs() override;

 private:
  struct Node;
  class Writer;
  class Reader;
  class Mapping;
  class Lock;
  struct Place;

  absl::Status CheckPower() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Counts a changing call; the error it is to fail with, if any.
  absl::Status Count(std::string_view call, const std::string& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CutPowerLocked(Remains remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Revert(Node& node, Remains remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string Salvage(const Node& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<Node> Find(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::shared_ptr<Node>> FindFile(const std::string& path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Place> FindPlace(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenWriter(const std::string& path, bool truncate);

  mutable absl::Mutex mu_;
  std::shared_ptr<Node> root_ ABSL_GUARDED_BY(mu_);
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  uint64_t boots_ ABSL_GUARDED_BY(mu_) = 0;  // a file opened before the last one is dead
  bool powered_ ABSL_GUARDED_BY(mu_) = true;
  uint64_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t fail_at_ ABSL_GUARDED_BY(mu_) = 0;  // a value of calls_; 0: never
  bool fail_on_ ABSL_GUARDED_BY(mu_) = false;  // and every later call
  FaultKind fault_ ABSL_GUARDED_BY(mu_) = FaultKind::kIoError;
  std::string last_fault_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> locks_ ABSL_GUARDED_BY(mu_);
  int64_t now_ns_ ABSL_GUARDED_BY(mu_) = 1'600'000'000'000'000'000;
  int64_t monotonic_ns_ ABSL_GUARDED_BY(mu_) = 1'000'000'000;
  uint64_t free_bytes_ ABSL_GUARDED_BY(mu_) = uint64_t{1} << 40;
};

}  // namespace varve::base
