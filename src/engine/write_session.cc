#include "engine/write_session.h"

#include <algorithm>

#include "base/status.h"
#include "model/series_key.h"

namespace varve::engine {
namespace {

constexpr std::string_view kTimeTag = ",time=";

// What a row costs in the cache besides its values: slack of slabs, a series' first row.
constexpr size_t kRowBytes = 24;

// With so many series what a look-up reads is seldom in the processor's caches.
constexpr uint64_t kManySeries = 30'000;

// A session that waits for its next request keeps room for so many lines at most.
constexpr size_t kKeptLines = 64'000;

bool HasTimeTag(std::string_view raw_key) {
  if (raw_key.find(kTimeTag) == std::string_view::npos) return false;
  const auto key = model::ParseRawSeriesKey(raw_key);
  return key.ok() && std::any_of(key->tags.begin(), key->tags.end(),
                                 [](const model::Tag& tag) { return tag.key == "time"; });
}

std::string MeasurementOfRaw(std::string_view raw_key) {
  const auto key = model::ParseRawSeriesKey(raw_key);
  return key.ok() ? key->measurement : std::string();
}

std::string InvalidTagKey(std::string_view measurement) {
  return base::StrCat("invalid tag key: input tag \"time\" on measurement \"", measurement,
                      "\" is invalid");
}
std::string InvalidFieldName(std::string_view measurement) {
  return base::StrCat("invalid field name: input field \"time\" on measurement \"", measurement,
                      "\" is invalid");
}
// The times that the limits of a policy let in.
model::TimeRange AcceptedRange(const model::WriteTarget& target, int64_t now_ns) {
  model::TimeRange range;
  if (target.past_limit_ns > 0) range.min_ns = now_ns - target.past_limit_ns;
  if (target.future_limit_ns > 0 && target.future_limit_ns < model::kMaxTimeNs - now_ns) {
    range.max_ns = now_ns + target.future_limit_ns;
  }
  return range;
}

// Before it points may be too old for their measurements.
int64_t ShortBefore(const model::WriteTarget& target, int64_t now_ns) {
  int64_t before = INT64_MIN;
  if (target.measurements == nullptr) return before;
  for (const auto& item : *target.measurements)
    before = std::max(before, now_ns - item.duration_ns);
  return before;
}

absl::Status PartialWrite(std::string_view reason, uint64_t dropped) {
  return base::InvalidArgument("partial write: ", reason, " dropped=", dropped);
}

// Go's %q of text that needs no escapes beyond quotes and backslashes.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

}  // namespace

void WriteSession::Begin(std::shared_ptr<DatabaseState> database, model::WriteTarget target) {
  database_ = std::move(database);
  pin_ = database_->forgetter().NewPin();
  target_ = std::move(target);
  line_series_.clear();
  parse_errors_.clear();
  any_line_ = false;
  // Layout ids are the database's own: forget those of the last one.
  layouts_.clear();
  pass_ = 0;
}

void WriteSession::End() {
  lookup_.reset();
  if (line_series_.capacity() > kKeptLines) line_series_ = {};
  routes_.clear();
  pin_.reset();
  database_.reset();
}

absl::Status WriteSession::Run(const WriteContext& context, LineSource& lines) {
  gathers_keys_ =
      context.options.max_series_per_database == 0 && context.options.max_values_per_tag == 0;
  while (true) {
    auto again = Pass(context, lines);
    lookup_.reset();
    RETURN_IF_ERROR(again.status());
    if (!*again) return absl::OkStatus();
  }
}

absl::StatusOr<bool> WriteSession::Pass(const WriteContext& context, LineSource& lines) {
  batch_.Reset(database_->id());
  ++pass_;
  new_keys_.clear();
  new_lines_.clear();
  beyond_retention_.clear();
  beyond_limits_ = 0;
  accepted_ = AcceptedRange(target_, context.now_ns);
  short_before_ns_ = ShortBefore(target_, context.now_ns);
  refuse_again_ = false;
  for (auto& route : routes_) {
    route->section.reset();
    route->dropped = 0;
    route->tag_reason.clear();
    route->field_reason.clear();
    route->limit_reason.clear();
    route->pointless_series.clear();
  }
  lines.Restart();
  group_lines_ = database_->table().series_count() < kManySeries ? 1 : kGroupLines;
  const bool is_first = line_series_.empty();
  for (size_t line = 0; const size_t count = NextLines(lines, line); line += count) {
    any_line_ = true;
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(Take(context, lines_[i], &refs_[i]));
      if (is_first) line_series_.push_back(refs_[i]);
    }
  }
  parse_errors_.assign(lines.error());
  gathers_keys_ = false;
  if (!new_keys_.empty()) {
    lookup_.reset();
    std::vector<index::SeriesRef> registered;
    RETURN_IF_ERROR(database_->table().RegisterMany(new_keys_, Sink(context), &registered));
    for (size_t i = 0; i < registered.size(); ++i) line_series_[new_lines_[i]] = registered[i];
    return true;
  }
  if (refuse_again_) return true;
  return std::any_of(beyond_retention_.begin(), beyond_retention_.end(), [&](int64_t time) {
    return std::any_of(routes_.begin(), routes_.end(), [time](const auto& route) {
      return route->shard->known().range.Contains(time);
    });
  });
}

size_t WriteSession::NextLines(LineSource& lines, size_t line) {
  const size_t count = lines.Next(std::span(lines_).first(group_lines_));
  if (line + count <= line_series_.size()) {
    std::copy_n(line_series_.begin() + static_cast<ptrdiff_t>(line), count, refs_.begin());
    return count;
  }
  if (group_lines_ == 1) {
    refs_[0] = {};
    return count;
  }
  for (size_t i = 0; i < count; ++i) keys_[i] = lines_[i].raw_key;
  if (lookup_ == nullptr) lookup_ = database_->table().NewLookup();
  lookup_->FindMany(std::span(keys_).first(count), refs_.data());
  for (size_t i = 0; i < count; ++i) {
    if (refs_[i].series != model::kNoId) {
      __builtin_prefetch(&database_->LastLayout(refs_[i].series));
    }
  }
  return count;
}

absl::Status WriteSession::Take(const WriteContext& context, const model::Line& line,
                                index::SeriesRef* ref) {
  if (!accepted_.Contains(line.time_ns) ||
      (line.time_ns < short_before_ns_ && BeyondMeasurement(line, context.now_ns))) {
    ++beyond_limits_;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Route* const route, RouteOf(context, line.time_ns));
  if (route == nullptr) {
    beyond_retention_.push_back(line.time_ns);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const bool resolved, Resolve(context, line, *route, ref));
  if (!resolved || !new_keys_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const LineLayout* const layout, LayoutOf(context, line, *ref));
  if (route->refused) {
    route->pointless_series.push_back(ref->series);
    ++route->dropped;
    return absl::OkStatus();
  }
  if ((layout->is_identity && route->validated->Contains(layout->id)) ||
      Validate(*layout, *ref, *route)) {
    AddRow(*layout, line, ref->series, *route);
  }
  return absl::OkStatus();
}

bool WriteSession::BeyondMeasurement(const model::Line& line, int64_t now_ns) const {
  const std::string name = MeasurementOfRaw(line.raw_key);
  return std::any_of(target_.measurements->begin(), target_.measurements->end(),
                     [&](const auto& item) {
                       return item.measurement == name && line.time_ns < now_ns - item.duration_ns;
                     });
}

absl::StatusOr<WriteSession::Route*> WriteSession::RouteOf(const WriteContext& context,
                                                           int64_t time_ns) {
  if (last_route_ < routes_.size() &&
      routes_[last_route_]->shard->known().range.Contains(time_ns)) {
    return routes_[last_route_].get();
  }
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!routes_[i]->shard->known().range.Contains(time_ns)) continue;
    last_route_ = i;
    return routes_[i].get();
  }
  if (target_.duration_ns > 0 && time_ns < context.now_ns - target_.duration_ns) return nullptr;
  lookup_.reset();  // what follows may take a while
  ASSIGN_OR_RETURN(const model::ShardRoute found, context.router.RouteShard(target_, time_ns));
  auto route = std::make_unique<Route>();
  const KnownShard known{target_.database, found.shard, found.range};
  ASSIGN_OR_RETURN(route->shard, database_->OpenShard(known, &route->created));
  route->validated = route->shard->validated();
  last_route_ = routes_.size();
  routes_.push_back(std::move(route));
  return routes_.back().get();
}

absl::StatusOr<bool> WriteSession::Resolve(const WriteContext& context, const model::Line& line,
                                           Route& route, index::SeriesRef* ref) {
  if (ref->series != model::kNoId) return true;
  // What NextLines() did not find may have been registered since, if not for being gathered.
  const bool is_known_absent = group_lines_ > 1 && gathers_keys_;
  if (!is_known_absent) {
    if (lookup_ == nullptr) lookup_ = database_->table().NewLookup();
    if (lookup_->Find(line.raw_key, ref)) return true;
  }
  if (gathers_keys_ && !HasTimeTag(line.raw_key)) {
    new_keys_.push_back(line.raw_key);
    new_lines_.push_back(line_series_.size());
    return false;
  }
  lookup_.reset();
  return RegisterSeries(context, line, route, ref);
}

index::SeriesTable::DefinitionSink WriteSession::Sink(const WriteContext& context) {
  return [&context, this](std::string definitions) {
    DefinitionsRecord record{database_->id(), definitions};
    return context.log.Append(static_cast<uint8_t>(RecordType::kDefinitions), record.Encode(), {});
  };
}

absl::StatusOr<bool> WriteSession::RegisterSeries(const WriteContext& context,
                                                  const model::Line& line, Route& route,
                                                  index::SeriesRef* ref) {
  if (HasTimeTag(line.raw_key)) {
    Drop(route, route.tag_reason, InvalidTagKey(MeasurementOfRaw(line.raw_key)));
    return false;
  }
  if (!WithinLimits(context, line, route)) return false;
  auto registered = database_->table().Register(line.raw_key, Sink(context));
  if (absl::IsInvalidArgument(registered.status())) {
    Drop(route, route.tag_reason, std::string(base::MessageOf(registered.status())));
    return false;
  }
  RETURN_IF_ERROR(registered.status());
  *ref = *registered;
  return true;
}

bool WriteSession::WithinLimits(const WriteContext& context, const model::Line& line,
                                Route& route) {
  const uint64_t series_max = context.options.max_series_per_database;
  const uint64_t values_max = context.options.max_values_per_tag;
  if (series_max == 0 && values_max == 0) return true;
  const auto key = model::ParseRawSeriesKey(line.raw_key);
  if (!key.ok()) return true;  // Register() says why
  index::SeriesRef known;
  if (database_->table().NewLookup()->FindCanonical(key->Encode(), &known)) return true;
  if (series_max != 0 && database_->table().series_count() >= series_max) {
    Drop(route, route.limit_reason,
         base::StrCat("max-series-per-database limit exceeded: (", series_max, ")"));
    return false;
  }
  if (values_max == 0) return true;
  const auto list = [&](const std::string& tag_key, const auto& add) {
    const auto measurement = database_->table().FindMeasurement(key->measurement);
    if (measurement == model::kNoId) return;
    for (const auto& shard : database_->Shards()) {
      for (const auto& [value, series] : shard->IndexView()->TagValues(measurement, tag_key)) {
        add(value);
      }
    }
  };
  TagValueExcess excess;
  if (database_->tag_values().Admit(*key, values_max, list, &excess)) return true;
  Drop(route, route.limit_reason,
       base::StrCat("max-values-per-tag limit exceeded (", excess.count, "/", values_max,
                    "): measurement=", Quoted(key->measurement), " tag=", Quoted(excess.key),
                    " value=", Quoted(excess.value)));
  return false;
}

absl::StatusOr<const LineLayout*> WriteSession::LayoutOf(const WriteContext& context,
                                                         const model::Line& line,
                                                         const index::SeriesRef& ref) {
  std::atomic<uint32_t>& last = database_->LastLayout(ref.series);
  const uint32_t last_id = last.load(std::memory_order_acquire);
  if (last_id != 0) {
    const LineLayout& layout = database_->layouts().Get(last_id - 1);
    if (layout.Describes(line.fields)) return &layout;
  }
  // Registering a field must not happen under the lookup's lock.
  const auto resolve = [&](const std::string& name) {
    lookup_.reset();
    return database_->table().RegisterField(ref.measurement, name, Sink(context));
  };
  ASSIGN_OR_RETURN(const LineLayout* const layout,
                   database_->layouts().Find(ref.measurement, line.fields, resolve));
  last.store(layout->id + 1, std::memory_order_release);
  return layout;
}

void WriteSession::Drop(Route& route, std::string& reason, std::string text) {
  ++route.dropped;
  if (reason.empty()) reason = std::move(text);
}

bool WriteSession::Validate(const LineLayout& layout, const index::SeriesRef& ref, Route& route) {
  lookup_.reset();  // the shard's lock comes before the table's
  const auto measurement = [&] { return database_->table().MeasurementName(layout.measurement); };
  if (layout.fields.empty()) {
    Drop(route, route.field_reason, InvalidFieldName(measurement()));
    route.pointless_series.push_back(ref.series);
    return false;
  }
  if (route.validated->Contains(layout.id)) return true;
  FieldConflict conflict;
  if (route.shard->ReserveLayout(layout, &conflict)) {
    if (route.created) {
      for (const auto& field : layout.fields) route.pointless_fields.push_back(field);
    }
    return true;
  }
  const LineLayout::RawField& raw = layout.raw[conflict.raw_field];
  Drop(route, route.field_reason,
       base::StrCat("field type conflict: input field \"", database_->table().FieldName(raw.field),
                    "\" on measurement \"", measurement(), "\" is type ",
                    model::FieldTypeName(raw.type), ", already exists as type ",
                    model::FieldTypeName(conflict.existing)));
  route.pointless_series.push_back(ref.series);
  if (route.created && !route.refused) {
    route.refused = true;
    refuse_again_ = true;
    route.pointless_fields.push_back({raw.field, conflict.existing});
  }
  return false;
}

void WriteSession::AddRow(const LineLayout& layout, const model::Line& line, model::SeriesId series,
                          Route& route) {
  if (!route.section) route.section = batch_.Shard(route.shard->known().shard);
  if (layout.id >= layouts_.size()) layouts_.resize(layout.id + 1);
  BatchLayout& known = layouts_[layout.id];
  if (known.pass != pass_) known = {pass_, batch_.AddLayout(layout.measurement, layout.fields)};
  values_.resize(layout.fields.size());
  if (layout.is_identity) {
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = line.fields[i].value;
  } else {
    for (size_t i = 0; i < values_.size(); ++i) {
      values_[i] = line.fields[layout.sources[i]].value;
    }
  }
  batch_.AddRow(*route.section, series, known.index, line.time_ns, values_);
}

size_t WriteSession::CacheBytesEstimate() const {
  return batch_.ByteSizeEstimate() + 8 * batch_.values() + kRowBytes * batch_.rows();
}

std::vector<SchemaRecord> WriteSession::TakeSchemaRecords() {
  std::vector<SchemaRecord> records;
  for (const auto& route : routes_) {
    auto& series = route->pointless_series;
    if (series.empty()) continue;
    std::sort(series.begin(), series.end());
    series.erase(std::unique(series.begin(), series.end()), series.end());
    if (!route->refused) {
      std::erase_if(series, [&](model::SeriesId id) { return route->shard->HasSeries(id); });
    }
    if (series.empty()) continue;
    SchemaRecord record;
    record.database = database_->id();
    record.shard = route->shard->known().shard;
    record.series = std::move(series);
    if (route->refused) record.fields = std::move(route->pointless_fields);
    records.push_back(std::move(record));
  }
  return records;
}

absl::Status WriteSession::Verdict() const {
  for (const auto& route : routes_) {
    if (route->refused) return base::InvalidArgument("field type conflict");
    if (route->dropped == 0) continue;
    const std::string& reason = !route->limit_reason.empty() ? route->limit_reason
                                : !route->tag_reason.empty() ? route->tag_reason
                                                             : route->field_reason;
    return PartialWrite(reason, route->dropped);
  }
  if (const uint64_t beyond = beyond_retention_.size() + beyond_limits_; beyond > 0) {
    return PartialWrite("points beyond retention policy", beyond);
  }
  if (parse_errors_.empty()) return absl::OkStatus();
  return any_line_ ? PartialWrite(parse_errors_, 0) : base::InvalidArgument(parse_errors_);
}

uint64_t WriteSession::CountDropped() const {
  uint64_t dropped = beyond_retention_.size() + beyond_limits_;
  for (const auto& route : routes_) {
    if (route->dropped == 0) continue;
    route->shard->NoteDropped(route->dropped);
    dropped += route->dropped;
  }
  return dropped;
}

}  // namespace varve::engine
