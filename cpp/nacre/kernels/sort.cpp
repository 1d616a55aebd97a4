// Stable merge sort of (value, position) pairs, bottom up from insertion-sorted runs of 16. Top-k with small k keeps a sorted list
// of the best so far and scans; larger k sorts. Scratch: two arrays of n pairs for each task. Each row has one owner.
#include "nacre/kernels/sort.h"

#include "nacre/base/threads.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kRun = 16;
constexpr int64_t kSmallK = 32;

template <class T>
struct Entry {
  T value;
  int64_t index;
};

// Strict order; NaN after everything, equal to other NaN. Position never decides: stability does.
template <bool kDescending, class T>
inline bool before(T a, T b) {
  if constexpr (T(0.5) != T(0)) {
    if (b != b) return a == a;
  }
  return kDescending ? a > b : a < b;  // false when a is NaN
}

template <bool kDescending, class T>
void insertion_sort(Entry<T>* e, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const Entry<T> x = e[i];
    int64_t j = i;
    for (; j > 0 && before<kDescending>(x.value, e[j - 1].value); --j) e[j] = e[j - 1];
    e[j] = x;
  }
}

// Sorts e[0..n); other is as long. Returns which of the two holds the result.
template <bool kDescending, class T>
Entry<T>* merge_sort(Entry<T>* e, Entry<T>* other, int64_t n) {
  for (int64_t i = 0; i < n; i += kRun) insertion_sort<kDescending>(e + i, min64(kRun, n - i));
  for (int64_t width = kRun; width < n; width *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = min64(n, begin + width), end = min64(n, begin + 2 * width);
      int64_t a = begin, b = middle, to = begin;
      if (middle < end && !before<kDescending>(e[middle].value, e[middle - 1].value)) a = b = end;  // already in order
      if (a == end) {
        for (int64_t i = begin; i < end; ++i) other[i] = e[i];
        continue;
      }
      while (a < middle && b < end) other[to++] = before<kDescending>(e[b].value, e[a].value) ? e[b++] : e[a++];
      while (a < middle) other[to++] = e[a++];
      while (b < end) other[to++] = e[b++];
    }
    Entry<T>* swapped = e;
    e = other;
    other = swapped;
  }
  return e;
}

// The k first in order: `best` stays sorted, a newcomer moves in behind its equals.
template <bool kDescending, class T>
void select_first(const T* x, int64_t n, int64_t k, Entry<T>* best) {
  int64_t held = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (held == k && !before<kDescending>(x[i], best[k - 1].value)) continue;
    int64_t j = held < k ? held++ : k - 1;
    for (; j > 0 && before<kDescending>(x[i], best[j - 1].value); --j) best[j] = best[j - 1];
    best[j] = {x[i], i};
  }
}

template <class T, bool kDescending>
void sort_rows(const SortArgs& args, void* scratch) {
  const int64_t n = args.n, k = args.k, tasks = min64(args.tasks, args.rows);
  if (k == 0 || tasks <= 0) return;
  const bool selects = k <= kSmallK && k < n;
  Entry<T>* space = static_cast<Entry<T>*>(scratch);
  parallel_for(tasks, 1, [&](int64_t first_task, int64_t last_task, int) {
    for (int64_t task = first_task; task < last_task; ++task) {
      Entry<T>* mine = space + 2 * n * task;
      for (int64_t r = task * args.rows / tasks; r < (task + 1) * args.rows / tasks; ++r) {
        const T* x = static_cast<const T*>(args.x) + r * n;
        Entry<T>* sorted = mine;
        if (selects) {
          select_first<kDescending>(x, n, k, mine);
        } else {
          for (int64_t i = 0; i < n; ++i) mine[i] = {x[i], i};
          sorted = merge_sort<kDescending>(mine, mine + n, n);
        }
        if (args.values) {
          T* values = static_cast<T*>(args.values) + r * k;
          for (int64_t i = 0; i < k; ++i) values[i] = sorted[i].value;
        }
        if (args.indices) {
          for (int64_t i = 0; i < k; ++i) args.indices[r * k + i] = sorted[i].index;
        }
      }
    }
  });
}

template <class T>
void sort(const SortArgs& args, void* scratch) noexcept {
  if (args.descending)
    sort_rows<T, true>(args, scratch);
  else
    sort_rows<T, false>(args, scratch);
}

// An entry has 16 bytes whatever the dtype: the position aligns it.
int64_t sort_scratch(DType, const SortArgs& args) noexcept {
  static_assert(sizeof(Entry<float>) == 16 && sizeof(Entry<double>) == 16 && sizeof(Entry<int8_t>) == 16);
  return 2 * args.n * max64(0, min64(args.tasks, args.rows)) * 16;
}

}  // namespace

void fill_sort(SortTable& table) {
  table = {};
  table.sort[cell<float>()] = sort<float>;
  table.sort[cell<double>()] = sort<double>;
  table.sort[cell<int32_t>()] = sort<int32_t>;
  table.sort[cell<int64_t>()] = sort<int64_t>;
  table.sort[cell<int8_t>()] = sort<int8_t>;
  table.sort[cell<uint8_t>()] = sort<uint8_t>;
  table.sort[cell<bool>()] = sort<uint8_t>;
  table.sort_scratch = sort_scratch;
}

}  // namespace nacre::NACRE_ISA
