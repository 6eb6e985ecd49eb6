#include "eval/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/mapped_file.h"
#include "eval/members.h"

namespace drawbridge {
namespace {

constexpr const char* kFormat = "drawbridge-eval-journal-1";
constexpr size_t kMaxBytes = 1u << 30;
constexpr JsonLimits kLineLimits = {
    .max_bytes = 64u << 20, .max_depth = 64, .max_keys_per_object = 1024, .max_keys = 65536};

Json answer_to_json(const Answer& answer) {
  return {{"id", answer.id},
          {"trial", answer.trial},
          {"status", item_status_name(answer.status)},
          {"text", answer.text},
          {"reasoning", answer.reasoning},
          {"error", answer.error},
          {"n_prompt", answer.n_prompt},
          {"n_completion", answer.n_completion}};
}

Result<Answer> answer_from_json(const Json& json, const std::string& source) {
  Answer answer;
  DB_ASSIGN(answer.id, string_member(json, "id", source));
  DB_ASSIGN(answer.trial, count_member(json, "trial", source));
  DB_ASSIGN(answer.status, status_member(json, source));
  DB_ASSIGN(answer.text, string_member(json, "text", source));
  DB_ASSIGN(answer.reasoning, string_member(json, "reasoning", source));
  DB_ASSIGN(answer.error, string_member(json, "error", source));
  DB_ASSIGN(answer.n_prompt, count_member(json, "n_prompt", source));
  DB_ASSIGN(answer.n_completion, count_member(json, "n_completion", source));
  return answer;
}

std::string shown(const Json* value) {
  return value == nullptr ? "nothing" : dump_json(*value).substr(0, 120);
}

const Json* find(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// `path` names the values in the message.
std::string difference(const std::string& path, const Json* before, const Json* now) {
  if (before != nullptr && now != nullptr) {
    if (*before == *now) return {};
    if (before->is_object() && now->is_object()) {
      for (const Json* side : {before, now}) {
        for (const auto& [key, value] : side->items()) {
          std::string found = difference(path.empty() ? key : path + "." + key, find(*before, key), find(*now, key));
          if (!found.empty()) return found;
        }
      }
      return {};  // the same members in another order
    }
  }
  return fmt::format("{}: the journal has {}, this run {}", path, shown(before), shown(now));
}

}  // namespace

std::string first_difference(const Json& before, const Json& now) {
  return difference("", &before, &now);
}

Result<AnswerJournal> AnswerJournal::open(const std::string& path, const Json& manifest) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 && errno == ENOENT) {
    return fail(Code::kNotFound, "{}: cannot be made: its folder is not there; make it first", path);
  }
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", path, std::strerror(errno));
  AnswerJournal journal(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kUnavailable, "{}: another run is writing to it", path);
  }
  DB_TRY(journal.load(manifest));
  return journal;
}

AnswerJournal::AnswerJournal(AnswerJournal&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      is_broken_(other.is_broken_),
      answers_(std::move(other.answers_)) {}

AnswerJournal::~AnswerJournal() {
  if (fd_ >= 0) ::close(fd_);
}

Status AnswerJournal::load(const Json& manifest) {
  DB_ASSIGN(std::string text, read_text_file(path_, kMaxBytes));
  const size_t whole = text.rfind('\n') + 1;  // 0 without any
  if (whole < text.size() && ::ftruncate(fd_, static_cast<off_t>(whole)) != 0) {
    return fail(Code::kPermissionDenied, "{}: cannot be cut to its whole lines: {}", path_, std::strerror(errno));
  }
  text.resize(whole);
  if (text.empty()) return write_line({{"format", kFormat}, {"manifest", manifest}});
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string source = fmt::format("{}:{}", path_, ++number);
    DB_ASSIGN(const Json line, parse_json(std::string_view(text).substr(at, end - at), source, kLineLimits));
    at = end + 1;
    if (number > 1) {
      DB_ASSIGN(Answer answer, answer_from_json(line, source));
      const Key key(answer.id, answer.trial);
      answers_[key] = std::move(answer);
      continue;
    }
    DB_ASSIGN(const std::string format, string_member(line, "format", source));
    if (format != kFormat) return fail(Code::kCorrupt, "{}: format: wanted \"{}\", found another", source, kFormat);
    DB_ASSIGN(const Json* before, member(line, "manifest", source));
    if (const std::string found = first_difference(*before, manifest); !found.empty()) {
      return fail(Code::kAlreadyExists, "{}: belongs to another run: {}; give another --out", path_, found);
    }
  }
  return Status();
}

Status AnswerJournal::add(Answer answer) {
  DB_TRY(write_line(answer_to_json(answer)));
  const Key key(answer.id, answer.trial);
  answers_[key] = std::move(answer);
  return Status();
}

Status AnswerJournal::write_line(const Json& line) {
  if (is_broken_) return fail(Code::kResourceExhausted, "{}: a write has failed before", path_);
  const off_t end = ::lseek(fd_, 0, SEEK_END);
  Status written = append(dump_json(line) + "\n");
  if (written.ok()) return written;
  is_broken_ = true;
  if (end >= 0 && ::ftruncate(fd_, end) != 0) {
    return fail(Code::kResourceExhausted, "{}; its last line is cut", written.message());
  }
  return written;
}

Status AnswerJournal::append(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(fd_, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Code::kResourceExhausted, "{}: cannot be written: {}", path_, std::strerror(errno));
    at += static_cast<size_t>(n);
  }
  if (::fsync(fd_) == 0) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be synced: {}", path_, std::strerror(errno));
}

}  // namespace drawbridge
