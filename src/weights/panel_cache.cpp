#include "weights/panel_cache.h"

#include <filesystem>
#include <fstream>

#include "base/durable.h"
#include "base/staged_file.h"

namespace drawbridge {
namespace {

constexpr int64_t kHeaderBytes = 2 << 20;  // a huge page, so that the panels begin at one

}  // namespace

PanelCache::PanelCache(const std::string& directory, std::string key)
    : path_(fmt::format("{}/{}.panels", directory, key.substr(0, 16))), key_(std::move(key)) {}

std::string PanelCache::header(int64_t n_bytes) const {
  return fmt::format("drawbridge-panels 1\nkey {}\nbytes {}\n", key_, n_bytes);
}

Result<std::optional<MappedFile>> PanelCache::open(int64_t n_bytes) const {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) return std::optional<MappedFile>();
  DB_ASSIGN(MappedFile file, MappedFile::open(path_));
  const std::string wanted = header(n_bytes);
  const auto bytes = file.bytes();
  const bool whole = static_cast<int64_t>(bytes.size()) == kHeaderBytes + n_bytes;
  if (!whole || std::string_view(reinterpret_cast<const char*>(bytes.data()), wanted.size()) != wanted) {
    return fail(Code::kCorrupt,
                "{}: wanted {} bytes that begin with 'drawbridge-panels 1' and key {}, found {} others; "
                "remove it and it is written again",
                path_, kHeaderBytes + n_bytes, key_, bytes.size());
  }
  return std::optional<MappedFile>(std::move(file));
}

const uint8_t* PanelCache::panels(const MappedFile& file) {
  return reinterpret_cast<const uint8_t*>(file.bytes().data()) + kHeaderBytes;
}

Status PanelCache::write(std::span<const uint8_t> panels) const {
  const auto n_bytes = static_cast<int64_t>(panels.size());
  DB_TRY(check_room(parent_directory(path_), kHeaderBytes + n_bytes));
  DB_ASSIGN(StagedFile staged, StagedFile::create(path_));
  std::ofstream out(staged.path(), std::ios::binary);
  const std::string text = header(n_bytes);
  out << text << std::string(static_cast<size_t>(kHeaderBytes) - text.size(), '\0');
  out.write(reinterpret_cast<const char*>(panels.data()), static_cast<std::streamsize>(panels.size()));
  out.close();
  if (!out) return fail(Code::kUnavailable, "{}: cannot be written", staged.path());
  return staged.commit();
}

}  // namespace drawbridge
