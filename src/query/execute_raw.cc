// SELECT of fields and tags.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/status.h"
#include "query/condition.h"
#include "query/evaluate.h"
#include "query/execute.h"
#include "query/merge_rows.h"
#include "query/shape.h"

namespace varve::query {
namespace {

using model::FieldValue;

void CollectRefs(const Expr& expr, std::vector<VarRef>* refs) {
  if (const auto* ref = expr.As<VarRef>()) {
    refs->push_back(*ref);
  } else if (const auto* binary = expr.As<BinaryExpr>()) {
    CollectRefs(*binary->left, refs);
    CollectRefs(*binary->right, refs);
  } else if (const auto* paren = expr.As<ParenExpr>()) {
    CollectRefs(*paren->inner, refs);
  } else if (const auto* call = expr.As<Call>()) {
    for (const ExprPtr& arg : call->args) CollectRefs(*arg, refs);
  } else if (expr.As<TimePart>()) {
    refs->push_back(*RowTime()->As<VarRef>());
  }
}

bool SameRef(const VarRef& a, const VarRef& b) { return a.name == b.name && a.type == b.type; }

// What the fields read, in the order that breaks ties between rows.
std::vector<VarRef> InputColumns(const SelectStatement& statement,
                                 const std::vector<ExprPtr>& hidden) {
  std::vector<VarRef> refs;
  for (const SelectField& field : statement.fields) CollectRefs(*field.expr, &refs);
  for (const ExprPtr& expr : hidden) CollectRefs(*expr, &refs);
  std::sort(refs.begin(), refs.end(), [](const VarRef& a, const VarRef& b) {
    return a.name != b.name ? a.name < b.name : a.type < b.type;
  });
  refs.erase(std::unique(refs.begin(), refs.end(), SameRef), refs.end());
  return refs;
}

// Turns input rows into rows of the answer.
class Projection {
 public:
  Projection(const SelectStatement& statement, const std::vector<ExprPtr>& hidden,
             const std::vector<VarRef>& inputs)
      : previous_(statement.fill == FillOption::kPrevious),
        age_max_(statement.fill_max_ns),
        inputs_(inputs.size()) {
    const auto add = [&](const Expr& field) {
      fields_.push_back(RowExpression::Bind(field, [&](const Expr& expr) {
        const auto* ref = expr.As<VarRef>();
        if (ref == nullptr) return -1;
        for (size_t i = 0; i < inputs.size(); ++i) {
          if (SameRef(inputs[i], *ref)) return static_cast<int>(i);
        }
        return -1;
      }));
      plain_ = plain_ && fields_.back().column() >= 0;
    };
    for (const SelectField& field : statement.fields) add(*field.expr);
    for (const ExprPtr& expr : hidden) add(*expr);
    for (const VarRef& input : inputs) fill_.push_back(FillValueFor(statement, input.type));
    fills_ = previous_ || statement.fill == FillOption::kNumber;
    copies_ = plain_ && !fills_ && fields_.size() == inputs_;
    for (size_t i = 0; copies_ && i < inputs_; ++i) {
      copies_ = fields_[i].column() == static_cast<int>(i);
    }
  }

  // Whether the columns are those that are read, in this order.
  bool copies() const { return copies_; }

  void NewSeries() {
    kept_.assign(inputs_, FieldValue());
    kept_times_.assign(inputs_, 0);
  }

  // `block`, as input columns, becomes values_: rows * fields.
  const FieldValue* Project(const RowBlock& block) {
    if (copies_) return block.values;
    out_.resize(block.rows * fields_.size());
    if (previous_) texts_ = KeepTexts();
    FieldValue* to = out_.data();
    for (size_t row = 0; row < block.rows; ++row) {
      std::span<const FieldValue> values{block.values + row * inputs_, inputs_};
      if (fills_) values = Fill(block.times[row], values);
      for (const RowExpression& field : fields_) {
        *to++ = plain_ ? values[static_cast<size_t>(field.column())] : field.Evaluate(values);
      }
    }
    return out_.data();
  }

 private:
  std::span<const FieldValue> Fill(int64_t time, std::span<const FieldValue> values) {
    row_.assign(values.begin(), values.end());
    for (size_t i = 0; i < inputs_; ++i) {
      if (previous_) {
        if (!row_[i].is_null()) {
          kept_[i] = row_[i] = texts_.Keep(row_[i]);
          kept_times_[i] = time;
        } else if (age_max_ == 0 || std::abs(time - kept_times_[i]) <= age_max_) {
          row_[i] = kept_[i];
        }
      } else if (row_[i].is_null()) {
        row_[i] = fill_[i];
      }
    }
    return row_;
  }
  // An arena that holds nothing but the texts carried over from the last block.
  TextArena KeepTexts() {
    TextArena texts;
    for (FieldValue& value : kept_) value = texts.Keep(value);
    return texts;
  }

  bool previous_;
  int64_t age_max_;
  bool fills_ = false;
  bool plain_ = true;
  bool copies_ = false;
  size_t inputs_;
  std::vector<RowExpression> fields_;
  std::vector<FieldValue> fill_;
  std::vector<FieldValue> kept_;  // fill(previous)
  std::vector<int64_t> kept_times_;
  std::vector<FieldValue> row_;
  std::vector<FieldValue> out_;
  TextArena texts_;
};

// OFFSET without LIMIT: InfluxDB's storage engine stops each series of the answer, in each shard,
// one row behind the offset, and so do we; subqueries do not pass that engine.
class ShardCut {
 public:
  ShardCut(const PreparedSelect& select, const QueryState& query, size_t width) : width_(width) {
    const SelectStatement& statement = select.statement;
    const bool stored = std::all_of(select.sources.begin(), select.sources.end(),
                                    [](const PreparedSource& s) { return s.view != nullptr; });
    active_ = stored && select.shape == nullptr && statement.offset > 0 && statement.limit == 0 &&
              !select.sources.empty();
    if (!active_) return;
    ranges_ = query.ShardRanges(select.sources.front().policy);
    rows_max_ = static_cast<size_t>(statement.offset) + 1;
  }

  void NewSeries() { counts_.assign(ranges_.size(), 0); }
  void Apply(RowBlock* block) {
    if (!active_) return;
    times_.clear();
    values_.clear();
    for (size_t i = 0; i < block->rows; ++i) {
      if (!Keep(block->times[i])) continue;
      times_.push_back(block->times[i]);
      const FieldValue* row = block->values + i * width_;
      values_.insert(values_.end(), row, row + width_);
    }
    *block = {times_.size(), times_.data(), values_.data(), nullptr};
  }

 private:
  bool Keep(int64_t time) {
    for (size_t i = 0; i < ranges_.size(); ++i) {
      if (ranges_[i].Contains(time)) return counts_[i]++ < rows_max_;
    }
    return true;
  }

  size_t width_;
  bool active_ = false;
  size_t rows_max_ = 0;
  std::vector<model::TimeRange> ranges_;
  std::vector<size_t> counts_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
};

// Rows that are there only because of a hidden column, which has a value where no column has one.
class HiddenRows {
 public:
  HiddenRows(const PreparedSelect& select, const std::vector<VarRef>& inputs)
      : width_(inputs.size()) {
    // What a subquery answers stays, whatever is in it.
    active_ = select.shape != nullptr && !select.shape->hidden.empty() &&
              std::all_of(select.sources.begin(), select.sources.end(),
                          [](const PreparedSource& s) { return s.view != nullptr; });
    if (!active_) return;
    const std::vector<VarRef> visible = InputColumns(select.statement, {});
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].type == DataType::kTag) continue;
      const auto same = [&](const VarRef& ref) { return SameRef(ref, inputs[i]); };
      if (std::any_of(visible.begin(), visible.end(), same)) fields_.push_back(i);
    }
  }

  void Drop(RowBlock* block) {
    if (!active_) return;
    times_.clear();
    values_.clear();
    for (size_t i = 0; i < block->rows; ++i) {
      const FieldValue* row = block->values + i * width_;
      const auto has = [&](size_t field) { return !row[field].is_null(); };
      if (std::none_of(fields_.begin(), fields_.end(), has)) continue;
      times_.push_back(block->times[i]);
      values_.insert(values_.end(), row, row + width_);
    }
    *block = {times_.size(), times_.data(), values_.data(), nullptr};
  }

 private:
  size_t width_;
  bool active_ = false;
  std::vector<size_t> fields_;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
};

// LIMIT and OFFSET of a statement within another, where one stream holds rows of several series:
// InfluxDB counts anew whenever the series changes.
class StreamLimit {
 public:
  StreamLimit(const PreparedSelect& select, const QueryState& query)
      : limit_(static_cast<size_t>(select.statement.limit)),
        offset_(static_cast<size_t>(select.statement.offset)),
        active_(limit_ > 0 || offset_ > 0),
        stored_(!select.sources.empty() && select.sources.front().view != nullptr) {
    if (active_ && stored_) shards_ = query.ShardRanges(select.sources.front().policy);
  }

  // What the storage engine reads of a series in a shard; 0: everything.
  size_t SeriesRowsMax() const { return active_ && stored_ ? offset_ + limit_ + 1 : 0; }
  void NewStream(size_t members) {
    shard_ = model::TimeRange{1, 0};
    members_.assign(members, 0);
    in_shard_ = in_stream_ = Counter();
  }
  // Whether the answer has the next row, of `group` and one of the stream's members.
  bool Keep(int64_t time, uint32_t member, uint32_t group) {
    if (!active_) return true;
    return (!stored_ || KeepInShard(time, member, group)) && Count(group, &in_stream_);
  }

 private:
  struct Counter {
    uint32_t group = UINT32_MAX;
    size_t rows = 0;
  };

  // The storage engine counts, too: first the rows of each series, then those of each shard.
  bool KeepInShard(int64_t time, uint32_t member, uint32_t group) {
    if (!shard_.Contains(time)) {
      for (const model::TimeRange& shard : shards_) {
        if (shard.Contains(time)) shard_ = shard;
      }
      std::fill(members_.begin(), members_.end(), 0);
      in_shard_ = Counter();
    }
    return members_[member]++ <= offset_ + limit_ && Count(group, &in_shard_);
  }
  bool Count(uint32_t group, Counter* counter) const {
    if (counter->group != group) *counter = {group, 0};
    const size_t row = counter->rows++;
    return row >= offset_ && (limit_ == 0 || row - offset_ < limit_);
  }

  size_t limit_;
  size_t offset_;
  bool active_;
  bool stored_;
  std::vector<model::TimeRange> shards_;
  model::TimeRange shard_{1, 0};
  std::vector<size_t> members_;  // rows of each so far, in this shard
  Counter in_shard_;
  Counter in_stream_;
};

// Takes the rows that LOOKBACK asked for off the front of `block`; fill(previous) has seen them.
void PassLookback(const PreparedSelect& select, Projection* projection, size_t width,
                  RowBlock* block) {
  size_t rows = 0;
  while (rows < block->rows && !select.range.Contains(block->times[rows])) ++rows;
  if (rows == 0) return;
  projection->Project({rows, block->times, block->values, nullptr});
  block->rows -= rows;
  block->times += rows;
  block->values += rows * width;
  if (block->members != nullptr) block->members += rows;
}

// Whether ORDER BY decides where a row comes, whatever order it is read in.
bool Reordered(const PreparedSelect& select) {
  return select.shape != nullptr && !select.shape->keys.empty() && !select.statement.omit_time &&
         select.statement.fill != FillOption::kPrevious && select.compiled->lookback_ns == 0;
}

const std::vector<ExprPtr>& HiddenOf(const PreparedSelect& select) {
  static const std::vector<ExprPtr> kNothing;
  return select.shape != nullptr ? select.shape->hidden : kNothing;
}

class RawRunner {
 public:
  RawRunner(const PreparedSelect& select, const GroupedSources& grouped, ReadRequest request,
            QueryState& query, RowSink& sink)
      : select_(select),
        grouped_(grouped),
        request_(std::move(request)),
        query_(query),
        sink_(sink),
        projection_(select.statement, HiddenOf(select), request_.columns),
        hidden_rows_(select, request_.columns) {
    // Tags are the same in all rows of a series, but not in those of a subquery's answer.
    const bool stored = std::all_of(select.sources.begin(), select.sources.end(),
                                    [](const PreparedSource& s) { return s.view != nullptr; });
    if (!stored || !projection_.copies()) return;
    for (const VarRef& ref : request_.columns) fixed_.push_back(ref.type == DataType::kTag ? 1 : 0);
  }

  absl::Status Run() {
    if (!grouped_.streams.empty()) return RunStreams();
    ShardCut cut(select_, query_, request_.columns.size());
    for (const Group& group : grouped_.groups) RETURN_IF_ERROR(RunGroup(group, &cut));
    return absl::OkStatus();
  }

 private:
  absl::Status RunGroup(const Group& group, ShardCut* cut) {
    const SelectStatement& statement = select_.statement;
    // With HAVING or ORDER BY they count the rows that come of it.
    const bool shaped = select_.shape != nullptr;
    const bool limited = !shaped && statement.limit > 0;
    size_t skip = shaped ? 0 : static_cast<size_t>(statement.offset);
    size_t left = limited ? static_cast<size_t>(statement.limit) : SIZE_MAX;
    MergeOptions options;
    // What LOOKBACK reads comes before the rows that count.
    const bool looks_back = select_.compiled->lookback_ns > 0;
    options.rows_wanted = limited && !looks_back ? skip + left : 0;
    options.readers = &readers_;
    request_.few_rows = options.rows_wanted == 1;
    auto merger = Reordered(select_)
                      ? MakeConcatenation(grouped_, group, request_, query_)
                      : RowMerger::Make(grouped_, group.members, request_, options, query_);
    projection_.NewSeries();
    cut->NewSeries();
    bool begun = false;
    while (left > 0) {
      RowBlock block;
      RETURN_IF_ERROR(query_.Check());
      {
        StageScope stage(query_.stages(), Stage::kMerge);
        RETURN_IF_ERROR(merger->Next(&block));
        stage.AddRows(block.rows);
      }
      if (block.rows == 0) break;
      RETURN_IF_ERROR(query_.AddPoints(block.rows));
      if (looks_back) PassLookback(select_, &projection_, request_.columns.size(), &block);
      cut->Apply(&block);
      hidden_rows_.Drop(&block);
      const size_t skipped = std::min(skip, block.rows);
      skip -= skipped;
      block.rows -= skipped;
      block.times += skipped;
      block.values += skipped * request_.columns.size();
      if (block.members != nullptr) block.members += skipped;
      block.rows = std::min(block.rows, left);
      left -= block.rows;
      if (block.rows == 0) continue;
      StageScope stage(query_.stages(), Stage::kEmit);
      stage.AddRows(block.rows);
      const FieldValue* values = projection_.Project(block);
      if (!begun) RETURN_IF_ERROR(sink_.Begin(group.name, grouped_.TagsOf(group)));
      begun = true;
      RETURN_IF_ERROR(sink_.MemberRows(block.rows, block.times, values, block.members, fixed_));
      if (sink_.SeriesIsFull()) break;
    }
    return absl::OkStatus();
  }

  absl::Status RunStreams() {
    StreamLimit limit(select_, query_);
    series_.assign(grouped_.groups.size(), kNotBegun);
    for (const std::vector<uint32_t>& stream : grouped_.streams) {
      std::vector<GroupMember> members;
      std::vector<uint32_t> group_of;
      for (const uint32_t group : stream) {
        const auto& of_group = grouped_.groups[group].members;
        members.insert(members.end(), of_group.begin(), of_group.end());
        group_of.resize(members.size(), group);
      }
      MergeOptions options;
      options.series_rows_max = limit.SeriesRowsMax();
      auto merger = RowMerger::Make(grouped_, members, request_, options, query_);
      limit.NewStream(members.size());
      current_ = UINT32_MAX;
      while (true) {
        RowBlock block;
        RETURN_IF_ERROR(query_.Check());
        RETURN_IF_ERROR(merger->Next(&block));
        if (block.rows == 0) break;
        RETURN_IF_ERROR(query_.AddPoints(block.rows));
        // The rows since `begin` are kept, and all of one group.
        size_t begin = 0;
        for (size_t i = 0; i < block.rows; ++i) {
          const uint32_t group = group_of[block.members[i]];
          const bool keep = select_.range.Contains(block.times[i]) &&
                            limit.Keep(block.times[i], block.members[i], group);
          if (begin < i && (!keep || group_of[block.members[begin]] != group)) {
            RETURN_IF_ERROR(EmitRun(block, begin, i, group_of[block.members[begin]]));
            begin = i;
          }
          if (!keep) begin = i + 1;
        }
        if (begin < block.rows) {
          RETURN_IF_ERROR(EmitRun(block, begin, block.rows, group_of[block.members[begin]]));
        }
      }
    }
    return absl::OkStatus();
  }
  // Rows [begin, end) of a block, all of `group`.
  absl::Status EmitRun(const RowBlock& block, size_t begin, size_t end, uint32_t group) {
    const size_t width = request_.columns.size();
    const RowBlock run{end - begin, block.times + begin, block.values + begin * width, nullptr};
    if (group != current_) {
      projection_.NewSeries();
      current_ = group;
      if (series_[group] == kNotBegun) {
        series_[group] = begun_++;
        RETURN_IF_ERROR(
            sink_.Begin(grouped_.groups[group].name, grouped_.TagsOf(grouped_.groups[group])));
      } else {
        RETURN_IF_ERROR(sink_.Resume(series_[group]));
      }
    }
    return sink_.Rows(run.rows, run.times, projection_.Project(run));
  }

  static constexpr size_t kNotBegun = SIZE_MAX;

  const PreparedSelect& select_;
  const GroupedSources& grouped_;
  ReadRequest request_;
  QueryState& query_;
  RowSink& sink_;
  ReaderPool readers_;
  Projection projection_;
  HiddenRows hidden_rows_;
  std::vector<uint8_t> fixed_;  // as in ValueBatch; empty: nothing is known
  std::vector<size_t> series_;  // of each group: as which series it was begun
  size_t begun_ = 0;
  uint32_t current_ = UINT32_MAX;
};

}  // namespace

absl::Status ExecuteRaw(const PreparedSelect& select, const GroupedSources& grouped,
                        QueryState& query, RowSink& sink) {
  ReadRequest request;
  request.range = select.compiled->lookback_ns > 0 ? select.read_range : select.range;
  request.ranges = select.RangesWithin(request.range);
  request.descending = !select.compiled->ascending;
  request.columns = InputColumns(select.statement, HiddenOf(select));
  const bool any = std::any_of(request.columns.begin(), request.columns.end(), [](const auto& ref) {
    return ref.type != DataType::kUnknown && ref.type != DataType::kAnyField &&
           ref.type != DataType::kTime;
  });
  if (!any) return absl::OkStatus();
  return RawRunner(select, grouped, std::move(request), query, sink).Run();
}

}  // namespace varve::query
