// PanelCache: a model's panels in a file, so that the next start maps them instead of packing them again. One file a
// key, which says all that the panels depend on. A file appears whole or not at all; like the checkpoint itself its
// contents are taken on trust.
//
// The file: a header of 2 MiB that begins with the lines "drawbridge-panels 1", "key HEX", "bytes N" and is zero from
// there on, then N bytes as PanelPacker lays them out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"

namespace drawbridge {

class PanelCache {
 public:
  /// `directory` exists; `key` is hexadecimal.
  PanelCache(const std::string& directory, std::string key);

  const std::string& path() const { return path_; }
  /// The mapped file with n_bytes of panels, nothing if there is none. Errors: one of another key or size, or damaged.
  Result<std::optional<MappedFile>> open(int64_t n_bytes) const;
  static const uint8_t* panels(const MappedFile& file);
  /// Errors: no room on the disk, or another process writes the same file.
  Status write(std::span<const uint8_t> panels) const;

 private:
  std::string header(int64_t n_bytes) const;

  std::string path_;
  std::string key_;
};

}  // namespace drawbridge
