#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace drawbridge {
namespace {

struct FileDescriptor {
  int fd = -1;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// Opens a regular file and tells its size.
Result<size_t> open_regular(const std::string& path, FileDescriptor& file) {
  file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd < 0) {
    const Code code = errno == ENOENT ? Code::kNotFound : Code::kPermissionDenied;
    return fail(code, "{}: cannot be opened: {}", path, std::strerror(errno));
  }
  struct stat info = {};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Code::kInvalidArgument, "{}: wanted a regular file", path);
  }
  return static_cast<size_t>(info.st_size);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  FileDescriptor file;
  DB_ASSIGN(const size_t size, open_regular(path, file));
  if (size == 0) return MappedFile(path, {});
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return fail(Code::kUnavailable, "{}: cannot be mapped: {}", path, std::strerror(errno));
  return MappedFile(path, {static_cast<const std::byte*>(data), size});
}

void MappedFile::release(std::span<const std::byte> part) const {
  constexpr uintptr_t kPage = 4096;
  const auto start = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t from = (start + kPage - 1) / kPage * kPage, to = (start + part.size()) / kPage * kPage;
  DB_CHECK(part.data() >= bytes_.data() && part.data() + part.size() <= bytes_.data() + bytes_.size());
  if (from < to) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<std::string> read_text_file(const std::string& path, size_t max_bytes) {
  DB_ASSIGN(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    return fail(Code::kOutOfRange, "{}: has {} bytes, more than the limit of {}", path, bytes.size(), max_bytes);
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace drawbridge
