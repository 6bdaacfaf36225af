#include "index/index_part.h"

#include <algorithm>
#include <utility>

namespace varve::index {
namespace {

bool Behind(const ValueCursor* a, const ValueCursor* b) { return a->value() > b->value(); }

}  // namespace

MergedCursor::MergedCursor(std::vector<std::unique_ptr<ValueCursor>> cursors)
    : cursors_(std::move(cursors)) {
  for (const auto& cursor : cursors_) current_.push_back(cursor.get());
}

void MergedCursor::Push(ValueCursor* cursor) {
  heap_.push_back(cursor);
  std::push_heap(heap_.begin(), heap_.end(), Behind);
}

bool MergedCursor::Next() {
  if (cursors_.size() == 1) {
    if (current_.empty() || !current_[0]->Next()) {
      current_.clear();
      return false;
    }
    value_ = current_[0]->value();
    return true;
  }
  for (ValueCursor* cursor : current_) {
    if (cursor->Next()) Push(cursor);
  }
  current_.clear();
  while (!heap_.empty() && (current_.empty() || heap_.front()->value() == value_)) {
    std::pop_heap(heap_.begin(), heap_.end(), Behind);
    current_.push_back(heap_.back());
    heap_.pop_back();
    value_ = current_[0]->value();
  }
  return !current_.empty();
}

SeriesSet MergedCursor::Series() const {
  if (current_.size() == 1) return current_[0]->Series();
  SeriesSetBuilder builder;
  AddTo(&builder);
  return builder.Finish();
}

void MergedCursor::AddTo(SeriesSetBuilder* out) const {
  for (const ValueCursor* cursor : current_) cursor->AddTo(out);
}

}  // namespace varve::index
