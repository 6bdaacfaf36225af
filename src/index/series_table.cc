#include "index/series_table.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "index/series_definition.h"
#include "index/series_table_impl.h"
#include "model/series_key.h"

namespace varve::index {

using model::FieldId;
using model::kNoId;
using model::MeasurementId;
using model::SeriesId;

namespace {

constexpr uint64_t kAliasBytesMax = 32u << 20;
// Some hundred thousand short keys: what clients write again and again.
constexpr uint64_t kRecentBytesMax = 8u << 20;
// What one lookup adds to them at most, so that many series that change all the time cost little.
constexpr size_t kRecentPerLookup = 256;

}  // namespace

absl::StatusOr<std::unique_ptr<SeriesTable>> SeriesTable::Open(base::Env& env, std::string folder) {
  auto table = std::make_unique<SeriesTableImpl>(env, std::move(folder));
  RETURN_IF_ERROR(table->Load());
  return std::unique_ptr<SeriesTable>(std::move(table));
}

SeriesTableImpl::SeriesTableImpl(base::Env& env, std::string folder)
    : env_(env),
      folder_(env, std::move(folder), "series"),
      aliases_(kAliasBytesMax),
      recent_(kRecentBytesMax) {
  parts_.delta = std::make_shared<SeriesDelta>(0);
}

absl::Status SeriesTableImpl::Load() {
  absl::MutexLock flush_lock(&flush_mu_);
  ASSIGN_OR_RETURN(const SegmentList list, folder_.Open());
  next_segment_ = list.next;
  for (const uint64_t number : list.segments) {
    const std::string path = folder_.SegmentPath(number);
    auto file = SectionFile::Open(env_, path, kSeriesSegmentFormats);
    if (absl::IsNotFound(file.status())) {
      return base::DataLoss("series segment is missing [file=", path, "]");
    }
    RETURN_IF_ERROR(file.status());
    ASSIGN_OR_RETURN(auto segment, SeriesSegment::Open(std::move(file).value()));
    RETURN_IF_ERROR(LoadSegment(std::move(segment), number, list.version == 1));
  }
  if (list.version == 1) return absl::OkStatus();
  ASSIGN_OR_RETURN(const TableState state, TableState::Decode(list.extra),
                   "file=", folder_.ListPath());
  return LoadState(state, folder_.ListPath());
}

absl::Status SeriesTableImpl::LoadState(const TableState& state, const std::string& name) {
  absl::MutexLock lock(&mu_);
  bool known = state.next_series >= parts_.delta->first();
  for (const SeriesId series : state.dead.ToVector()) {
    uint32_t index;
    known = known && parts_.PartOf(series, &index) != nullptr;
  }
  if (!known) return base::DataLoss("segment list contradicts the segments [file=", name, "]");
  parts_.delta = std::make_shared<SeriesDelta>(state.next_series);
  MarkDead(state.dead);
  flushed_dead_version_ = dead_version_;
  return absl::OkStatus();
}

absl::Status SeriesTableImpl::LoadSegment(std::shared_ptr<const SeriesSegment> segment,
                                          uint64_t number, bool contiguous) {
  absl::MutexLock lock(&mu_);
  absl::MutexLock schema_lock(&schema_mu_);
  const SeriesId end = parts_.delta->first();
  if (segment->first_series() < end || (contiguous && segment->first_series() != end) ||
      segment->first_measurement() != schema_.measurement_count() ||
      segment->first_field() != schema_.field_count()) {
    return base::DataLoss(
        "series segment does not follow the one before it [file=", segment->name(), "]");
  }
  for (const std::string& name : segment->measurements()) {
    if (schema_.FindMeasurement(name) != kNoId) {
      return base::DataLoss("series segment defines a measurement twice [file=", segment->name(),
                            "]");
    }
    schema_.AddMeasurement(name);
  }
  for (const auto& [measurement, name] : segment->fields()) {
    if (measurement >= schema_.measurement_count() ||
        schema_.FindField(measurement, name) != kNoId) {
      return base::DataLoss("series segment has a malformed field [file=", segment->name(), "]");
    }
    schema_.AddField(measurement, name);
  }
  flushed_measurements_ = schema_.measurement_count();
  flushed_fields_ = schema_.field_count();
  parts_.delta = std::make_shared<SeriesDelta>(segment->end_series());
  parts_.segments.push_back({.segment = std::move(segment), .number = number});
  return absl::OkStatus();
}

// Holds the table's lock from its construction to its end, which the analysis cannot follow.
class SeriesTableImpl::LookupImpl : public Lookup {
 public:
  explicit LookupImpl(SeriesTableImpl& table) ABSL_NO_THREAD_SAFETY_ANALYSIS : table_(table) {
    table_.mu_.ReaderLock();
  }
  ~LookupImpl() override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    table_.mu_.ReaderUnlock();
    // Worth no waiting.
    if (found_in_segments_.empty() || !table_.mu_.TryLock()) return;
    for (const Found& found : found_in_segments_) {
      table_.recent_.Add(found.key, found.hash, found.ref);
    }
    table_.mu_.Unlock();
  }

  bool Find(std::string_view raw_key, SeriesRef* ref) override {
    return FindHashed(raw_key, BytesTable::Hash(raw_key), ref);
  }

  bool FindCanonical(std::string_view key, SeriesRef* ref) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return table_.parts_.Find(key, BytesTable::Hash(key), &scratch_, ref);
  }

  void FindMany(std::span<const std::string_view> raw_keys,
                SeriesRef* refs) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    uint64_t hashes[kGroup];
    for (size_t first = 0; first < raw_keys.size(); first += kGroup) {
      const size_t count = std::min(kGroup, raw_keys.size() - first);
      for (size_t i = 0; i < count; ++i) hashes[i] = BytesTable::Hash(raw_keys[first + i]);
      table_.recent_.Prefetch({hashes, count});
      table_.parts_.Prefetch({hashes, count});
      for (size_t i = 0; i < count; ++i) {
        SeriesRef& ref = refs[first + i];
        if (!FindHashed(raw_keys[first + i], hashes[i], &ref)) ref = {};
      }
    }
  }

 private:
  struct Found {
    std::string key;
    uint64_t hash;
    SeriesRef ref;
  };

  bool FindHashed(std::string_view raw_key, uint64_t hash,
                  SeriesRef* ref) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (table_.recent_.Find(raw_key, hash, ref) && IsKnown(*ref)) return true;
    // One spelling of a series may be another's canonical bytes.
    if (table_.parts_.Find(raw_key, hash, &scratch_, ref) && model::MeansItself(raw_key)) {
      // A segment's keys are slow to compare with: they are put together first.
      if (ref->series < table_.parts_.segments_end() &&
          found_in_segments_.size() < kRecentPerLookup) {
        found_in_segments_.push_back({std::string(raw_key), hash, *ref});
      }
      return true;
    }
    return table_.aliases_.Find(raw_key, hash, ref) && IsKnown(*ref);
  }
  // Whether a spelling that is remembered still means a series that lives.
  bool IsKnown(const SeriesRef& ref) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !table_.parts_.may_forget || table_.parts_.Take(ref.series);
  }

  SeriesTableImpl& table_;
  std::string scratch_;
  std::vector<Found> found_in_segments_;
};

std::unique_ptr<SeriesTable::Lookup> SeriesTableImpl::NewLookup() {
  return std::make_unique<LookupImpl>(*this);
}

bool SeriesTableImpl::Find(const HashedKey& key, SeriesRef* ref) {
  return parts_.Find(key.key, key.hash, &scratch_, ref);
}

FieldId SeriesTableImpl::FindField(MeasurementId measurement, std::string_view name) const {
  absl::ReaderMutexLock lock(&schema_mu_);
  return schema_.FindField(measurement, name);
}

absl::StatusOr<FieldId> SeriesTableImpl::RegisterField(MeasurementId measurement,
                                                       std::string_view name,
                                                       const DefinitionSink& sink) {
  absl::MutexLock lock(&schema_mu_);
  CHECK_LT(measurement, schema_.measurement_count());
  const FieldId known = schema_.FindField(measurement, name);
  if (known != kNoId) return known;
  if (name.size() > kKeyBytesMax) {
    return base::InvalidArgument("max key length exceeded: ", name.size(), " > ", kKeyBytesMax);
  }
  const SeriesDefinition definition{.kind = SeriesDefinition::Kind::kField,
                                    .id = schema_.field_count(),
                                    .measurement = measurement,
                                    .text = name};
  std::string bytes;
  definition.AppendTo(&bytes);
  RETURN_IF_ERROR(sink(std::move(bytes)));
  return schema_.AddField(measurement, name);
}

absl::Status SeriesTableImpl::ApplyDefinitions(std::string_view definitions) {
  do {
    ASSIGN_OR_RETURN(const auto parsed, SeriesDefinition::TakeFrom(&definitions));
    RETURN_IF_ERROR(parsed.kind == SeriesDefinition::Kind::kField
                        ? ApplyField(parsed.id, parsed.measurement, parsed.text)
                        : ApplySeries(parsed.id, parsed.measurement, parsed.text));
  } while (!definitions.empty());
  return absl::OkStatus();
}

absl::Status SeriesTableImpl::ApplySeries(SeriesId series, MeasurementId measurement,
                                          std::string_view key) {
  absl::MutexLock lock(&mu_);
  const auto contradiction = [&] {
    return base::DataLoss("the definition of series ", series, " contradicts what is known");
  };
  const HashedKey hashed{key, BytesTable::Hash(key)};
  SeriesRef known;
  const bool is_known = Find(hashed, &known);
  if (series < parts_.delta->end()) {
    if (is_known && known.series == series) {
      return known.measurement == measurement ? absl::OkStatus() : contradiction();
    }
    return parts_.IsLive(series) ? contradiction() : absl::OkStatus();
  }
  // The next id, and the measurement known or the next: then adding gives the same ids again.
  if (series != parts_.delta->end()) return contradiction();
  {
    absl::ReaderMutexLock schema_lock(&schema_mu_);
    const MeasurementId by_name = schema_.FindMeasurement(model::MeasurementOf(key));
    if (measurement != (by_name != kNoId ? by_name : schema_.measurement_count())) {
      return contradiction();
    }
  }
  if (is_known) {
    // A key gets a new id when its old one is forgotten, which is on disk by then or soon after.
    if (known.series >= parts_.segments_end()) return contradiction();
    MarkDead(SeriesSet(std::span(&known.series, 1)));
  }
  return AddSeries({&hashed, 1}, [](std::string) { return absl::OkStatus(); }).status();
}

absl::Status SeriesTableImpl::ApplyField(FieldId field, MeasurementId measurement,
                                         std::string_view name) {
  absl::MutexLock lock(&schema_mu_);
  const FieldId known = schema_.FindField(measurement, name);
  if (known == field) return absl::OkStatus();
  if (known != kNoId || field != schema_.field_count() ||
      measurement >= schema_.measurement_count()) {
    return base::DataLoss("the definition of field ", field, " contradicts what is known");
  }
  schema_.AddField(measurement, name);
  return absl::OkStatus();
}

MeasurementId SeriesTableImpl::FindMeasurement(std::string_view name) const {
  absl::ReaderMutexLock lock(&schema_mu_);
  return schema_.FindMeasurement(name);
}

std::string SeriesTableImpl::MeasurementName(MeasurementId measurement) const {
  absl::ReaderMutexLock lock(&schema_mu_);
  CHECK_LT(measurement, schema_.measurement_count());
  return std::string(schema_.MeasurementName(measurement));
}

std::string SeriesTableImpl::FieldName(FieldId field) const {
  absl::ReaderMutexLock lock(&schema_mu_);
  CHECK_LT(field, schema_.field_count());
  return std::string(schema_.FieldName(field));
}

MeasurementId SeriesTableImpl::MeasurementOfField(FieldId field) const {
  absl::ReaderMutexLock lock(&schema_mu_);
  CHECK_LT(field, schema_.field_count());
  return schema_.MeasurementOfField(field);
}

MeasurementId SeriesTableImpl::KeyOf(SeriesId series, std::string* key) const {
  absl::ReaderMutexLock lock(&mu_);
  CHECK_LT(series, parts_.delta->end());
  if (series < parts_.delta->first()) return parts_.OldKeyOf(series, key);
  key->assign(parts_.delta->KeyOf(series));
  return parts_.delta->MeasurementOf(series);
}

MeasurementId SeriesTableImpl::MeasurementOfSeries(SeriesId series) const {
  absl::ReaderMutexLock lock(&mu_);
  CHECK_LT(series, parts_.delta->end());
  if (series >= parts_.delta->first()) return parts_.delta->MeasurementOf(series);
  return parts_.OldMeasurementOf(series);
}

class SeriesTableImpl::KeyReaderImpl : public KeyReader {
 public:
  KeyReaderImpl(const SeriesTableImpl& table, SeriesParts parts)
      : table_(table), parts_(std::move(parts)), old_end_(parts_.delta->first()) {}

  MeasurementId KeyOf(SeriesId series, std::string* key) const override {
    if (series < old_end_) return parts_.OldKeyOf(series, key);
    // The delta may still be growing; if not, it is kept for its keys all the same.
    absl::ReaderMutexLock lock(&table_.mu_);
    CHECK_LT(series, parts_.delta->end());
    key->assign(parts_.delta->KeyOf(series));
    return parts_.delta->MeasurementOf(series);
  }
  void KeysOf(std::span<const SeriesId> series, SeriesKeys* keys) const override {
    keys->Clear();
    std::string old_key;
    for (size_t i = 0; i < series.size();) {
      for (; i < series.size() && series[i] < old_end_; ++i) {
        const MeasurementId measurement = parts_.OldKeyOf(series[i], &old_key);
        keys->Add(measurement, old_key);
      }
      if (i == series.size()) break;
      absl::ReaderMutexLock lock(&table_.mu_);
      for (; i < series.size() && series[i] >= old_end_; ++i) {
        CHECK_LT(series[i], parts_.delta->end());
        keys->Add(parts_.delta->MeasurementOf(series[i]), parts_.delta->KeyOf(series[i]));
      }
    }
  }

 private:
  const SeriesTableImpl& table_;
  const SeriesParts parts_;
  const SeriesId old_end_;
};

std::unique_ptr<SeriesTable::KeyReader> SeriesTableImpl::NewKeyReader() const {
  absl::ReaderMutexLock lock(&mu_);
  return std::make_unique<KeyReaderImpl>(*this, parts_);
}

uint64_t SeriesTableImpl::series_count() const {
  absl::ReaderMutexLock lock(&mu_);
  return parts_.live_count();
}

uint64_t SeriesTableImpl::memory_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = parts_.delta->memory_bytes() + aliases_.memory_bytes() + recent_.memory_bytes();
  for (const auto& part : parts_.frozen) bytes += part->memory_bytes();
  for (const SegmentPart& part : parts_.segments) bytes += part.memory_bytes();
  absl::ReaderMutexLock schema_lock(&schema_mu_);
  return bytes + schema_.memory_bytes();
}

uint64_t SeriesTableImpl::disk_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = 0;
  for (const SegmentPart& part : parts_.segments) bytes += part.segment->file_bytes();
  return bytes;
}

}  // namespace varve::index
