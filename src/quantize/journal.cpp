#include "quantize/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/json.h"
#include "base/mapped_file.h"

namespace drawbridge {
namespace {

constexpr int kVersion = 1;
constexpr size_t kMaxJournalBytes = 1u << 30;

Json identity_json(const RunIdentity& identity) {
  Json sources = Json::array();
  for (const FileFingerprint& file : identity.sources) {
    // By name alone: the same directory may be spelled otherwise when the run goes on.
    sources.push_back(
        {std::filesystem::path(file.file).filename().string(), file.bytes, file.modified_ns, file.header_sha256});
  }
  return Json{{"drawbridge_journal", kVersion},
              {"plan", identity.plan},
              {"options", identity.options},
              {"sources", std::move(sources)}};
}

std::string text_of(const Json& line, const char* key) {
  return line.contains(key) && line[key].is_string() ? line[key].get<std::string>() : std::string("something else");
}

/// Why a journal that starts with `found` cannot go on as `wanted`.
Status check_identity(const std::string& path, const Json& found, const Json& wanted) {
  if (found == wanted) return Status();
  const std::string directory = path.substr(0, path.rfind('/'));
  const std::string advice = fmt::format("repeat that command to go on, or remove {} to start anew", directory);
  if (!found.is_object() || !found.contains("plan") || found["plan"] != wanted["plan"] ||
      text_of(found, "options") != text_of(wanted, "options")) {
    return fail(Code::kInvalidArgument, "{}: an earlier run was made with {}, this one with {}; {}", path,
                text_of(found, "options"), text_of(wanted, "options"), advice);
  }
  const Json none = Json::array();
  const Json& before = found.contains("sources") ? found["sources"] : none;
  for (const Json& source : wanted["sources"]) {
    if (std::find(before.begin(), before.end(), source) != before.end()) continue;
    return fail(Code::kInvalidArgument,
                "{}: the source file {} is not what it was when an earlier run began; remove {} to start anew", path,
                source[0].get<std::string>(), directory);
  }
  return fail(Code::kInvalidArgument, "{}: an earlier run read other source files; remove {} to start anew", path,
              directory);
}

/// A finished file, or nothing when the line is no whole record.
bool read_record(const Json& line, FinishedShards& finished) {
  if (!line.is_object() || !line.contains("shard") || !line["shard"].is_string() || !line.contains("tensors") ||
      !line["tensors"].is_array()) {
    return false;
  }
  std::vector<TensorDigest> tensors;
  for (const Json& pair : line["tensors"]) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) return false;
    tensors.push_back({pair[0].get<std::string>(), pair[1].get<std::string>()});
  }
  finished[line["shard"].get<std::string>()] = std::move(tensors);
  return true;
}

}  // namespace

Result<ShardJournal> ShardJournal::open(const std::string& path, const RunIdentity& identity) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", path, std::strerror(errno));
  ShardJournal journal(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kUnavailable, "{}: another run is writing this target", path);
  }
  DB_TRY(journal.read(identity));
  return journal;
}

ShardJournal::ShardJournal(ShardJournal&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), finished_(std::move(other.finished_)) {}

ShardJournal::~ShardJournal() {
  if (fd_ >= 0) ::close(fd_);
}

Status ShardJournal::read(const RunIdentity& identity) {
  DB_ASSIGN(const std::string text, read_text_file(path_, kMaxJournalBytes));
  const Json wanted = identity_json(identity);
  size_t whole = 0;  // bytes of lines that were read
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', whole)) {
    const auto line = parse_json(std::string_view(text).substr(whole, end - whole), path_);
    if (!line.ok()) break;
    if (whole == 0) {
      DB_TRY(check_identity(path_, *line, wanted));
    } else if (!read_record(*line, finished_)) {
      break;
    }
    whole = end + 1;
  }
  // A line that was torn by a kill would spoil the one that is appended to it.
  if (whole != text.size() && ::ftruncate(fd_, static_cast<off_t>(whole)) != 0) {
    return fail(Code::kResourceExhausted, "{}: cannot be shortened: {}", path_, std::strerror(errno));
  }
  return whole == 0 ? append(dump_json(wanted)) : Status();
}

Status ShardJournal::append(const std::string& line) {
  std::string_view rest;
  const std::string text = line + "\n";
  for (rest = text; !rest.empty();) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Code::kResourceExhausted, "{}: cannot be written: {}", path_, std::strerror(errno));
    rest.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd_) == 0) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be synced: {}", path_, std::strerror(errno));
}

Status ShardJournal::add(const std::string& shard, const std::vector<TensorDigest>& tensors) {
  Json list = Json::array();
  for (const TensorDigest& tensor : tensors) list.push_back({tensor.name, tensor.sha256});
  DB_TRY(append(dump_json(Json{{"shard", shard}, {"tensors", std::move(list)}})));
  finished_[shard] = tensors;
  return Status();
}

}  // namespace drawbridge
