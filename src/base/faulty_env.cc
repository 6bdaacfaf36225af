#include "base/faulty_env.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace varve::base {
namespace {

constexpr size_t kSectorBytes = 512;

std::vector<std::string> Split(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, slash - at);
    if (!part.empty() && part != ".") parts.push_back(part);
    at = slash + 1;
  }
  return parts;
}

absl::Status NoSuchFile(std::string_view path) {
  return NotFound("open ", path, ": No such file or directory");
}

}  // namespace

// A file or a folder, as programs see it and as the disk has it.
struct FaultyEnv::Node {
  using Children = std::map<std::string, std::shared_ptr<Node>>;

  explicit Node(bool folder) : is_folder(folder) {}

  const bool is_folder;
  Children children;
  Children durable_children;
  std::string bytes;
  std::string durable_bytes;
  bool sync_failed = false;  // no later sync saves anything
};

// Where a name is or would be: its folder and last part.
struct FaultyEnv::Place {
  std::shared_ptr<Node> folder;
  std::string name;
};

class FaultyEnv::Writer final : public WritableFile {
 public:
  Writer(FaultyEnv& env, std::string path, std::shared_ptr<Node> node, uint64_t boot)
      : env_(env), path_(std::move(path)), node_(std::move(node)), boot_(boot) {}

  absl::Status Append(std::string_view bytes) override {
    absl::MutexLock lock(&env_.mu_);
    RETURN_IF_ERROR(Check());
    const absl::Status status = env_.Count("append", path_);
    if (status.ok()) node_->bytes.append(bytes);
    if (!status.ok() && env_.powered_ && env_.fault_ == FaultKind::kShortWrite) {
      node_->bytes.append(bytes.substr(0, bytes.size() / 2));
    }
    return status;
  }

  absl::Status Sync() override {
    absl::MutexLock lock(&env_.mu_);
    RETURN_IF_ERROR(Check());
    const absl::Status status = env_.Count("sync", path_);
    if (!status.ok()) {
      node_->sync_failed = true;
    } else if (!node_->sync_failed) {
      node_->durable_bytes = node_->bytes;
    }
    return status;
  }

  absl::Status Close() override {
    absl::MutexLock lock(&env_.mu_);
    RETURN_IF_ERROR(Check());
    closed_ = true;
    return absl::OkStatus();
  }

 private:
  absl::Status Check() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(env_.mu_) {
    RETURN_IF_ERROR(env_.CheckPower());
    if (closed_) return FailedPrecondition("write ", path_, ": the file is closed");
    if (boot_ != env_.boots_) return Unavailable("write ", path_, ": opened before a power cut");
    return absl::OkStatus();
  }

  FaultyEnv& env_;
  const std::string path_;
  const std::shared_ptr<Node> node_;
  const uint64_t boot_;
  bool closed_ = false;
};

class FaultyEnv::Reader final : public RandomAccessFile {
 public:
  Reader(FaultyEnv& env, std::string path, std::shared_ptr<Node> node, uint64_t size)
      : env_(env), path_(std::move(path)), node_(std::move(node)), size_(size) {}

  absl::Status Read(uint64_t offset, size_t n, char* out) const override {
    absl::MutexLock lock(&env_.mu_);
    RETURN_IF_ERROR(env_.CheckPower());
    if (offset > node_->bytes.size() || n > node_->bytes.size() - offset) {
      return DataLoss("read ", path_, ": the file ends before offset ", offset + n);
    }
    node_->bytes.copy(out, n, offset);
    return absl::OkStatus();
  }
  uint64_t size() const override { return size_; }

 private:
  FaultyEnv& env_;
  const std::string path_;
  const std::shared_ptr<Node> node_;
  const uint64_t size_;
};

class FaultyEnv::Mapping final : public MappedFile {
 public:
  explicit Mapping(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return bytes_; }

 private:
  const std::string bytes_;
};

class FaultyEnv::Lock final : public FileLock {
 public:
  Lock(FaultyEnv& env, std::string path, uint64_t boot)
      : env_(env), path_(std::move(path)), boot_(boot) {}
  ~Lock() override {
    absl::MutexLock lock(&env_.mu_);
    if (boot_ == env_.boots_) env_.locks_.erase(path_);
  }

 private:
  FaultyEnv& env_;
  const std::string path_;
  const uint64_t boot_;
};

FaultyEnv::FaultyEnv(uint64_t seed) : root_(std::make_shared<Node>(true)), random_(seed) {}
FaultyEnv::~FaultyEnv() = default;

uint64_t FaultyEnv::calls() const {
  absl::MutexLock lock(&mu_);
  return calls_;
}

void FaultyEnv::FailAfter(uint64_t n, FaultKind kind) {
  absl::MutexLock lock(&mu_);
  fail_at_ = calls_ + n;
  fail_on_ = false;
  fault_ = kind;
}

void FaultyEnv::FailFrom(uint64_t n, FaultKind kind) {
  FailAfter(n, kind);
  absl::MutexLock lock(&mu_);
  fail_on_ = true;
}

void FaultyEnv::ClearFaults() {
  absl::MutexLock lock(&mu_);
  fail_at_ = 0;
}

std::string FaultyEnv::last_fault() const {
  absl::MutexLock lock(&mu_);
  return last_fault_;
}

void FaultyEnv::CutPower(Remains remains) {
  absl::MutexLock lock(&mu_);
  CutPowerLocked(remains);
}

void FaultyEnv::CutPowerLocked(Remains remains) {
  powered_ = false;
  ++boots_;
  locks_.clear();
  Revert(*root_, remains);
}

void FaultyEnv::Reboot() {
  absl::MutexLock lock(&mu_);
  powered_ = true;
  fail_at_ = 0;
}

// Makes what programs see of `node`, and all below it, what the disk kept.
void FaultyEnv::Revert(Node& node, Remains remains) {
  if (!node.is_folder) {
    node.bytes = remains == Remains::kRandom ? Salvage(node) : node.durable_bytes;
    node.durable_bytes = node.bytes;
    node.sync_failed = false;
    return;
  }
  const bool keep = remains == Remains::kRandom && random_() % 2 == 0;
  if (!keep) node.children = node.durable_children;
  node.durable_children = node.children;
  for (auto& [name, child] : node.children) Revert(*child, remains);
}

// What a power cut leaves of a file: what was synced, and some of the rest.
std::string FaultyEnv::Salvage(const Node& file) {
  if (!file.bytes.starts_with(file.durable_bytes)) {
    return random_() % 2 == 0 ? file.bytes : file.durable_bytes;
  }
  const size_t from = file.durable_bytes.size();
  const size_t kept = from + random_() % (file.bytes.size() - from + 1);
  std::string bytes = file.bytes.substr(0, kept);
  if (random_() % 2 == 0) return bytes;
  for (size_t at = from; at < kept; at = (at / kSectorBytes + 1) * kSectorBytes) {
    const size_t end = std::min((at / kSectorBytes + 1) * kSectorBytes, kept);
    if (random_() % 2 == 0) std::fill(bytes.begin() + at, bytes.begin() + end, '\0');
  }
  return bytes;
}

absl::Status FaultyEnv::CheckPower() const {
  return powered_ ? absl::OkStatus() : Unavailable("the power is off");
}

absl::Status FaultyEnv::Count(std::string_view call, const std::string& path) {
  RETURN_IF_ERROR(CheckPower());
  ++calls_;
  const bool fails = fail_at_ != 0 && (fail_on_ ? calls_ >= fail_at_ : calls_ == fail_at_);
  if (!fails) return absl::OkStatus();
  last_fault_ = StrCat(call, " ", path);
  switch (fault_) {
    case FaultKind::kIoError:
      return Unavailable(call, " ", path, ": Input/output error");
    case FaultKind::kNoSpace:
    case FaultKind::kShortWrite:
      return ResourceExhausted(call, " ", path, ": No space left on device");
    case FaultKind::kCutPower:
      CutPowerLocked(Remains::kRandom);
      break;
  }
  return CheckPower();
}

absl::Status FaultyEnv::FlipBits(const std::string& path, uint64_t offset, uint8_t mask) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, FindFile(path));
  for (std::string* bytes : {&node->bytes, &node->durable_bytes}) {
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ mask);
  }
  return absl::OkStatus();
}

void FaultyEnv::SetNowNs(int64_t now_ns) {
  absl::MutexLock lock(&mu_);
  now_ns_ = now_ns;
}

void FaultyEnv::AdvanceNs(int64_t ns) {
  absl::MutexLock lock(&mu_);
  now_ns_ += ns;
  monotonic_ns_ += ns;
}

void FaultyEnv::SetFreeBytes(uint64_t bytes) {
  absl::MutexLock lock(&mu_);
  free_bytes_ = bytes;
}

std::shared_ptr<FaultyEnv::Node> FaultyEnv::Find(const std::string& path) const {
  std::shared_ptr<Node> node = root_;
  for (const std::string& part : Split(path)) {
    const auto child = node->children.find(part);
    if (child == node->children.end()) return nullptr;
    node = child->second;
  }
  return node;
}

absl::StatusOr<std::shared_ptr<FaultyEnv::Node>> FaultyEnv::FindFile(
    const std::string& path) const {
  RETURN_IF_ERROR(CheckPower());
  std::shared_ptr<Node> node = Find(path);
  if (node == nullptr) return NoSuchFile(path);
  if (node->is_folder) return Unavailable("open ", path, ": Is a directory");
  return node;
}

absl::StatusOr<FaultyEnv::Place> FaultyEnv::FindPlace(const std::string& path) const {
  const std::vector<std::string> parts = Split(path);
  Place place{root_, std::string()};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (place.folder == nullptr || !place.folder->is_folder) return NoSuchFile(path);
    place.name = parts[i];
    if (i + 1 == parts.size()) return place;
    const auto child = place.folder->children.find(parts[i]);
    place.folder = child == place.folder->children.end() ? nullptr : child->second;
  }
  return NoSuchFile(path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyEnv::OpenWriter(const std::string& path,
                                                                    bool truncate) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("create", path));
  ASSIGN_OR_RETURN(const Place place, FindPlace(path));
  std::shared_ptr<Node>& node = place.folder->children[place.name];
  if (node == nullptr) node = std::make_shared<Node>(false);
  if (node->is_folder) return Unavailable("open ", path, ": Is a directory");
  if (truncate) {
    node->bytes.clear();
    node->sync_failed = false;  // what is written anew can be saved again
  }
  return std::make_unique<Writer>(*this, path, node, boots_);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyEnv::CreateFile(const std::string& path) {
  return OpenWriter(path, true);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyEnv::AppendFile(const std::string& path) {
  return OpenWriter(path, false);
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> FaultyEnv::OpenFile(const std::string& path) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, FindFile(path));
  return std::make_unique<Reader>(*this, path, node, node->bytes.size());
}

absl::StatusOr<std::unique_ptr<MappedFile>> FaultyEnv::MapFile(const std::string& path) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, FindFile(path));
  return std::make_unique<Mapping>(node->bytes);
}

absl::Status FaultyEnv::RenameFile(const std::string& from, const std::string& to) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("rename", from));
  ASSIGN_OR_RETURN(const Place source, FindPlace(from));
  ASSIGN_OR_RETURN(const Place target, FindPlace(to));
  const auto node = source.folder->children.find(source.name);
  if (node == source.folder->children.end()) return NoSuchFile(from);
  const std::shared_ptr<Node> moved = node->second;
  source.folder->children.erase(node);
  target.folder->children[target.name] = moved;
  return absl::OkStatus();
}

absl::Status FaultyEnv::RemoveFile(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("remove", path));
  ASSIGN_OR_RETURN(const Place place, FindPlace(path));
  RETURN_IF_ERROR(FindFile(path).status());
  place.folder->children.erase(place.name);
  return absl::OkStatus();
}

absl::Status FaultyEnv::TruncateFile(const std::string& path, uint64_t size) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("truncate", path));
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, FindFile(path));
  node->bytes.resize(size);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FaultyEnv::FileSize(const std::string& path) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, FindFile(path));
  return node->bytes.size();
}

bool FaultyEnv::Exists(const std::string& path) {
  absl::MutexLock lock(&mu_);
  return powered_ && Find(path) != nullptr;
}

absl::Status FaultyEnv::CreateDirs(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("mkdir", path));
  std::shared_ptr<Node> node = root_;
  for (const std::string& part : Split(path)) {
    std::shared_ptr<Node>& child = node->children[part];
    if (child == nullptr) child = std::make_shared<Node>(true);
    if (!child->is_folder) return AlreadyExists("mkdir ", path, ": Not a directory");
    node = child;
  }
  return absl::OkStatus();
}

absl::Status FaultyEnv::RemoveTree(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("remove", path));
  const absl::StatusOr<Place> place = FindPlace(path);
  if (place.ok()) place->folder->children.erase(place->name);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FaultyEnv::List(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(CheckPower());
  const std::shared_ptr<Node> node = Find(path);
  if (node == nullptr || !node->is_folder) {
    return NotFound("opendir ", path, ": No such file or directory");
  }
  std::vector<std::string> names;
  for (const auto& [name, child] : node->children) names.push_back(name);
  return names;
}

absl::Status FaultyEnv::SyncDir(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("syncdir", path));
  const std::shared_ptr<Node> node = Find(path);
  if (node == nullptr || !node->is_folder) return NoSuchFile(path);
  node->durable_children = node->children;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyEnv::LockFile(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Count("create", path));
  ASSIGN_OR_RETURN(const Place place, FindPlace(path));
  std::shared_ptr<Node>& node = place.folder->children[place.name];
  if (node == nullptr) node = std::make_shared<Node>(false);
  if (!locks_.insert(path).second) return Unavailable("flock ", path, ": already locked");
  return std::make_unique<Lock>(*this, path, boots_);
}

absl::StatusOr<uint64_t> FaultyEnv::FreeBytes(const std::string& path) {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(CheckPower());
  if (Find(path) == nullptr) return NoSuchFile(path);
  return free_bytes_;
}

int64_t FaultyEnv::NowNs() {
  absl::MutexLock lock(&mu_);
  return now_ns_;
}

int64_t FaultyEnv::MonotonicNs() {
  absl::MutexLock lock(&mu_);
  return monotonic_ns_;
}

}  // namespace varve::base
