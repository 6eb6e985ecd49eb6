#include "quantize/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "checkpoint/safetensors.h"

namespace drawbridge {

Result<FileFingerprint> take_fingerprint(const std::string& file) {
  FileFingerprint found;
  found.file = file;
  DB_ASSIGN(const MappedFile mapped, MappedFile::open(file));
  const auto bytes = mapped.bytes();
  struct stat info = {};
  if (::stat(file.c_str(), &info) != 0) {
    return fail(Code::kNotFound, "{}: cannot be examined: {}", file, std::strerror(errno));
  }
  found.bytes = static_cast<int64_t>(bytes.size());
  found.modified_ns = static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  uint64_t header_bytes = 0;
  if (bytes.size() >= 8) std::memcpy(&header_bytes, bytes.data(), 8);
  if (bytes.size() < 8 || header_bytes > kMaxSafetensorsHeaderBytes || header_bytes > bytes.size() - 8) {
    return fail(Code::kCorrupt, "{}: wanted a safetensors file, found a header of {} in {} bytes", file, header_bytes,
                bytes.size());
  }
  Sha256 hash;
  hash.add(bytes.first(8 + static_cast<size_t>(header_bytes)));
  found.header_sha256 = hash.digest();
  return found;
}

Result<FileReader> FileReader::open(const std::vector<std::string>& files) {
  FileReader reader;
  for (const std::string& file : files) {
    if (reader.files_.count(file) != 0) continue;
    DB_ASSIGN(FileFingerprint was, take_fingerprint(file));
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", file, std::strerror(errno));
    reader.files_[file] = {fd, std::move(was)};
  }
  return reader;
}

FileReader::FileReader(FileReader&& other) noexcept : files_(std::exchange(other.files_, {})) {}

FileReader::~FileReader() {
  for (const auto& [name, opened] : files_) ::close(opened.fd);
}

Status FileReader::read(const StoredBytes& stored, int64_t from, std::span<std::byte> out) const {
  DB_CHECK(from >= 0 && from + static_cast<int64_t>(out.size()) <= stored.bytes);
  const int fd = files_.at(stored.file).fd;
  auto at = static_cast<int64_t>(stored.begin) + from;
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::kUnavailable, "{}: cannot be read: {}", stored.file, std::strerror(errno));
    if (got == 0) return fail(Code::kCorrupt, "{}: ends at byte {}: was it changed meanwhile?", stored.file, at);
    out = out.subspan(static_cast<size_t>(got));
    at += got;
  }
  return Status();
}

Status FileReader::check_unchanged() const {
  for (const auto& [name, opened] : files_) {
    DB_ASSIGN(const FileFingerprint now, take_fingerprint(name));
    const FileFingerprint& was = opened.was;
    if (now == was) continue;
    const char* what = now.bytes != was.bytes                   ? "size"
                       : now.header_sha256 != was.header_sha256 ? "header"
                                                                : "time of change";
    return fail(Code::kCorrupt, "{}: its {} is no longer what it was when reading began; quantize what is finished",
                name, what);
  }
  return Status();
}

std::vector<FileFingerprint> FileReader::fingerprints() const {
  std::vector<FileFingerprint> list;
  for (const auto& [name, opened] : files_) list.push_back(opened.was);
  return list;
}

}  // namespace drawbridge
