// The nouns every room shares: ids, field types, values, time ranges.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "base/check.h"

namespace varve::model {

// Ids are never reused within one data folder.
using DatabaseId = uint32_t;     // given by meta
using ShardId = uint64_t;        // given by meta; as in InfluxDB, from 1 on
using SeriesId = uint32_t;       // dense, from 0, per database; given by index::SeriesTable
using MeasurementId = uint32_t;  // dense, from 0, per database
using FieldId = uint32_t;        // dense, from 0, per database; one per (measurement, field name)

inline constexpr uint32_t kNoId = 0xffffffff;

// Times are nanoseconds since 1970 UTC. InfluxDB's range of times a point may have:
inline constexpr int64_t kMinTimeNs = std::numeric_limits<int64_t>::min() + 2;
inline constexpr int64_t kMaxTimeNs = std::numeric_limits<int64_t>::max() - 1;

// Both ends are included. Empty when min_ns > max_ns.
struct TimeRange {
  int64_t min_ns = kMinTimeNs;
  int64_t max_ns = kMaxTimeNs;

  bool empty() const { return min_ns > max_ns; }
  bool Contains(int64_t t) const { return min_ns <= t && t <= max_ns; }
  bool Contains(const TimeRange& other) const {
    return min_ns <= other.min_ns && other.max_ns <= max_ns;
  }
  bool Overlaps(const TimeRange& other) const {
    return min_ns <= other.max_ns && other.min_ns <= max_ns;
  }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// The numbers are written to disk (docs/format.md); zero is no valid type there.
enum class FieldType : uint8_t {
  kNone = 0,
  kFloat = 1,
  kInteger = 2,
  kUnsigned = 3,
  kBoolean = 4,
  kString = 5,
};

// InfluxDB's word for the type: "float", "integer", "unsigned", "boolean", "string".
std::string_view FieldTypeName(FieldType type);

// One value of a field, or none. A string is borrowed: its owner is named where one is handed out.
class FieldValue {
 public:
  FieldValue() : type_(FieldType::kNone), integer_(0) {}
  static FieldValue Float(double v) {
    FieldValue r(FieldType::kFloat);
    r.float_ = v;
    return r;
  }
  // A float read from text with `decimals` digits behind its point: a hint for encoders, which may
  // find it as an integer over a power of ten. Not part of the value.
  static FieldValue Float(double v, uint8_t decimals) {
    FieldValue r = Float(v);
    r.decimals_ = decimals;
    return r;
  }
  static FieldValue Integer(int64_t v) {
    FieldValue r(FieldType::kInteger);
    r.integer_ = v;
    return r;
  }
  static FieldValue Unsigned(uint64_t v) {
    FieldValue r(FieldType::kUnsigned);
    r.unsigned_ = v;
    return r;
  }
  static FieldValue Boolean(bool v) {
    FieldValue r(FieldType::kBoolean);
    r.boolean_ = v;
    return r;
  }
  static FieldValue String(std::string_view v) {
    FieldValue r(FieldType::kString);
    r.text_ = v.data();
    r.size_ = static_cast<uint32_t>(v.size());
    return r;
  }

  FieldType type() const { return type_; }
  bool is_null() const { return type_ == FieldType::kNone; }
  // Each may be called only on a value of its type.
  double as_float() const {
    DCHECK(type_ == FieldType::kFloat);
    return float_;
  }
  int64_t as_integer() const {
    DCHECK(type_ == FieldType::kInteger);
    return integer_;
  }
  uint64_t as_unsigned() const {
    DCHECK(type_ == FieldType::kUnsigned);
    return unsigned_;
  }
  bool as_boolean() const {
    DCHECK(type_ == FieldType::kBoolean);
    return boolean_;
  }
  std::string_view as_string() const {
    DCHECK(type_ == FieldType::kString);
    return {text_, size_};
  }

  // The hint given to Float(); 0 when there was none.
  uint8_t decimals() const { return decimals_; }

  // Equal type and value; floats by bits, so that NaN equals itself.
  friend bool operator==(const FieldValue& a, const FieldValue& b);

 private:
  explicit FieldValue(FieldType type) : type_(type), integer_(0) {}
  FieldType type_;
  uint8_t decimals_ = 0;
  uint32_t size_ = 0;
  union {
    double float_;
    int64_t integer_;
    uint64_t unsigned_;
    bool boolean_;
    const char* text_;
  };
};
static_assert(sizeof(FieldValue) == 16);

}  // namespace varve::model
