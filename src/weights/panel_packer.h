// PanelPacker: lays weight matrices out in panels (tensor/panel.h), all of a model in one region of huge pages, on
// several threads. A matrix is read once and written once; its rows are handed back as soon as they are packed, so that
// the process never holds the model twice.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/matrix.h"
#include "weights/packed.h"
#include "weights/panel_cache.h"

namespace drawbridge {

class PanelPacker {
 public:
  /// `rows` were packed and are not needed any more.
  using Release = std::function<void(const Matrix& rows)>;

  /// Remembers a matrix in rows that has_panels(); it must outlive pack().
  void add(Matrix& w);
  int64_t n_bytes() const;
  /// Formats and shapes in order: what the layout of the region depends on.
  std::string layout() const;

  /// Turns each remembered matrix into its panels, which `store` owns. `release` may be called on any thread.
  Status pack(PackedStore& store, int n_threads, const Release& release);
  /// The same from a file that was written for this layout() and these weights.
  void map(PackedStore& store, MappedFile file);
  /// Where pack() put all panels.
  std::span<const uint8_t> packed() const { return packed_; }

 private:
  void point_to(const uint8_t* region);

  std::vector<Matrix*> matrices_;
  std::span<const uint8_t> packed_;
};

}  // namespace drawbridge
