// Capturing: while a Recorder is open on a thread, apply() appends ops to it in place of running them and gives symbolic tensors, which have dtype
// and shape but no values. The tape records in both cases, so gradients of captured ops are the ones of eager execution.
//
// Ops on tensors that have values are captured too: what was not computed from the graph's inputs may change between two runs (weights).
#pragma once

#include <span>
#include <string_view>

#include "nacre/base/random.h"
#include "nacre/ops/op.h"

namespace nacre {

class NACRE_API Recorder {
 public:
  virtual ~Recorder();
  // Appends an op and fills `out`, one symbolic tensor per type. `name`: what messages call the op, that of the compound op it is part of.
  virtual void record(const OpDef& def, const void* attrs, std::string_view name, std::span<const Tensor> in,
                      std::span<const Type> types, std::span<Tensor> out) = 0;
  // Says that this tensor, made by an op's own code, never changes.
  virtual void constant(const Tensor& t) = 0;
  // The key tensor of random ops; its step counts on from run to run.
  virtual Tensor step_key(const RandomKey& key) = 0;
};

// Of this thread; null when nothing is captured.
NACRE_API Recorder* recorder() noexcept;

// Opens a recorder for the lifetime of this object. StateError when one is open already.
class NACRE_API Capture {
 public:
  explicit Capture(Recorder& r);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
};

// Runs ops although a recorder is open: for constants of the captured model.
class NACRE_API RunNow {
 public:
  RunNow();
  ~RunNow();
  RunNow(const RunNow&) = delete;
  RunNow& operator=(const RunNow&) = delete;

 private:
  Recorder* before_;
};

}  // namespace nacre
