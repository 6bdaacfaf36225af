// Points of one group of an answer, as function results pass between operators.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace varve::query {

// Owns texts for as long as it lives; what it hands out never moves.
class TextArena {
 public:
  std::string_view Copy(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) {
      const size_t size = text.size() > kBlock / 4 ? text.size() : kBlock;
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      bytes_ += size;
      if (size != kBlock) {
        std::memcpy(blocks_.back().get(), text.data(), text.size());
        const std::string_view copy{blocks_.back().get(), text.size()};
        left_ = 0;
        return copy;
      }
      at_ = blocks_.back().get();
      left_ = size;
    }
    std::memcpy(at_, text.data(), text.size());
    const std::string_view copy{at_, text.size()};
    at_ += text.size();
    left_ -= text.size();
    return copy;
  }
  // The value with its text, if it has one, owned by this arena.
  model::FieldValue Keep(const model::FieldValue& value) {
    if (value.type() != model::FieldType::kString) return value;
    return model::FieldValue::String(Copy(value.as_string()));
  }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kBlock = 16384;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

// A sequence of points, in the order of the answer's time unless an operator says otherwise. A null
// value is a point without one (fill). `aux`: further columns of the rows the points were taken
// from, aux_width per point.
struct Points {
  std::vector<int64_t> times;
  std::vector<model::FieldValue> values;
  std::vector<model::FieldValue> aux;
  size_t aux_width = 0;
  // Some point hangs on the order in which the values of its window came, and they did not come in
  // InfluxDB's: AggregateOptions::in_order.
  bool tied = false;
  // Before these points InfluxDB's iterator once says that it has none: a window had values, and no
  // point came of them.
  std::vector<size_t> pauses;

  size_t size() const { return times.size(); }
  void Reserve(size_t points) {
    times.reserve(points);
    values.reserve(points);
    aux.reserve(points * aux_width);
  }
  void Append(int64_t time, const model::FieldValue& value) {
    times.push_back(time);
    values.push_back(value);
    if (aux_width > 0) aux.resize(aux.size() + aux_width);
  }
  void Append(int64_t time, const model::FieldValue& value,
              std::span<const model::FieldValue> extra) {
    times.push_back(time);
    values.push_back(value);
    aux.insert(aux.end(), extra.begin(), extra.end());
  }
  std::span<const model::FieldValue> AuxOf(size_t i) const {
    return {aux.data() + i * aux_width, aux_width};
  }
  size_t bytes() const {
    return times.capacity() * sizeof(int64_t) +
           (values.capacity() + aux.capacity()) * sizeof(model::FieldValue);
  }
};

}  // namespace varve::query
