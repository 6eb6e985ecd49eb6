// Scratch: work space of an op, grown when a larger step comes and kept between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace drawbridge {

class Scratch {
 public:
  /// Room for n elements, 64-byte aligned, contents undefined. The previous room is gone.
  template <typename T>
  T* room(int64_t n) {
    const auto bytes = static_cast<size_t>(n) * sizeof(T);
    if (bytes > bytes_) {
      data_.reset();
      data_.reset(::operator new(bytes, kAlignment));
      bytes_ = bytes;
    }
    return data<T>();
  }
  /// The present room.
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_.get());
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(void* data) const { ::operator delete(data, kAlignment); }
  };

  std::unique_ptr<void, Free> data_;
  size_t bytes_ = 0;
};

}  // namespace drawbridge
