#include "calibrate/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

std::string fault_of(std::string_view text) {
  return check_is_text(text, "t.txt").message();
}

TEST(CalibrationText, AcceptsWhatPeopleWrite) {
  EXPECT_EQ(fault_of("one line"), "");
  EXPECT_EQ(fault_of("tab\tand\r\nlines\f\n\nStra\xc3\x9f"
                     "e \xe6\x97\xa5 \xf0\x9f\x98\x80"),
            "");
}

TEST(CalibrationText, NamesTheByteThatIsNoText) {
  EXPECT_EQ(fault_of(""), "t.txt: wanted text, found an empty file");
  EXPECT_THAT(fault_of(" \n\r\n"), HasSubstr("nothing but white space"));
  EXPECT_THAT(fault_of("abc\xff"), HasSubstr("t.txt: byte 3: wanted UTF-8 text, found 0xff"));
  EXPECT_THAT(fault_of("ab\xc3"), HasSubstr("byte 2: wanted UTF-8 text, found 0xc3 at its end"));
  EXPECT_THAT(fault_of("\xed\xa0\x80"), HasSubstr("byte 0: wanted UTF-8"));
  EXPECT_THAT(fault_of(std::string_view("ab\0c", 4)), HasSubstr("byte 2: wanted text, found 0x00: is this a binary"));
  EXPECT_THAT(fault_of("a\x1b[0m"), HasSubstr("byte 1: wanted text, found 0x1b"));
}

TEST(CalibrationText, AByteOrderMarkIsNoContent) {
  const std::string path = process_directory("calibration_text") + ".txt";
  std::ofstream(path) << "\xef\xbb\xbfhello";
  EXPECT_EQ(read_calibration_text(path).value(), "hello");
  std::filesystem::remove(path);
  EXPECT_EQ(read_calibration_text(path).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace drawbridge
