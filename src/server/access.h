// Access: who may use a route, and the comparison of keys.
#pragma once

#include <string_view>

namespace drawbridge {

/// It has no default, so that a route which does not say who may use it does not compile.
class Access {
 public:
  static constexpr Access everybody() { return Access(false); }
  static constexpr Access callers() { return Access(true); }  // who has a key, if the server has any
  constexpr bool needs_key() const { return needs_key_; }

 private:
  explicit constexpr Access(bool needs_key) : needs_key_(needs_key) {}
  bool needs_key_;
};

/// Takes the same time wherever two texts of one length differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace drawbridge
