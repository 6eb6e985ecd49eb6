#include "cli/stop_signal.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace drawbridge {
namespace {

sem_t signalled;  // sem_post is one of the few calls that a signal handler may make
std::atomic<int> n_signals = 0;
std::atomic<bool> stop_asked = false;
std::atomic<bool> reload_asked = false;

void on_stop_signal(int) {
  if (n_signals++ > 0) ::_exit(1);
  ::sem_post(&signalled);
}

void on_reload_signal(int) {
  reload_asked = true;
  ::sem_post(&signalled);
}

void on_interrupt(int) {
  if (n_signals++ > 0) ::_exit(130);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_stop_signals() {
  ::sem_init(&signalled, 0, 0);
  handle(SIGINT, on_stop_signal);
  handle(SIGTERM, on_stop_signal);
  handle(SIGHUP, on_reload_signal);
}

void catch_interrupts() {
  handle(SIGINT, on_interrupt);
}

bool interrupted() {
  return n_signals > 0;
}

void clear_interrupt() {
  n_signals = 0;
}

void ask_to_stop() {
  stop_asked = true;
  ::sem_post(&signalled);
}

Signal wait_for_signal(std::chrono::seconds limit) {
  timespec until = {};
  ::clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += limit.count();
  while (::sem_timedwait(&signalled, &until) != 0 && errno == EINTR) {
  }
  if (n_signals > 0 || stop_asked) return Signal::kStop;
  return reload_asked.exchange(false) ? Signal::kReload : Signal::kNone;
}

}  // namespace drawbridge
