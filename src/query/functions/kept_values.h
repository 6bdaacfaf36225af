// The values of many windows, kept as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::query {

// Each run of values is one piece of memory in the list of its window, so what is kept is copied
// once: growing moves nothing, and neither does taking over what another has kept.
//
// One thread at a time.
template <typename T>
class KeptValues {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(void*));

 public:
  size_t windows() const { return windows_.size(); }
  // Makes windows up to `count`; new ones are empty.
  void Resize(size_t count) {
    if (count > windows_.size()) windows_.resize(count);
  }

  // `values`: may be empty.
  void Append(size_t window, std::span<const T> values) {
    if (values.empty()) return;
    const size_t bytes = sizeof(Piece) + values.size_bytes();
    if (memory_.empty()) memory_.push_back(std::make_unique<Memory>());
    auto* piece = static_cast<Piece*>(memory_.front()->allocate(bytes, alignof(Piece)));
    std::memcpy(piece + 1, values.data(), values.size_bytes());
    bytes_ += bytes;
    Window& into = windows_[window];
    *piece = {std::exchange(into.last, piece), values.size()};
    if (piece->before == nullptr) into.first = piece;
    into.size += values.size();
  }

  // Takes over everything `other` has; its window i goes to window_of[i] here. `other` keeps
  // nothing.
  void TakeOver(KeptValues& other, std::span<const uint32_t> window_of) {
    for (size_t i = 0; i < other.windows_.size(); ++i) {
      const Window& from = other.windows_[i];
      if (from.size == 0) continue;
      Window& into = windows_[window_of[i]];
      from.first->before = into.last;
      if (into.last == nullptr) into.first = from.first;
      into.last = from.last;
      into.size += from.size;
    }
    for (auto& memory : other.memory_) memory_.push_back(std::move(memory));
    bytes_ += std::exchange(other.bytes_, 0);
    other.memory_.clear();
    other.windows_.clear();
  }

  size_t size(size_t window) const { return windows_[window].size; }
  // Calls f(std::span<const T>) for each piece of a window, the latest first.
  template <typename F>
  void ForEachPiece(size_t window, F&& f) const {
    for (const Piece* piece = windows_[window].last; piece != nullptr; piece = piece->before) {
      f(std::span(reinterpret_cast<const T*>(piece + 1), piece->size));
    }
  }

  // What the values take.
  size_t bytes() const { return bytes_; }

 private:
  using Memory = std::pmr::monotonic_buffer_resource;
  // Its values follow it.
  struct Piece {
    Piece* before;
    size_t size;
  };
  struct Window {
    Piece* first = nullptr;
    Piece* last = nullptr;
    size_t size = 0;
  };

  std::vector<Window> windows_;
  std::vector<std::unique_ptr<Memory>> memory_;  // new pieces lie in the first
  size_t bytes_ = 0;
};

}  // namespace varve::query
