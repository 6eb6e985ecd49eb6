#include "server/keyring.h"

#include <strings.h>

#include "base/log.h"
#include "base/mapped_file.h"
#include "server/access.h"

namespace drawbridge {
namespace {

constexpr std::string_view kBearer = "bearer ";
constexpr size_t kMaxFileBytes = 1 << 20;

std::string_view given_key(const HttpRequest& request) {
  if (const std::string* authorization = request.header("authorization")) {
    const std::string_view text = *authorization;
    if (text.size() >= kBearer.size() && ::strncasecmp(text.data(), kBearer.data(), kBearer.size()) == 0) {
      return text.substr(kBearer.size());
    }
  }
  const std::string* key = request.header("x-api-key");
  return key != nullptr ? std::string_view(*key) : std::string_view();
}

}  // namespace

Result<std::unique_ptr<Keyring>> Keyring::load(KeySources sources) {
  std::unique_ptr<Keyring> ring(new Keyring(std::move(sources)));
  ring->stamps_ = ring->stamps();
  DB_ASSIGN(Keys keys, ring->read());
  ring->keys_ = std::make_shared<const Keys>(std::move(keys));
  return ring;
}

Result<Keyring::Keys> Keyring::read() const {
  Keys keys;
  for (const std::string& key : sources_.keys) {
    if (key.empty()) return fail(Code::kInvalidArgument, "--api-key: wanted a key, found an empty one");
    keys.push_back(unnamed_key(key));
  }
  if (!sources_.key_file.empty()) {
    DB_ASSIGN(const std::string text, read_text_file(sources_.key_file, kMaxFileBytes));
    DB_ASSIGN(Keys more, parse_key_file(text, sources_.key_file));
    keys.insert(keys.end(), more.begin(), more.end());
  }
  if (sources_.shared_prefixes_file.empty()) return keys;
  DB_ASSIGN(const std::string text, read_text_file(sources_.shared_prefixes_file, kMaxFileBytes));
  DB_ASSIGN(const auto domains, parse_shared_prefixes(text, sources_.shared_prefixes_file));
  for (ApiKey& key : keys) {
    auto shared = domains.find(key.caller.name);
    if (shared == domains.end()) shared = domains.find("*");
    if (shared != domains.end()) key.caller.cache_domain = shared->second;
  }
  return keys;
}

std::optional<Caller> Keyring::caller_of(const HttpRequest& request) const {
  const auto keys = this->keys();
  const std::string_view given = given_key(request);
  std::optional<Caller> found;
  for (const ApiKey& key : *keys) {
    if (equal_in_constant_time(given, key.key)) found = key.caller;
  }
  return found;
}

Status Keyring::reload() {
  const auto stamps = this->stamps();  // before the files are read: a later change is seen the next time
  auto read = this->read();
  const std::lock_guard lock(mutex_);
  stamps_ = stamps;
  fresh_ = read.ok();
  if (!fresh_) {
    spdlog::error("api keys not reloaded, the {} old ones stay in force error=\"{}\"", keys_->size(),
                  read.status().message());
    return read.status();
  }
  keys_ = std::make_shared<const Keys>(std::move(read).value());
  spdlog::info("api keys reloaded n={}", keys_->size());
  return Status();
}

void Keyring::reload_if_changed() {
  const auto stamps = this->stamps();
  {
    const std::lock_guard lock(mutex_);
    if (stamps == stamps_) return;
  }
  [[maybe_unused]] const Status logged = reload();
}

bool Keyring::fresh() const {
  const std::lock_guard lock(mutex_);
  return fresh_;
}

/// When each file was last written, and its size; a file that is gone differs from one that is there.
std::vector<Keyring::Stamp> Keyring::stamps() const {
  std::vector<Stamp> stamps;
  for (const std::string* file : {&sources_.key_file, &sources_.shared_prefixes_file}) {
    if (file->empty()) continue;
    std::error_code ignored;
    const auto written = std::filesystem::last_write_time(*file, ignored);
    stamps.emplace_back(written, std::filesystem::file_size(*file, ignored));
  }
  return stamps;
}

std::shared_ptr<const Keyring::Keys> Keyring::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace drawbridge
