#include "retention/declarations.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "meta/policy_rules.h"
#include "query/parser.h"
#include "query/statements.h"
#include "retention/query_plan.h"

namespace varve::retention {
namespace {

constexpr char kAutogen[] = "autogen";

template <typename List>
auto FindByName(List& list, std::string_view name) -> decltype(&*list.begin()) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  return it == list.end() ? nullptr : &*it;
}

absl::Status At(const std::string& place, const absl::Status& status) {
  return status.ok() ? status : base::InvalidArgument(place, ": ", base::MessageOf(status));
}

std::string DurationText(int64_t ns) { return ns == 0 ? "INF" : query::FormatDuration(ns); }

// One database being made what is declared.
class Declarer {
 public:
  Declarer(const DeclaredDatabase& declared, meta::CatalogData& data,
           std::vector<std::string>& changes)
      : declared_(declared), data_(data), changes_(changes) {}

  absl::Status MakeDatabase() {
    if (const absl::Status status = meta::CheckName(declared_.name); !status.ok()) {
      return At(declared_.place, base::InvalidArgument("database.name: ", base::MessageOf(status)));
    }
    if (FindByName(data_.databases, declared_.name) == nullptr) {
      meta::Database& database = data_.databases.emplace_back();
      database.id = data_.next_database++;
      database.name = declared_.name;
      changes_.push_back(base::StrCat("create database ", declared_.name));
      if (DefaultPolicy() == nullptr) {
        RETURN_IF_ERROR(AddAutogen(database));
      } else {
        database.default_policy = DefaultPolicy()->spec.name;
      }
    }
    for (const DeclaredPolicy& policy : declared_.policies) RETURN_IF_ERROR(MakePolicy(policy));
    return absl::OkStatus();
  }

  // When all databases and policies are there.
  absl::Status MakeQueries() {
    for (const DeclaredQuery& query : declared_.queries) {
      RETURN_IF_ERROR(At(query.place, MakeQuery(query)));
    }
    return absl::OkStatus();
  }

 private:
  const DeclaredPolicy* DefaultPolicy() const {
    for (const DeclaredPolicy& policy : declared_.policies) {
      if (policy.is_default) return &policy;
    }
    return nullptr;
  }

  absl::Status AddAutogen(meta::Database& database) {
    meta::PolicySpec spec;
    spec.name = kAutogen;
    ASSIGN_OR_RETURN(auto policy, meta::MakePolicy(spec));
    database.policies.push_back(std::move(policy));
    database.default_policy = kAutogen;
    return absl::OkStatus();
  }

  absl::Status MakePolicy(const DeclaredPolicy& declared) {
    meta::Database& database = *FindByName(data_.databases, declared_.name);
    // Without a shard duration the one that goes with the duration is meant.
    auto wanted = meta::MakePolicy(declared.spec);
    if (!wanted.ok()) return At(declared.place, wanted.status());
    meta::RetentionPolicy* policy = FindByName(database.policies, declared.spec.name);
    const std::string name =
        base::StrCat("retention policy ", declared.spec.name, " on ", declared_.name, ": ");
    if (policy == nullptr) {
      changes_.push_back(base::StrCat("create ", name, "duration ",
                                      DurationText(wanted->duration_ns), ", shard duration ",
                                      DurationText(wanted->shard_group_duration_ns)));
      database.policies.push_back(*wanted);
    } else {
      const auto change = [&](std::string_view what, int64_t* from, int64_t to) {
        if (*from == to) return;
        changes_.push_back(
            base::StrCat("alter ", name, what, " ", DurationText(*from), " -> ", DurationText(to)));
        *from = to;
      };
      change("duration", &policy->duration_ns, wanted->duration_ns);
      change("shard duration", &policy->shard_group_duration_ns, wanted->shard_group_duration_ns);
      if (policy->replication != wanted->replication) {
        changes_.push_back(base::StrCat("alter ", name, "replication ", policy->replication, " -> ",
                                        wanted->replication));
        policy->replication = wanted->replication;
      }
      RETURN_IF_ERROR(SetMeasurements(*wanted, name, policy));
    }
    if (declared.is_default && database.default_policy != declared.spec.name) {
      changes_.push_back(base::StrCat(
          "alter ", name, "default instead of ",
          database.default_policy.empty() ? std::string("none") : database.default_policy));
      database.default_policy = declared.spec.name;
    }
    return absl::OkStatus();
  }

  absl::Status SetMeasurements(const meta::RetentionPolicy& wanted, std::string_view name,
                               meta::RetentionPolicy* policy) {
    for (const auto& item : wanted.measurements) {
      const auto known =
          std::find_if(policy->measurements.begin(), policy->measurements.end(),
                       [&](const auto& other) { return other.measurement == item.measurement; });
      const int64_t before_ns = known == policy->measurements.end() ? 0 : known->duration_ns;
      if (before_ns == item.duration_ns) continue;
      changes_.push_back(base::StrCat("alter ", name, "measurement ", item.measurement, " ",
                                      before_ns == 0 ? "as the policy" : DurationText(before_ns),
                                      " -> ", DurationText(item.duration_ns)));
      meta::PolicySpec change;
      change.measurements = {item};
      RETURN_IF_ERROR(meta::AlterPolicy(change, policy));
    }
    return absl::OkStatus();
  }

  absl::Status MakeQuery(const DeclaredQuery& declared) {
    std::string text =
        base::StrCat("CREATE CONTINUOUS QUERY ", query::QuoteIdentifier(declared.name), " ON ",
                     query::QuoteIdentifier(declared_.name), " ");
    if (declared.resample_every_ns > 0 || declared.resample_for_ns > 0) text += "RESAMPLE ";
    const auto resample = [&](std::string_view word, int64_t ns) {
      if (ns > 0) base::StrAppend(text, word, " ", query::FormatDuration(ns), " ");
    };
    resample("EVERY", declared.resample_every_ns);
    resample("FOR", declared.resample_for_ns);
    base::StrAppend(text, "BEGIN ", declared.select, " END");
    ASSIGN_OR_RETURN(const auto statements, query::ParseQuery(text, {}));
    const auto* create =
        statements.size() == 1 ? statements[0].As<query::CreateContinuousQuery>() : nullptr;
    if (create == nullptr) return base::InvalidArgument("query: expected one SELECT ... INTO");
    query::SelectStatement select = *create->source;
    RETURN_IF_ERROR(query::FillNames(&select, declared_.name, "", data_));
    query::CreateContinuousQuery filled = *create;
    filled.source = std::make_shared<const query::SelectStatement>(std::move(select));
    const meta::ContinuousQuery wanted{declared.name, Format(query::Statement{std::move(filled)})};

    meta::Database& database = *FindByName(data_.databases, declared_.name);
    ASSIGN_OR_RETURN(const auto plan, QueryPlan::Make(data_, database, wanted));
    RETURN_IF_ERROR(CheckPolicies(*plan));
    const std::string name = base::StrCat("continuous query ", declared.name, " on ",
                                          declared_.name, ": ", wanted.query);
    meta::ContinuousQuery* query = FindByName(database.continuous_queries, declared.name);
    if (query == nullptr) {
      changes_.push_back("create " + name);
      database.continuous_queries.push_back(wanted);
    } else if (query->query != wanted.query) {
      changes_.push_back("replace " + name);
      *query = wanted;
    }
    return absl::OkStatus();
  }

  absl::Status CheckPolicies(const QueryPlan& plan) const {
    const auto check = [&](const QueryPlan::SourceName& source) -> absl::Status {
      const meta::Database* database = data_.FindDatabase(source.database);
      if (database == nullptr)
        return base::InvalidArgument("database not found: ", source.database);
      if (database->FindPolicy(source.policy) != nullptr) return absl::OkStatus();
      return base::InvalidArgument("retention policy not found: ", source.policy);
    };
    for (const auto& source : plan.sources()) RETURN_IF_ERROR(check(source));
    return check(plan.target());
  }

  const DeclaredDatabase& declared_;
  meta::CatalogData& data_;
  std::vector<std::string>& changes_;
};

const DeclaredDatabase* Find(const std::vector<DeclaredDatabase>& databases,
                             std::string_view name) {
  return FindByName(databases, name);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Declare(const std::vector<DeclaredDatabase>& databases,
                                                 meta::CatalogData* data) {
  std::vector<std::string> changes;
  for (const DeclaredDatabase& database : databases) {
    RETURN_IF_ERROR(Declarer(database, *data, changes).MakeDatabase());
  }
  for (const DeclaredDatabase& database : databases) {
    RETURN_IF_ERROR(Declarer(database, *data, changes).MakeQueries());
  }
  return changes;
}

namespace {

// Does to the catalog what makes `from` `to`, one database of which nothing was taken out.
absl::Status ChangeDatabase(const meta::Database* from, const meta::Database& to,
                            meta::Catalog& catalog) {
  const auto spec_of = [](const meta::RetentionPolicy& policy) {
    meta::PolicySpec spec;
    spec.name = policy.name;
    spec.duration_ns = policy.duration_ns;
    spec.shard_group_duration_ns = policy.shard_group_duration_ns;
    spec.replication = policy.replication;
    spec.measurements = policy.measurements;
    return spec;
  };
  if (from == nullptr) {
    const meta::RetentionPolicy* first = to.FindPolicy(to.default_policy);
    RETURN_IF_ERROR(catalog.CreateDatabase(to.name, spec_of(*first)));
  }
  for (const meta::RetentionPolicy& policy : to.policies) {
    const bool is_default = policy.name == to.default_policy;
    const meta::RetentionPolicy* old = from == nullptr ? nullptr : from->FindPolicy(policy.name);
    if (old == nullptr) {
      RETURN_IF_ERROR(catalog.CreateRetentionPolicy(to.name, spec_of(policy), is_default));
    } else if (old->duration_ns != policy.duration_ns || old->replication != policy.replication ||
               old->shard_group_duration_ns != policy.shard_group_duration_ns ||
               old->measurements != policy.measurements ||
               (is_default && from->default_policy != policy.name)) {
      RETURN_IF_ERROR(catalog.AlterRetentionPolicy(to.name, spec_of(policy), is_default));
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeQueries(const meta::Database* from, const meta::Database& to,
                           meta::Catalog& catalog) {
  for (const meta::ContinuousQuery& query : to.continuous_queries) {
    const auto* old = from == nullptr ? nullptr : FindByName(from->continuous_queries, query.name);
    if (old != nullptr && old->query == query.query) continue;
    if (old != nullptr) RETURN_IF_ERROR(catalog.DropContinuousQuery(to.name, query.name));
    RETURN_IF_ERROR(catalog.CreateContinuousQuery(to.name, query.name, query.query));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Declarations::Apply(
    std::vector<DeclaredDatabase> databases, meta::Catalog& catalog) {
  const auto before = catalog.Get();
  meta::CatalogData wanted = *before;
  ASSIGN_OR_RETURN(std::vector<std::string> changes, Declare(databases, &wanted));
  for (const DeclaredDatabase& database : databases) {
    RETURN_IF_ERROR(ChangeDatabase(before->FindDatabase(database.name),
                                   *wanted.FindDatabase(database.name), catalog));
  }
  for (const DeclaredDatabase& database : databases) {
    RETURN_IF_ERROR(ChangeQueries(before->FindDatabase(database.name),
                                  *wanted.FindDatabase(database.name), catalog));
  }
  databases_.Store(std::make_shared<const List>(std::move(databases)));
  return changes;
}

std::optional<std::string> Declarations::PlaceOfDatabase(std::string_view database) const {
  const auto databases = databases_.Load();
  const DeclaredDatabase* found = Find(*databases, database);
  if (found == nullptr) return std::nullopt;
  return found->place;
}

std::optional<std::string> Declarations::PlaceOfPolicy(std::string_view database,
                                                       std::string_view policy) const {
  const auto databases = databases_.Load();
  const DeclaredDatabase* found = Find(*databases, database);
  if (found == nullptr) return std::nullopt;
  for (const DeclaredPolicy& declared : found->policies) {
    if (declared.spec.name == policy) return declared.place;
  }
  return std::nullopt;
}

std::optional<std::string> Declarations::PlaceOfDefault(std::string_view database) const {
  const auto databases = databases_.Load();
  const DeclaredDatabase* found = Find(*databases, database);
  if (found == nullptr) return std::nullopt;
  for (const DeclaredPolicy& declared : found->policies) {
    if (declared.is_default) return declared.place;
  }
  return std::nullopt;
}

std::optional<std::string> Declarations::PlaceOfQuery(std::string_view database,
                                                      std::string_view query) const {
  const auto databases = databases_.Load();
  const DeclaredDatabase* found = Find(*databases, database);
  if (found == nullptr) return std::nullopt;
  for (const DeclaredQuery& declared : found->queries) {
    if (declared.name == query) return declared.place;
  }
  return std::nullopt;
}

}  // namespace varve::retention
