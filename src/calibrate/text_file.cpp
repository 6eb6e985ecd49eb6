#include "calibrate/text_file.h"

#include "base/mapped_file.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxBytes = 1u << 30;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kTextControls = "\t\n\f\r";

}  // namespace

Status check_is_text(std::string_view text, const std::string& source) {
  if (text.find_first_not_of(" \t\r\n\f") == std::string_view::npos) {
    return fail(Code::kInvalidArgument, "{}: wanted text, found {}", source,
                text.empty() ? "an empty file" : "nothing but white space");
  }
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const Utf8Step step = next_utf8(text, at);
    if (!step.valid) {
      return fail(Code::kInvalidArgument, "{}: byte {}: wanted UTF-8 text, found 0x{:02x}{}", source, at, byte,
                  step.truncated ? " at its end: is the file cut off?" : "");
    }
    if (byte < 0x20 && kTextControls.find(text[at]) == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "{}: byte {}: wanted text, found 0x{:02x}: is this a binary file?", source,
                  at, byte);
    }
    at += step.bytes;
  }
  return Status();
}

Result<std::string> read_calibration_text(const std::string& path) {
  DB_ASSIGN(std::string text, read_text_file(path, kMaxBytes));
  DB_TRY(check_is_text(text, path));
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

}  // namespace drawbridge
