// Rows as they come: those that meet HAVING, those that LIMIT and OFFSET leave.
#include <algorithm>

#include "base/status.h"
#include "query/shape.h"
#include "query/shape_rows.h"

namespace varve::query {
namespace {

using model::FieldValue;

class HavingSink final : public ShapingSink {
 public:
  HavingSink(const RowShape& shape, ShapingSink& next) : shape_(shape), next_(next), row_(shape) {}

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    name_ = name;
    tags_ = tags;
    row_.SetTags(tags_);
    begun_ = false;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t rows, const int64_t* times, const FieldValue* values) override {
    const size_t width = row_.width();
    times_.clear();
    values_.clear();
    for (size_t i = 0; i < rows; ++i, values += width) {
      if (!shape_.having->Holds(row_.Of(values))) continue;
      times_.push_back(times[i]);
      values_.insert(values_.end(), values, values + width);
    }
    if (times_.empty()) return absl::OkStatus();
    if (!begun_) RETURN_IF_ERROR(next_.Begin(name_, tags_));
    begun_ = true;
    return next_.Rows(times_.size(), times_.data(), values_.data());
  }
  bool SeriesIsFull() const override { return begun_ && next_.SeriesIsFull(); }
  absl::Status Finish() override { return next_.Finish(); }

 private:
  const RowShape& shape_;
  ShapingSink& next_;
  ShapedRow row_;
  std::string name_;
  TagPairs tags_;
  bool begun_ = false;
  std::vector<int64_t> times_;
  std::vector<FieldValue> values_;
};

class PageSink final : public ShapingSink {
 public:
  PageSink(const RowShape& shape, RowSink& next)
      : shape_(shape), next_(next), width_in_(shape.width + shape.hidden.size()) {}

  absl::Status Begin(std::string_view name, const TagPairs& tags) override {
    name_ = name;
    tags_ = tags;
    begun_ = false;
    skip_ = shape_.offset;
    left_ = shape_.limit > 0 ? shape_.limit : SIZE_MAX;
    return absl::OkStatus();
  }
  absl::Status Rows(size_t rows, const int64_t* times, const FieldValue* values) override {
    const size_t skipped = std::min(skip_, rows);
    const size_t taken = std::min(left_, rows - skipped);
    skip_ -= skipped;
    left_ -= taken;
    if (taken == 0) return absl::OkStatus();
    if (!begun_) RETURN_IF_ERROR(next_.Begin(name_, tags_));
    begun_ = true;
    values += skipped * width_in_;
    if (shape_.hidden.empty()) return next_.Rows(taken, times + skipped, values);
    values_.clear();
    for (size_t i = 0; i < taken; ++i, values += width_in_) {
      values_.insert(values_.end(), values, values + shape_.width);
    }
    return next_.Rows(taken, times + skipped, values_.data());
  }
  bool SeriesIsFull() const override { return left_ == 0; }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  const RowShape& shape_;
  RowSink& next_;
  size_t width_in_;
  std::string name_;
  TagPairs tags_;
  bool begun_ = false;
  size_t skip_ = 0;
  size_t left_ = SIZE_MAX;
  std::vector<FieldValue> values_;
};

}  // namespace

std::unique_ptr<ShapingSink> MakeHavingSink(const RowShape& shape, ShapingSink& next) {
  return std::make_unique<HavingSink>(shape, next);
}

std::unique_ptr<ShapingSink> MakePageSink(const RowShape& shape, RowSink& next) {
  return std::make_unique<PageSink>(shape, next);
}

}  // namespace varve::query
