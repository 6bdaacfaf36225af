#include "tsm/rollup_format.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status.h"
#include "tsm/codec/words.h"
#include "tsm/file_format.h"
#include "tsm/number_bits.h"

namespace varve::tsm {
namespace {

using model::FieldStatistics;
using model::FieldType;

constexpr EncodeOptions kEncode{.cold = false};

void PutWords(std::span<const uint64_t> words, std::string& out) {
  for (size_t at = 0; at < words.size(); at += kRollupStreamWords) {
    codec::EncodeWords(words.subspan(at, std::min(kRollupStreamWords, words.size() - at)), kEncode,
                       out);
  }
}

// The numbers of the hours that have a value, as integers at one exponent.
struct Mantissas {
  unsigned exponent = 0;
  std::vector<int64_t> min, max, first, last;
};

bool ToMantissas(FieldType type, std::span<const FieldStatistics* const> spans, Mantissas* m) {
  const size_t n = spans.size();
  std::vector<int64_t> all(4 * n);
  if (type == FieldType::kFloat) {
    std::vector<double> values(4 * n);
    for (size_t i = 0; i < n; ++i) {
      values[i] = spans[i]->min.as_float();
      values[n + i] = spans[i]->max.as_float();
      values[2 * n + i] = spans[i]->first.as_float();
      values[3 * n + i] = spans[i]->last.as_float();
    }
    m->exponent = CommonDecimal(values, all.data());
    if (m->exponent == kNotDecimal) return false;
  } else {
    for (size_t i = 0; i < n; ++i) {
      all[i] = static_cast<int64_t>(BitsOf(spans[i]->min));
      all[n + i] = static_cast<int64_t>(BitsOf(spans[i]->max));
      all[2 * n + i] = static_cast<int64_t>(BitsOf(spans[i]->first));
      all[3 * n + i] = static_cast<int64_t>(BitsOf(spans[i]->last));
    }
  }
  const auto part = [&](size_t i) {
    return std::vector<int64_t>(all.begin() + static_cast<ptrdiff_t>(i * n),
                                all.begin() + static_cast<ptrdiff_t>((i + 1) * n));
  };
  m->min = part(0);
  m->max = part(1);
  m->first = part(2);
  m->last = part(3);
  return true;
}

void PutSums(FieldType type, std::span<const FieldStatistics* const> spans, const Mantissas& m,
             std::string& out) {
  std::vector<uint64_t> words;
  std::vector<uint64_t> ulps;
  uint8_t mode = kSumScaled;
  for (size_t i = 0; i < spans.size() && mode != kSumRaw; ++i) {
    const SumCode code = CodeSum(type, m.exponent, spans[i]->sum);
    mode = std::max(mode, code.mode);
    words.push_back(code.mantissa - spans[i]->count * static_cast<uint64_t>(m.min[i]));
    ulps.push_back(static_cast<uint64_t>(code.ulps));
  }
  out.push_back(static_cast<char>(mode));
  if (mode == kSumRaw) {
    words.clear();
    for (const FieldStatistics* span : spans) words.push_back(BitsOf(span->sum));
  }
  PutWords(words, out);
  if (mode == kSumScaledUlps) PutWords(ulps, out);
}

void PutNumbers(FieldType type, std::span<const FieldStatistics* const> spans, std::string& out) {
  Mantissas m;
  std::vector<uint64_t> words;
  if (!ToMantissas(type, spans, &m)) {
    out.push_back(static_cast<char>(kNotDecimal));
    for (const auto member : {&FieldStatistics::min, &FieldStatistics::max, &FieldStatistics::first,
                              &FieldStatistics::last, &FieldStatistics::sum}) {
      words.clear();
      for (const FieldStatistics* span : spans) words.push_back(BitsOf(span->*member));
      PutWords(words, out);
    }
    return;
  }
  out.push_back(static_cast<char>(m.exponent));
  for (const int64_t min : m.min) words.push_back(static_cast<uint64_t>(min));
  PutWords(words, out);
  // These lie little above the least value, each in its own way.
  for (const auto* above : {&m.max, &m.first, &m.last}) {
    words.clear();
    for (size_t i = 0; i < spans.size(); ++i) {
      words.push_back(static_cast<uint64_t>((*above)[i]) - static_cast<uint64_t>(m.min[i]));
    }
    PutWords(words, out);
  }
  PutSums(type, spans, m, out);
}

void PutColumn(std::span<const int64_t> hours, const RollupColumn& column, std::string& out) {
  std::vector<uint64_t> words;
  std::vector<uint64_t> first_offsets;
  std::vector<uint64_t> last_offsets;
  std::vector<const FieldStatistics*> spans;  // those with a value
  for (size_t i = 0; i < hours.size(); ++i) {
    const FieldStatistics& span = column.spans[i];
    words.push_back(span.count);
    if (span.count == 0) continue;
    spans.push_back(&span);
    first_offsets.push_back(static_cast<uint64_t>(span.first_time - hours[i]));
    last_offsets.push_back(static_cast<uint64_t>(span.last_time - hours[i]));
  }
  PutWords(words, out);
  PutWords(first_offsets, out);
  PutWords(last_offsets, out);
  if (IsNumber(column.type)) PutNumbers(column.type, spans, out);
}

}  // namespace

void PutRollupHeader(const RollupSource& source, std::string& out) {
  const size_t start = out.size();
  out.append(kRollupMagic);
  base::PutFixed<uint16_t>(out, kRollupVersion);
  base::PutFixed<uint16_t>(out, 0);
  base::PutFixed(out, source.bytes);
  base::PutFixed(out, source.footer_checksum);
  base::PutFixed(out, base::Checksum(std::string_view(out).substr(start)));
}

absl::Status ReadRollupHeader(std::string_view file, RollupSource* source) {
  if (file.size() < kRollupHeaderBytes + kRollupFooterBytes) {
    return base::DataLoss("rollup too short: bytes=", file.size());
  }
  if (file.substr(0, kRollupMagic.size()) != kRollupMagic) {
    return base::DataLoss("wrong rollup magic: offset=0");
  }
  constexpr size_t kChecked = kRollupHeaderBytes - 8;
  if (base::LoadFixed<uint64_t>(file.data() + kChecked) !=
      base::Checksum(file.substr(0, kChecked))) {
    return base::DataLoss("wrong rollup header checksum: offset=", kChecked);
  }
  const auto version = base::LoadFixed<uint16_t>(file.data() + 4);
  const auto flags = base::LoadFixed<uint16_t>(file.data() + 6);
  if (version > kRollupVersion || flags != 0) {
    return base::FailedPrecondition("rollup of a newer format: version=", version,
                                    " flags=", flags);
  }
  if (version == 0) return base::DataLoss("rollup version 0: offset=4");
  source->bytes = base::LoadFixed<uint64_t>(file.data() + 8);
  source->footer_checksum = base::LoadFixed<uint64_t>(file.data() + 16);
  return absl::OkStatus();
}

void PutRollupFooter(const RollupFooter& footer, std::string& out) {
  const size_t start = out.size();
  base::PutFixed(out, footer.directory_offset);
  base::PutFixed(out, footer.pages);
  base::PutFixed(out, footer.series);
  base::PutFixed(out, footer.directory_checksum);
  base::PutFixed<uint32_t>(out, 0);
  out.append(kRollupMagic);
  base::PutFixed(out, base::Checksum(std::string_view(out).substr(start)));
}

absl::Status ReadRollupFooter(std::string_view file, RollupFooter* footer) {
  const uint64_t at = file.size() - kRollupFooterBytes;
  const std::string_view bytes = file.substr(at, kRollupFooterBytes - 8);
  if (base::LoadFixed<uint64_t>(file.data() + file.size() - 8) != base::Checksum(bytes) ||
      !bytes.ends_with(kRollupMagic)) {
    return base::DataLoss("wrong rollup footer: offset=", at);
  }
  footer->directory_offset = base::LoadFixed<uint64_t>(bytes.data());
  footer->pages = base::LoadFixed<uint64_t>(bytes.data() + 8);
  footer->series = base::LoadFixed<uint64_t>(bytes.data() + 16);
  footer->directory_checksum = base::LoadFixed<uint64_t>(bytes.data() + 24);
  if (footer->directory_offset < kRollupHeaderBytes || footer->directory_offset > at ||
      footer->pages != (at - footer->directory_offset) / kPageRefBytes ||
      (at - footer->directory_offset) % kPageRefBytes != 0) {
    return base::DataLoss("wrong rollup directory place: offset=", at);
  }
  const std::string_view directory =
      file.substr(footer->directory_offset, footer->pages * kPageRefBytes);
  if (base::Checksum(directory) != footer->directory_checksum) {
    return base::DataLoss("wrong rollup directory checksum: offset=", footer->directory_offset);
  }
  uint64_t end = kRollupHeaderBytes;
  uint64_t next_series = 0;
  for (uint64_t i = 0; i < footer->pages; ++i) {
    const PageRef ref = LoadPageRef(directory.data() + i * kPageRefBytes);
    if (ref.offset != end || ref.bytes > footer->directory_offset - end ||
        ref.first_series < next_series) {
      return base::DataLoss("rollup directory entry out of order: offset=",
                            footer->directory_offset + i * kPageRefBytes);
    }
    end = ref.offset + ref.bytes;
    next_series = uint64_t{ref.first_series} + 1;
  }
  if (end != footer->directory_offset) {
    return base::DataLoss("rollup bytes that belong to nothing: offset=", end);
  }
  return absl::OkStatus();
}

void PutRollupEntry(std::span<const int64_t> hours, std::span<const RollupColumn> columns,
                    std::string& out) {
  base::PutVarint(out, hours.size());
  std::vector<uint64_t> words;
  for (const int64_t hour : hours) words.push_back(static_cast<uint64_t>(HourOf(hour)));
  PutWords(words, out);
  base::PutVarint(out, columns.size());
  std::string body;
  model::FieldId previous = 0;
  for (const RollupColumn& column : columns) {
    body.clear();
    PutColumn(hours, column, body);
    base::PutVarint(out, column.field - previous);
    out.push_back(static_cast<char>(column.type));
    base::PutString(out, body);
    previous = column.field;
  }
}

}  // namespace varve::tsm
