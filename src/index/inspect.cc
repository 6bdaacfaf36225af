#include "index/inspect.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "index/section_file.h"
#include "index/segment_list.h"
#include "index/series_segment.h"
#include "index/shard_segment.h"
#include "index/shard_state.h"
#include "index/table_state.h"

namespace varve::index {
namespace {

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsList(std::string_view name) { return name == "series.list" || name == "index.list"; }
bool IsSeriesSegment(std::string_view name) {
  return name.starts_with("series-") && name.ends_with(".seg");
}
bool IsShardSegment(std::string_view name) {
  return name.starts_with("index-") && name.ends_with(".seg");
}

// The files that `path` stands for, lists first; segments that no list names are left out.
absl::StatusOr<std::vector<std::string>> FilesOf(base::Env& env, const std::string& path) {
  const std::string_view name = BaseName(path);
  if (IsList(name) || IsSeriesSegment(name) || IsShardSegment(name)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  for (const char* kind : {"series", "index"}) {
    const SegmentFolder folder(env, path, kind);
    if (!env.Exists(folder.ListPath())) continue;
    ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, folder.ListPath()));
    ASSIGN_OR_RETURN(const SegmentList list, SegmentList::Decode(bytes, folder.ListPath()));
    files.push_back(folder.ListPath());
    for (const uint64_t number : list.segments) files.push_back(folder.SegmentPath(number));
  }
  if (files.empty()) return base::NotFound("no series table or shard index at ", path);
  return files;
}

absl::StatusOr<std::shared_ptr<const SeriesSegment>> OpenSeriesSegment(base::Env& env,
                                                                       const std::string& path) {
  ASSIGN_OR_RETURN(SectionFile file, SectionFile::Open(env, path, kSeriesSegmentFormats));
  return SeriesSegment::Open(std::move(file));
}

absl::StatusOr<std::shared_ptr<const ShardSegment>> OpenShardSegment(base::Env& env,
                                                                     const std::string& path) {
  ASSIGN_OR_RETURN(SectionFile file, SectionFile::Open(env, path, kShardSegmentFormat));
  return ShardSegment::Open(std::move(file));
}

absl::StatusOr<std::string> DescribeList(base::Env& env, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(env, path));
  ASSIGN_OR_RETURN(const SegmentList list, SegmentList::Decode(bytes, path));
  std::string out = base::StrCat("segment list ", path, "\n  next segment ", list.next, "\n");
  for (const uint64_t number : list.segments) base::StrAppend(out, "  segment ", number, "\n");
  if (BaseName(path) == "index.list" && !list.extra.empty()) {
    ASSIGN_OR_RETURN(const ShardState state, ShardState::Decode(list.extra), "file=", path);
    base::StrAppend(out, "  dead series ", state.dead.Count(), "\n  field types in ",
                    state.fields.size(), " bytes\n");
  }
  if (BaseName(path) == "series.list" && list.version > 1) {
    ASSIGN_OR_RETURN(const TableState state, TableState::Decode(list.extra), "file=", path);
    base::StrAppend(out, "  next series ", state.next_series, "\n  dead series ",
                    state.dead.Count(), "\n");
  }
  return out;
}

absl::StatusOr<std::string> DescribeSeries(base::Env& env, const std::string& path,
                                           const InspectOptions& options) {
  ASSIGN_OR_RETURN(const auto segment, OpenSeriesSegment(env, path));
  std::string out = segment->Describe();
  std::string key;
  for (uint32_t i = 0; options.series && i < segment->series_count(); ++i) {
    segment->KeyOf(segment->IdAt(i), &key);
    base::StrAppend(out, "  ", segment->IdAt(i), " ", key, "\n");
  }
  return out;
}

absl::StatusOr<std::string> DescribeShard(base::Env& env, const std::string& path,
                                          const InspectOptions& options) {
  ASSIGN_OR_RETURN(const auto segment, OpenShardSegment(env, path));
  std::string out = segment->Describe();
  if (!options.series) return out;
  std::vector<model::MeasurementId> measurements;
  segment->AddMeasurements(&measurements);
  for (const model::MeasurementId measurement : measurements) {
    std::vector<std::string> keys;
    segment->AddTagKeys(measurement, &keys);
    for (const std::string& key : keys) {
      const auto cursor = segment->NewCursor(measurement, key);
      while (cursor->Next()) {
        base::StrAppend(out, "  ", measurement, " ", key, "=", cursor->value(), " series ",
                        cursor->Series().Count(), "\n");
      }
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> DescribeIndex(base::Env& env, const std::string& path,
                                          const InspectOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(env, path));
  std::string out;
  for (const std::string& file : files) {
    const std::string_view name = BaseName(file);
    absl::StatusOr<std::string> text = IsList(name)            ? DescribeList(env, file)
                                       : IsSeriesSegment(name) ? DescribeSeries(env, file, options)
                                                               : DescribeShard(env, file, options);
    RETURN_IF_ERROR(text.status());
    out += *text;
  }
  return out;
}

absl::Status VerifyIndex(base::Env& env, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(env, path));
  for (const std::string& file : files) {
    const std::string_view name = BaseName(file);
    if (IsList(name)) {
      RETURN_IF_ERROR(DescribeList(env, file).status());
    } else if (IsSeriesSegment(name)) {
      ASSIGN_OR_RETURN(const auto segment, OpenSeriesSegment(env, file));
      RETURN_IF_ERROR(segment->Verify());
    } else {
      ASSIGN_OR_RETURN(const auto segment, OpenShardSegment(env, file));
      RETURN_IF_ERROR(segment->Verify());
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::index
