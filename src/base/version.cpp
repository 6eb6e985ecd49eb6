#include "base/version.h"

namespace drawbridge {

const char* version() {
  return DB_VERSION;
}

}  // namespace drawbridge
