// The generators behind MakeWorkload(); workload.h says what they make. Options as WithDefaults()
// returned them.
#pragma once

#include "body_writer.h"
#include "workload.h"

namespace varve::bench {

void AppendDevops(const WorkloadOptions& options, BodyWriter& out);
void AppendIot(const WorkloadOptions& options, BodyWriter& out);
void AppendHighcard(const WorkloadOptions& options, BodyWriter& out);
void AppendSingle(const WorkloadOptions& options, BodyWriter& out);

}  // namespace varve::bench
