#include "index/segment_list.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"

namespace varve::index {
namespace {

constexpr std::string_view kMagic = "VSLS";
constexpr uint16_t kVersionMax = 2;
constexpr size_t kHeaderBytes = 24;

}  // namespace

std::string SegmentList::Encode() const {
  std::string body;
  base::PutVarint(body, next);
  base::PutVarint(body, segments.size());
  for (const uint64_t number : segments) base::PutVarint(body, number);
  base::PutString(body, extra);

  std::string out(kMagic);
  base::PutFixed<uint16_t>(out, version);
  base::PutFixed<uint16_t>(out, 0);
  base::PutFixed<uint64_t>(out, body.size());
  std::string checked = out + body;
  base::PutFixed<uint64_t>(out, base::Checksum(checked));
  return out + body;
}

absl::StatusOr<SegmentList> SegmentList::Decode(std::string_view bytes, const std::string& name) {
  const auto damage = [&](std::string_view what, uint64_t at) {
    return base::DataLoss("segment list ", what, " [file=", name, " offset=", at, "]");
  };
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) != kMagic) {
    return damage("has a wrong magic or is too short", 0);
  }
  const std::string_view body = bytes.substr(kHeaderBytes);
  std::string checked(bytes.substr(0, 16));
  checked.append(body);
  if (base::Checksum(checked) != base::LoadFixed<uint64_t>(bytes.data() + 16)) {
    return damage("does not match its checksum", 16);
  }
  const auto version = base::LoadFixed<uint16_t>(bytes.data() + 4);
  if (version == 0 || version > kVersionMax || base::LoadFixed<uint16_t>(bytes.data() + 6) != 0) {
    return base::FailedPrecondition("segment list is of a newer version [file=", name, "]");
  }
  if (base::LoadFixed<uint64_t>(bytes.data() + 8) != body.size()) return damage("is cut off", 8);

  SegmentList list;
  list.version = version;
  base::ByteReader reader(body);
  uint64_t count;
  std::string_view extra;
  if (!reader.GetVarint(&list.next) || !reader.GetVarint(&count) || count > body.size()) {
    return damage("is malformed", kHeaderBytes);
  }
  list.segments.resize(count);
  for (uint64_t& number : list.segments) {
    if (!reader.GetVarint(&number) || number >= list.next) {
      return damage("is malformed", kHeaderBytes + reader.offset());
    }
  }
  if (!reader.GetString(&extra) || reader.remaining() != 0) {
    return damage("is malformed", kHeaderBytes + reader.offset());
  }
  list.extra = extra;
  return list;
}

SegmentFolder::SegmentFolder(base::Env& env, std::string folder, std::string kind)
    : env_(env), folder_(std::move(folder)), kind_(std::move(kind)) {}

std::string SegmentFolder::SegmentPath(uint64_t number) const {
  char digits[20];
  std::snprintf(digits, sizeof(digits), "%08llx", static_cast<unsigned long long>(number));
  return base::JoinPath(folder_, base::StrCat(kind_, "-", std::string_view(digits), ".seg"));
}

std::string SegmentFolder::ListPath() const {
  return base::JoinPath(folder_, base::StrCat(kind_, ".list"));
}

absl::StatusOr<SegmentList> SegmentFolder::Open() {
  RETURN_IF_ERROR(env_.CreateDirs(folder_));
  SegmentList list;
  if (env_.Exists(ListPath())) {
    ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env_, ListPath()));
    ASSIGN_OR_RETURN(list, SegmentList::Decode(bytes, ListPath()));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, env_.List(folder_));
  for (const std::string& name : names) {
    const std::string path = base::JoinPath(folder_, name);
    const bool is_segment = name.starts_with(kind_ + "-") && name.ends_with(".seg");
    const bool is_temporary = name == kind_ + ".list.tmp" ||
                              (name.starts_with(kind_ + "-") && name.ends_with(".seg.tmp"));
    const bool live = std::any_of(list.segments.begin(), list.segments.end(),
                                  [&](uint64_t number) { return SegmentPath(number) == path; });
    if (is_temporary || (is_segment && !live)) RETURN_IF_ERROR(env_.RemoveFile(path));
  }
  return list;
}

absl::Status SegmentFolder::WriteSegment(uint64_t number, std::string_view bytes) {
  return base::WriteFileAtomically(env_, SegmentPath(number), bytes);
}

absl::Status SegmentFolder::WriteList(const SegmentList& list) {
  return base::WriteFileAtomically(env_, ListPath(), list.Encode());
}

void SegmentFolder::RemoveSegment(uint64_t number) {
  env_.RemoveFile(SegmentPath(number)).IgnoreError();
}

}  // namespace varve::index
