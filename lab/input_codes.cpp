// A row of inputs as int8 codes, 32 at a time with a power of two: what each quantized product's inputs pass through.
//
// 2,048 values (models/synth-4b) from the cache: 4 bytes read and 1.25 written a value, about 12 operations (largest
// value, product, clamp, rounding, conversion, sum of the codes). Limit: the first-level cache.
// Layout: Int8Block (backend/cpu/panel_int8-inl.h), the same for every instruction set.
#include <fmt/core.h>

#include <cstring>

#include "inputs.h"
#include "ladder.h"
#include "tensor/input_codec.h"
//
#include "backend/cpu/vec_portable.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/panels-inl.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kWidth = 2048;

struct Row {
  std::vector<float> x = random_values(kWidth, 1), y = x;
  std::vector<Int8Block> codes = std::vector<Int8Block>(kWidth / kInputBlock + 1);  // whole lines

  uint8_t* packed() { return reinterpret_cast<uint8_t*>(codes.data()); }
};

/// The codes of the row's values, and each block's sum, as kernels read them.
std::vector<float> take_codes(Row& row) {
  std::vector<float> values;
  for (Int8Block& block : row.codes) {
    for (const int8_t code : block.code) values.push_back(2 * static_cast<float>(code) * block.scale());
    values.push_back(static_cast<float>(block.shift - block.start));
    block = Int8Block{};
  }
  return values;
}

Ladder ladder_of(const std::string& name, double bytes) {
  Ladder ladder;
  ladder.name = fmt::format("{}, {} values", name, kWidth);
  ladder.limit = "cache read";
  ladder.cached_bytes = static_cast<int64_t>(bytes);
  ladder.work = bytes;
  return ladder;
}

/// f32 onto the grid and back, for products with weights in rows.
bool climb_grid(Row& row) {
  Ladder ladder = ladder_of("onto the int8 grid", 8.0 * kWidth);
  ladder.take_result = [&row] { return take(row.y); };
  ladder.versions = {{"plain, by definition", [&row](int64_t) {
                        row.y = row.x;
                        quantize_input(InputCodec::kInt8, row.y);
                      }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto* const kernels = usable.rows;
    ladder.versions.push_back({usable.isa, [&row, kernels](int64_t) {
                                 kernels->quantize_row(row.y.data(), row.x.data(), kWidth, InputCodec::kInt8);
                               }});
  }
  return climb(ladder);
}

/// To codes, for products with weights in panels.
bool climb_pack(Row& row) {
  Ladder ladder = ladder_of("to int8 codes", 5.25 * kWidth);
  ladder.take_result = [&row] { return take_codes(row); };
  for (const UsableKernels& usable : usable_kernels()) {
    const PanelProduct* const panels = usable.panels.int8;
    if (panels == nullptr) continue;
    const auto pack = [&row, panels](int64_t) { panels->pack(row.packed(), kWidth, 0, row.x.data(), kWidth); };
    ladder.versions.push_back({usable.isa, pack});
  }
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  Row row;
  const bool grid = climb_grid(row);
  return climb_pack(row) && grid ? 0 : 1;
}
