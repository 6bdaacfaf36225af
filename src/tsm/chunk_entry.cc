#include "tsm/chunk_entry.h"

#include <array>
#include <bit>
#include <cstdlib>

#include "tsm/codec.h"
#include "tsm/number_bits.h"
#include "tsm/scalar.h"

namespace varve::tsm {
namespace {

using model::FieldStatistics;
using model::FieldType;
using model::FieldValue;

constexpr uint64_t kRegular = 1;
constexpr uint64_t kBlockChecksums = 2;
constexpr uint64_t kInPage = 4;
constexpr unsigned kFlagBits = 3;

// A record's first byte: four bits of exponent (floats) or first and last value (booleans), flags,
// and how the sum is written.
constexpr uint8_t kLowBits = 0x0f;
constexpr uint8_t kNulls = 0x10;
constexpr uint8_t kConstant = 0x20;
constexpr unsigned kSumShift = 6;

// The numbers of a record as integers, which is what is written of them.
struct Mantissas {
  uint64_t min;
  uint64_t max;
  uint64_t first;
  uint64_t last;
};

unsigned ToMantissas(FieldType type, const ColumnSummary& summary, Mantissas* m) {
  if (type != FieldType::kFloat) {
    *m = {BitsOf(summary.min), BitsOf(summary.max), BitsOf(summary.first), BitsOf(summary.last)};
    return 0;
  }
  const std::array<double, 4> values = {summary.min.as_float(), summary.max.as_float(),
                                        summary.first.as_float(), summary.last.as_float()};
  std::array<int64_t, 4> decimals;
  const unsigned exponent = CommonDecimal(values, decimals.data());
  if (exponent != kNotDecimal) {
    *m = {static_cast<uint64_t>(decimals[0]), static_cast<uint64_t>(decimals[1]),
          static_cast<uint64_t>(decimals[2]), static_cast<uint64_t>(decimals[3])};
  }
  return exponent;
}

// Where in the chunk: a row number when times follow from it, else the time.
class PlaceWriter {
 public:
  PlaceWriter(const ChunkHead& head, const int64_t* times, std::string& out)
      : head_(head), times_(times), out_(out) {}
  void Put(uint32_t row) {
    if (head_.regular) {
      base::PutVarint(out_, row);
    } else {
      PutTimeDelta(out_,
                   static_cast<uint64_t>(times_[row]) - static_cast<uint64_t>(head_.range.min_ns));
    }
  }

 private:
  const ChunkHead& head_;
  const int64_t* times_;
  std::string& out_;
};

bool GetPlace(base::ByteReader& in, const ChunkHead& head, int64_t* time) {
  uint64_t place;
  if (head.regular) {
    if (!in.GetVarint(&place) || place >= head.rows) return false;
    *time = head.TimeOfRow(place);
    return true;
  }
  const uint64_t span =
      static_cast<uint64_t>(head.range.max_ns) - static_cast<uint64_t>(head.range.min_ns);
  if (!GetTimeDelta(in, &place) || place > span) return false;
  *time = static_cast<int64_t>(static_cast<uint64_t>(head.range.min_ns) + place);
  return true;
}

void PutFirstNumber(std::string& out, FieldType type, uint64_t mantissa) {
  base::PutVarint(
      out, type == FieldType::kUnsigned ? mantissa : base::ZigZag(static_cast<int64_t>(mantissa)));
}

bool GetFirstNumber(base::ByteReader& in, FieldType type, uint64_t* mantissa) {
  if (!in.GetVarint(mantissa)) return false;
  if (type != FieldType::kUnsigned) {
    *mantissa = static_cast<uint64_t>(base::UnZigZag(*mantissa));
  }
  return true;
}

struct NumbersCode {
  unsigned exponent = 0;
  bool constant = false;
  Mantissas mantissas{};
  SumCode sum;
};

NumbersCode CodeNumbers(FieldType type, const ColumnSummary& summary) {
  NumbersCode code;
  code.exponent = ToMantissas(type, summary, &code.mantissas);
  code.sum = CodeSum(type, code.exponent, summary.sum);
  const uint64_t bits = BitsOf(summary.min);
  code.constant = bits == BitsOf(summary.max) && bits == BitsOf(summary.first) &&
                  bits == BitsOf(summary.last) && summary.min_row == summary.first_row &&
                  summary.max_row == summary.first_row;
  return code;
}

void PutNumbers(const NumbersCode& code, FieldType type, const ColumnSummary& summary,
                PlaceWriter& places, std::string& out) {
  const Mantissas& m = code.mantissas;
  if (code.exponent == kNotDecimal) {
    base::PutFixed(out, BitsOf(summary.min));
    if (!code.constant) {
      for (const FieldValue* value : {&summary.max, &summary.first, &summary.last}) {
        base::PutFixed(out, BitsOf(*value));
      }
    }
  } else {
    PutFirstNumber(out, type, m.min);
    if (!code.constant) {
      for (const uint64_t mantissa : {m.max, m.first, m.last}) {
        base::PutVarint(out, mantissa - m.min);
      }
    }
  }
  if (!code.constant) {
    places.Put(summary.min_row);
    places.Put(summary.max_row);
  }
  if (code.sum.mode == kSumRaw) {
    base::PutFixed(out, BitsOf(summary.sum));
    return;
  }
  base::PutSignedVarint(out, static_cast<int64_t>(code.sum.mantissa - summary.count * m.min));
  if (code.sum.mode == kSumScaledUlps) base::PutSignedVarint(out, code.sum.ulps);
}

bool GetNumbers(base::ByteReader& in, FieldType type, uint8_t coding, const ChunkHead& head,
                FieldStatistics* s) {
  const unsigned exponent = coding & kLowBits;
  const bool constant = (coding & kConstant) != 0;
  if (type != FieldType::kFloat && exponent != 0) return false;
  uint64_t min;
  if (exponent == kNotDecimal) {
    uint64_t bits[4];
    for (size_t i = 0; i < (constant ? 1 : 4); ++i) {
      if (!in.GetFixed(&bits[i])) return false;
    }
    min = 0;
    s->min = FromBits(type, bits[0]);
    s->max = FromBits(type, bits[constant ? 0 : 1]);
    s->first = FromBits(type, bits[constant ? 0 : 2]);
    s->last = FromBits(type, bits[constant ? 0 : 3]);
  } else {
    uint64_t above[3] = {0, 0, 0};
    if (!GetFirstNumber(in, type, &min)) return false;
    if (!constant &&
        (!in.GetVarint(&above[0]) || !in.GetVarint(&above[1]) || !in.GetVarint(&above[2]))) {
      return false;
    }
    s->min = FromMantissa(type, exponent, min);
    s->max = constant ? s->min : FromMantissa(type, exponent, min + above[0]);
    s->first = constant ? s->min : FromMantissa(type, exponent, min + above[1]);
    s->last = constant ? s->min : FromMantissa(type, exponent, min + above[2]);
  }
  if (constant) {
    s->min_time = s->first_time;
    s->max_time = s->first_time;
  } else if (!GetPlace(in, head, &s->min_time) || !GetPlace(in, head, &s->max_time)) {
    return false;
  }
  uint64_t bits;
  int64_t difference;
  int64_t ulps = 0;
  switch (coding >> kSumShift) {
    case kSumRaw:
      if (!in.GetFixed(&bits)) return false;
      s->sum = FromBits(type, bits);
      return true;
    case kSumScaledUlps:
    case kSumScaled:
      if (exponent == kNotDecimal || !in.GetSignedVarint(&difference)) return false;
      s->sum = FromMantissa(type, exponent, s->count * min + static_cast<uint64_t>(difference));
      if (coding >> kSumShift == kSumScaled) return true;
      if (type != FieldType::kFloat || !in.GetSignedVarint(&ulps)) return false;
      s->sum = FromBits(type, BitsOf(s->sum) + static_cast<uint64_t>(ulps));
      return true;
    default:
      return false;
  }
}

}  // namespace

void PutChunkHead(const ChunkHead& head, int64_t base_ns, std::string& out) {
  uint64_t tag = uint64_t{head.rows - 1} << kFlagBits;
  if (head.regular) tag |= kRegular;
  if (head.block_checksums) tag |= kBlockChecksums;
  if (head.in_page) tag |= kInPage;
  base::PutVarint(out, tag);
  base::PutVarint(out, head.layout);
  PutTimeRelative(out, head.range.min_ns, base_ns);
  if (head.regular) {
    if (head.rows > 1) PutTimeDelta(out, head.step_ns);
  } else if (!head.in_page) {
    PutTimeDelta(
        out, static_cast<uint64_t>(head.range.max_ns) - static_cast<uint64_t>(head.range.min_ns));
    base::PutVarint(out, head.time_block_bytes);
    if (head.block_checksums) base::PutFixed(out, head.time_checksum);
  }
  if (!head.in_page && !head.block_checksums) base::PutFixed(out, head.chunk_checksum);
}

bool GetChunkHead(base::ByteReader& in, int64_t base_ns, ChunkHead* head) {
  uint64_t tag;
  if (!in.GetVarint(&tag) || tag >> kFlagBits >= kMaxBlockValues ||
      !in.GetVarintAs(&head->layout) || !GetTimeRelative(in, base_ns, &head->range.min_ns)) {
    return false;
  }
  head->rows = static_cast<uint32_t>(tag >> kFlagBits) + 1;
  head->regular = (tag & kRegular) != 0;
  head->block_checksums = (tag & kBlockChecksums) != 0;
  head->in_page = (tag & kInPage) != 0;
  head->step_ns = 0;
  head->time_block_bytes = 0;
  // Times go up from min to max without passing the end of time.
  const uint64_t room =
      static_cast<uint64_t>(INT64_MAX) - static_cast<uint64_t>(head->range.min_ns);
  uint64_t span = 0;
  if (head->regular) {
    if (head->rows > 1) {
      if (!GetTimeDelta(in, &head->step_ns) || head->step_ns == 0 ||
          head->step_ns > room / (head->rows - 1)) {
        return false;
      }
      span = head->step_ns * (head->rows - 1);
    }
  } else if (!head->in_page) {
    if (!GetTimeDelta(in, &span) || span > room || span < head->rows - 1 ||
        !in.GetVarintAs(&head->time_block_bytes)) {
      return false;
    }
    if (head->block_checksums && !in.GetFixed(&head->time_checksum)) return false;
  }
  head->range.max_ns = static_cast<int64_t>(static_cast<uint64_t>(head->range.min_ns) + span);
  return head->in_page || head->block_checksums || in.GetFixed(&head->chunk_checksum);
}

void PutColumnRecord(const ColumnRecord& record, FieldType type, const ChunkHead& head,
                     const ColumnSummary& summary, const int64_t* times, std::string& out) {
  const bool nulls = summary.count != head.rows;
  uint8_t coding = nulls ? kNulls : 0;
  NumbersCode numbers;
  if (IsNumber(type)) {
    numbers = CodeNumbers(type, summary);
    coding |= static_cast<uint8_t>(numbers.exponent | numbers.sum.mode << kSumShift);
    if (numbers.constant) coding |= kConstant;
  } else if (type == FieldType::kBoolean) {
    coding |= summary.first.as_boolean() ? 1 : 0;
    coding |= summary.last.as_boolean() ? 2 : 0;
  }
  // A record is short: written behind a place for its one length byte, which is widened if need be.
  const size_t length_at = out.size();
  out.push_back(0);
  base::PutVarint(out, record.block_bytes);
  const size_t start = out.size();
  out.push_back(static_cast<char>(coding));
  if (head.block_checksums) base::PutFixed(out, record.checksum);
  PlaceWriter places(head, times, out);
  if (nulls) {
    base::PutVarint(out, summary.count);
    places.Put(summary.first_row);
    places.Put(summary.last_row);
  }
  if (IsNumber(type)) PutNumbers(numbers, type, summary, places, out);
  CHECK_LT(out.size() - start, 128u) << "column record too long";
  out[length_at] = static_cast<char>(out.size() - start);
}

bool SkipColumnRecord(base::ByteReader& in, ColumnRecord* record) {
  uint8_t length;
  std::string_view skipped;
  return in.GetFixed(&length) && in.GetVarintAs(&record->block_bytes) &&
         in.GetBytes(length, &skipped);
}

bool GetColumnRecord(base::ByteReader& in, FieldType type, const ChunkHead& head,
                     ColumnRecord* record, FieldStatistics* statistics) {
  uint8_t length;
  if (!in.GetFixed(&length) || !in.GetVarintAs(&record->block_bytes)) return false;
  const size_t start = in.offset();
  uint8_t coding;
  if (!in.GetFixed(&coding)) return false;
  if (head.block_checksums && !in.GetFixed(&record->checksum)) return false;
  FieldStatistics& s = *statistics;
  s.count = head.rows;
  s.first_time = head.range.min_ns;
  s.last_time = head.range.max_ns;
  if ((coding & kNulls) != 0) {
    if (!in.GetVarint(&s.count) || s.count == 0 || s.count >= head.rows ||
        !GetPlace(in, head, &s.first_time) || !GetPlace(in, head, &s.last_time)) {
      return false;
    }
  }
  if (IsNumber(type)) {
    if (!GetNumbers(in, type, coding, head, &s)) return false;
  } else {
    s.min = s.max = s.sum = s.first = s.last = FieldValue();
    s.min_time = s.max_time = s.first_time;
    if (type == FieldType::kBoolean) {
      s.first = FieldValue::Boolean((coding & 1) != 0);
      s.last = FieldValue::Boolean((coding & 2) != 0);
    }
  }
  return in.offset() - start == length;
}

}  // namespace varve::tsm
