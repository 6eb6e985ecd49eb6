// The two files that say who may call: API keys, and which of them share cached prefixes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/caller.h"

namespace drawbridge {

struct ApiKey {
  std::string key;
  Caller caller;
};

/// `NAME:KEY` or `KEY` a line; blank lines and lines that begin with # say nothing. A key without a name is called by a
/// part of its SHA-256. `where` begins every error, none of which shows a key.
Result<std::vector<ApiKey>> parse_key_file(std::string_view text, const std::string& where);
/// A key without a name, as on the command line.
ApiKey unnamed_key(std::string key);

/// A group of key names a line, apart by blanks: their keys share one cache domain. `*` alone is all keys. Returns the
/// domain of each name.
Result<std::map<std::string, std::string>> parse_shared_prefixes(std::string_view text, const std::string& where);

}  // namespace drawbridge
