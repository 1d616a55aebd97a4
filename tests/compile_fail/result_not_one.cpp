// An op of several results gives a list, which is no tensor.
// expect: conversion from .*vector<nacre::Tensor.*requested
#include "nacre/ops/ops.h"

nacre::Tensor f(const nacre::Tensor& x) {
#ifdef MISTAKE
  const nacre::Tensor y = nacre::top_k(x, {.k = 1});
  return y;
#else
  return nacre::top_k(x, {.k = 1})[0];
#endif
}
