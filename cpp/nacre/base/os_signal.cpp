// SIGINT by sigaction. The handler does only what a handler may: atomic stores, and the call of the earlier handler.
#include "nacre/base/os_signal.h"

#include <cerrno>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace nacre {

namespace {

struct sigaction g_before;                // written before our handler is installed, on the main thread only
int g_depth = 0;                          // guards alive on the main thread
volatile sig_atomic_t g_interrupted = 0;  // Ctrl-C came while the guard lived

bool on_main_thread() noexcept {
#if defined(__linux__)
  return getpid() == static_cast<pid_t>(syscall(SYS_gettid));
#else
  return pthread_main_np() != 0;
#endif
}

void on_interrupt(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool again = g_interrupted != 0;
  g_interrupted = 1;
  request_stop();
  if ((g_before.sa_flags & SA_SIGINFO) != 0) {
    g_before.sa_sigaction(signal, info, context);
  } else if (g_before.sa_handler != SIG_DFL && g_before.sa_handler != SIG_IGN) {
    g_before.sa_handler(signal);
  } else if (again) {
    sigaction(SIGINT, &g_before, nullptr);
    ::raise(SIGINT);
  }
  errno = saved;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (!on_main_thread()) {
    shield_.emplace();
    return;
  }
  if (g_depth++ > 0) return;
  clear_stop();
  g_interrupted = 0;
  if (sigaction(SIGINT, nullptr, &g_before) != 0) return;
  const bool plain = (g_before.sa_flags & SA_SIGINFO) == 0;
  if (plain && g_before.sa_handler == SIG_IGN) return;  // whoever ignores Ctrl-C means it
  struct sigaction ours = {};
  ours.sa_sigaction = on_interrupt;
  ours.sa_mask = g_before.sa_mask;
  ours.sa_flags = (g_before.sa_flags & (SA_RESTART | SA_ONSTACK | SA_NODEFER)) | SA_SIGINFO;
  installed_ = sigaction(SIGINT, &ours, nullptr) == 0;
}

InterruptGuard::~InterruptGuard() {
  if (shield_) return;
  --g_depth;
  if (installed_) {
    struct sigaction now = {};
    // A callback may have set a handler of its own: that one stays.
    const bool ours = sigaction(SIGINT, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_interrupt;
    if (ours) sigaction(SIGINT, &g_before, nullptr);
  }
  if (g_depth == 0) clear_stop();
}

}  // namespace nacre
