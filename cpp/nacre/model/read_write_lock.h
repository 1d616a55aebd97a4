// A lock for weights: any number of readers (predict), or one writer (an optimizer step). Phase-fair: a writer waits for the readers of
// now, then the readers that came meanwhile go first, so that neither a busy training loop nor a stream of predictions starves the other.
#pragma once

#include <condition_variable>
#include <mutex>

namespace nacre::model {

class ReadWriteLock {
 public:
  void lock_shared() {
    std::unique_lock<std::mutex> hold(mutex_);
    ++waiting_readers_;
    changed_.wait(hold, [&] { return !writing_ && (waiting_writers_ == 0 || admitted_ > 0); });
    --waiting_readers_;
    if (admitted_ > 0) --admitted_;
    ++readers_;
  }
  void unlock_shared() {
    const std::lock_guard<std::mutex> hold(mutex_);
    if (--readers_ == 0) changed_.notify_all();
  }
  void lock() {
    std::unique_lock<std::mutex> hold(mutex_);
    ++waiting_writers_;
    changed_.wait(hold, [&] { return !writing_ && readers_ == 0 && admitted_ == 0; });
    --waiting_writers_;
    writing_ = true;
  }
  void unlock() {
    const std::lock_guard<std::mutex> hold(mutex_);
    writing_ = false;
    admitted_ = waiting_readers_;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int readers_ = 0, waiting_readers_ = 0, waiting_writers_ = 0;
  int admitted_ = 0;  // waiting readers that go before the next writer
  bool writing_ = false;
};

}  // namespace nacre::model
