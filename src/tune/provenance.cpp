#include "tune/provenance.h"

#include <unistd.h>

#include <ctime>

namespace drawbridge {

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  ::gmtime_r(&now, &utc);
  char text[16] = "";
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d", &utc));
}

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

}  // namespace drawbridge
