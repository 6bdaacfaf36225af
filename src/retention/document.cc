#include "retention/document.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::retention {
namespace {

constexpr uint16_t kVersion = 1;
constexpr size_t kHeaderBytes = 16;

}  // namespace

std::string WrapDocument(std::string_view magic, std::string_view body) {
  std::string out(magic);
  base::PutFixed<uint16_t>(out, kVersion);
  base::PutFixed<uint16_t>(out, 0);
  base::PutFixed<uint64_t>(out, base::Checksum(body));
  return out.append(body);
}

absl::StatusOr<std::string_view> UnwrapDocument(std::string_view magic, std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(magic)) {
    return base::DataLoss("wrong magic or shorter than its header");
  }
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(bytes.data() + 6);
  if (version > kVersion || flags != 0) {
    return base::FailedPrecondition("written by a newer Varve: version=", version,
                                    " flags=", flags);
  }
  const std::string_view body = bytes.substr(kHeaderBytes);
  if (base::LoadFixed<uint64_t>(bytes.data() + 8) != base::Checksum(body)) {
    return base::DataLoss("checksum is wrong");
  }
  return body;
}

absl::StatusOr<std::string> LoadDocument(base::Env& env, const std::string& path,
                                         std::string_view magic) {
  if (!env.Exists(path)) return std::string();
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, path));
  ASSIGN_OR_RETURN(const std::string_view body, UnwrapDocument(magic, bytes), "file=", path);
  return std::string(body);
}

}  // namespace varve::retention
