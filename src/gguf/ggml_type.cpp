#include "gguf/ggml_type.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace drawbridge {
namespace {

struct TypeRow {
  GgmlType type;
  const char* name;
  int64_t block_elements;
  int64_t block_bytes;
};

constexpr std::array kRows = {
    TypeRow{GgmlType::kF32, "F32", 1, 4},       TypeRow{GgmlType::kF16, "F16", 1, 2},
    TypeRow{GgmlType::kQ8_0, "Q8_0", 32, 34},   TypeRow{GgmlType::kBF16, "BF16", 1, 2},
    TypeRow{GgmlType::kMxfp4, "MXFP4", 32, 17},
};

/// Types that files are found with and that we do not convert, for messages.
struct OtherType {
  uint32_t number;
  const char* name;
};

constexpr std::array kOthers = {
    OtherType{2, "Q4_0"},    OtherType{3, "Q4_1"},     OtherType{6, "Q5_0"},    OtherType{7, "Q5_1"},
    OtherType{9, "Q8_1"},    OtherType{10, "Q2_K"},    OtherType{11, "Q3_K"},   OtherType{12, "Q4_K"},
    OtherType{13, "Q5_K"},   OtherType{14, "Q6_K"},    OtherType{15, "Q8_K"},   OtherType{16, "IQ2_XXS"},
    OtherType{17, "IQ2_XS"}, OtherType{18, "IQ3_XXS"}, OtherType{19, "IQ1_S"},  OtherType{20, "IQ4_NL"},
    OtherType{21, "IQ3_S"},  OtherType{22, "IQ2_S"},   OtherType{23, "IQ4_XS"}, OtherType{24, "I8"},
    OtherType{25, "I16"},    OtherType{26, "I32"},     OtherType{27, "I64"},    OtherType{28, "F64"},
    OtherType{29, "IQ1_M"},  OtherType{34, "TQ1_0"},   OtherType{35, "TQ2_0"},
};

const TypeRow& row_of(GgmlType type) {
  for (const TypeRow& row : kRows) {
    if (row.type == type) return row;
  }
  DB_CHECK(false);
  return kRows[0];
}

}  // namespace

std::optional<GgmlType> ggml_type_from_number(uint32_t number) {
  for (const TypeRow& row : kRows) {
    if (static_cast<uint32_t>(row.type) == number) return row.type;
  }
  return std::nullopt;
}

const char* ggml_type_name(GgmlType type) {
  return row_of(type).name;
}

std::string describe_ggml_type(uint32_t number) {
  if (const auto known = ggml_type_from_number(number)) return fmt::format("{} ({})", number, ggml_type_name(*known));
  for (const OtherType& other : kOthers) {
    if (other.number == number) return fmt::format("{} ({})", number, other.name);
  }
  return fmt::format("{}", number);
}

int64_t ggml_block_elements(GgmlType type) {
  return row_of(type).block_elements;
}

int64_t ggml_block_bytes(GgmlType type) {
  return row_of(type).block_bytes;
}

int64_t ggml_row_bytes(GgmlType type, int64_t k) {
  const TypeRow& row = row_of(type);
  DB_CHECK(k % row.block_elements == 0);
  return k / row.block_elements * row.block_bytes;
}

}  // namespace drawbridge
