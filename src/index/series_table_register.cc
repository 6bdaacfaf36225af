// SeriesTable::Register and RegisterMany.

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "index/series_definition.h"
#include "index/series_table_impl.h"
#include "model/series_key.h"

namespace varve::index {

using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

namespace {

// The canonical bytes of the series that `raw_key` spells: itself, or `storage`.
absl::StatusOr<std::string_view> CanonicalKey(std::string_view raw_key, std::string* storage) {
  if (raw_key.size() > kKeyBytesMax) {
    return base::InvalidArgument("max key length exceeded: ", raw_key.size(), " > ", kKeyBytesMax);
  }
  if (model::IsPlainlyCanonical(raw_key)) return raw_key;
  ASSIGN_OR_RETURN(const model::SeriesKey parsed, model::ParseRawSeriesKey(raw_key));
  *storage = parsed.Encode();
  return *storage;
}

// The measurements of keys in turn: the schema's, and new ones with the ids that follow.
class MeasurementFinder {
 public:
  explicit MeasurementFinder(const SchemaTable& schema) : schema_(schema) {}

  MeasurementId Find(std::string_view key) {
    // Mostly that of the key before.
    if (!last_start_.empty() && key.starts_with(last_start_)) return last_;
    std::string name = model::MeasurementOf(key);
    last_ = schema_.FindMeasurement(name);
    if (last_ == kNoId) {
      const auto next = static_cast<MeasurementId>(schema_.measurement_count() + fresh_.size());
      const auto [at, is_new] = fresh_ids_.try_emplace(name, next);
      if (is_new) fresh_.push_back(std::move(name));
      last_ = at->second;
    }
    // Without an escape the name ends at the first comma.
    const size_t comma = key.find(',');
    const bool is_plain = key.find('\\') == std::string_view::npos && comma != key.npos;
    last_start_ = is_plain ? key.substr(0, comma + 1) : std::string_view();
    return last_;
  }
  const std::vector<std::string>& fresh() const { return fresh_; }

 private:
  const SchemaTable& schema_;
  std::vector<std::string> fresh_;
  base::StringMap<MeasurementId> fresh_ids_;
  std::string_view
      last_start_;  // of the key: its measurement and the comma; empty: none to compare
  MeasurementId last_ = kNoId;
};

// How many of `keys`, one at least, are registered under one lock and as one record of the log.
size_t GroupOf(std::span<const std::string_view> keys) {
  constexpr size_t kGroupBytesMax = 1 << 20;
  size_t bytes = keys[0].size();
  size_t count = 1;
  while (count < keys.size() && bytes < kGroupBytesMax) bytes += keys[count++].size();
  return count;
}

}  // namespace

absl::StatusOr<SeriesRef> SeriesTableImpl::Register(std::string_view raw_key,
                                                    const DefinitionSink& sink) {
  std::string storage;
  ASSIGN_OR_RETURN(const std::string_view bytes, CanonicalKey(raw_key, &storage));
  const HashedKey key{bytes, BytesTable::Hash(bytes)};
  absl::MutexLock lock(&mu_);
  SeriesRef ref;
  RETURN_IF_ERROR(FindOrAdd({&key, 1}, sink, &ref));
  if (bytes != raw_key) aliases_.Add(raw_key, BytesTable::Hash(raw_key), ref);
  return ref;
}

absl::Status SeriesTableImpl::RegisterMany(std::span<const std::string_view> raw_keys,
                                           const DefinitionSink& sink,
                                           std::vector<SeriesRef>* refs) {
  refs->assign(raw_keys.size(), SeriesRef());
  SeriesRef* next = refs->data();
  while (!raw_keys.empty()) {
    const size_t count = GroupOf(raw_keys);
    RETURN_IF_ERROR(RegisterGroup(raw_keys.first(count), sink, next));
    raw_keys = raw_keys.subspan(count);
    next += count;
  }
  return absl::OkStatus();
}

absl::Status SeriesTableImpl::RegisterGroup(std::span<const std::string_view> raw_keys,
                                            const DefinitionSink& sink, SeriesRef* refs) {
  constexpr uint32_t kNoKey = 0xffffffff;
  std::vector<HashedKey> keys;   // distinct
  std::vector<uint32_t> places;  // in `keys`, of each raw key
  std::deque<std::string> made;  // canonical bytes that differ from the spelling
  absl::flat_hash_map<HashedKey, uint32_t> place_of;
  std::string storage;
  for (const std::string_view raw_key : raw_keys) {
    const auto canonical = CanonicalKey(raw_key, &storage);
    if (!canonical.ok()) {
      places.push_back(kNoKey);
      continue;
    }
    HashedKey key{*canonical, BytesTable::Hash(*canonical)};
    if (key.key.data() == storage.data()) key.key = made.emplace_back(storage);
    const auto [at, is_new] = place_of.try_emplace(key, static_cast<uint32_t>(keys.size()));
    if (is_new) keys.push_back(key);
    places.push_back(at->second);
  }

  std::vector<SeriesRef> found(keys.size());
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(FindOrAdd(keys, sink, found.data()));
  for (size_t i = 0; i < raw_keys.size(); ++i) {
    if (places[i] == kNoKey) continue;
    refs[i] = found[places[i]];
    if (keys[places[i]].key != raw_keys[i]) {
      aliases_.Add(raw_keys[i], BytesTable::Hash(raw_keys[i]), refs[i]);
    }
  }
  return absl::OkStatus();
}

absl::Status SeriesTableImpl::FindOrAdd(std::span<const HashedKey> keys, const DefinitionSink& sink,
                                        SeriesRef* refs) {
  std::vector<HashedKey> absent;
  std::vector<SeriesRef*> absent_refs;
  uint64_t hashes[kGroup];
  for (size_t first = 0; first < keys.size(); first += kGroup) {
    const size_t count = std::min(kGroup, keys.size() - first);
    for (size_t i = 0; i < count; ++i) hashes[i] = keys[first + i].hash;
    parts_.Prefetch({hashes, count});
    for (size_t i = first; i < first + count; ++i) {
      if (Find(keys[i], &refs[i])) continue;
      absent.push_back(keys[i]);
      absent_refs.push_back(&refs[i]);
    }
  }
  if (absent.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<MeasurementId> measurements, AddSeries(absent, sink));
  const SeriesId first = parts_.delta->end() - static_cast<uint32_t>(absent.size());
  for (size_t i = 0; i < absent.size(); ++i) {
    *absent_refs[i] = {.series = static_cast<SeriesId>(first + i), .measurement = measurements[i]};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MeasurementId>> SeriesTableImpl::AddSeries(
    std::span<const HashedKey> keys, const DefinitionSink& sink) {
  SeriesDelta& delta = *parts_.delta;
  const SeriesId first = delta.end();
  if (delta.full() || kNoId - first < keys.size()) {
    return base::ResourceExhausted("too many series in one database");
  }
  absl::MutexLock schema_lock(&schema_mu_);
  MeasurementFinder finder(schema_);
  std::vector<MeasurementId> measurements;
  measurements.reserve(keys.size());
  std::string definitions;
  for (const HashedKey& key : keys) {
    SeriesDefinition definition{.kind = SeriesDefinition::Kind::kSeries, .text = key.key};
    definition.id = static_cast<SeriesId>(first + measurements.size());
    definition.measurement = finder.Find(key.key);
    definition.AppendTo(&definitions);
    measurements.push_back(definition.measurement);
  }
  RETURN_IF_ERROR(sink(std::move(definitions)));
  for (const std::string& name : finder.fresh()) schema_.AddMeasurement(name);
  for (size_t i = 0; i < keys.size(); ++i) delta.Add(keys[i].key, keys[i].hash, measurements[i]);
  return measurements;
}

}  // namespace varve::index
