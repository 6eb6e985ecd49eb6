// Caller: who sent a request, as far as the engine cares.
#pragma once

#include <string>

namespace drawbridge {

struct Caller {
  std::string name;          // of its API key: GenerateRequest::tenant; empty while the server has no keys
  std::string cache_domain;  // GenerateRequest::cache_domain: cached prefixes are shared within it; empty: everybody's
};

}  // namespace drawbridge
