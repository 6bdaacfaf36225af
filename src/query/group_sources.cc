// From sources to groups of series.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/status.h"
#include "base/strings.h"
#include "query/condition.h"
#include "query/execute.h"
#include "query/join.h"
#include "query/rewrite.h"
#include "query/shape.h"

namespace varve::query {
namespace {

// Keeps the rows of a subquery.
class TableSink final : public RowSink {
 public:
  TableSink(Table* table, MemoryUse* memory) : table_(table), memory_(memory) {}

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    current_ = table_->series.size();
    table_->series.push_back({std::string(name), tags, {}});
    return absl::OkStatus();
  }
  absl::Status Resume(size_t series) override {
    current_ = series;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t rows, const int64_t* times, const model::FieldValue* values) override {
    std::vector<uint32_t>& places = table_->series[current_].rows;
    for (size_t i = 0; i < rows; ++i) {
      places.push_back(static_cast<uint32_t>(table_->times.size()));
      table_->times.push_back(times[i]);
    }
    for (size_t i = 0; i < rows * table_->columns.size(); ++i) {
      table_->values.push_back(table_->texts.Keep(values[i]));
    }
    return memory_->Set(table_->bytes());
  }

 private:
  Table* table_;
  MemoryUse* memory_;
  size_t current_ = 0;
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
  // Sorted as ORDER BY says, rows still come in order of time where series are merged.
  if (inner.shape != nullptr && counted->table.series.size() > 1) SortByTime(&counted->table);
  return std::shared_ptr<const Table>(counted, &counted->table);
}

std::vector<std::string> SortedUnique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

absl::StatusOr<std::shared_ptr<const Table>> RunJoin(const PreparedJoin& prepared,
                                                     const std::vector<std::string>& grouped_by,
                                                     QueryState& query) {
  // Tags that the statements around it group by count as those of its own GROUP BY.
  std::vector<std::string> tags = prepared.join->tags;
  if (!prepared.join->on_given) tags.insert(tags.end(), grouped_by.begin(), grouped_by.end());
  tags = SortedUnique(std::move(tags));
  std::vector<std::shared_ptr<const Table>> sides;
  for (const auto& side : prepared.sides) {
    ASSIGN_OR_RETURN(auto table, RunSubquery(*side, Surroundings{tags, 0, 0}, query));
    sides.push_back(std::move(table));
  }
  return JoinTables(*prepared.join, sides, tags, query);
}

// Appends a tag's value such that encoded lists of values sort as the lists do: a zero byte becomes
// 00 01, the end of a value is 00 00.
void EncodeValue(std::string_view value, std::string* out) {
  for (const char c : value) {
    out->push_back(c);
    if (c == '\0') out->push_back('\1');
  }
  out->append(2, '\0');
}
// Takes the next value off `encoded`.
std::string DecodeValue(std::string_view* encoded) {
  std::string value;
  size_t at = 0;
  while (at + 1 < encoded->size()) {
    const char c = (*encoded)[at++];
    if (c != '\0') {
      value.push_back(c);
    } else if ((*encoded)[at++] == '\1') {
      value.push_back(c);
    } else {
      break;
    }
  }
  encoded->remove_prefix(at);
  return value;
}

// Collects the groups of one source after another.
class Grouper {
 public:
  Grouper(GroupedSources* out, int64_t slimit, int64_t soffset, QueryState& query)
      : out_(out), slimit_(slimit), soffset_(soffset), query_(query) {
    out_->memory = std::make_unique<MemoryUse>(query);
  }

  // `of`: the source of the statement. `limited`: SLIMIT and SOFFSET count the groups of this one.
  absl::Status Add(std::unique_ptr<RowSource> source, uint32_t of, bool limited) {
    const size_t begin = out_->members.size();
    const auto index = static_cast<uint32_t>(out_->sources.size());
    const std::string& name = source->name();
    auto at = by_name_.find(name);
    if (at == by_name_.end()) at = by_name_.try_emplace(out_->texts.Copy(name)).first;
    std::vector<std::string> values;
    // Series of one group often follow each other.
    std::string last;
    std::string encoded;
    uint32_t group = 0;
    const size_t count = source->series_count();
    listed_series_ += count;
    out_->members.reserve(begin + count);
    group_of_.reserve(begin + count);
    for (uint32_t series = 0; series < count; ++series) {
      source->TagValues(series, out_->dimensions, &values);
      encoded.clear();
      for (const std::string& value : values) EncodeValue(value, &encoded);
      if (series == 0 || encoded != last) {
        group = GroupOf(at->first, encoded, &at->second);
        last.swap(encoded);
      }
      out_->members.push_back({index, series});
      group_of_.push_back(group);
      if (series % kSeriesPerCheck == 0) RETURN_IF_ERROR(Count());
    }
    if (limited && (slimit_ > 0 || soffset_ > 0)) Limit(begin);
    out_->sources.push_back(std::move(source));
    out_->statement_sources.push_back(of);
    return Count();
  }

  // Puts the groups in order and the members of each together.
  absl::Status Finish(bool ascending) {
    std::vector<uint32_t> sizes(keys_.size());
    for (const uint32_t group : group_of_) ++sizes[group];
    std::vector<uint32_t> order;
    for (uint32_t group = 0; group < keys_.size(); ++group) {
      if (sizes[group] > 0) order.push_back(group);
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return ascending ? keys_[a] < keys_[b] : keys_[b] < keys_[a];
    });
    std::vector<size_t> place(keys_.size());
    size_t end = 0;
    for (const uint32_t group : order) {
      place[group] = end;
      end += sizes[group];
    }
    std::vector<GroupMember> members(end);
    for (size_t i = 0; i < group_of_.size(); ++i) members[place[group_of_[i]]++] = out_->members[i];
    out_->members = std::move(members);
    out_->groups.reserve(order.size());
    for (const uint32_t group : order) {
      const size_t size = sizes[group];
      out_->groups.push_back({keys_[group].first, keys_[group].second,
                              std::span(out_->members).subspan(place[group] - size, size)});
    }
    return out_->memory->Set(KeptBytes() + out_->groups.capacity() * sizeof(Group));
  }

 private:
  using GroupIds = absl::flat_hash_map<std::string_view, uint32_t>;
  static constexpr uint32_t kSeriesPerCheck = 4096;

  uint32_t GroupOf(std::string_view name, std::string_view encoded, GroupIds* ids) {
    const auto known = ids->find(encoded);
    if (known != ids->end()) return known->second;
    const auto group = static_cast<uint32_t>(keys_.size());
    keys_.emplace_back(name, out_->texts.Copy(encoded));
    ids->emplace(keys_.back().second, group);
    return group;
  }

  size_t KeptBytes() const {
    // A source lists its series.
    return out_->members.capacity() * sizeof(GroupMember) + out_->texts.bytes() +
           listed_series_ * sizeof(model::SeriesId);
  }
  // What is held while groups are being made.
  absl::Status Count() {
    RETURN_IF_ERROR(query_.Check());
    size_t bytes =
        KeptBytes() + group_of_.capacity() * sizeof(uint32_t) + keys_.capacity() * sizeof(keys_[0]);
    for (const auto& [name, ids] : by_name_) {
      bytes += ids.capacity() * (sizeof(GroupIds::value_type) + 1);
    }
    return out_->memory->Set(bytes);
  }

  // What InfluxDB's index sorts the groups of a measurement by before it counts them: the keys they
  // have, then the values.
  std::string SortKey(std::string_view encoded) const {
    std::string keys;
    std::string text;
    for (const std::string& dimension : out_->dimensions) {
      const std::string value = DecodeValue(&encoded);
      if (value.empty()) continue;
      base::StrAppend(keys, dimension, "|");
      base::StrAppend(text, text.empty() ? "" : "|", value);
    }
    return keys + text;
  }
  // Drops the members, from `begin` on, of groups that are not counted. SOFFSET without SLIMIT
  // leaves nothing, as in InfluxDB.
  void Limit(size_t begin) {
    std::vector<uint32_t> met(group_of_.begin() + static_cast<ptrdiff_t>(begin), group_of_.end());
    std::sort(met.begin(), met.end());
    met.erase(std::unique(met.begin(), met.end()), met.end());
    std::vector<std::pair<std::string, uint32_t>> order;
    for (const uint32_t group : met) order.emplace_back(SortKey(keys_[group].second), group);
    std::sort(order.begin(), order.end());
    absl::flat_hash_set<uint32_t> kept;
    for (size_t i = 0; i < order.size(); ++i) {
      const auto place = static_cast<int64_t>(i);
      if (place >= soffset_ && place - soffset_ < slimit_) kept.insert(order[i].second);
    }
    size_t to = begin;
    for (size_t i = begin; i < group_of_.size(); ++i) {
      if (!kept.contains(group_of_[i])) continue;
      group_of_[to] = group_of_[i];
      out_->members[to++] = out_->members[i];
    }
    group_of_.resize(to);
    out_->members.resize(to);
  }

  GroupedSources* out_;
  int64_t slimit_;
  int64_t soffset_;
  QueryState& query_;
  size_t listed_series_ = 0;
  std::map<std::string_view, GroupIds> by_name_;                     // encoded values to group
  std::vector<std::pair<std::string_view, std::string_view>> keys_;  // of each group: name, values
  std::vector<uint32_t> group_of_;                                   // of each member so far
};

// InfluxDB counts series for SLIMIT and SOFFSET in each shard by itself, so there each shard is a
// source of its own. Their times do not overlap.
absl::StatusOr<std::vector<std::shared_ptr<const engine::ReadView>>> ShardViews(
    const PreparedSource& source, const TimeRanges& ranges, QueryState& query) {
  std::vector<std::shared_ptr<const engine::ReadView>> views;
  for (const model::TimeRange& shard : query.ShardRanges(source.policy)) {
    if (!Overlaps(ranges, shard)) continue;
    ASSIGN_OR_RETURN(auto view, query.View(source.policy, {shard}));
    if (view->HasMeasurement(source.measurement)) views.push_back(std::move(view));
  }
  return views;
}

// Puts together the groups that have the same values of `dimensions`, some of those grouped by.
std::vector<std::vector<uint32_t>> StreamsOf(const GroupedSources& grouped,
                                             const std::vector<std::string>& dimensions,
                                             bool ascending) {
  std::vector<std::pair<std::pair<std::string, std::string>, uint32_t>> keyed;
  for (uint32_t i = 0; i < grouped.groups.size(); ++i) {
    const Group& group = grouped.groups[i];
    std::string key;
    for (const auto& [tag, value] : grouped.TagsOf(group)) {
      if (std::binary_search(dimensions.begin(), dimensions.end(), tag)) EncodeValue(value, &key);
    }
    keyed.push_back({{std::string(group.name), std::move(key)}, i});
  }
  // Within a stream InfluxDB goes through the groups in ascending order, whatever the statement's.
  std::sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return ascending ? a.first < b.first : b.first < a.first;
    return ascending ? a.second < b.second : b.second < a.second;
  });
  std::vector<std::vector<uint32_t>> streams;
  for (size_t i = 0; i < keyed.size(); ++i) {
    if (i == 0 || keyed[i].first != keyed[i - 1].first) streams.emplace_back();
    streams.back().push_back(keyed[i].second);
  }
  return streams;
}

}  // namespace

absl::Status RowSink::MemberRows(size_t rows, const int64_t* times, const model::FieldValue* values,
                                 const uint32_t*, std::span<const uint8_t>) {
  return Rows(rows, times, values);
}

absl::Status RowSink::Resume(size_t) { return base::Internal("rows of a series that has ended"); }

TagPairs GroupedSources::TagsOf(const Group& group) const {
  TagPairs tags;
  std::string_view encoded = group.tags;
  for (const std::string& dimension : dimensions) {
    tags.emplace_back(dimension, DecodeValue(&encoded));
  }
  return tags;
}

absl::StatusOr<GroupedSources> GroupSources(const PreparedSelect& select,
                                            const Surroundings& around, QueryState& query) {
  const SelectStatement& statement = select.statement;
  GroupedSources grouped;
  std::vector<std::string> dimensions = TagDimensions(statement);
  dimensions.insert(dimensions.end(), around.dimensions.begin(), around.dimensions.end());
  grouped.dimensions = SortedUnique(std::move(dimensions));
  const std::vector<std::string> final_dimensions =
      around.final_dimensions != nullptr ? *around.final_dimensions : grouped.dimensions;
  const int64_t slimit = statement.slimit + around.slimit;
  const int64_t soffset = statement.soffset + around.soffset;
  Grouper grouper(&grouped, slimit, soffset, query);
  if (LooksAtTagValues(statement.condition)) query.GiveBackThread();
  for (uint32_t i = 0; i < select.sources.size(); ++i) {
    const PreparedSource& source = select.sources[i];
    RETURN_IF_ERROR(query.Check());
    if (source.view != nullptr) {
      std::vector<std::shared_ptr<const engine::ReadView>> views{source.view};
      if (slimit > 0 && source.view->shard_count() > 1) {
        ASSIGN_OR_RETURN(views, ShardViews(source, select.ReadTimes(), query));
      }
      for (auto& view : views) {
        auto rows = MakeViewSource(std::move(view), source.measurement, statement.condition,
                                   query.ShardRanges(source.policy));
        RETURN_IF_ERROR(query.AddSeries(rows->series_count()));
        RETURN_IF_ERROR(grouper.Add(std::move(rows), i, true));
      }
      continue;
    }
    const bool joined = source.join != nullptr;
    const Surroundings inner{grouped.dimensions, slimit, soffset, &final_dimensions};
    ASSIGN_OR_RETURN(const auto table, joined ? RunJoin(*source.join, grouped.dimensions, query)
                                              : RunSubquery(*source.subquery, inner, query));
    std::vector<std::string> names;
    for (const Table::Series& series : table->series) names.push_back(series.name);
    for (std::string& name : SortedUnique(std::move(names))) {
      RETURN_IF_ERROR(
          grouper.Add(MakeTableSource(table, std::move(name), statement.condition), i, joined));
    }
  }
  RETURN_IF_ERROR(grouper.Finish(select.compiled->ascending));
  grouped.outermost = around.final_dimensions == nullptr;
  // HAVING and ORDER BY look at whole series.
  if (select.shape == nullptr && final_dimensions.size() < grouped.dimensions.size()) {
    grouped.streams = StreamsOf(grouped, final_dimensions, select.compiled->ascending);
  }
  return grouped;
}

absl::Status ExecuteSelect(const PreparedSelect& select, const Surroundings& around,
                           QueryState& query, RowSink& sink) {
  if (select.range.empty()) return absl::OkStatus();
  GroupedSources grouped;
  {
    StageScope stage(query.stages(), Stage::kGroup);
    ASSIGN_OR_RETURN(grouped, GroupSources(select, around, query));
    stage.AddRows(grouped.groups.size());
  }
  const auto execute = [&](RowSink& to) {
    return select.compiled->has_calls ? ExecuteCalls(select, grouped, query, to)
                                      : ExecuteRaw(select, grouped, query, to);
  };
  if (select.shape == nullptr) return execute(sink);
  const RowShape& shape = *select.shape;
  const bool as_table = select.statement.omit_time;
  // Which rows a subquery answers matters, their order does not: they are read in order of time.
  const bool ordered = !shape.keys.empty() && (!as_table || shape.limit > 0 || shape.offset > 0);
  const auto last =
      ordered ? MakeOrderSink(shape, as_table, query, sink) : MakePageSink(shape, sink);
  const auto first = shape.having.has_value() ? MakeHavingSink(shape, *last) : nullptr;
  ShapingSink& head = first != nullptr ? *first : *last;
  RETURN_IF_ERROR(execute(head));
  return head.Finish();
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
