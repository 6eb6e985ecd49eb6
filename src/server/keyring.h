// Keyring: the API keys in force. A reload replaces all of them or, when a file is bad, none.
// Threads: any.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/message.h"
#include "server/key_file.h"

namespace drawbridge {

struct KeySources {
  std::vector<std::string> keys;     // given in words
  std::string key_file;              // empty: none
  std::string shared_prefixes_file;  // empty: every key has a cache of its own
};

class Keyring {
 public:
  /// Errors name the file and its line.
  static Result<std::unique_ptr<Keyring>> load(KeySources sources);

  /// There are no keys: whoever reaches the server may call, and what he sends as a key is not looked at.
  bool open() const { return keys()->empty(); }
  /// Whose key the request carries in `Authorization: Bearer KEY` or `x-api-key: KEY`; absent: nobody's. Takes the same
  /// time for every wrong key of one length.
  std::optional<Caller> caller_of(const HttpRequest& request) const;
  size_t n_keys() const { return keys()->size(); }

  /// Reads the files again. On an error, which is logged, the keys stay as they were.
  Status reload();
  /// The same if a file has changed since it was last read.
  void reload_if_changed();
  /// Whether the last reload worked.
  bool fresh() const;

 private:
  using Keys = std::vector<ApiKey>;
  using Stamp = std::pair<std::filesystem::file_time_type, uintmax_t>;

  explicit Keyring(KeySources sources) : sources_(std::move(sources)) {}
  Result<Keys> read() const;
  std::vector<Stamp> stamps() const;
  std::shared_ptr<const Keys> keys() const;

  const KeySources sources_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;  // under the mutex, like what follows
  std::vector<Stamp> stamps_;
  bool fresh_ = true;
};

}  // namespace drawbridge
