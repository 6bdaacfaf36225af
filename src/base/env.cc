#include "base/env.h"

#include "base/status.h"

namespace varve::base {
namespace {

absl::Status WriteNewFile(Env& env, const std::string& path, std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, env.CreateFile(path));
  RETURN_IF_ERROR(file->Append(bytes));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

absl::Status WriteFileAtomically(Env& env, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  if (absl::Status status = WriteNewFile(env, temporary, bytes); !status.ok()) {
    env.RemoveFile(temporary).IgnoreError();  // half a file only fills a full disk further
    return status;
  }
  RETURN_IF_ERROR(env.RenameFile(temporary, path));
  return env.SyncDir(FolderOf(path));
}

absl::StatusOr<std::string> ReadFile(Env& env, const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file, env.OpenFile(path));
  std::string bytes(file->size(), '\0');
  RETURN_IF_ERROR(file->Read(0, bytes.size(), bytes.data()));
  return bytes;
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  while (name.starts_with('/')) name.remove_prefix(1);
  return folder == "/" ? StrCat(folder, name) : StrCat(folder, "/", name);
}

}  // namespace varve::base
