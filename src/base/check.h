// DB_CHECK: states what must hold if our own code is right. Always on; a failure prints where and aborts.
// Never for input from outside: that is a Status (result.h).
#pragma once

namespace drawbridge {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace drawbridge

#define DB_CHECK(...)                                                                 \
  do {                                                                                \
    if (!(__VA_ARGS__)) ::drawbridge::check_failed(#__VA_ARGS__, __FILE__, __LINE__); \
  } while (false)
