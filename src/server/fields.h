// Fields: the members of a request's JSON object, read by name with their ranges; what nobody asked for is known at
// the end. Absent and null mean the same: the caller's default stays. Errors (kInvalidArgument) name the field.
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace drawbridge {

/// `field: wanted ..., found ...`, with a short form of what was found.
Status wrong_field(std::string_view field, std::string_view wanted, const Json& found);

class Fields {
 public:
  /// `object` must be a JSON object and outlive this; `prefix` stands before each name in errors ("stream_options.").
  explicit Fields(const Json& object, std::string prefix = "") : object_(object), prefix_(std::move(prefix)) {}

  /// The value as it stands; null when absent.
  const Json& take(const std::string& name);

  Status read(const std::string& name, bool& out);
  Status read(const std::string& name, std::string& out);
  Status read(const std::string& name, float& out);
  /// Accepts 5.0 for 5, as OpenAI does.
  Status read(const std::string& name, int64_t& out, int64_t low = std::numeric_limits<int64_t>::min(),
              int64_t high = std::numeric_limits<int64_t>::max());
  /// An array of integers, at most `max_items` of them.
  Status read(const std::string& name, std::vector<int32_t>& out, size_t max_items);

  /// Paths of the members that were never read, in the order sent.
  std::vector<std::string> unread() const;
  std::string path(const std::string& name) const { return prefix_ + name; }

 private:
  const Json& object_;
  std::string prefix_;
  std::set<std::string> known_;
};

/// One integer in [low, high]; `field` is its path.
Result<int64_t> read_integer(const Json& value, const std::string& field, int64_t low, int64_t high);

}  // namespace drawbridge
