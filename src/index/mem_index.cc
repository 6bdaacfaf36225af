#include "index/mem_index.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "model/series_key.h"

namespace varve::index {

using model::MeasurementId;
using model::SeriesId;

namespace {

constexpr uint32_t kNone = BytesTable::kNone;
constexpr uint32_t kArrayMax = 32;  // more series of one value become a bitmap

// The bytes a column or value is interned by: the id of what it belongs to, then its own.
void ComposeKey(uint32_t owner, std::string_view bytes, std::string* out) {
  out->resize(sizeof(owner) + bytes.size());
  std::memcpy(out->data(), &owner, sizeof(owner));
  if (!bytes.empty()) std::memcpy(out->data() + sizeof(owner), bytes.data(), bytes.size());
}

std::string_view OwnBytes(std::string_view composed) { return composed.substr(sizeof(uint32_t)); }

}  // namespace

MemIndex::MemIndex() = default;

MemIndex::~MemIndex() {
  for (const Postings& postings : many_) {
    if (postings.capacity == 0) {
      roaring_bitmap_free(postings.bits);
    } else {
      std::free(postings.ids);
    }
  }
  for (const Shape& shape : shapes_) roaring_bitmap_free(shape.series);
}

// Fills tags_ with unescaped keys and values, which point into `key` or unescaped_.
void MemIndex::SplitKey(std::string_view key) {
  std::string_view measurement;
  if (std::memchr(key.data(), '\\', key.size()) == nullptr &&
      SplitSeriesKey(key, &measurement, &tags_)) {
    return;
  }
  tags_.clear();
  unescaped_.clear();
  model::SeriesKey parsed = model::DecodeSeriesKey(key);
  unescaped_.reserve(parsed.tags.size() * 2);
  for (model::Tag& tag : parsed.tags) {
    // What escapes make ambiguous may read as a tag without a value, or twice the same.
    const bool repeated = std::any_of(tags_.begin(), tags_.end(),
                                      [&](const RawTag& other) { return other.key == tag.key; });
    if (tag.value.empty() || repeated) continue;
    unescaped_.push_back(std::move(tag.key));
    unescaped_.push_back(std::move(tag.value));
    tags_.push_back({unescaped_[unescaped_.size() - 2], unescaped_.back()});
  }
}

MemIndex::Shape& MemIndex::FindShape(MeasurementId measurement) {
  if (last_shape_ < shapes_.size()) {
    Shape& shape = shapes_[last_shape_];
    if (shape.measurement == measurement &&
        std::equal(shape.keys.begin(), shape.keys.end(), tags_.begin(), tags_.end(),
                   [](const std::string& key, const RawTag& tag) { return key == tag.key; })) {
      return shape;
    }
  }
  scratch_.clear();
  base::PutFixed<uint32_t>(scratch_, measurement);
  for (const RawTag& tag : tags_) base::PutString(scratch_, tag.key);
  const auto [at, fresh] = shape_ids_.try_emplace(scratch_, static_cast<uint32_t>(shapes_.size()));
  last_shape_ = at->second;
  if (!fresh) return shapes_[last_shape_];

  Shape& shape = shapes_.emplace_back();
  shape.measurement = measurement;
  shape.series = roaring_bitmap_create();
  for (const RawTag& tag : tags_) {
    ComposeKey(measurement, tag.key, &scratch_);
    const uint32_t column = columns_.FindOrAdd(scratch_);
    if (column == last_value_.size()) last_value_.push_back(kNone);
    shape.keys.emplace_back(tag.key);
    shape.columns.push_back(column);
  }
  shapes_of_[measurement].push_back(last_shape_);
  return shape;
}

void MemIndex::Append(Postings& postings, SeriesId series) {
  if (postings.capacity == 0) {
    roaring_bitmap_add(postings.bits, series);
  } else if (postings.count < postings.capacity) {
    postings.ids[postings.count] = series;
  } else if (postings.count < kArrayMax) {
    postings.capacity *= 2;
    auto* grown =
        static_cast<SeriesId*>(std::realloc(postings.ids, postings.capacity * sizeof(SeriesId)));
    CHECK(grown != nullptr) << "out of memory";
    postings.ids = grown;
    postings.ids[postings.count] = series;
  } else {
    roaring_bitmap_t* bits = roaring_bitmap_of_ptr(postings.count, postings.ids);
    std::free(postings.ids);
    postings.capacity = 0;
    postings.bits = bits;
    roaring_bitmap_add(bits, series);
  }
  ++postings.count;
}

uint32_t MemIndex::NewPostings() {
  Postings& postings = many_.emplace_back();
  postings.capacity = 4;
  postings.ids = static_cast<SeriesId*>(std::malloc(postings.capacity * sizeof(SeriesId)));
  CHECK(postings.ids != nullptr) << "out of memory";
  return kManyMark | static_cast<uint32_t>(many_.size() - 1);
}

void MemIndex::AddValue(uint32_t column, std::string_view value, SeriesId series) {
  ComposeKey(column, value, &scratch_);
  const uint64_t hash = BytesTable::Hash(scratch_);
  uint32_t id = values_.Find(scratch_, hash);
  if (id == kNone) {
    id = values_.Add(scratch_, hash);
    previous_value_.push_back(std::exchange(last_value_[column], id));
    if (series < kManyMark) {
      first_.push_back(series);
      return;
    }
    first_.push_back(NewPostings());
  } else if (first_[id] < kManyMark) {
    const SeriesId first = std::exchange(first_[id], NewPostings());
    Append(many_.back(), first);
  }
  Append(many_[first_[id] & ~kManyMark], series);
}

void MemIndex::Add(SeriesId series, MeasurementId measurement, std::string_view key) {
  absl::MutexLock lock(&mu_);
  SplitKey(key);
  const Shape& shape = FindShape(measurement);
  for (size_t i = 0; i < tags_.size(); ++i) AddValue(shape.columns[i], tags_[i].value, series);
  roaring_bitmap_add(shape.series, series);
  ++series_count_;
}

uint64_t MemIndex::series_count() const {
  absl::ReaderMutexLock lock(&mu_);
  return series_count_;
}

uint64_t MemIndex::memory_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = columns_.memory_bytes() + values_.memory_bytes() +
                   (first_.capacity() + previous_value_.capacity()) * sizeof(uint32_t) +
                   many_.capacity() * sizeof(Postings);
  for (const Postings& postings : many_) {
    bytes += postings.capacity == 0 ? roaring_bitmap_size_in_bytes(postings.bits)
                                    : postings.capacity * sizeof(SeriesId);
  }
  for (const Shape& shape : shapes_) {
    bytes += sizeof(Shape) + roaring_bitmap_size_in_bytes(shape.series);
  }
  return bytes;
}

void MemIndex::AddMeasurements(std::vector<MeasurementId>* out) const {
  absl::ReaderMutexLock lock(&mu_);
  for (const auto& [measurement, shapes] : shapes_of_) out->push_back(measurement);
}

void MemIndex::AddTagKeys(MeasurementId measurement, std::vector<std::string>* out) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto at = shapes_of_.find(measurement);
  if (at == shapes_of_.end()) return;
  for (const uint32_t shape : at->second) {
    out->insert(out->end(), shapes_[shape].keys.begin(), shapes_[shape].keys.end());
  }
}

void MemIndex::AddSeriesOf(MeasurementId measurement, SeriesSetBuilder* out) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto at = shapes_of_.find(measurement);
  if (at == shapes_of_.end()) return;
  for (const uint32_t shape : at->second) out->Add(shapes_[shape].series);
}

uint32_t MemIndex::FindColumn(MeasurementId measurement, std::string_view tag_key) const {
  std::string composed;
  ComposeKey(measurement, tag_key, &composed);
  return columns_.Find(composed);
}

void MemIndex::AddHasTag(MeasurementId measurement, std::string_view tag_key,
                         SeriesSetBuilder* out) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto at = shapes_of_.find(measurement);
  if (at == shapes_of_.end()) return;
  for (const uint32_t shape : at->second) {
    const std::vector<std::string>& keys = shapes_[shape].keys;
    if (std::find(keys.begin(), keys.end(), tag_key) != keys.end()) {
      out->Add(shapes_[shape].series);
    }
  }
}

void MemIndex::AddPostings(uint32_t value, SeriesSetBuilder* out) const {
  if (first_[value] < kManyMark) {
    out->Add(first_[value]);
    return;
  }
  const Postings& postings = many_[first_[value] & ~kManyMark];
  if (postings.capacity == 0) {
    out->Add(postings.bits);
  } else {
    out->Add(std::span<const SeriesId>(postings.ids, postings.count));
  }
}

void MemIndex::AddEqual(MeasurementId measurement, std::string_view tag_key, std::string_view value,
                        SeriesSetBuilder* out) const {
  absl::ReaderMutexLock lock(&mu_);
  const uint32_t column = FindColumn(measurement, tag_key);
  if (column == kNone) return;
  std::string composed;
  ComposeKey(column, value, &composed);
  const uint32_t id = values_.Find(composed);
  if (id != kNone) AddPostings(id, out);
}

namespace {

// What a tag's values were when the cursor was made.
class CopyCursor : public ValueCursor {
 public:
  struct Entry {
    std::string_view value;  // of the index's own bytes, which stay
    SeriesSet series;
  };
  explicit CopyCursor(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.value < b.value; });
  }
  bool Next() override { return next_ < entries_.size() && ++next_ != 0; }
  std::string_view value() const override { return entry().value; }
  void AddTo(SeriesSetBuilder* out) const override { out->Add(entry().series); }
  SeriesSet Series() const override { return entry().series; }
  bool is_single() const override { return entry().series.bits() == nullptr; }

 private:
  const Entry& entry() const { return entries_[next_ - 1]; }
  std::vector<Entry> entries_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<ValueCursor> MemIndex::NewCursor(MeasurementId measurement,
                                                 std::string_view tag_key) const {
  std::vector<CopyCursor::Entry> entries;
  {
    absl::ReaderMutexLock lock(&mu_);
    const uint32_t column = FindColumn(measurement, tag_key);
    uint32_t value = column == kNone ? kNone : last_value_[column];
    for (; value != kNone; value = previous_value_[value]) {
      SeriesSetBuilder series;
      AddPostings(value, &series);
      entries.push_back({OwnBytes(values_.Get(value)), series.Finish()});
    }
  }
  return std::make_unique<CopyCursor>(std::move(entries));
}

}  // namespace varve::index
