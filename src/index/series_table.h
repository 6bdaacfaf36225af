// The series dictionary of one database: key bytes to dense id and back; measurements and fields.
//
// An id, once given, means the same for the life of the database and is never given again. Most of
// it lies in immutable, memory-mapped segments; what is new is in memory and in the log (as
// definitions) until Flush(). Budget: 16 bytes a series in the ingest hash and 20 on disk for short
// tag sets; never an object per series in the heap. What Forget() was told of costs a bit until a
// flush leaves it out, and then nothing. Bytes: docs/format.md, "Series segment".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/env.h"
#include "index/series_set.h"
#include "model/types.h"

namespace varve::index {

struct SeriesRef {
  model::SeriesId series = model::kNoId;
  model::MeasurementId measurement = model::kNoId;
};

// Keys of several series, behind each other.
struct SeriesKeys {
  std::vector<model::MeasurementId> measurements;
  std::vector<size_t> ends;  // in `text`
  std::string text;

  size_t size() const { return ends.size(); }
  std::string_view key(size_t i) const {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  void Clear() {
    measurements.clear();
    ends.clear();
    text.clear();
  }
  void Add(model::MeasurementId measurement, std::string_view bytes) {
    measurements.push_back(measurement);
    text.append(bytes);
    ends.push_back(text.size());
  }
};

// Thread safety: every method may be called from any thread.
class SeriesTable {
 public:
  // Takes the bytes that define what is new, to be queued on the log while the table's lock is
  // held, so that no record that uses an id can be logged before the one that defines it. An error
  // undoes the registration. It must not wait for a thread that reads keys of this table, such as
  // the one that applies the log.
  using DefinitionSink = std::function<absl::Status(std::string definitions)>;

  // Opens the table in `folder`, creating it. Every byte is checked against its checksum once and
  // the directories are read; keys and hash tables are used where they lie, so opening a million
  // series takes a few milliseconds and next to no memory. DATA_LOSS names damage. `env` must
  // outlive the table.
  static absl::StatusOr<std::unique_ptr<SeriesTable>> Open(base::Env& env, std::string folder);
  virtual ~SeriesTable() = default;

  // Finds series while it lives, under one shared lock: registrations wait meanwhile, so keep it
  // for a batch at most, and of the table's other methods call only those on measurements and
  // fields (the rest may wait for this very lock). One thread, the one that made it.
  class Lookup {
   public:
    virtual ~Lookup() = default;
    // `raw_key`: "measurement,tags" as a client wrote it. One hash, one probe, one compare. False
    // when this spelling has not been seen, or not lately: spellings other than the canonical one
    // are remembered within a bound.
    virtual bool Find(std::string_view raw_key, SeriesRef* ref) = 0;
    // Finds the series whose canonical bytes are `key`.
    virtual bool FindCanonical(std::string_view key, SeriesRef* ref) = 0;
    // The same for several keys, whose memory accesses then overlap: less time a key when there are
    // more series than the processor's caches hold. refs[i].series is kNoId where there is none.
    // Best with 16 keys or more.
    virtual void FindMany(std::span<const std::string_view> raw_keys, SeriesRef* refs) = 0;
  };
  virtual std::unique_ptr<Lookup> NewLookup() = 0;

  // Finds or registers the series that `raw_key` spells. INVALID_ARGUMENT with InfluxDB's words
  // when it is no series key or longer than 65,535 bytes; otherwise only what `sink` returns.
  virtual absl::StatusOr<SeriesRef> Register(std::string_view raw_key,
                                             const DefinitionSink& sink) = 0;
  // Registers those of `raw_keys`, in their order, that are new: one lock and one call of `sink`
  // for some thousands. Fills `refs` with their series, and none for what Register() says
  // INVALID_ARGUMENT to. An error is the sink's, or RESOURCE_EXHAUSTED.
  virtual absl::Status RegisterMany(std::span<const std::string_view> raw_keys,
                                    const DefinitionSink& sink, std::vector<SeriesRef>* refs) = 0;
  // Finds a field by its unescaped name; kNoId when there is none.
  virtual model::FieldId FindField(model::MeasurementId measurement,
                                   std::string_view name) const = 0;
  virtual absl::StatusOr<model::FieldId> RegisterField(model::MeasurementId measurement,
                                                       std::string_view name,
                                                       const DefinitionSink& sink) = 0;
  // Replays what a sink was given. Doing so twice is harmless, and so is a definition of a series
  // that has been forgotten since. A new id for a known key says that the old one was forgotten.
  // DATA_LOSS: malformed, or it contradicts what is known.
  virtual absl::Status ApplyDefinitions(std::string_view definitions) = 0;
  // Makes everything registered and forgotten so far durable; the log is then not needed for it.
  virtual absl::Status Flush() = 0;

  // A measurement gets its id with its first series.
  virtual model::MeasurementId FindMeasurement(std::string_view name) const = 0;  // or kNoId
  virtual std::string MeasurementName(model::MeasurementId measurement) const = 0;
  virtual std::string FieldName(model::FieldId field) const = 0;
  virtual model::MeasurementId MeasurementOfField(model::FieldId field) const = 0;

  // The canonical key bytes (model/series_key.h) of a series that was registered, into `key`
  // (replaced). Returns the measurement; kNoId, and an empty key, when it is forgotten.
  virtual model::MeasurementId KeyOf(model::SeriesId series, std::string* key) const = 0;
  virtual model::MeasurementId MeasurementOfSeries(model::SeriesId series) const = 0;

  // Reads many keys: it keeps hold of the segments, so that most keys cost no lock. It knows every
  // series that lived at the time of the call, and goes on knowing those that are forgotten later;
  // of those that were forgotten before, KeyOf() gives kNoId and an empty key. Any thread; the
  // table must outlive it.
  class KeyReader {
   public:
    virtual ~KeyReader() = default;
    virtual model::MeasurementId KeyOf(model::SeriesId series, std::string* key) const = 0;
    // The same for several, into `keys` (replaced): what costs a lock costs one for all.
    virtual void KeysOf(std::span<const model::SeriesId> series, SeriesKeys* keys) const = 0;
  };
  virtual std::unique_ptr<KeyReader> NewKeyReader() const = 0;

  // --- Forgetting. The caller answers for it that nothing but the log and open views names the
  // series any more, and that a record of the log that does will be passed over. It finds out in
  // two steps: Watch() what seems unused; when all who had looked a series up before that are done,
  // and left it unused, Forget() those that nobody has looked up since.

  struct Flushed {
    SeriesSet series;         // that live and are in segments; no other can be watched
    model::SeriesId end = 0;  // every series below it is in there, or forgotten
  };
  virtual Flushed FlushedSeries() const = 0;
  // Watches these series in place of all others. One that is looked up or registered from here on
  // is watched no more.
  virtual void Watch(const SeriesSet& series) = 0;
  virtual SeriesSet Watched() const = 0;
  // Forgets those of the series that are still watched, and returns how many. Their keys are
  // unknown from here on; Flush() makes that durable and gives back their bytes, at the latest when
  // they are a quarter of their segment.
  virtual uint64_t Forget(const SeriesSet& series) = 0;

  // Of series that live.
  virtual uint64_t series_count() const = 0;
  virtual uint64_t memory_bytes() const = 0;
  virtual uint64_t disk_bytes() const = 0;
};

}  // namespace varve::index
