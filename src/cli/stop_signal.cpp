#include "cli/stop_signal.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace drawbridge {
namespace {

sem_t stop_asked;  // sem_post is one of the few calls that a signal handler may make
std::atomic<int> n_signals = 0;

void on_stop_signal(int) {
  if (n_signals++ > 0) ::_exit(1);
  ::sem_post(&stop_asked);
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
  ::sem_init(&stop_asked, 0, 0);
  handle(SIGINT, on_stop_signal);
  handle(SIGTERM, on_stop_signal);
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

void wait_for_stop_signal() {
  while (::sem_wait(&stop_asked) != 0 && errno == EINTR) {
  }
}

}  // namespace drawbridge
