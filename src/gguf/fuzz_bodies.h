// What the fuzzer of this folder does with one input; the tests run the same on the stored corpus.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "gguf/ggml_blocks.h"
#include "gguf/gguf_reader.h"

namespace drawbridge {

/// Any bytes as a GGUF file: an error, or named tensors that lie inside the file, apart, and are as large as type and
/// shape say, so that every row of them can be decoded.
inline void fuzz_gguf(std::string_view input) {
  const auto file = std::as_bytes(std::span(input));
  const auto header = parse_gguf(file, "fuzz");
  if (!header.ok()) {
    DB_CHECK(header.status().message().starts_with("fuzz: "));
    return;
  }
  std::set<std::string> names;
  size_t all_bytes = 0;
  for (const GgufTensor& tensor : header->tensors) {
    DB_CHECK(names.insert(tensor.name).second);
    DB_CHECK(tensor.data.data() >= file.data() && tensor.data.data() + tensor.data.size() <= file.data() + file.size());
    const int64_t k = tensor.shape.back();
    const auto row_bytes = static_cast<size_t>(ggml_row_bytes(tensor.type, k));
    DB_CHECK(tensor.data.size() % row_bytes == 0);
    std::vector<float> row(static_cast<size_t>(k));
    decode_ggml_row(tensor.type, tensor.data.data() + tensor.data.size() - row_bytes, k, row.data());
    all_bytes += tensor.data.size();
  }
  DB_CHECK(all_bytes <= file.size());
}

}  // namespace drawbridge
