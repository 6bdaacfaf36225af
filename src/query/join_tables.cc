#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "query/join.h"
#include "query/query_state.h"

namespace varve::query {
namespace {

constexpr size_t kRowsPerCheck = 4096;

// The rows of one side that have the same tags, in order of time.
struct SideRows {
  std::vector<size_t> rows;
  size_t next = 0;
  size_t end = 0;  // of those that have the time being joined
};
using Sides = std::vector<SideRows>;

// A joined table, what its texts live in, and the memory it is counted for.
struct JoinedTable {
  explicit JoinedTable(QueryState& query) : memory(query) {}
  std::vector<std::shared_ptr<const Table>> sides;
  MemoryUse memory;
  Table table;
};

class Joiner {
 public:
  Joiner(const Join& join, const std::vector<std::shared_ptr<const Table>>& tables,
         const std::vector<std::string>& tags, QueryState& query)
      : join_(join), tags_(tags), query_(query), out_(std::make_shared<JoinedTable>(query)) {
    out_->sides = tables;
    out_->table.ascending = tables.front()->ascending;
    for (size_t i = 0; i < tables.size(); ++i) {
      for (const std::string& column : tables[i]->columns) {
        out_->table.columns.push_back(base::StrCat(join.sides[i].alias, ".", column));
      }
      if (name_.empty() && !tables[i]->series.empty()) name_ = tables[i]->series.front().name;
    }
  }

  absl::StatusOr<std::shared_ptr<const Table>> Run() {
    RETURN_IF_ERROR(Collect());
    while (!groups_.empty()) {
      auto group = groups_.extract(groups_.begin());
      RETURN_IF_ERROR(JoinGroup(group.key(), &group.mapped()));
    }
    if (out_->table.series.size() > 1) SortByTime(&out_->table);
    const Table* table = &out_->table;
    RETURN_IF_ERROR(out_->memory.Set(table->bytes()));
    return std::shared_ptr<const Table>(std::move(out_), table);
  }

 private:
  using Key = std::vector<std::string>;

  static std::string TagOf(const Table::Series& series, const std::string& key) {
    for (const auto& [tag, value] : series.tags) {
      if (tag == key) return value;
    }
    return "";
  }

  // Sorts the series of all sides into groups.
  absl::Status Collect() {
    for (size_t side = 0; side < out_->sides.size(); ++side) {
      const Table& table = *out_->sides[side];
      for (const Table::Series& series : table.series) {
        Key key;
        for (const std::string& tag : tags_) key.push_back(TagOf(series, tag));
        Sides& sides = groups_[std::move(key)];
        sides.resize(out_->sides.size());
        std::vector<size_t>& rows = sides[side].rows;
        const bool sorted = rows.empty();
        rows.insert(rows.end(), series.rows.begin(), series.rows.end());
        collected_bytes_ += series.rows.size() * sizeof(size_t);
        if (!sorted) {
          std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) {
            return Before(table.times[a], table.times[b]);
          });
        }
      }
      RETURN_IF_ERROR(Count());
    }
    return absl::OkStatus();
  }

  bool Before(int64_t a, int64_t b) const { return out_->table.ascending ? a < b : b < a; }

  absl::Status JoinGroup(const Key& key, Sides* sides) {
    Table& table = out_->table;
    const size_t begin = table.times.size();
    std::vector<bool> used(sides->size());
    while (true) {
      bool found = false;
      int64_t time = 0;
      for (size_t i = 0; i < sides->size(); ++i) {
        const SideRows& side = (*sides)[i];
        if (side.next == side.rows.size()) continue;
        const int64_t next = TimeOf(i, side.next, side);
        if (!found || Before(next, time)) time = next;
        found = true;
      }
      if (!found) break;
      for (size_t i = 0; i < sides->size(); ++i) {
        SideRows& side = (*sides)[i];
        side.end = side.next;
        while (side.end < side.rows.size() && TimeOf(i, side.end, side) == time) ++side.end;
      }
      if (Meet(*sides, &used)) RETURN_IF_ERROR(Append(time, *sides, used));
      for (SideRows& side : *sides) side.next = side.end;
    }
    for (const SideRows& side : *sides) collected_bytes_ -= side.rows.size() * sizeof(size_t);
    if (table.times.size() == begin) return absl::OkStatus();
    Table::Series series;
    series.name = name_;
    for (size_t i = 0; i < tags_.size(); ++i) series.tags.emplace_back(tags_[i], key[i]);
    series.rows.resize(table.times.size() - begin);
    std::iota(series.rows.begin(), series.rows.end(), static_cast<uint32_t>(begin));
    table.series.push_back(std::move(series));
    return absl::OkStatus();
  }
  int64_t TimeOf(size_t side, size_t at, const SideRows& rows) const {
    return out_->sides[side]->times[rows.rows[at]];
  }

  // From left to right: whether there is a row, and which sides have a part in it.
  bool Meet(const Sides& sides, std::vector<bool>* used) const {
    bool any = false;
    for (size_t i = 0; i < sides.size(); ++i) {
      const bool present = sides[i].next < sides[i].end;
      const JoinKind kind = i == 0 ? JoinKind::kFull : join_.sides[i].kind;
      (*used)[i] = present && (any || kind == JoinKind::kFull);
      if (kind == JoinKind::kInner && !(*used)[i]) {
        std::fill(used->begin(), used->end(), false);
        any = false;
      }
      any = any || (*used)[i];
    }
    return any;
  }

  // Every combination of the rows of the sides; those of the last side change first.
  absl::Status Append(int64_t time, const Sides& sides, const std::vector<bool>& used) {
    Table& table = out_->table;
    std::vector<size_t> at(sides.size());
    for (size_t i = 0; i < sides.size(); ++i) at[i] = sides[i].next;
    while (true) {
      table.times.push_back(time);
      for (size_t i = 0; i < sides.size(); ++i) {
        const Table& from = *out_->sides[i];
        const size_t width = from.columns.size();
        if (!used[i]) {
          table.values.resize(table.values.size() + width);
          continue;
        }
        const model::FieldValue* row = from.values.data() + sides[i].rows[at[i]] * width;
        table.values.insert(table.values.end(), row, row + width);
      }
      if (table.times.size() % kRowsPerCheck == 0) RETURN_IF_ERROR(Count());
      size_t side = sides.size();
      while (side > 0) {
        --side;
        if (used[side] && ++at[side] < sides[side].end) break;
        at[side] = sides[side].next;
        if (side == 0) return absl::OkStatus();
      }
    }
  }

  absl::Status Count() {
    RETURN_IF_ERROR(query_.Check());
    return out_->memory.Set(out_->table.bytes() + collected_bytes_);
  }

  const Join& join_;
  const std::vector<std::string>& tags_;
  QueryState& query_;
  std::shared_ptr<JoinedTable> out_;
  std::string name_;  // that of the first side that has a series
  std::map<Key, Sides> groups_;
  size_t collected_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Table>> JoinTables(
    const Join& join, const std::vector<std::shared_ptr<const Table>>& sides,
    const std::vector<std::string>& tags, QueryState& query) {
  return Joiner(join, sides, tags, query).Run();
}

absl::StatusOr<SourceSchema> SchemaOfJoin(
    const Join& join, const std::vector<std::shared_ptr<const PreparedSelect>>& sides) {
  SourceSchema schema;
  for (size_t i = 0; i < sides.size(); ++i) {
    ASSIGN_OR_RETURN(const SourceSchema side, SchemaOf(sides[i]->statement));
    const auto named = [&](const std::string& name) {
      return base::StrCat(join.sides[i].alias, ".", name);
    };
    for (const auto& [name, type] : side.fields) schema.fields[named(name)] = type;
    for (const auto& [name, type] : side.hidden) schema.hidden[named(name)] = type;
  }
  for (const std::string& tag : join.tags) schema.tags.insert(tag);
  return schema;
}

std::string DescribeJoin(const Join& join) {
  std::string text = "JOIN: ";
  for (size_t i = 0; i < join.sides.size(); ++i) {
    const JoinKind kind = join.sides[i].kind;
    if (i > 0) {
      text += kind == JoinKind::kInner  ? " JOIN "
              : kind == JoinKind::kLeft ? " LEFT JOIN "
                                        : " FULL JOIN ";
    }
    text += join.sides[i].alias;
  }
  text += " on time";
  for (const std::string& tag : join.tags) base::StrAppend(text, ", ", tag);
  return text + ", each side read once, joined in memory in order of time";
}

}  // namespace varve::query
