#include "base/huge_region.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace drawbridge {
namespace {

constexpr int64_t kHugePage = 2 << 20;
constexpr int64_t kMostLines = 1 << 20;  // of smaps: 40,000 mappings

/// A number at the front of `text`, which loses it.
uint64_t take_number(std::string_view& text, int base) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

/// "7f12a000-7f12c000 rw-p ...", the first line of a mapping.
struct Mapping {
  uint64_t from = 0;
  uint64_t to = 0;
};
std::optional<Mapping> read_mapping(std::string_view line) {
  const uint64_t from = take_number(line, 16);
  if (line.empty() || line[0] != '-') return std::nullopt;
  line.remove_prefix(1);
  return Mapping{from, take_number(line, 16)};
}

std::atomic<int64_t> n_allocated = 0;

/// Of a line "NAME:   12 kB"; 0 for another one.
uint64_t read_kb(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return 0;
  line.remove_prefix(name.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return take_number(line, 10);
}

}  // namespace

int64_t n_huge_regions() {
  return n_allocated;
}

/// A mapping that is a whole number of huge pages is placed at the start of one (Linux 6.7 and later). Whether the
/// system gives huge pages is its own choice; without them the region is only slower.
Result<HugeRegion> HugeRegion::allocate(int64_t n_bytes) {
  const int64_t page = n_bytes >= kHugePage ? kHugePage : 4096;
  const int64_t size = (std::max<int64_t>(n_bytes, 1) + page - 1) / page * page;
  void* const data =
      ::mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return fail(Code::kResourceExhausted, "memory: cannot allocate {} bytes: {}", n_bytes, std::strerror(errno));
  }
  ::madvise(data, static_cast<size_t>(size), MADV_HUGEPAGE);
  ++n_allocated;
  return HugeRegion(static_cast<uint8_t*>(data), size);
}

HugeRegion::HugeRegion(HugeRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HugeRegion& HugeRegion::operator=(HugeRegion&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

HugeRegion::~HugeRegion() {
  if (data_ != nullptr) ::munmap(data_, static_cast<size_t>(size_));
}

std::optional<double> huge_page_share(std::span<const uint8_t> bytes) {
  const auto from = reinterpret_cast<uintptr_t>(bytes.data());
  std::ifstream smaps("/proc/self/smaps");
  uint64_t resident_kb = 0, huge_kb = 0;
  bool is_ours = false;
  std::string line;
  for (int64_t n = 0; n < kMostLines && std::getline(smaps, line); ++n) {
    if (const auto mapping = read_mapping(line)) {
      if (mapping->from >= from + bytes.size()) break;  // they are in ascending order
      is_ours = mapping->to > from;
    }
    if (!is_ours) continue;
    resident_kb += read_kb(line, "Rss:");
    for (const char* kind : {"AnonHugePages:", "FilePmdMapped:"}) huge_kb += read_kb(line, kind);
  }
  if (resident_kb == 0) return std::nullopt;
  return static_cast<double>(huge_kb) / static_cast<double>(resident_kb);
}

}  // namespace drawbridge
