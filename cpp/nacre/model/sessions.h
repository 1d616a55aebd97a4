// What the calls for single batches (train_on_batch, predict_on_batch) keep from one call to the next, so that a call for arrays of the same
// kinds is little more than its step.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "nacre/model/callback.h"
#include "nacre/model/program.h"

namespace nacre::model {

class Session;  // on_batch.cpp

class Sessions {
 public:
  Sessions();
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // The session for such arrays, which is the caller's own until it is put back; null when there is none. It goes stale when the model changes.
  std::unique_ptr<Session> take(Mode mode, const Arrays& x, const Arrays& y);
  void put(std::unique_ptr<Session> session);
  void clear();
  void clear(Mode mode);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> kept_;  // the last used first
};

}  // namespace nacre::model
