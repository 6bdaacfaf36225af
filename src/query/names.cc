// Names written out, and errors every statement shares.
#include "base/status.h"
#include "query/statements.h"

namespace varve::query {

absl::Status DatabaseRequired() { return base::InvalidArgument("database name required"); }

absl::Status DatabaseNotFound(std::string_view database) {
  return base::NotFound("database not found: ", database);
}

absl::Status FillNames(Measurement* measurement, std::string_view default_database,
                       std::string_view default_policy, const meta::CatalogData& catalog) {
  Measurement& m = *measurement;
  if (!m.is_target && m.name.empty() && m.regex == nullptr) {
    return base::InvalidArgument("invalid measurement");
  }
  if (m.database.empty()) m.database = default_database;
  if (m.database.empty()) return DatabaseRequired();
  const meta::Database* database = catalog.FindDatabase(m.database);
  if (database == nullptr) return DatabaseNotFound(m.database);
  if (!m.retention_policy.empty()) return absl::OkStatus();
  m.retention_policy = default_policy.empty() ? database->default_policy : default_policy;
  if (m.retention_policy.empty()) {
    return base::InvalidArgument("default retention policy not set for: ", m.database);
  }
  return absl::OkStatus();
}

namespace {

absl::Status FillSource(Source* source, std::string_view default_database,
                        std::string_view default_policy, const meta::CatalogData& catalog) {
  if (auto* m = std::get_if<Measurement>(&source->node)) {
    return FillNames(m, default_database, default_policy, catalog);
  }
  if (auto* join = std::get_if<std::shared_ptr<const Join>>(&source->node)) {
    Join filled = **join;
    for (JoinSide& side : filled.sides) {
      RETURN_IF_ERROR(FillSource(&side.source, default_database, default_policy, catalog));
    }
    *join = std::make_shared<const Join>(std::move(filled));
    return absl::OkStatus();
  }
  auto& subquery = std::get<std::shared_ptr<const SelectStatement>>(source->node);
  SelectStatement filled = *subquery;
  RETURN_IF_ERROR(FillNames(&filled, default_database, default_policy, catalog));
  subquery = std::make_shared<const SelectStatement>(std::move(filled));
  return absl::OkStatus();
}

}  // namespace

absl::Status FillNames(SelectStatement* statement, std::string_view default_database,
                       std::string_view default_policy, const meta::CatalogData& catalog) {
  if (statement->target.has_value()) {
    RETURN_IF_ERROR(FillNames(&*statement->target, default_database, default_policy, catalog));
  }
  for (Source& source : statement->sources) {
    RETURN_IF_ERROR(FillSource(&source, default_database, default_policy, catalog));
  }
  return absl::OkStatus();
}

std::string FormatGoDuration(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  if (ns == 0) return "0s";
  std::string out = ns < 0 ? "-" : "";
  uint64_t left = ns < 0 ? -static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  // Whole units and a fraction without trailing zeros.
  const auto append = [&](uint64_t value, uint64_t unit, std::string_view name) {
    base::StrAppend(out, value / unit);
    if (uint64_t fraction = value % unit; fraction != 0) {
      std::string digits;
      for (uint64_t scale = unit / 10; scale > 0 && fraction > 0; scale /= 10) {
        digits.push_back(static_cast<char>('0' + fraction / scale));
        fraction %= scale;
      }
      base::StrAppend(out, ".", digits);
    }
    out += name;
  };
  if (left < 1'000) {
    append(left, 1, "ns");
  } else if (left < 1'000'000) {
    append(left, 1'000, "µs");
  } else if (left < kSecond) {
    append(left, 1'000'000, "ms");
  } else {
    const uint64_t hours = left / (3600 * kSecond);
    left %= 3600 * kSecond;
    const uint64_t minutes = left / (60 * kSecond);
    if (hours > 0) base::StrAppend(out, hours, "h");
    if (hours > 0 || minutes > 0) base::StrAppend(out, minutes, "m");
    append(left % (60 * kSecond), kSecond, "s");
  }
  return out;
}

}  // namespace varve::query
