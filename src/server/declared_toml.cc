#include "server/declared_toml.h"

#include <algorithm>
#include <string>

#include "base/status.h"
#include "meta/policy_rules.h"
#include "server/options.h"

namespace varve::server {
namespace {

using retention::DeclaredDatabase;
using retention::DeclaredPolicy;
using retention::DeclaredQuery;

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  absl::StatusOr<DeclaredDatabase> Database(const toml::table& table) const {
    DeclaredDatabase database;
    database.place = PlaceOf(table);
    for (const auto& [key, node] : table) {
      const std::string_view name = key.str();
      if (name == "name") {
        ASSIGN_OR_RETURN(database.name, Text("database.name", node));
      } else if (name == "retention-policy") {
        RETURN_IF_ERROR(EachTable("database.retention-policy", node,
                                  [&](const toml::table& t) { return AddPolicy(t, &database); }));
      } else if (name == "continuous-query") {
        RETURN_IF_ERROR(EachTable("database.continuous-query", node,
                                  [&](const toml::table& t) { return AddQuery(t, &database); }));
      } else {
        return At(node, base::StrCat("unknown key database.", name,
                                     "; there are name, retention-policy, continuous-query"));
      }
    }
    if (database.name.empty()) return At(table, "database.name: is missing");
    return database;
  }

  absl::Status At(const toml::node& node, std::string_view text) const {
    return base::InvalidArgument(PlaceOf(node), ": ", text);
  }

 private:
  std::string PlaceOf(const toml::node& node) const {
    return base::StrCat(file_, ":", node.source().begin.line);
  }

  template <typename F>
  absl::Status EachTable(std::string_view name, const toml::node& node, F read) const {
    const toml::array* array = node.as_array();
    if (array == nullptr || !array->is_array_of_tables()) {
      return At(node, base::StrCat(name, ": expected [[", name, "]] tables"));
    }
    for (const toml::node& element : *array) RETURN_IF_ERROR(read(*element.as_table()));
    return absl::OkStatus();
  }

  absl::Status AddPolicy(const toml::table& table, DeclaredDatabase* database) const {
    DeclaredPolicy policy;
    policy.place = PlaceOf(table);
    policy.spec.duration_ns = 0;
    for (const auto& [key, node] : table) {
      const std::string name = base::StrCat("retention-policy.", key.str());
      if (key.str() == "name") {
        ASSIGN_OR_RETURN(policy.spec.name, Text(name, node));
      } else if (key.str() == "duration") {
        ASSIGN_OR_RETURN(policy.spec.duration_ns, PolicyDuration(name, node));
      } else if (key.str() == "shard-duration") {
        ASSIGN_OR_RETURN(policy.spec.shard_group_duration_ns, Duration(name, node));
      } else if (key.str() == "replication") {
        const auto count = node.value_exact<int64_t>();
        if (!count || *count < 1 || *count > 0x7fffffff) {
          return At(node, base::StrCat(name, ": expected a whole number, 1 or more"));
        }
        policy.spec.replication = static_cast<int>(*count);
      } else if (key.str() == "default") {
        const auto flag = node.value_exact<bool>();
        if (!flag) return At(node, base::StrCat(name, ": expected true or false"));
        policy.is_default = *flag;
      } else if (key.str() == "measurement") {
        RETURN_IF_ERROR(
            EachTable("database.retention-policy.measurement", node,
                      [&](const toml::table& t) { return AddMeasurement(t, &policy); }));
      } else {
        return At(node, base::StrCat("unknown key ", name,
                                     "; there are name, duration, shard-duration, replication, "
                                     "default, measurement"));
      }
    }
    if (policy.spec.name.empty()) return At(table, "retention-policy.name: is missing");
    const auto made = meta::MakePolicy(policy.spec);
    if (!made.ok()) {
      return At(table, base::StrCat("retention-policy ", policy.spec.name, ": ",
                                    base::MessageOf(made.status())));
    }
    for (const DeclaredPolicy& other : database->policies) {
      if (other.spec.name == policy.spec.name) {
        return At(table, base::StrCat("retention-policy.name: ", policy.spec.name,
                                      " is declared in ", other.place, ", too"));
      }
      if (other.is_default && policy.is_default) {
        return At(table, base::StrCat("retention-policy.default: ", other.spec.name, " in ",
                                      other.place, " is the default already"));
      }
    }
    database->policies.push_back(std::move(policy));
    return absl::OkStatus();
  }

  absl::Status AddMeasurement(const toml::table& table, DeclaredPolicy* policy) const {
    model::MeasurementDuration item;
    for (const auto& [key, node] : table) {
      const std::string name = base::StrCat("retention-policy.measurement.", key.str());
      if (key.str() == "name") {
        ASSIGN_OR_RETURN(item.measurement, Text(name, node));
      } else if (key.str() == "duration") {
        ASSIGN_OR_RETURN(item.duration_ns, Duration(name, node));
      } else {
        return At(node, base::StrCat("unknown key ", name, "; there are name, duration"));
      }
    }
    if (item.measurement.empty()) return At(table, "retention-policy.measurement.name: is missing");
    if (item.duration_ns == 0)
      return At(table, "retention-policy.measurement.duration: is missing");
    for (const auto& other : policy->spec.measurements) {
      if (other.measurement == item.measurement) {
        return At(table, base::StrCat("retention-policy.measurement.name: ", item.measurement,
                                      " is declared twice"));
      }
    }
    policy->spec.measurements.push_back(std::move(item));
    return absl::OkStatus();
  }

  absl::Status AddQuery(const toml::table& table, DeclaredDatabase* database) const {
    DeclaredQuery query;
    query.place = PlaceOf(table);
    for (const auto& [key, node] : table) {
      const std::string name = base::StrCat("continuous-query.", key.str());
      if (key.str() == "name") {
        ASSIGN_OR_RETURN(query.name, Text(name, node));
      } else if (key.str() == "query") {
        ASSIGN_OR_RETURN(query.select, Text(name, node));
      } else if (key.str() == "resample-every") {
        ASSIGN_OR_RETURN(query.resample_every_ns, Duration(name, node));
      } else if (key.str() == "resample-for") {
        ASSIGN_OR_RETURN(query.resample_for_ns, Duration(name, node));
      } else {
        return At(node, base::StrCat("unknown key ", name,
                                     "; there are name, query, resample-every, resample-for"));
      }
    }
    if (query.name.empty()) return At(table, "continuous-query.name: is missing");
    if (query.select.empty()) return At(table, "continuous-query.query: is missing");
    for (const DeclaredQuery& other : database->queries) {
      if (other.name == query.name) {
        return At(table, base::StrCat("continuous-query.name: ", query.name, " is declared in ",
                                      other.place, ", too"));
      }
    }
    database->queries.push_back(std::move(query));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Text(std::string_view name, const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) return At(node, base::StrCat(name, ": expected text"));
    return *text;
  }

  absl::StatusOr<int64_t> Duration(std::string_view name, const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    const auto ns = text ? ParseDuration(*text) : base::InvalidArgument("");
    if (!ns.ok() || *ns <= 0) {
      return At(node, base::StrCat(name, ": expected a duration such as \"30s\", \"1h\", \"7d\""));
    }
    return *ns;
  }

  absl::StatusOr<int64_t> PolicyDuration(std::string_view name, const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    if (text && (*text == "INF" || *text == "inf")) return 0;
    const auto ns = text ? ParseDuration(*text) : base::InvalidArgument("");
    if (!ns.ok() || *ns < 0) {
      return At(node, base::StrCat(name, ": expected a duration of 1h or more, or \"INF\""));
    }
    return *ns;
  }

  std::string_view file_;
};

}  // namespace

absl::StatusOr<std::vector<DeclaredDatabase>> ReadDeclared(const toml::array& databases,
                                                           std::string_view file) {
  const Reader reader(file);
  std::vector<DeclaredDatabase> result;
  for (const toml::node& node : databases) {
    ASSIGN_OR_RETURN(DeclaredDatabase database, reader.Database(*node.as_table()));
    for (const DeclaredDatabase& other : result) {
      if (other.name == database.name) {
        return reader.At(node, base::StrCat("database.name: ", database.name, " is declared in ",
                                            other.place, ", too"));
      }
    }
    result.push_back(std::move(database));
  }
  return result;
}

}  // namespace varve::server
