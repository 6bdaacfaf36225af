// The one door to the operating system: files, clock. Everything that touches data goes through an
// Env, so that tests run the whole engine on a file system that fails and a clock they set.
//
// Errors of every call, unless it says otherwise: NOT_FOUND (ENOENT), ALREADY_EXISTS (EEXIST),
// RESOURCE_EXHAUSTED (ENOSPC, EDQUOT, EMFILE), PERMISSION_DENIED (EACCES, EROFS), UNAVAILABLE (EIO
// and the rest); the message names the path, the call and the system's reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varve::base {

// A file being written from its start (or its end, see AppendFile). One thread at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;  // closes; what was not synced may be lost
  // Writes all of `bytes` or fails; after a failure the file's tail is unspecified.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // fdatasync: returns OK only when every byte appended so far is on stable storage.
  virtual absl::Status Sync() = 0;
  // Closes and reports what closing reports. Later calls fail.
  virtual absl::Status Close() = 0;
};

// An open file read at any offset. Safe for use by many threads at once.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Reads exactly `n` bytes at `offset` into `out`. DATA_LOSS when the file is shorter.
  virtual absl::Status Read(uint64_t offset, size_t n, char* out) const = 0;
  virtual uint64_t size() const = 0;
};

// A read-only mapping of a whole file, valid for the object's life. Safe for many threads.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::string_view bytes() const = 0;
};

// Held while a process owns a folder.
class FileLock {
 public:
  virtual ~FileLock() = default;  // releases
};

// Thread safety: every method may be called from any thread.
class Env {
 public:
  virtual ~Env() = default;

  // Creates `path`, or empties it when it exists.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) = 0;
  // Opens `path` for writing behind its present end; creates it when absent.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> AppendFile(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<MappedFile>> MapFile(const std::string& path) = 0;

  virtual absl::Status RenameFile(const std::string& from, const std::string& to) = 0;
  virtual absl::Status RemoveFile(const std::string& path) = 0;
  virtual absl::Status TruncateFile(const std::string& path, uint64_t size) = 0;
  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;

  // Creates the folder and its missing parents; fine when it exists.
  virtual absl::Status CreateDirs(const std::string& path) = 0;
  // Removes the folder and all below it; fine when absent.
  virtual absl::Status RemoveTree(const std::string& path) = 0;
  // Names (not paths) in the folder, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // fsync of a folder: makes creations, renames and removals in it durable.
  virtual absl::Status SyncDir(const std::string& path) = 0;
  // Takes the advisory lock of the file `path`, creating it. UNAVAILABLE: another process, or
  // another holder in this one, has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) = 0;
  // Bytes that can still be written to the file system that holds `path`.
  virtual absl::StatusOr<uint64_t> FreeBytes(const std::string& path) = 0;

  // Nanoseconds since 1970 UTC.
  virtual int64_t NowNs() = 0;
  // Nanoseconds of a clock that never steps; only differences mean anything.
  virtual int64_t MonotonicNs() = 0;

  // The process's real system.
  static Env& Default();
};

// Writes `bytes` as the whole of `path` so that after a crash it holds the old or the new content:
// writes `path`.tmp, syncs, renames, syncs the folder.
absl::Status WriteFileAtomically(Env& env, const std::string& path, std::string_view bytes);
// Reads a whole file.
absl::StatusOr<std::string> ReadFile(Env& env, const std::string& path);
// Joins two path parts with one slash.
std::string JoinPath(std::string_view folder, std::string_view name);

}  // namespace varve::base
