#include "text/tokenizer.h"

#include "base/mapped_file.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxFileBytes = 256u << 20;
constexpr size_t kMaxTextBytes = 256u << 20;

}  // namespace

Tokenizer::Tokenizer(std::vector<std::string> token_bytes, AddedTokens added, PreTokenizer pre_tokenizer,
                     BpeModel model)
    : token_bytes_(std::move(token_bytes)),
      added_(std::move(added)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      model_(std::move(model)),
      special_(token_bytes_.size()) {
  for (const AddedToken& token : added_.all()) {
    if (token.special) special_[static_cast<size_t>(token.id)] = true;
  }
}

Result<Tokenizer> Tokenizer::load(const std::string& path) {
  DB_ASSIGN(const std::string text, read_text_file(path, kMaxFileBytes));
  return parse(text, path);
}

Result<Tokenizer> Tokenizer::parse(std::string_view json_text, const std::string& source) {
  DB_ASSIGN(TokenizerSpec spec, parse_tokenizer_json(json_text, source));
  DB_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::compile(spec.split_patterns, source));
  return Tokenizer(std::move(spec.token_bytes), AddedTokens(std::move(spec.added)), std::move(pre_tokenizer),
                   BpeModel(std::move(spec.ids), spec.merges, spec.ignore_merges));
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    return fail(Code::kOutOfRange, "text to encode: wanted at most {} bytes, found {}", kMaxTextBytes, text.size());
  }
  const std::string valid = replace_invalid_utf8(text);
  std::vector<TextSegment> segments;
  if (options.parse_special) {
    segments = added_.split(valid);
  } else if (!valid.empty()) {
    segments.push_back({valid, -1});
  }
  std::vector<int32_t> ids;
  std::vector<std::string_view> pieces;
  for (const TextSegment& segment : segments) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
      continue;
    }
    pieces.clear();
    DB_TRY(pre_tokenizer_.split(segment.text, pieces));
    for (std::string_view piece : pieces) model_.encode(piece, ids);
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (int32_t id : ids) {
    if (!skip_special || !is_special(id)) bytes += token_bytes(id);
  }
  return replace_invalid_utf8(bytes);
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return token_bytes_[static_cast<size_t>(id)];
}

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  if (const auto added = added_.id_of(token)) return added;
  return model_.id_of(token);
}

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && special_[static_cast<size_t>(id)];
}

}  // namespace drawbridge
