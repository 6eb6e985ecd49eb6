#include "text/tokenizer_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

// Not base/json.h's ordered tree: its objects are searched linearly, and a vocabulary is one object of 150,000 keys.
using Tree = nlohmann::json;

constexpr int64_t kMaxId = 1 << 22;
constexpr size_t kMaxAdded = 1 << 16;
constexpr int kMaxDepth = 16;

Status refuse(const std::string& source, std::string_view field, std::string_view wanted, const std::string& found) {
  return fail(Code::kUnsupported, "{}: {}: wanted {}, found {}", source, field, wanted, found);
}

/// The value in one short line, for messages.
std::string show(const Tree& value) {
  if (value.is_object() && value.contains("type") && value["type"].is_string()) {
    return "type " + value["type"].get<std::string>();
  }
  if (value.is_structured()) return value.type_name();
  return value.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

const Tree& field(const Tree& object, const char* name) {
  static const Tree kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

bool type_is(const Tree& object, const char* type) {
  return field(object, "type") == type;
}

/// Absent and null count as `wanted`.
Status want_bool(const Tree& object, const char* name, bool wanted, const std::string& where) {
  const Tree& value = field(object, name);
  if (value.is_null() || value == wanted) return {};
  return refuse(where, name, wanted ? "true" : "false", show(value));
}

class Reader {
 public:
  Reader(const Tree& root, const std::string& source) : root_(root), source_(source) {}

  Result<TokenizerSpec> run() {
    if (!root_.is_object()) return refuse(source_, "the file", "an object", show(root_));
    for (const char* name : {"normalizer", "truncation", "padding"}) {
      if (!field(root_, name).is_null()) return refuse(source_, name, "null", show(field(root_, name)));
    }
    DB_TRY(read_pre_tokenizer());
    DB_TRY(check_post_processor());
    if (!type_is(field(root_, "decoder"), "ByteLevel")) {
      return refuse(source_, "decoder", "type ByteLevel", show(field(root_, "decoder")));
    }
    DB_TRY(check_model());
    DB_TRY(read_vocab());
    DB_TRY(read_merges());
    DB_TRY(read_added());
    return std::move(spec_);
  }

 private:
  Status read_pre_tokenizer() {
    const Tree& pre = field(root_, "pre_tokenizer");
    const Tree& list = field(pre, "pretokenizers");
    if (!type_is(pre, "Sequence") || !list.is_array() || list.size() < 2 || list.size() > 16) {
      return refuse(source_, "pre_tokenizer", "a Sequence of Split and ByteLevel", show(pre));
    }
    for (size_t i = 0; i + 1 < list.size(); ++i) DB_TRY(read_split(list[i]));
    const Tree& last = list.back();
    if (!type_is(last, "ByteLevel")) {
      return refuse(source_, "pre_tokenizer", "ByteLevel as the last of the Sequence", show(last));
    }
    const std::string where = source_ + ": pre_tokenizer ByteLevel";
    DB_TRY(field(last, "use_regex").is_null() ? refuse(where, "use_regex", "false", "nothing") : Status());
    DB_TRY(field(last, "add_prefix_space").is_null() ? refuse(where, "add_prefix_space", "false", "nothing")
                                                     : Status());
    DB_TRY(want_bool(last, "use_regex", false, where));
    return want_bool(last, "add_prefix_space", false, where);
  }

  Status read_split(const Tree& split) {
    const std::string where = source_ + ": pre_tokenizer Split";
    if (!type_is(split, "Split")) return refuse(source_, "pre_tokenizer", "type Split", show(split));
    if (field(split, "behavior") != "Isolated") {
      return refuse(where, "behavior", "Isolated", show(field(split, "behavior")));
    }
    DB_TRY(want_bool(split, "invert", false, where));
    const Tree& regex = field(field(split, "pattern"), "Regex");
    if (!regex.is_string()) return refuse(where, "pattern", "a Regex", show(field(split, "pattern")));
    spec_.split_patterns.push_back(regex.get<std::string>());
    return {};
  }

  /// ByteLevel post-processing only moves offsets; anything else would add tokens.
  Status check_post_processor() const {
    const Tree& post = field(root_, "post_processor");
    if (post.is_null() || type_is(post, "ByteLevel")) return {};
    const Tree& list = field(post, "processors");
    const auto is_byte_level = [](const Tree& one) { return type_is(one, "ByteLevel"); };
    if (type_is(post, "Sequence") && list.is_array() && std::all_of(list.begin(), list.end(), is_byte_level)) return {};
    return refuse(source_, "post_processor", "null or ByteLevel", show(post));
  }

  Status check_model() {
    const Tree& model = field(root_, "model");
    const std::string where = source_ + ": model";
    const Tree& type = field(model, "type");
    if (!model.is_object() || (!type.is_null() && type != "BPE")) return refuse(source_, "model", "BPE", show(model));
    if (const Tree& dropout = field(model, "dropout"); !dropout.is_null() && dropout != 0) {
      return refuse(where, "dropout", "null", show(dropout));
    }
    for (const char* name : {"unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
      const Tree& value = field(model, name);
      if (!value.is_null() && value != "") return refuse(where, name, "null", show(value));
    }
    DB_TRY(want_bool(model, "byte_fallback", false, where));
    const Tree& ignore = field(model, "ignore_merges");
    if (!ignore.is_null() && !ignore.is_boolean()) return refuse(where, "ignore_merges", "a bool", show(ignore));
    spec_.ignore_merges = ignore == true;
    return {};
  }

  Status place(const std::string& name, const Tree& id, std::string bytes) {
    if (!id.is_number_integer() || id < 0 || id >= kMaxId) {
      return fail(Code::kOutOfRange, "{}: id of token '{}': wanted 0 to {}, found {}", source_, name, kMaxId - 1,
                  show(id));
    }
    const auto index = id.get<size_t>();
    if (index >= spec_.token_bytes.size()) spec_.token_bytes.resize(index + 1);
    std::string& slot = spec_.token_bytes[index];
    if (!slot.empty() && slot != bytes) {
      return fail(Code::kCorrupt, "{}: id {}: wanted one token, found '{}' as well as another", source_, index, name);
    }
    slot = std::move(bytes);
    return {};
  }

  Status read_vocab() {
    const Tree& vocab = field(field(root_, "model"), "vocab");
    if (!vocab.is_object()) return refuse(source_, "model.vocab", "an object", show(vocab));
    for (const auto& [token, id] : vocab.items()) {
      if (token.empty()) return refuse(source_, "model.vocab", "tokens of at least one byte", "an empty token");
      const auto bytes = token_to_bytes(token);
      DB_TRY(place(token, id, bytes.value_or(token)));
      if (bytes) spec_.ids.emplace(*bytes, id.get<int32_t>());
    }
    for (int byte = 0; byte < 256; ++byte) {
      const bool in_utf8 = byte < 0xc0 || (byte > 0xc1 && byte < 0xf5);
      if (in_utf8 && spec_.ids.find(std::string(1, static_cast<char>(byte))) == spec_.ids.end()) {
        return refuse(source_, "model.vocab", "every byte of UTF-8 as a token", fmt::format("none for byte {}", byte));
      }
    }
    return {};
  }

  Status read_merges() {
    const Tree& merges = field(field(root_, "model"), "merges");
    if (!merges.is_array()) return refuse(source_, "model.merges", "an array", show(merges));
    spec_.merges.reserve(merges.size());
    for (const Tree& merge : merges) DB_TRY(read_merge(merge));
    return {};
  }

  Status read_merge(const Tree& merge) {
    std::string left;
    std::string right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string()) {
      const auto& both = merge.get_ref<const std::string&>();
      const size_t space = both.find(' ');
      if (space == std::string::npos || both.find(' ', space + 1) != std::string::npos) return bad_merge(show(merge));
      left = both.substr(0, space);
      right = both.substr(space + 1);
    } else {
      return bad_merge(show(merge));
    }
    const auto left_bytes = token_to_bytes(left);
    const auto right_bytes = token_to_bytes(right);
    if (!left_bytes || !right_bytes) return bad_merge(show(merge));
    const auto a = spec_.ids.find(*left_bytes);
    const auto b = spec_.ids.find(*right_bytes);
    const auto both = spec_.ids.find(*left_bytes + *right_bytes);
    if (a == spec_.ids.end() || b == spec_.ids.end() || both == spec_.ids.end()) {
      return bad_merge("'" + left + "' '" + right + "' of which a part or the whole is no token");
    }
    spec_.merges.push_back({a->second, b->second, both->second});
    return {};
  }

  Status bad_merge(const std::string& found) const {
    return fail(Code::kCorrupt, "{}: model.merges[{}]: wanted a pair of tokens, found {}", source_, spec_.merges.size(),
                found);
  }

  Status read_added() {
    const Tree& added = field(root_, "added_tokens");
    if (added.is_null()) return {};
    if (!added.is_array() || added.size() > kMaxAdded) {
      return refuse(source_, "added_tokens", fmt::format("an array of at most {}", kMaxAdded), show(added));
    }
    for (const Tree& token : added) DB_TRY(read_added_token(token));
    return {};
  }

  Status read_added_token(const Tree& token) {
    const Tree& content = field(token, "content");
    if (!content.is_string() || content == "") {
      return refuse(source_, "added_tokens.content", "a non-empty string", show(content));
    }
    AddedToken result;
    result.content = content.get<std::string>();
    const std::string where = source_ + ": added token '" + result.content + "'";
    for (const char* name : {"single_word", "lstrip", "rstrip"}) DB_TRY(want_bool(token, name, false, where));
    for (const char* name : {"special", "normalized"}) {
      const Tree& value = field(token, name);
      if (!value.is_boolean()) return refuse(where, name, "true or false", show(value));
    }
    result.special = field(token, "special").get<bool>();
    result.normalized = field(token, "normalized").get<bool>();
    const Tree& id = field(token, "id");
    const Tree& in_model = field(field(field(root_, "model"), "vocab"), result.content.c_str());
    if (!in_model.is_null() && in_model != id) return refuse(where, "id", show(in_model) + " as in vocab", show(id));
    DB_TRY(place(result.content, id, token_to_bytes(result.content).value_or(result.content)));
    result.id = id.get<int32_t>();
    spec_.added.push_back(std::move(result));
    return {};
  }

  const Tree& root_;
  const std::string& source_;
  TokenizerSpec spec_;
};

}  // namespace

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, const std::string& source) {
  try {
    bool too_deep = false;
    const auto watch_depth = [&too_deep](int depth, Tree::parse_event_t, Tree&) {
      too_deep = too_deep || depth > kMaxDepth;
      return !too_deep;
    };
    const Tree root = Tree::parse(text, watch_depth);
    if (too_deep) return fail(Code::kOutOfRange, "{}: JSON is nested more than {} deep", source, kMaxDepth);
    return Reader(root, source).run();
  } catch (const nlohmann::json::exception& error) {
    return fail(Code::kCorrupt, "{}: not valid JSON: {}", source, error.what());
  }
}

}  // namespace drawbridge
