#include "base/json_path.h"

namespace drawbridge {

Json value_at(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = &json;
  for (const char* part : path) {
    if (at->is_array() && !at->empty() && std::string_view(part) == "0") {
      at = &at->front();
      continue;
    }
    if (!at->is_object()) return {};
    const auto found = at->find(part);
    if (found == at->end()) return {};
    at = &*found;
  }
  return *at;
}

std::string text_at(const Json& json, std::initializer_list<const char*> path) {
  const Json found = value_at(json, path);
  return found.is_string() ? found.get<std::string>() : std::string();
}

}  // namespace drawbridge
