#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <string_view>

namespace drawbridge {

Status init_logging() {
  auto logger = spdlog::stderr_color_mt("drawbridge");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_default_logger(logger);
  const char* wanted = std::getenv("DB_LOG");
  if (wanted == nullptr) return Status();
  const auto level = spdlog::level::from_str(wanted);
  // from_str answers "off" for anything that it does not know.
  if (level == spdlog::level::off && std::string_view(wanted) != "off") {
    return fail(Code::kInvalidArgument, "DB_LOG is '{}': wanted trace, debug, info, warn, error or off", wanted);
  }
  spdlog::set_level(level);
  return Status();
}

}  // namespace drawbridge
