#include "server/key_file.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "base/sha256.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxNameBytes = 64;

/// Not the name itself: a domain may end up in files of a cache on disk.
std::string domain_of(const std::string& name) {
  return sha256_of("drawbridge cache domain of " + name);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

/// The words of each line that says something, with the line's number in front.
std::vector<std::pair<int, std::vector<std::string>>> word_lines(std::string_view text) {
  std::vector<std::pair<int, std::vector<std::string>>> lines;
  std::istringstream stream{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::istringstream rest(line);
    std::vector<std::string> words;
    for (std::string word; rest >> word;) words.push_back(word);
    if (!words.empty() && words[0][0] != '#') lines.emplace_back(number, std::move(words));
  }
  return lines;
}

}  // namespace

ApiKey unnamed_key(std::string key) {
  const std::string name = "key-" + sha256_of(key).substr(0, 8);
  return {std::move(key), {name, domain_of(name)}};
}

Result<std::vector<ApiKey>> parse_key_file(std::string_view text, const std::string& where) {
  std::vector<ApiKey> keys;
  std::set<std::string> names, secrets;
  for (const auto& [number, words] : word_lines(text)) {
    const std::string at = fmt::format("{}:{}", where, number);
    if (words.size() != 1) return fail(Code::kInvalidArgument, "{}: wanted NAME:KEY or KEY, found blanks in it", at);
    const size_t colon = words[0].find(':');
    ApiKey key = unnamed_key(colon == std::string::npos ? words[0] : words[0].substr(colon + 1));
    if (colon != std::string::npos) {
      const std::string name = words[0].substr(0, colon);
      if (!is_name(name)) {
        return fail(Code::kInvalidArgument,
                    "{}: wanted a name of 1 to {} letters, digits, '-', '_' or '.' before the colon", at,
                    kMaxNameBytes);
      }
      key.caller = {name, domain_of(name)};
    }
    if (key.key.empty()) return fail(Code::kInvalidArgument, "{}: wanted a key after the colon, found none", at);
    if (!names.insert(key.caller.name).second || !secrets.insert(key.key).second) {
      return fail(Code::kInvalidArgument, "{}: wanted each name and each key once, found '{}' or its key again", at,
                  key.caller.name);
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return fail(Code::kInvalidArgument, "{}: wanted an API key on a line, found none", where);
  return keys;
}

Result<std::map<std::string, std::string>> parse_shared_prefixes(std::string_view text, const std::string& where) {
  std::map<std::string, std::string> domains;
  for (const auto& [number, words] : word_lines(text)) {
    std::string group;
    for (const std::string& name : words) group += name + " ";
    for (const std::string& name : words) {
      if (!is_name(name) && name != "*") {
        return fail(Code::kInvalidArgument, "{}:{}: wanted names of keys, or *, found '{}'", where, number, name);
      }
      if (!domains.emplace(name, domain_of(group)).second) {
        return fail(Code::kInvalidArgument, "{}:{}: wanted each name in one group, found '{}' again", where, number,
                    name);
      }
    }
  }
  return domains;
}

}  // namespace drawbridge
