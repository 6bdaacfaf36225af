#include "base/status.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "query/ast.h"

namespace varve::cli {

absl::Status RunDownsample(const DownsampleCommand& command) {
  QueryCommand query;
  query.server = command.server;
  query.database = command.database;
  query.text =
      command.backfill
          ? base::StrCat("BACKFILL CONTINUOUS QUERY ", query::QuoteIdentifier(command.name), " ON ",
                         query::QuoteIdentifier(command.database), " FROM ",
                         query::QuoteString(command.from), " TO ", query::QuoteString(command.to))
          : "SHOW CONTINUOUS QUERY STATUS";
  return RunQuery(query);
}

}  // namespace varve::cli
