// Logging: one structured line an event, `component event key=value ...`, on stderr. Nothing on the token path logs.
// The level comes from DB_LOG (trace, debug, info, warn, error, off; default info), the one environment variable.
#pragma once

#include <spdlog/spdlog.h>

#include "base/result.h"

namespace drawbridge {

/// Sends logs to stderr at the level of DB_LOG; an unknown level is an error that lists the known ones.
Status init_logging();

}  // namespace drawbridge
