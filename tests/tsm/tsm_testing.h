// A model of a TSM file for tests: rows in a map, random ones, and both ways between it and a file.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "model/column_batch.h"
#include "tsm/file.h"

namespace varve::tsm::testing {

// A value that owns its text.
struct Value {
  model::FieldType type = model::FieldType::kNone;
  uint64_t bits = 0;
  std::string text;
  friend auto operator<=>(const Value&, const Value&) = default;

  static Value Of(const model::FieldValue& v) {
    switch (v.type()) {
      case model::FieldType::kFloat:
        return {v.type(), std::bit_cast<uint64_t>(v.as_float()), {}};
      case model::FieldType::kInteger:
        return {v.type(), static_cast<uint64_t>(v.as_integer()), {}};
      case model::FieldType::kUnsigned:
        return {v.type(), v.as_unsigned(), {}};
      case model::FieldType::kBoolean:
        return {v.type(), v.as_boolean() ? uint64_t{1} : 0, {}};
      case model::FieldType::kString:
        return {v.type(), 0, std::string(v.as_string())};
      case model::FieldType::kNone:
        break;
    }
    return {};
  }
  model::FieldValue Get() const {
    switch (type) {
      case model::FieldType::kFloat:
        return model::FieldValue::Float(std::bit_cast<double>(bits));
      case model::FieldType::kInteger:
        return model::FieldValue::Integer(static_cast<int64_t>(bits));
      case model::FieldType::kUnsigned:
        return model::FieldValue::Unsigned(bits);
      case model::FieldType::kBoolean:
        return model::FieldValue::Boolean(bits != 0);
      case model::FieldType::kString:
        return model::FieldValue::String(text);
      case model::FieldType::kNone:
        break;
    }
    return {};
  }
};

using Row = std::map<model::FieldId, Value>;   // without nulls
using Rows = std::map<int64_t, Row>;           // of a series
using Data = std::map<model::SeriesId, Rows>;  // of a file
using Types = std::map<model::FieldId, model::FieldType>;

inline std::ostream& operator<<(std::ostream& out, const Value& v) {
  out << model::FieldTypeName(v.type) << ":";
  if (v.type == model::FieldType::kFloat) return out << std::bit_cast<double>(v.bits);
  if (v.type == model::FieldType::kString) return out << v.text;
  return out << v.bits;
}

// Owns what a ColumnBatch of rows [from, to) of one series borrows. All rows of a field there have
// one type.
struct OwnedBatch {
  std::vector<model::FieldId> fields;
  std::vector<int64_t> times;
  std::vector<model::ColumnBuffer> buffers;
  model::ColumnBatch batch;

  OwnedBatch(Rows::const_iterator from, Rows::const_iterator to, bool descending_fields) {
    Types types;
    for (auto it = from; it != to; ++it) {
      times.push_back(it->first);
      for (const auto& [field, value] : it->second) types[field] = value.type;
    }
    for (const auto& [field, type] : types) fields.push_back(field);
    if (descending_fields) std::reverse(fields.begin(), fields.end());
    buffers.resize(fields.size());
    for (size_t i = 0; i < fields.size(); ++i) {
      buffers[i].Reset(types[fields[i]]);
      for (auto it = from; it != to; ++it) {
        const auto cell = it->second.find(fields[i]);
        if (cell == it->second.end()) {
          buffers[i].AppendNull();
        } else {
          buffers[i].Append(cell->second.Get());
        }
      }
    }
    batch.rows = times.size();
    batch.times = times.data();
    for (auto& buffer : buffers) batch.columns.push_back(buffer.View());
  }
  OwnedBatch(const OwnedBatch&) = delete;
};

// Adds rows in pieces of up to `piece` rows, ending a piece where a field changes type.
inline absl::Status AddRows(FileWriter& writer, model::SeriesId series, const Rows& rows,
                            size_t piece, bool descending_fields = false) {
  for (auto from = rows.begin(); from != rows.end();) {
    auto to = from;
    Types types;
    for (size_t n = 0; to != rows.end() && n < piece; ++to, ++n) {
      bool fits = true;
      for (const auto& [field, value] : to->second) {
        const auto [at, added] = types.emplace(field, value.type);
        fits = fits && at->second == value.type;
      }
      if (!fits) break;
    }
    OwnedBatch owned(from, to, descending_fields);
    absl::Status status = writer.Add(series, owned.fields, owned.batch);
    if (!status.ok()) return status;
    from = to;
  }
  return absl::OkStatus();
}

inline absl::StatusOr<FileInfo> WriteData(base::Env& env, const std::string& folder,
                                          const std::string& name, const Data& data,
                                          WriterOptions options = {}, size_t piece = 1000) {
  auto writer = FileWriter::Create(env, folder, name, options);
  if (!writer.ok()) return writer.status();
  for (const auto& [series, rows] : data) {
    absl::Status status = AddRows(**writer, series, rows, piece);
    if (!status.ok()) return status;
  }
  return (*writer)->Finish();
}

// Reads the rows of the series a cursor stands at.
inline absl::Status ReadRows(FileReader::Cursor& cursor, Rows* rows) {
  std::vector<int64_t> times;
  DecodedColumn column;
  for (size_t i = 0; i < cursor.chunks().size(); ++i) {
    const ChunkMeta& chunk = cursor.chunks()[i];
    absl::Status status = cursor.ReadTimes(i, &times);
    if (!status.ok()) return status;
    for (size_t c = 0; c < chunk.columns.size(); ++c) {
      status = cursor.ReadColumn(i, c, &column);
      if (!status.ok()) return status;
      for (size_t row = 0; row < chunk.rows; ++row) {
        const model::FieldValue value = column.View().At(row);
        if (!value.is_null()) (*rows)[times[row]][chunk.columns[c].field] = Value::Of(value);
      }
    }
  }
  return absl::OkStatus();
}

inline absl::StatusOr<Data> ReadData(FileReader& file) {
  Data data;
  auto cursor = file.NewCursor();
  while (true) {
    absl::StatusOr<bool> more = cursor->NextSeries();
    if (!more.ok()) return more.status();
    if (!*more) return data;
    absl::Status status = ReadRows(*cursor, &data[cursor->series()]);
    if (!status.ok()) return status;
  }
}

// Without rows that have no value and series that have no rows.
inline Data Compact(Data data) {
  for (auto& [series, rows] : data) {
    std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  }
  std::erase_if(data, [](const auto& series) { return series.second.empty(); });
  return data;
}

// Random values of one field: a shape that real fields have, or the hardest.
class ValueSource {
 public:
  ValueSource(std::mt19937_64& random, model::FieldType type)
      : random_(random), type_(type), shape_(random() % 6), null_percent_(random() % 3 * 30) {}

  Value Next() {
    if (random_() % 100 < null_percent_) return {};
    switch (type_) {
      case model::FieldType::kFloat:
        return {type_, std::bit_cast<uint64_t>(Float()), {}};
      case model::FieldType::kInteger:
      case model::FieldType::kUnsigned:
        return {type_, Word(), {}};
      case model::FieldType::kBoolean:
        return {type_, random_() % 2, {}};
      default:
        return {type_, 0, std::string(random_() % (shape_ == 0 ? 200 : 6), 'a' + random_() % 3)};
    }
  }

 private:
  uint64_t Word() {
    switch (shape_) {
      case 0:
        return random_();
      case 1:
        return 7;
      case 2:
        return walk_ += random_() % 9 - (type_ == model::FieldType::kInteger ? 4 : 0);
      default:
        return random_() % 100;
    }
  }
  double Float() {
    const double hard[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1e308, -5e-324, 0.1};
    switch (shape_) {
      case 0:
        return std::bit_cast<double>(random_());
      case 1:
        return 2.5;
      case 2:
        return static_cast<double>(random_() % 1000);
      case 3:
        return static_cast<double>(static_cast<int64_t>(random_() % 100000) - 50000) / 100;
      case 4:
        return hard[random_() % 8];
      default:
        return std::sqrt(static_cast<double>(random_() % 1000));
    }
  }

  std::mt19937_64& random_;
  const model::FieldType type_;
  const uint64_t shape_;
  const uint64_t null_percent_;
  uint64_t walk_ = 1000;
};

// Random rows of one series: times that are regular, jittered or wild.
//   types  of the fields; a field not yet there gets a random type.
inline Rows RandomRows(std::mt19937_64& random, size_t count, Types* types, size_t fields,
                       model::FieldId first_field = 10) {
  std::vector<ValueSource> sources;
  std::vector<model::FieldId> ids;
  for (size_t i = 0; i < fields; ++i) {
    const auto field = static_cast<model::FieldId>(first_field + i * 3);
    const auto type =
        types->emplace(field, static_cast<model::FieldType>(1 + random() % 5)).first->second;
    ids.push_back(field);
    sources.emplace_back(random, type);
  }
  Rows rows;
  const uint64_t shape = random() % 4;
  int64_t time = 1'600'000'000'000'000'000 + static_cast<int64_t>(random() % 1000) * 1'000'000'000;
  for (size_t i = 0; i < count; ++i) {
    Row& row = rows[time];
    for (size_t f = 0; f < fields; ++f) {
      Value value = sources[f].Next();
      if (value.type != model::FieldType::kNone) row[ids[f]] = std::move(value);
    }
    const auto wild = static_cast<int64_t>(random() % 1'000'000'000'000);
    const int64_t steps[] = {10'000'000'000, 10'000'000'000 + wild % 1'000'000, 1 + wild,
                             1'000'000 * (1 + wild % 5)};
    time += steps[shape];
  }
  return rows;
}

}  // namespace varve::tsm::testing
