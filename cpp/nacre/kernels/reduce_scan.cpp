// Running sums and products along the middle axis of [outer, n, inner]. Floats add in double, so that long scans stay accurate;
// integers wrap. Each (outer, block of inner) lane has one owner.
#include "nacre/base/threads.h"
#include "nacre/kernels/reduce.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int kBlock = 64;

template <class T>
struct Running {
  using type = double;
};
template <>
struct Running<int32_t> {
  using type = uint32_t;
};
template <>
struct Running<int64_t> {
  using type = uint64_t;
};

template <class T, bool kProduct>
void scan(const ScanArgs& args) noexcept {
  using Total = typename Running<T>::type;
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const int64_t n = args.n, inner = args.inner, blocks = ceil_div(inner, kBlock);
  if (n == 0 || inner == 0) return;
  const int64_t first = args.reverse ? n - 1 : 0, step = args.reverse ? -inner : inner;
  const bool exclusive = args.exclusive;
  parallel_for(args.outer * blocks, max64(1, kGrain / (n * min64(inner, kBlock))), [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t block = item % blocks, at = (item / blocks * n + first) * inner + block * kBlock;
      const int columns = static_cast<int>(min64(kBlock, inner - block * kBlock));
      Total total[kBlock];
      for (int j = 0; j < columns; ++j) total[j] = kProduct ? Total(1) : Total(0);
      const T* source = x + at;
      T* target = y + at;
      for (int64_t i = 0; i < n; ++i) {
        for (int j = 0; j < columns; ++j) {
          const Total before = total[j], value = static_cast<Total>(source[j]);
          total[j] = kProduct ? before * value : before + value;
          target[j] = static_cast<T>(exclusive ? before : total[j]);
        }
        if (i + 1 < n) {
          source += step;
          target += step;
        }
      }
    }
  });
}

template <class T>
void fill(ReduceTable& table) {
  table.cumsum[cell<T>()] = scan<T, false>;
  table.cumprod[cell<T>()] = scan<T, true>;
}

}  // namespace

void fill_scan(ReduceTable& table) {
  fill<float>(table);
  fill<double>(table);
  fill<int32_t>(table);
  fill<int64_t>(table);
}

}  // namespace nacre::NACRE_ISA
