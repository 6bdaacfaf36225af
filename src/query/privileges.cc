#include "query/privileges.h"

#include "base/status.h"

namespace varve::query {
namespace {

using meta::Privilege;

struct Required {
  bool admin = false;
  std::string database;  // empty: the request's
  Privilege privilege = Privilege::kNone;
};
using RequiredList = std::vector<Required>;

RequiredList Admin() { return {{true, "", Privilege::kAll}}; }
RequiredList Read(std::string database = "") { return {{false, database, Privilege::kRead}}; }
RequiredList Write(std::string database = "") { return {{false, database, Privilege::kWrite}}; }

void AddSources(const std::vector<Source>& sources, RequiredList* list) {
  for (const Source& source : sources) {
    if (const auto* m = std::get_if<Measurement>(&source.node)) {
      list->push_back({false, m->database, Privilege::kRead});
    } else if (const auto* join = std::get_if<std::shared_ptr<const Join>>(&source.node)) {
      for (const JoinSide& side : (*join)->sides) AddSources({side.source}, list);
    } else {
      AddSources(std::get<std::shared_ptr<const SelectStatement>>(source.node)->sources, list);
    }
  }
}

// Reading `database` and every other one that a source names.
RequiredList ReadAll(const std::string& database, const std::vector<Source>& sources) {
  RequiredList list = Read(database);
  for (const Source& source : sources) {
    const auto* m = std::get_if<Measurement>(&source.node);
    if (m != nullptr && !m->database.empty()) {
      list.push_back({false, m->database, Privilege::kRead});
    }
  }
  return list;
}

// As in InfluxDB 1.x, and stricter where a SHOW names another database in FROM or counts without
// asking for anything there.
struct RequiredOf {
  RequiredList operator()(const SelectStatement& s) const {
    RequiredList list;
    AddSources(s.sources, &list);
    if (s.target.has_value()) list.push_back({false, s.target->database, Privilege::kWrite});
    return list;
  }
  RequiredList operator()(const Explain& s) const { return (*this)(*s.statement); }
  RequiredList operator()(const CreateContinuousQuery& s) const {
    RequiredList list = Read(s.database);
    if (s.source->target.has_value() && !s.source->target->database.empty()) {
      list.push_back({false, s.source->target->database, Privilege::kWrite});
    }
    return list;
  }
  RequiredList operator()(const DropContinuousQuery& s) const { return Write(s.database); }
  RequiredList operator()(const BackfillContinuousQuery& s) const { return Write(s.database); }
  RequiredList operator()(const DropRetentionPolicy& s) const { return Write(s.database); }
  RequiredList operator()(const DeleteSeries&) const { return Write(); }
  RequiredList operator()(const DropSeries&) const { return Write(); }
  RequiredList operator()(const ShowDatabases&) const { return {}; }
  RequiredList operator()(const ShowContinuousQueries&) const { return Read(); }
  RequiredList operator()(const ShowContinuousQueryStatus&) const { return Read(); }
  RequiredList operator()(const ShowMeasurementRetention& s) const { return Read(s.database); }
  RequiredList operator()(const ShowQueries&) const { return Read(); }
  RequiredList operator()(const ShowRetentionPolicies& s) const { return Read(s.database); }
  RequiredList operator()(const ShowMeasurements& s) const { return Read(s.database); }
  RequiredList operator()(const ShowSeries& s) const { return ReadAll(s.database, s.sources); }
  RequiredList operator()(const ShowTagKeys& s) const { return ReadAll(s.database, s.sources); }
  RequiredList operator()(const ShowTagValues& s) const { return ReadAll(s.database, s.sources); }
  RequiredList operator()(const ShowFieldKeys& s) const { return ReadAll(s.database, s.sources); }
  RequiredList operator()(const ShowCardinality& s) const { return ReadAll(s.database, s.sources); }
  template <typename Other>
  RequiredList operator()(const Other&) const {
    return Admin();
  }
};

absl::Status Refuse(const Principal& principal, const Statement& statement,
                    std::string_view requires_what) {
  return base::PermissionDenied(principal.user, " not authorized to execute statement '",
                                Format(statement), "', requires ", requires_what);
}

}  // namespace

bool MayUse(const Principal* principal, std::string_view database, Privilege privilege) {
  if (principal == nullptr || principal->admin || privilege == Privilege::kNone) return true;
  const auto it = principal->privileges.find(std::string(database));
  return it != principal->privileges.end() &&
         (it->second == privilege || it->second == Privilege::kAll);
}

absl::Status Authorize(const std::vector<Statement>& statements, const Principal& principal,
                       std::string_view database) {
  if (principal.admin) return absl::OkStatus();
  for (const Statement& statement : statements) {
    for (const Required& required : std::visit(RequiredOf{}, statement.node)) {
      if (required.admin) return Refuse(principal, statement, "admin privilege");
      const std::string_view name = required.database.empty() ? database : required.database;
      if (!MayUse(&principal, name, required.privilege)) {
        return Refuse(principal, statement,
                      base::StrCat(meta::PrivilegeName(required.privilege), " on ", name));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace varve::query
