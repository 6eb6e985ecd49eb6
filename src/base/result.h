// Result<T> and Status: how an operation that the outside world can make fail says so.
// Our own bugs are DB_CHECK (check.h), never a Status. A message names the file or field, what was wanted, what was
// found and what to do next; it is written once, where the failure is seen, and shown once, by cli/ or server/.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace drawbridge {

enum class Code {
  kOk,
  kInvalidArgument,    // the caller's value is wrong
  kNotFound,           // a file, tensor or key is missing
  kAlreadyExists,      // would overwrite
  kOutOfRange,         // a size, offset or count is outside its limits
  kCorrupt,            // a file contradicts itself or its format
  kUnsupported,        // well formed, but we do not do it
  kResourceExhausted,  // memory, pages, queue places
  kUnavailable,        // not ready, draining
  kPermissionDenied,
  kCancelled,
  kDeadline,  // its time was over before it was done
  kInternal,  // a bug that was survived
};

/// Name of a code as used in logs and JSON, such as "not_found".
const char* code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

/// Makes a failed Status with a formatted message: `fail(Code::kCorrupt, "{}: wanted {}, found {}", ...)`.
template <typename... Args>
Status fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}

/// A value, or the Status that says why there is none. value() on a failure is our bug.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) { DB_CHECK(!std::get<1>(state_).ok()); }

  bool ok() const { return state_.index() == 0; }
  T& value() & {
    DB_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    DB_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    DB_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace drawbridge

#define DB_CONCAT_INNER(a, b) a##b
#define DB_CONCAT(a, b) DB_CONCAT_INNER(a, b)

/// DB_TRY(expr): returns the Status of a failed `expr` from the enclosing function.
#define DB_TRY(...)                                                                        \
  do {                                                                                     \
    if (::drawbridge::Status db_status = (__VA_ARGS__); !db_status.ok()) return db_status; \
  } while (false)

/// DB_ASSIGN(auto x, expr): x = the value of a Result, or returns its Status from the enclosing function.
#define DB_ASSIGN(target, ...) DB_ASSIGN_NAMED(DB_CONCAT(db_result_, __LINE__), target, __VA_ARGS__)
#define DB_ASSIGN_NAMED(name, target, ...) \
  auto name = (__VA_ARGS__);               \
  if (!name.ok()) return name.status();    \
  target = std::move(name).value()
