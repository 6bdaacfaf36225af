#include "workload.h"

#include "base/status.h"
#include "body_writer.h"
#include "generators.h"

namespace varve::bench {
namespace {

struct Kind {
  std::string_view name, measurement, field;
  uint64_t series, rows;
  int64_t step_s;
  void (*append)(const WorkloadOptions&, BodyWriter&);
};

constexpr Kind kKinds[] = {
    {"devops", "cpu", "usage_user", 1000, 4320, 10, AppendDevops},
    {"iot", "room", "temperature", 200, 43'200, 60, AppendIot},
    {"highcard", "meter", "value", 1'000'000, 2, 60, AppendHighcard},
    {"single", "probe", "value", 1000, 10'000, 10, AppendSingle},
};

const Kind* Find(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<WorkloadOptions> WithDefaults(WorkloadOptions options) {
  const Kind* kind = Find(options.name);
  if (kind == nullptr) return base::InvalidArgument("no workload is named ", options.name);
  if (options.series == 0) options.series = kind->series;
  if (options.rows == 0) options.rows = kind->rows;
  return options;
}

Shape ShapeOf(const WorkloadOptions& options) {
  const Kind& kind = *Find(options.name);
  const int64_t span_s = static_cast<int64_t>(options.rows) * kind.step_s;
  return {.measurement = kind.measurement,
          .field = kind.field,
          .series = options.series,
          .rows = options.rows,
          .step_s = kind.step_s,
          .start_ns = options.start_s * 1'000'000'000,
          .end_ns = (options.start_s + span_s) * 1'000'000'000};
}

Workload MakeWorkload(const WorkloadOptions& options) {
  BodyWriter writer(options.lines_per_body);
  Find(options.name)->append(options, writer);
  Workload workload;
  workload.lines = writer.lines();
  workload.values = writer.values();
  workload.bodies = writer.Take();
  return workload;
}

}  // namespace varve::bench
