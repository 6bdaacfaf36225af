#include "retention/stale_points.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <set>

#include "base/coding.h"
#include "base/status.h"
#include "model/series_key.h"

namespace varve::retention {
namespace {

using query::Cell;
using query::ExprPtr;

// So that a statement stays within what a request may hold.
constexpr size_t kSeriesPerDelete = 200;

// The same number may have been summed up in another order: what is compared are 31 bits of the
// fraction, some nine digits.
uint64_t RoundedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  constexpr uint64_t kDropped = (uint64_t{1} << 21) - 1;
  return std::isfinite(value) ? (bits + kDropped / 2 + 1) & ~kDropped : bits;
}

void AppendCell(std::string_view name, const Cell& cell, std::string* out) {
  base::PutString(*out, name);
  out->push_back(static_cast<char>(cell.kind));
  if (cell.kind == Cell::Kind::kString) {
    base::PutString(*out, cell.text);
  } else if (cell.kind == Cell::Kind::kBoolean) {
    out->push_back(cell.boolean_value ? 1 : 0);
  } else if (cell.kind == Cell::Kind::kFloat) {
    base::PutFixed<uint64_t>(*out, RoundedBits(cell.float_value));
  } else {
    base::PutFixed<uint64_t>(*out, cell.unsigned_value);
  }
}

ExprPtr Join(query::Operator op, ExprPtr a, ExprPtr b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  return query::MakeExpr(query::BinaryExpr{op, std::move(a), std::move(b)});
}

ExprPtr Compare(const std::string& name, query::Operator op, ExprPtr value) {
  return query::MakeExpr(
      query::BinaryExpr{op, query::MakeExpr(query::VarRef{name}), std::move(value)});
}

// Every tag of the measurement is named: a series without one is none with it.
ExprPtr ConditionOf(const query::SeriesHeader& header) {
  ExprPtr condition;
  for (const auto& [key, value] : header.tags) {
    condition =
        Join(query::Operator::kAnd, std::move(condition),
             Compare(key, query::Operator::kEq, query::MakeExpr(query::StringLiteral{value})));
  }
  return condition == nullptr ? nullptr : query::MakeExpr(query::ParenExpr{std::move(condition)});
}

}  // namespace

void PointSink::Begin(const query::SeriesHeader& header) {
  model::SeriesKey key;
  key.measurement = measurement_.empty() ? header.name : measurement_;
  for (const auto& [name, value] : header.tags) {
    if (!value.empty()) key.tags.push_back({name, value});
  }
  std::sort(key.tags.begin(), key.tags.end(),
            [](const model::Tag& a, const model::Tag& b) { return a.key < b.key; });
  series_key_ = key.Encode();
  columns_.clear();
  for (size_t i = 1; i < header.columns.size(); ++i) columns_.emplace_back(header.columns[i], i);
  std::sort(columns_.begin(), columns_.end());
}

absl::Status PointSink::Rows(const query::RowBatch& batch) {
  if (batch.new_series || series_key_.empty()) Begin(*batch.header);
  const size_t width = batch.header->columns.size();
  for (size_t row = 0; row < batch.rows; ++row) {
    const Cell* cells = &batch.cells[row * width];
    StoredPoint point{batch.header, series_key_, cells[0].integer_value, {}};
    for (const auto& [name, column] : columns_) {
      if (cells[column].kind != Cell::Kind::kNull) AppendCell(name, cells[column], &point.fields);
    }
    if (!point.fields.empty()) RETURN_IF_ERROR(take_(std::move(point)));
  }
  return absl::OkStatus();
}

bool StaleCandidates::Add(const std::string& series_key, int64_t time_ns, std::string fields) {
  if (points_ >= kMaxPoints) return false;
  std::vector<std::string>& said = series_[series_key][time_ns];
  if (std::find(said.begin(), said.end(), fields) != said.end()) return true;
  said.push_back(std::move(fields));
  ++points_;
  return true;
}

void StaleCandidates::Merge(StaleCandidates other) {
  for (auto& [series_key, times] : other.series_) {
    for (auto& [time_ns, said] : times) {
      for (std::string& fields : said) {
        if (!Add(series_key, time_ns, std::move(fields))) return;
      }
    }
  }
}

void StaleCandidates::Remove(const std::string& series_key, int64_t time_ns) {
  const auto series = series_.find(series_key);
  if (series == series_.end()) return;
  const auto at = series->second.find(time_ns);
  if (at == series->second.end()) return;
  points_ -= at->second.size();
  series->second.erase(at);
  if (series->second.empty()) series_.erase(series);
}

StaleCandidates StaleCandidates::Cut(Span span) {
  StaleCandidates cut;
  for (auto series = series_.begin(); series != series_.end();) {
    Times& times = series->second;
    const auto first = times.lower_bound(span.start_ns);
    const auto last = times.lower_bound(span.end_ns);
    for (auto at = first; at != last; ++at) {
      points_ -= at->second.size();
      cut.points_ += at->second.size();
      cut.series_[series->first].insert(std::move(*at));
    }
    times.erase(first, last);
    const auto here = series++;
    if (times.empty()) series_.erase(here);
  }
  return cut;
}

bool StaleCandidates::Has(const std::string& series_key, int64_t time_ns,
                          const std::string& fields) const {
  const auto series = series_.find(series_key);
  if (series == series_.end()) return false;
  const auto at = series->second.find(time_ns);
  return at != series->second.end() &&
         std::find(at->second.begin(), at->second.end(), fields) != at->second.end();
}

int64_t StaleCandidates::NextTime(int64_t time_ns) const {
  int64_t next = INT64_MAX;
  for (const auto& [series_key, times] : series_) {
    const auto at = times.lower_bound(time_ns);
    if (at != times.end()) next = std::min(next, at->first);
  }
  return next;
}

std::vector<std::string> StaleCandidates::Measurements() const {
  std::set<std::string> names;
  for (const auto& [series_key, times] : series_) names.insert(model::MeasurementOf(series_key));
  return {names.begin(), names.end()};
}

void Removals::CloseRun() {
  if (open_) runs_[run_].push_back(series_);
  open_ = false;
}

void Removals::Add(const StoredPoint& point, bool stale) {
  if (point.series_key != series_key_) {
    CloseRun();
    series_key_ = point.series_key;
    series_ = ConditionOf(*point.header);
  }
  if (!stale) return CloseRun();
  if (!open_) run_.first = point.time_ns;
  run_.second = point.time_ns;
  open_ = true;
}

std::vector<std::string> Removals::Finish() {
  CloseRun();
  std::vector<std::string> statements;
  for (const auto& [run, series] : runs_) {
    for (size_t first = 0; first < series.size(); first += kSeriesPerDelete) {
      ExprPtr any;
      const size_t end = std::min(series.size(), first + kSeriesPerDelete);
      for (size_t i = first; i < end; ++i) any = Join(query::Operator::kOr, any, series[i]);
      if (any != nullptr) any = query::MakeExpr(query::ParenExpr{std::move(any)});
      const auto at = [](int64_t ns) { return query::MakeExpr(query::TimeLiteral{ns}); };
      ExprPtr times =
          Join(query::Operator::kAnd, Compare("time", query::Operator::kGte, at(run.first)),
               Compare("time", query::Operator::kLte, at(run.second)));
      query::DeleteSeries statement;
      query::Measurement measurement;
      measurement.retention_policy = policy_;
      measurement.name = measurement_;
      statement.sources.push_back({std::move(measurement)});
      statement.condition = Join(query::Operator::kAnd, std::move(times), std::move(any));
      statements.push_back(query::Format(query::Statement{std::move(statement)}));
    }
  }
  return statements;
}

}  // namespace varve::retention
