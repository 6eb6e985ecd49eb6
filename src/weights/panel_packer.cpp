#include "weights/panel_packer.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "base/check.h"
#include "base/checked_math.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr int64_t kAlignment = 64;        // of elements and of scales: a vector, a cache line
constexpr int64_t kChunkBytes = 4 << 20;  // of a matrix that a thread packs together

int64_t aligned(int64_t bytes) {
  return ceil_div(bytes, kAlignment) * kAlignment;
}

int64_t region_bytes(const Matrix& w) {
  return aligned(panel_data_bytes(w)) + aligned(panel_scale_bytes(w));
}

/// One matrix on its way.
struct Job {
  Matrix rows;
  uint8_t* data = nullptr;
  uint8_t* scale = nullptr;
  std::atomic<int64_t> n_left = 0;  // chunks
};

struct Chunk {
  Job* job;
  int64_t from, to;  // panels
};

std::vector<Chunk> cut(std::vector<Job>& jobs) {
  std::vector<Chunk> chunks;
  for (Job& job : jobs) {
    const int64_t n_panels = panel_count(job.rows), bytes = panel_data_bytes(job.rows);
    const int64_t step = std::max<int64_t>(kChunkBytes * n_panels / std::max<int64_t>(bytes, 1), 1);
    job.n_left = ceil_div(n_panels, step);
    for (int64_t p = 0; p < n_panels; p += step) chunks.push_back({&job, p, std::min(p + step, n_panels)});
  }
  return chunks;
}

}  // namespace

void PanelPacker::add(Matrix& w) {
  DB_CHECK(w.order == RowOrder::kRows && has_panels(w.format, w.k));
  matrices_.push_back(&w);
}

int64_t PanelPacker::n_bytes() const {
  int64_t total = 0;
  for (const Matrix* w : matrices_) total += region_bytes(*w);
  return total;
}

std::string PanelPacker::layout() const {
  std::string text;
  for (const Matrix* w : matrices_) text += fmt::format("{} {} {}\n", weight_format_name(w->format), w->n, w->k);
  return text;
}

Status PanelPacker::pack(PackedStore& store, int n_threads, const Release& release) {
  const int64_t total = n_bytes();
  if (total == 0) return Status();
  DB_ASSIGN(uint8_t* const region, store.add_region(total));
  std::vector<Job> jobs(matrices_.size());
  uint8_t* at = region;
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].rows = *matrices_[i];
    jobs[i].data = at;
    jobs[i].scale = at + aligned(panel_data_bytes(jobs[i].rows));
    at += region_bytes(jobs[i].rows);
  }
  const std::vector<Chunk> chunks = cut(jobs);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < chunks.size(); i = next++) {
      Job& job = *chunks[i].job;
      write_panels(job.rows, chunks[i].from, chunks[i].to, job.data, job.scale);
      if (--job.n_left == 0) release(job.rows);
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int i = 1; i < n_threads; ++i) threads.emplace_back(work);
  } catch (const std::system_error&) {
    // The caller's own thread does the work of those that the system refuses.
  }
  work();
  for (std::thread& thread : threads) thread.join();
  packed_ = {region, static_cast<size_t>(total)};
  point_to(region);
  return Status();
}

void PanelPacker::map(PackedStore& store, MappedFile file) {
  point_to(PanelCache::panels(store.add_file(std::move(file))));
}

void PanelPacker::point_to(const uint8_t* region) {
  for (Matrix* w : matrices_) {
    const Matrix rows = *w;
    *w = panel_matrix(rows, region, region + aligned(panel_data_bytes(rows)));
    region += region_bytes(rows);
  }
  matrices_.clear();
}

}  // namespace drawbridge
