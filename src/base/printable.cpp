#include "base/printable.h"

namespace drawbridge {

std::string printable(std::string_view text) {
  std::string shown(text);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    if (byte < 0x20 || byte == 0x7f) shown[i] = ' ';
    // U+0080 to U+009F
    if (byte == 0xc2 && i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) < 0xa0) {
      shown[i] = shown[i + 1] = ' ';
    }
  }
  return shown;
}

}  // namespace drawbridge
