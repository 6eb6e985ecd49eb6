// The records of a load run as JSON, one line each, and back. Times are whole microseconds; what never came is absent.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "load/load_run.h"

namespace drawbridge {

std::string record_line(const RequestRecord& record);
/// Every field, by name.
Json setup_json(const LoadSetup& setup);
std::string setup_line(const LoadSetup& setup);
std::string end_line(const LoadRun& run);

/// `source` ("FILE:LINE") starts every error.
Result<RequestRecord> parse_record(const Json& json, const std::string& source);
Result<LoadSetup> parse_setup(const Json& json, const std::string& source);
/// Fills in all of `run` but its setup and requests.
Status parse_end(const Json& json, const std::string& source, LoadRun& run);

}  // namespace drawbridge
