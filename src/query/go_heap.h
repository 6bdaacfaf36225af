// A binary heap that arranges its items as Go's container/heap does.
//
// Which of several equal items comes out first is no property of heaps in general, but of the steps
// each one takes. InfluxDB merges series with Go's; rows of one instant come in the order that its
// steps leave them in. Source: the documented contract of container/heap, and the textbook heap it
// is (sift up, sift down, the left child preferred unless the right one is less).
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace varve::query {

// Sifts items[at] down within the first `size` items. less(a, b): a goes before b.
template <typename T, typename Less>
void SiftDown(std::vector<T>& items, size_t at, size_t size, const Less& less) {
  T moving = std::move(items[at]);
  while (true) {
    size_t child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && less(items[child + 1], items[child])) ++child;
    if (!less(items[child], moving)) break;
    items[at] = std::move(items[child]);
    at = child;
  }
  items[at] = std::move(moving);
}

// Makes a heap of any items.
template <typename T, typename Less>
void InitHeap(std::vector<T>& items, const Less& less) {
  for (size_t i = items.size() / 2; i > 0; --i) SiftDown(items, i - 1, items.size(), less);
}

template <typename T, typename Less>
void PushHeap(std::vector<T>& items, T item, const Less& less) {
  size_t at = items.size();
  items.push_back(item);
  while (at > 0) {
    const size_t parent = (at - 1) / 2;
    if (!less(item, items[parent])) break;
    items[at] = std::move(items[parent]);
    at = parent;
  }
  items[at] = std::move(item);
}

// Takes the first item of a heap that is not empty.
template <typename T, typename Less>
T PopHeap(std::vector<T>& items, const Less& less) {
  T first = std::move(items.front());
  items.front() = std::move(items.back());
  items.pop_back();
  if (!items.empty()) SiftDown(items, 0, items.size(), less);
  return first;
}

}  // namespace varve::query
