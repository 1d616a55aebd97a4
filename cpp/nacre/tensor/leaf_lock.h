// What threads that share leaves (a model's weights) must not do at once: read and write a leaf's `grad` and `node`.
// A lock is held for a few instructions and never while another is taken.
#pragma once

#include "nacre/tensor/tensor.h"

namespace nacre {

// Locks one of a few flags, chosen by address.
class NACRE_API LeafLock {
 public:
  explicit LeafLock(const void* key) noexcept;
  ~LeafLock();
  LeafLock(const LeafLock&) = delete;
  LeafLock& operator=(const LeafLock&) = delete;

 private:
  std::atomic_flag& flag_;
};

// Makes `fresh` the gradient of x if `expected` still is (an empty handle: none); false when another thread came first.
NACRE_API bool exchange_grad(const Tensor& x, const Tensor& expected, Tensor fresh) noexcept;

}  // namespace nacre
