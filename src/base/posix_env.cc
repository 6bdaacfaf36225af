// The Env of the process: POSIX calls, each retried on EINTR, each error named.

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/env.h"
#include "base/status.h"

namespace varve::base {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status SystemError(int error, std::string_view call, std::string_view path) {
  return MakeStatus(CodeOf(error), call, " ", path, ": ", std::generic_category().message(error));
}

// Calls `call` until it is not interrupted by a signal.
template <typename Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  const int fd = Retry([&] { return open(path.c_str(), flags | O_CLOEXEC, 0644); });
  if (fd < 0) return SystemError(errno, "open", path);
  return Descriptor(fd);
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  absl::Status Append(std::string_view bytes) override {
    if (fd_.get() < 0) return FailedPrecondition("write ", path_, ": the file is closed");
    while (!bytes.empty()) {
      const ssize_t n = Retry([&] { return write(fd_.get(), bytes.data(), bytes.size()); });
      if (n < 0) return SystemError(errno, "write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (fd_.get() < 0) return FailedPrecondition("fdatasync ", path_, ": the file is closed");
    if (Retry([&] { return fdatasync(fd_.get()); }) != 0) {
      return SystemError(errno, "fdatasync", path_);
    }
    return absl::OkStatus();
  }

  absl::Status Close() override {
    if (fd_.get() < 0) return FailedPrecondition("close ", path_, ": the file is closed");
    // On Linux the descriptor is gone whatever close() answers, EINTR included.
    if (close(fd_.Release()) != 0 && errno != EINTR) return SystemError(errno, "close", path_);
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  Descriptor fd_;
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(std::string path, Descriptor fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  absl::Status Read(uint64_t offset, size_t n, char* out) const override {
    while (n > 0) {
      const ssize_t got =
          Retry([&] { return pread(fd_.get(), out, n, static_cast<off_t>(offset)); });
      if (got < 0) return SystemError(errno, "read", path_);
      if (got == 0) {
        return DataLoss("read ", path_, ": the file ends at offset ", offset, ", ", n,
                        " bytes too early");
      }
      out += got;
      offset += static_cast<uint64_t>(got);
      n -= static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

  uint64_t size() const override { return size_; }

 private:
  const std::string path_;
  const Descriptor fd_;
  const uint64_t size_;
};

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(void* at, size_t size) : at_(at), size_(size) {}
  PosixMappedFile(const PosixMappedFile&) = delete;
  PosixMappedFile& operator=(const PosixMappedFile&) = delete;
  ~PosixMappedFile() override {
    if (size_ > 0) munmap(at_, size_);
  }
  std::string_view bytes() const override { return {static_cast<const char*>(at_), size_}; }

 private:
  void* const at_;
  const size_t size_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // closing it releases the lock
};

absl::StatusOr<uint64_t> SizeOf(const Descriptor& fd, const std::string& path) {
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return SystemError(errno, "fstat", path);
  return static_cast<uint64_t>(info.st_size);
}

int64_t ReadClock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class PosixEnv final : public Env {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    return OpenWritable(path, O_WRONLY | O_CREAT | O_TRUNC);
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> AppendFile(const std::string& path) override {
    return OpenWritable(path, O_WRONLY | O_CREAT | O_APPEND);
  }

  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(const std::string& path) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDONLY));
    ASSIGN_OR_RETURN(const uint64_t size, SizeOf(fd, path));
    return std::make_unique<PosixRandomAccessFile>(path, std::move(fd), size);
  }

  absl::StatusOr<std::unique_ptr<MappedFile>> MapFile(const std::string& path) override {
    ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY));
    ASSIGN_OR_RETURN(const uint64_t size, SizeOf(fd, path));
    if (size == 0) return std::make_unique<PosixMappedFile>(nullptr, 0);
    void* at = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (at == MAP_FAILED) return SystemError(errno, "mmap", path);
    return std::make_unique<PosixMappedFile>(at, size);
  }

  absl::Status RenameFile(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) {
      return SystemError(errno, "rename", StrCat(from, " to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status RemoveFile(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return SystemError(errno, "unlink", path);
    return absl::OkStatus();
  }

  absl::Status TruncateFile(const std::string& path, uint64_t size) override {
    if (Retry([&] { return truncate(path.c_str(), static_cast<off_t>(size)); }) != 0) {
      return SystemError(errno, "truncate", path);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> FileSize(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return SystemError(errno, "stat", path);
    return static_cast<uint64_t>(info.st_size);
  }

  bool Exists(const std::string& path) override {
    struct stat info;
    return stat(path.c_str(), &info) == 0;
  }

  absl::Status CreateDirs(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return SystemError(error.value(), "mkdir", path);
    return absl::OkStatus();
  }

  absl::Status RemoveTree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return SystemError(error.value(), "remove", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    DIR* folder = opendir(path.c_str());
    if (folder == nullptr) return SystemError(errno, "opendir", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    closedir(folder);
    if (error != 0) return SystemError(error, "readdir", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status SyncDir(const std::string& path) override {
    ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(path, O_RDONLY | O_DIRECTORY));
    if (Retry([&] { return fsync(fd.get()); }) != 0) return SystemError(errno, "fsync", path);
    return absl::OkStatus();
  }

  // flock() locks belong to the open file, so a second holder in this process is refused, too.
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDWR | O_CREAT));
    if (Retry([&] { return flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK) return Unavailable("flock ", path, ": already locked");
      return SystemError(errno, "flock", path);
    }
    return std::make_unique<PosixFileLock>(std::move(fd));
  }

  absl::StatusOr<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info;
    if (Retry([&] { return statvfs(path.c_str(), &info); }) != 0) {
      return SystemError(errno, "statvfs", path);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

  int64_t NowNs() override { return ReadClock(CLOCK_REALTIME); }
  int64_t MonotonicNs() override { return ReadClock(CLOCK_MONOTONIC); }

 private:
  static absl::StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                                    int flags) {
    ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, flags));
    return std::make_unique<PosixWritableFile>(path, std::move(fd));
  }
};

}  // namespace

Env& Env::Default() {
  static PosixEnv env;
  return env;
}

}  // namespace varve::base
