// The choices of the planner in words, for EXPLAIN VERBOSE and EXPLAIN ANALYZE.
#pragma once

#include <string>
#include <vector>

#include "query/call_plan.h"
#include "query/prepare.h"

namespace varve::query {

// "scan: mean(v::float), rows of blocks within one window from their statistics", ... `plan`: of
// the statement's calls, none for a statement without. Subqueries are not described.
std::vector<std::string> DescribePlan(const PreparedSelect& select, const SelectPlan& plan);

}  // namespace varve::query
