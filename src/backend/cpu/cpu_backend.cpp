#include "backend/cpu/cpu_backend.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/huge_region.h"

namespace drawbridge {

/// Pages are the process's only once they are written, so that a cache that is not full takes no memory.
Result<Buffer> CpuBackend::allocate(int64_t bytes) {
  DB_ASSIGN(HugeRegion region, HugeRegion::allocate(bytes));
  const auto owner = std::make_shared<HugeRegion>(std::move(region));
  return Buffer(owner, owner->data());
}

void CpuBackend::count_kv_write(const PagedView& cache, int64_t n_rows, int64_t n_clipped) {
  if (cache.counts == nullptr) return;
  cache.counts->n_written += n_rows * cache.format.n_fp8;
  cache.counts->n_clipped += n_clipped;
}

std::string CpuBackend::describe_inputs() const {
  std::vector<std::string> formats;
  for (const WeightFormat format : {WeightFormat::kMxfp4, WeightFormat::kFp8Block, WeightFormat::kQ8}) {
    if (input_codec(format) != InputCodec::kNone) formats.emplace_back(weight_format_name(format));
  }
  if (formats.empty()) return "";
  return fmt::format(", {} inputs for {} weights", input_codec_name(numerics_.input_codec), fmt::join(formats, ", "));
}

void CpuBackend::copy(View y, View x) {
  DB_CHECK(y.rows() == x.rows() && y.cols() == x.cols());
  for (int64_t r = 0; r < y.rows(); ++r) std::copy_n(flat_row(x, r), y.cols(), flat_row(y, r));
}

void CpuBackend::fill(View y, float value) {
  for (int64_t r = 0; r < y.rows(); ++r) std::fill_n(flat_row(y, r), y.cols(), value);
}

void CpuBackend::copy_bytes(void* to, const void* from, int64_t bytes) {
  std::memcpy(to, from, static_cast<size_t>(bytes));
}

void CpuBackend::gather_rows(View y, View x, std::span<const int32_t> row) {
  DB_CHECK(y.rank == 2 && y.cols() == x.cols() && y.dim(0) == static_cast<int64_t>(row.size()));
  for (int64_t i = 0; i < y.dim(0); ++i) {
    const int64_t from = row[static_cast<size_t>(i)];
    DB_CHECK(from >= 0 && from < x.dim(0));
    std::copy_n(x.row(from), y.cols(), y.row(i));
  }
}

}  // namespace drawbridge
