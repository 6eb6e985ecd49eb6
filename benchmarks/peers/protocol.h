// What every entrant of benchmarks/side_by_side.py speaks: one command a line on stdin, one JSON object a line on
// stdout. The same file drives our engine and the peers, so that all compute the same tokens and are timed alike.
//
//   pp N               prefill of N tokens from empty, logits of the last
//   tg DEPTH N         decoding of N tokens after the first DEPTH tokens of the prompt
//   bd DEPTH B STEPS   the same of B sequences that share those DEPTH tokens, one token each a step
//   clear              forgets the prompt
//   quit
//
// The prompt is held from command to command and filled or cut to DEPTH outside of the timed part. Tokens are random,
// so rows of a step go to different experts; sampling is nobody's part of the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "base/rng.h"

namespace peers {

/// A measurement that fails must not end in a number: says why and ends the program.
[[noreturn]] inline void die(const std::string& why) {
  std::cerr << why << std::endl;
  std::exit(1);
}

/// A loaded model with one prompt, from which branches decode. Any failure calls die().
class Entrant {
 public:
  virtual ~Entrant() = default;
  virtual int64_t vocab() const = 0;
  virtual int64_t max_context() const = 0;   // tokens of the prompt
  virtual int64_t max_branches() const = 0;  // B at most
  virtual int64_t max_steps() const = 0;     // N and STEPS at most

  /// Computes tokens [from, to) of the prompt, of which [0, from) are held; logits of the last.
  virtual void prefill(int64_t from, int64_t to) = 0;
  /// Forgets all but the first n tokens of the prompt.
  virtual void cut(int64_t n) = 0;
  /// Starts n branches after the held prompt of `depth` tokens.
  virtual void fork(int64_t depth, int64_t n) = 0;
  /// The i-th token of every branch, with logits.
  virtual void step(int64_t i) = 0;
  /// Forgets the branches.
  virtual void join() = 0;

  int32_t prompt_token(int64_t position) const { return draw(0, position); }
  int32_t branch_token(int64_t branch, int64_t i) const { return draw(1 + branch, i); }

 private:
  int32_t draw(int64_t stream, int64_t i) const {
    const uint64_t bits = drawbridge::bits_at(52 + static_cast<uint64_t>(stream), static_cast<uint64_t>(i));
    return static_cast<int32_t>(bits % static_cast<uint64_t>(vocab()));
  }
};

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// A field of /proc/self/status in MB: "VmRSS", "VmHWM".
inline double memory_mb(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stod(line.substr(field.size() + 1)) * 1024 / 1e6;
  }
  die("/proc/self/status has no " + field);
}

/// Reads commands until quit or the end of stdin.
class Session {
 public:
  explicit Session(Entrant& entrant) : entrant_(entrant) {}

  /// One token through every layer, so that "ready" means ready; `extra` is more of the JSON object.
  void say_ready(const Stopwatch& since_start, const std::string& extra) {
    decode(0, 1, 1);
    std::ostringstream out;
    out << "{\"ready\":1,\"load_s\":" << since_start.seconds() << ",\"rss_mb\":" << memory_mb("VmRSS")
        << ",\"peak_mb\":" << memory_mb("VmHWM") << extra << "}";
    std::cout << out.str() << std::endl;
  }

  void run() {
    for (std::string line; std::getline(std::cin, line) && line != "quit";) obey(line);
  }

 private:
  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    int64_t a = 0, b = 0, c = 0;
    words >> verb;
    if (verb == "pp" && words >> a) {
      hold(0);
      const Stopwatch watch;
      hold(a);
      answer(a, watch.seconds());
    } else if (verb == "tg" && words >> a >> b) {
      answer(b, decode(a, 1, b));
    } else if (verb == "bd" && words >> a >> b >> c) {
      answer(b * c, decode(a, b, c));
    } else if (verb == "clear") {
      hold(0);
      answer(0, 1);
    } else {
      die("wanted pp N, tg DEPTH N, bd DEPTH B STEPS, clear or quit, found '" + line + "'");
    }
  }

  /// Brings the prompt to n tokens.
  void hold(int64_t n) {
    if (n < 0 || n > entrant_.max_context()) die("a prompt of " + std::to_string(n) + " tokens does not fit");
    if (held_ > n) entrant_.cut(n);
    if (held_ < n) entrant_.prefill(held_, n);
    held_ = n;
  }

  /// Seconds of the steps alone.
  double decode(int64_t depth, int64_t n_branches, int64_t n_steps) {
    if (n_branches < 1 || n_branches > entrant_.max_branches()) die("too many branches, or none");
    if (n_steps < 1 || n_steps > entrant_.max_steps()) die("too many steps, or none");
    hold(depth);
    entrant_.fork(depth, n_branches);
    const Stopwatch watch;
    for (int64_t i = 0; i < n_steps; ++i) entrant_.step(i);
    const double seconds = watch.seconds();
    entrant_.join();
    return seconds;
  }

  void answer(int64_t n_tokens, double seconds) const {
    std::ostringstream out;
    out << "{\"tps\":" << static_cast<double>(n_tokens) / seconds << ",\"s\":" << seconds
        << ",\"rss_mb\":" << memory_mb("VmRSS") << ",\"peak_mb\":" << memory_mb("VmHWM") << "}";
    std::cout << out.str() << std::endl;
  }

  Entrant& entrant_;
  int64_t held_ = 0;
};

}  // namespace peers
