#include "server/keyring.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"

namespace drawbridge {
namespace {

HttpRequest with(HttpHeaders headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  return request;
}

HttpRequest with_key(const std::string& key) {
  return with({{"x-api-key", key}});
}

class KeyringTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(scratch_.file(name), std::ios::trunc) << text;
  }
  Result<std::unique_ptr<Keyring>> load(const std::string& keys, const std::string& shared = "") {
    write("keys", keys);
    write("shared", shared);
    return Keyring::load({{}, scratch_.file("keys"), shared.empty() ? "" : scratch_.file("shared")});
  }

  ScratchDirectory scratch_{"keyring"};
};

TEST_F(KeyringTest, TakesAnyKeyInEitherHeader) {
  const auto ring = Keyring::load({{"one", "two"}, "", ""}).value();
  EXPECT_FALSE(ring->open());
  EXPECT_TRUE(ring->caller_of(with({{"authorization", "Bearer one"}})));
  EXPECT_TRUE(ring->caller_of(with({{"authorization", "bearer two"}})));
  EXPECT_TRUE(ring->caller_of(with({{"x-api-key", "two"}})));
  EXPECT_TRUE(ring->caller_of(with({{"authorization", "Basic abc"}, {"x-api-key", "one"}})));
}

TEST_F(KeyringTest, RefusesEverythingElse) {
  const auto ring = Keyring::load({{"one", "two"}, "", ""}).value();
  const std::vector<HttpHeaders> wrong = {{},
                                          {{"authorization", "one"}},
                                          {{"authorization", "Bearer on"}},
                                          {{"authorization", "Bearer onE"}},
                                          {{"authorization", "Bearer "}},
                                          {{"x-api-key", "one "}}};
  for (const HttpHeaders& headers : wrong) EXPECT_FALSE(ring->caller_of(with(headers)));
}

TEST_F(KeyringTest, IsOpenWithoutKeysAndRefusesAnEmptyOne) {
  EXPECT_TRUE(Keyring::load({}).value()->open());
  EXPECT_FALSE(Keyring::load({{""}, "", ""}).ok());
}

TEST_F(KeyringTest, NamesCallers) {
  const auto ring = load("# ours\n\n  red:secret-1\nblue:with:colon\r\nplain\n").value();
  EXPECT_EQ(ring->n_keys(), 3u);
  EXPECT_EQ(ring->caller_of(with_key("secret-1"))->name, "red");
  EXPECT_EQ(ring->caller_of(with_key("with:colon"))->name, "blue");
  EXPECT_TRUE(ring->caller_of(with_key("plain"))->name.starts_with("key-"));
  EXPECT_FALSE(ring->caller_of(with_key("red:secret-1")));
}

TEST_F(KeyringTest, KeysShareNoCacheUnlessAFileSaysSo) {
  const std::string keys = "a:1\nb:2\nc:3\nd:4\n";
  const auto domain = [](const Keyring& ring, const char* key) { return ring.caller_of(with_key(key))->cache_domain; };
  const auto apart = load(keys).value();
  EXPECT_NE(domain(*apart, "1"), domain(*apart, "2"));
  EXPECT_NE(domain(*apart, "1"), "");
  const auto some = load(keys, "# one team\na b\n").value();
  EXPECT_EQ(domain(*some, "1"), domain(*some, "2"));
  EXPECT_NE(domain(*some, "1"), domain(*some, "3"));
  EXPECT_NE(domain(*some, "3"), domain(*some, "4"));
  const auto rest = load(keys, "a b\n*").value();
  EXPECT_EQ(domain(*rest, "3"), domain(*rest, "4"));
  EXPECT_NE(domain(*rest, "1"), domain(*rest, "3"));
}

TEST_F(KeyringTest, ErrorsNameTheLineAndShowNoKey) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "found none"},       {"# nothing\n", "found none"},         {"ok:1\nred:secret extra\n", "keys:2: "},
      {"red:\n", "after the"},  {"b/d:secret\n", "keys:1: wanted a"},  {"a:1\na:secret\n", "keys:2: wanted each"},
      {":secret\n", "keys:1:"}, {"a:secret\nb:secret\n", "found 'b'"},
  };
  for (const auto& [text, wanted] : bad) {
    const auto ring = load(text);
    ASSERT_FALSE(ring.ok()) << text;
    EXPECT_NE(ring.status().message().find(wanted), std::string::npos) << ring.status().message();
    EXPECT_EQ(ring.status().message().find("secret"), std::string::npos) << ring.status().message();
  }
  EXPECT_FALSE(load("a:1\n", "a b\nb c\n").ok());
  EXPECT_FALSE(Keyring::load({{}, scratch_.file("absent"), ""}).ok());
}

TEST_F(KeyringTest, FollowsItsFileButKeepsTheOldKeysWhenItIsBad) {
  const auto ring = load("a:first\n").value();
  write("keys", "a:second-key\n");
  ring->reload_if_changed();
  EXPECT_FALSE(ring->caller_of(with_key("first")));
  EXPECT_TRUE(ring->caller_of(with_key("second-key")));
  write("keys", "");
  ring->reload_if_changed();
  EXPECT_TRUE(ring->caller_of(with_key("second-key")));
  EXPECT_FALSE(ring->fresh());
  EXPECT_FALSE(ring->reload().ok());
  write("keys", "a:third\n");
  EXPECT_TRUE(ring->reload().ok());
  EXPECT_TRUE(ring->fresh());
  EXPECT_FALSE(ring->caller_of(with_key("second-key")));
}

}  // namespace
}  // namespace drawbridge
