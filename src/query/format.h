// Parts of statements as InfluxDB prints them; Format() of whole ones is in ast.h.
#pragma once

#include <string>
#include <vector>

#include "query/ast.h"

namespace varve::query {

std::string FormatMeasurement(const Measurement& measurement);
std::string FormatSources(const std::vector<Source>& sources);
std::string FormatDimensions(const std::vector<Dimension>& dimensions);
// Each with a leading space; nothing for what is not given.
void AppendOrderBy(const std::vector<SortField>& fields, std::string* out);
void AppendPaging(const Paging& paging, std::string* out);

}  // namespace varve::query
