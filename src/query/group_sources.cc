// From sources to groups of series.
#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "query/execute.h"
#include "query/rewrite.h"

namespace varve::query {
namespace {

// Keeps the rows of a subquery.
class TableSink final : public RowSink {
 public:
  TableSink(Table* table, MemoryUse* memory) : table_(table), memory_(memory) {}

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    const size_t at = table_->times.size();
    table_->series.push_back({std::string(name), tags, at, at});
    return absl::OkStatus();
  }
  absl::Status Rows(size_t rows, const int64_t* times, const model::FieldValue* values) override {
    table_->times.insert(table_->times.end(), times, times + rows);
    for (size_t i = 0; i < rows * table_->columns.size(); ++i) {
      table_->values.push_back(table_->texts.Keep(values[i]));
    }
    table_->series.back().end = table_->times.size();
    return memory_->Set(table_->bytes());
  }

 private:
  Table* table_;
  MemoryUse* memory_;
};

// A table with the memory it is counted for.
struct CountedTable {
  explicit CountedTable(QueryState& query) : memory(query) {}
  MemoryUse memory;
  Table table;
};

absl::StatusOr<std::shared_ptr<const Table>> RunSubquery(const PreparedSelect& inner,
                                                         const Surroundings& around,
                                                         QueryState& query) {
  auto counted = std::make_shared<CountedTable>(query);
  counted->table.columns = inner.columns;
  counted->table.ascending = inner.compiled->ascending;
  TableSink sink(&counted->table, &counted->memory);
  RETURN_IF_ERROR(ExecuteSelect(inner, around, query, sink));
  return std::shared_ptr<const Table>(counted, &counted->table);
}

std::vector<std::string> SortedUnique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// Collects the groups of one source after another.
class Grouper {
 public:
  Grouper(GroupedSources* out, int64_t slimit, int64_t soffset)
      : out_(out), slimit_(slimit), soffset_(soffset) {}

  // `limited`: SLIMIT and SOFFSET count the groups of this source.
  void Add(std::unique_ptr<RowSource> source, bool limited) {
    Groups groups;
    const auto index = static_cast<uint32_t>(out_->sources.size());
    std::vector<std::string> values;
    // Series of one group often follow each other.
    std::vector<GroupMember>* last = nullptr;
    std::vector<std::string> last_values;
    for (uint32_t series = 0; series < source->series_count(); ++series) {
      source->TagValues(series, out_->dimensions, &values);
      if (last == nullptr || values != last_values) {
        last = &groups[values];
        last_values = values;
      }
      last->push_back({index, series});
    }
    if (limited && (slimit_ > 0 || soffset_ > 0)) Limit(&groups);
    for (auto& [tags, members] : groups) Merge(source->name(), tags, std::move(members));
    out_->sources.push_back(std::move(source));
  }

  void Finish(bool ascending) {
    for (auto& [key, members] : merged_) {
      out_->groups.push_back({key.first, key.second, std::move(members)});
    }
    if (!ascending) std::reverse(out_->groups.begin(), out_->groups.end());
  }

 private:
  using Groups = std::map<std::vector<std::string>, std::vector<GroupMember>>;

  // What InfluxDB's index sorts the groups of a measurement by before it counts them: the keys they
  // have, then the values.
  std::string SortKey(const std::vector<std::string>& values) const {
    std::string keys;
    std::string text;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].empty()) continue;
      base::StrAppend(keys, out_->dimensions[i], "|");
      base::StrAppend(text, text.empty() ? "" : "|", values[i]);
    }
    return keys + text;
  }
  // SOFFSET without SLIMIT leaves nothing, as in InfluxDB.
  void Limit(Groups* groups) const {
    std::vector<std::pair<std::string, Groups::iterator>> order;
    for (auto at = groups->begin(); at != groups->end(); ++at) {
      order.emplace_back(SortKey(at->first), at);
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < order.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      if (place < soffset_ || place - soffset_ >= slimit_) groups->erase(order[i].second);
    }
  }

  void Merge(const std::string& name, const std::vector<std::string>& tags,
             std::vector<GroupMember> members) {
    auto& all = merged_[{name, tags}];
    if (all.empty()) {
      all = std::move(members);
    } else {
      all.insert(all.end(), members.begin(), members.end());
    }
  }

  GroupedSources* out_;
  int64_t slimit_;
  int64_t soffset_;
  std::map<std::pair<std::string, std::vector<std::string>>, std::vector<GroupMember>> merged_;
};

}  // namespace

TagPairs GroupedSources::TagsOf(const Group& group) const {
  TagPairs tags;
  for (size_t i = 0; i < dimensions.size(); ++i) tags.emplace_back(dimensions[i], group.tags[i]);
  return tags;
}

absl::StatusOr<GroupedSources> GroupSources(const PreparedSelect& select,
                                            const Surroundings& around, QueryState& query) {
  const SelectStatement& statement = select.statement;
  GroupedSources grouped;
  std::vector<std::string> dimensions = TagDimensions(statement);
  dimensions.insert(dimensions.end(), around.dimensions.begin(), around.dimensions.end());
  grouped.dimensions = SortedUnique(std::move(dimensions));
  const int64_t slimit = statement.slimit + around.slimit;
  const int64_t soffset = statement.soffset + around.soffset;
  Grouper grouper(&grouped, slimit, soffset);
  for (const PreparedSource& source : select.sources) {
    RETURN_IF_ERROR(query.Check());
    if (source.subquery == nullptr) {
      auto rows = MakeViewSource(source.view, source.measurement, statement.condition);
      RETURN_IF_ERROR(query.AddSeries(rows->series_count()));
      grouper.Add(std::move(rows), true);
      continue;
    }
    const Surroundings inner{grouped.dimensions, slimit, soffset};
    ASSIGN_OR_RETURN(const auto table, RunSubquery(*source.subquery, inner, query));
    std::vector<std::string> names;
    for (const Table::Series& series : table->series) names.push_back(series.name);
    for (std::string& name : SortedUnique(std::move(names))) {
      grouper.Add(MakeTableSource(table, std::move(name), statement.condition), false);
    }
  }
  grouper.Finish(select.compiled->ascending);
  return grouped;
}

absl::Status ExecuteSelect(const PreparedSelect& select, const Surroundings& around,
                           QueryState& query, RowSink& sink) {
  if (select.range.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const GroupedSources grouped, GroupSources(select, around, query));
  return select.compiled->has_calls ? ExecuteCalls(select, grouped, query, sink)
                                    : ExecuteRaw(select, grouped, query, sink);
}

model::FieldValue FillValueFor(const SelectStatement& statement, DataType type) {
  const auto* number = std::get_if<double>(&statement.fill_value);
  const auto* whole = std::get_if<int64_t>(&statement.fill_value);
  if (statement.fill != FillOption::kNumber || (number == nullptr && whole == nullptr)) return {};
  switch (type) {
    case DataType::kFloat:
      return model::FieldValue::Float(number != nullptr ? *number : static_cast<double>(*whole));
    case DataType::kInteger:
      return model::FieldValue::Integer(number != nullptr ? static_cast<int64_t>(*number) : *whole);
    case DataType::kUnsigned:
      return model::FieldValue::Unsigned(number != nullptr ? static_cast<uint64_t>(*number)
                                                           : static_cast<uint64_t>(*whole));
    default:
      return number != nullptr ? model::FieldValue::Float(*number)
                               : model::FieldValue::Integer(*whole);
  }
}

}  // namespace varve::query
