// x [D] = a row of the embedding table [154,880, 2,048], at random places: rows come from memory, one after the other.
//
// A row is 4,096 (bf16), 1,088 (MXFP4) or 2,176 bytes (q8) from a few places at once, and 8,192 bytes of f32 are
// written to the cache. Limit: what memory delivers; a lone row is short beside its latency.
#include <fmt/core.h>

#include <cstring>
#include <memory>

#include "base/rng.h"
#include "inputs.h"
#include "ladder.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kVocab = 154'880, kWidth = 2048;
constexpr int64_t kRowsARun = 16;

class Table {
 public:
  explicit Table(WeightFormat format) : w_{format, kVocab, kWidth, nullptr, nullptr} {
    const auto data_bytes = static_cast<size_t>(kVocab * matrix_row_bytes(format, kWidth));
    bytes_.resize(static_cast<size_t>(matrix_bytes(w_)));
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = code_at(i, i >= data_bytes);
    w_.data = bytes_.data();
    if (bytes_.size() > data_bytes) w_.scale = bytes_.data() + data_bytes;
  }

  /// Row j of a run, at a random place.
  void look_up(int64_t turn, const std::function<void(float* y, const Matrix& w, int64_t row)>& decode) {
    for (int64_t j = 0; j < kRowsARun; ++j) {
      const auto row = bits_at(7, static_cast<uint64_t>(turn * kRowsARun + j)) % static_cast<uint64_t>(kVocab);
      decode(x_.data() + j * kWidth, w_, static_cast<int64_t>(row));
    }
  }
  std::vector<float> take_rows() { return take(x_); }
  double run_bytes() const { return static_cast<double>(matrix_bytes(w_)) / kVocab * kRowsARun; }

 private:
  /// Bytes that make ordinary numbers: exponents of bf16 and f16 about 2^-3, of E8M0 about 2^-6.
  uint8_t code_at(size_t i, bool is_scale) const {
    const auto low = static_cast<uint8_t>(mix64(i));
    if (w_.format == WeightFormat::kMxfp4) return is_scale ? static_cast<uint8_t>(0x78 + low % 4) : low;
    if (w_.format == WeightFormat::kQ8) return is_scale && i % 2 == 1 ? 0x20 : low;
    return i % 2 == 1 ? static_cast<uint8_t>(0x3e + (low & 0x80)) : low;
  }

  Matrix w_;
  std::vector<uint8_t> bytes_;
  std::vector<float> x_ = std::vector<float>(kRowsARun * kWidth);
};

bool climb_format(WeightFormat format) {
  Table table(format);
  Ladder ladder;
  ladder.name =
      fmt::format("{} rows of a {} embedding [{}, {}]", kRowsARun, weight_format_name(format), kVocab, kWidth);
  ladder.limit = "memory read";
  ladder.work = table.run_bytes();
  ladder.take_result = [&table] { return table.take_rows(); };
  ladder.versions = {{"plain", [&table](int64_t turn) {
                        table.look_up(turn, [](float* y, const Matrix& w, int64_t row) { dequantize_row(w, row, y); });
                      }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto* const kernels = usable.rows;
    ladder.versions.push_back(
        {usable.isa, [&table, kernels](int64_t turn) { table.look_up(turn, kernels->decode_row); }});
  }
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge;
  bool right = true;
  for (const WeightFormat format : {WeightFormat::kBF16, WeightFormat::kQ8, WeightFormat::kMxfp4}) {
    right &= lab::climb_format(format);
  }
  return right ? 0 : 1;
}
