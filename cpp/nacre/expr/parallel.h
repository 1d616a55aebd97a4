// store() over the threads of the pool. Elements do not depend on each other, so the bits are those of store().
#pragma once

#include "nacre/base/threads.h"
#include "nacre/expr/expr.h"

namespace nacre::expr {
inline namespace NACRE_ISA {

template <Expression E>
struct Shifted {
  using value_type = typename E::value_type;
  static constexpr bool is_nacre_expression = true;
  const E& e;
  int64_t first;
  NACRE_INLINE auto load(int64_t i) const { return e.load(first + i); }
  NACRE_INLINE auto load_n(int64_t i, int n) const { return e.load_n(first + i, n); }
  NACRE_INLINE int64_t count() const { return e.count() == kAnySize ? kAnySize : e.count() - first; }
};

template <class T, Expression E>
static inline int64_t parallel_store(T* out, int64_t n, const E& e) {
  const int64_t count = smaller(n, e.count());
  constexpr int64_t kGrain = 16384;  // elements
  parallel_for(count > 0 ? count : 0, kGrain, [&](int64_t begin, int64_t end, int) {
    store(out + begin, end - begin, Shifted<E>{e, begin});
  });
  return count > 0 ? count : 0;
}

}  // namespace NACRE_ISA
}  // namespace nacre::expr
