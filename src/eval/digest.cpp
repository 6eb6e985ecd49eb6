#include "eval/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/mapped_file.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

bool decides_answers(const std::string& name) {
  constexpr std::array<std::string_view, 4> kNames = {"config.json", "generation_config.json", "tokenizer.json",
                                                      "chat_template.jinja"};
  return name.ends_with(".safetensors") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int n = 0;
  DB_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &n, EVP_sha256(), nullptr) == 1);
  std::string hex;
  for (unsigned int i = 0; i < n; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

Result<std::string> model_sha256(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (decides_answers(name)) names.push_back(name);
  }
  if (error) return fail(Code::kNotFound, "{}: cannot be listed: {}", directory, error.message());
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) {
    DB_ASSIGN(const MappedFile file, MappedFile::open((fs::path(directory) / name).string()));
    const auto bytes = file.bytes();
    all += fmt::format("{} {}\n", sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), name);
  }
  return sha256_hex(all);
}

}  // namespace drawbridge
