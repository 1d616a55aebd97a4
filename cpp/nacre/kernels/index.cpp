// Gather, scatter, take and put along an axis, one-hot, triangles, mask positions. Every kernel first walks its indices once: the
// first one out of range is reported and nothing is written. Adding is split among threads by destination (rows or columns), so
// that each destination element receives its terms in the order of the indices.
#include "nacre/kernels/index.h"

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/index_check.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrainBytes = 65536;

template <class Index>
inline int64_t wrapped(Index value, int64_t size) {
  const int64_t v = static_cast<int64_t>(value);
  return v < 0 ? v + size : v;
}

template <class Index>
void gather_rows(const GatherArgs& args, const Index* index) {
  if (!indices_in_range(index, args.n_index, -args.axis, args.axis, args.status)) return;
  const char* x = static_cast<const char*>(args.x);
  char* y = static_cast<char*>(args.y);
  const int64_t bytes = args.inner * args.item_size, n = args.n_index, axis = args.axis;
  if (bytes == 0) return;
  const auto move = [&](auto copy) {
    parallel_for(args.outer * n, max64(1, kGrainBytes / bytes), [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t o = row / n, k = row - o * n;
        copy(y + row * bytes, x + (o * axis + wrapped(index[k], axis)) * bytes);
      }
    });
  };
  if (bytes == 4)
    move([](char* to, const char* from) { memcpy(to, from, 4); });
  else if (bytes == 8)
    move([](char* to, const char* from) { memcpy(to, from, 8); });
  else
    move([bytes](char* to, const char* from) { memcpy(to, from, static_cast<size_t>(bytes)); });
}

void gather(const GatherArgs& args) noexcept {
  with_index(args.index_dtype, args.index, [&](auto index) { gather_rows(args, index); });
}

// Cuts the destination among threads: columns when rows are long, else ranges of rows; each part walks all indices in order.
// join(to, from, columns) joins one piece of a row.
template <class Index, class Item, class Join>
void scatter_rows(const ScatterArgs& args, const Index* index, Item*, const Join& join) {
  if (!indices_in_range(index, args.n_index, -args.axis, args.axis, args.status)) return;
  Item* x = static_cast<Item*>(args.x);
  const Item* y = static_cast<const Item*>(args.y);
  const int64_t inner = args.inner, axis = args.axis, n = args.n_index;
  if (inner == 0 || n == 0) return;
  const int64_t work = n * inner * static_cast<int64_t>(sizeof(Item));
  constexpr int64_t kWidth = 256;
  if (args.outer > 1 || work <= kGrainBytes || inner >= 2 * kWidth) {
    const int64_t blocks = ceil_div(inner, kWidth);
    parallel_for(args.outer * blocks, max64(1, kGrainBytes / (n * min64(inner, kWidth) * static_cast<int64_t>(sizeof(Item)))),
                 [&](int64_t begin, int64_t end, int) {
                   for (int64_t item = begin; item < end; ++item) {
                     const int64_t o = item / blocks, column = item % blocks * kWidth, columns = min64(kWidth, inner - column);
                     for (int64_t k = 0; k < n; ++k) {
                       join(x + (o * axis + wrapped(index[k], axis)) * inner + column, y + (o * n + k) * inner + column, columns);
                     }
                   }
                 });
    return;
  }
  const int64_t parts = min64(axis, 8);  // every part reads all n indices: few parts
  parallel_for(parts, 1, [&](int64_t begin, int64_t end, int) {
    const int64_t low = begin * axis / parts, high = end * axis / parts;
    for (int64_t k = 0; k < n; ++k) {
      const int64_t row = wrapped(index[k], axis);
      if (row >= low && row < high) join(x + row * inner, y + k * inner, inner);
    }
  });
}

void scatter_set(const ScatterArgs& args) noexcept {
  with_index(args.index_dtype, args.index, [&](auto index) {
    with_item(args.item_size, [&](auto item) {
      using Item = decltype(item);
      scatter_rows(args, index, static_cast<Item*>(nullptr), [](Item* to, const Item* from, int64_t columns) {
        memcpy(to, from, static_cast<size_t>(columns) * sizeof(Item));
      });
    });
  });
}

template <class T>
struct AddAs {
  using type = T;
};
template <>
struct AddAs<int8_t> {
  using type = uint8_t;
};
template <>
struct AddAs<int32_t> {
  using type = uint32_t;
};
template <>
struct AddAs<int64_t> {
  using type = uint64_t;
};

template <class T>
void scatter_add(const ScatterArgs& args) noexcept {
  with_index(args.index_dtype, args.index, [&](auto index) {
    scatter_rows(args, index, static_cast<T*>(nullptr), [](T* __restrict to, const T* __restrict from, int64_t columns) {
      using A = typename AddAs<T>::type;
      for (int64_t i = 0; i < columns; ++i) to[i] = static_cast<T>(static_cast<A>(to[i]) + static_cast<A>(from[i]));
    });
  });
}

template <class Item, class Index>
void take(const AlongAxisArgs& args, const Index* index) {
  const int64_t inner = args.inner, n = args.n, axis = args.axis;
  if (!indices_in_range(index, args.outer * n * inner, -axis, axis, args.status)) return;
  const Item* x = static_cast<const Item*>(args.x);
  Item* y = static_cast<Item*>(args.y);
  if (inner == 0) return;
  parallel_for(args.outer * n, max64(1, 8192 / inner), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const Item* source = x + row / n * axis * inner;
      for (int64_t i = 0; i < inner; ++i) y[row * inner + i] = source[wrapped(index[row * inner + i], axis) * inner + i];
    }
  });
}

void take_along_axis(const AlongAxisArgs& args) noexcept {
  with_index(args.index_dtype, args.index,
             [&](auto index) { with_item(args.item_size, [&](auto item) { take<decltype(item)>(args, index); }); });
}

template <class T>
void put_along_axis_add(const AlongAxisArgs& args) noexcept {
  with_index(args.index_dtype, args.index, [&](auto index) {
    const int64_t inner = args.inner, n = args.n, axis = args.axis;
    if (!indices_in_range(index, args.outer * n * inner, -axis, axis, args.status)) return;
    T* x = static_cast<T*>(args.x);
    const T* y = static_cast<const T*>(args.y);
    if (inner == 0 || n == 0) return;
    using A = typename AddAs<T>::type;
    constexpr int64_t kWidth = 64;
    const int64_t blocks = ceil_div(inner, kWidth);
    parallel_for(args.outer * blocks, max64(1, 8192 / (n * min64(inner, kWidth))), [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t o = item / blocks, first = item % blocks * kWidth, last = min64(inner, first + kWidth);
        for (int64_t k = 0; k < n; ++k) {
          for (int64_t i = first; i < last; ++i) {
            const int64_t from = (o * n + k) * inner + i;
            T& to = x[(o * axis + wrapped(index[from], axis)) * inner + i];
            to = static_cast<T>(static_cast<A>(to) + static_cast<A>(y[from]));
          }
        }
      }
    });
  });
}

template <class T>
void one_hot(const OneHotArgs& args) noexcept {
  with_index(args.index_dtype, args.index, [&](auto index) {
    const int64_t depth = args.depth;
    if (args.status && !indices_in_range(index, args.n, 0, depth, args.status)) return;
    T* y = static_cast<T*>(args.y);
    const T on = static_cast<T>(args.on), off = static_cast<T>(args.off);
    parallel_for(args.n, max64(1, 16384 / (depth + 1)), [&](int64_t begin, int64_t end, int) {
      for (int64_t k = begin; k < end; ++k) {
        T* row = y + k * depth;
        for (int64_t d = 0; d < depth; ++d) row[d] = off;
        const int64_t at = static_cast<int64_t>(index[k]);
        if (at >= 0 && at < depth) row[at] = on;
      }
    });
  });
}

void triangle(const TriangleArgs& args) noexcept {
  const int64_t rows = args.rows, columns = args.columns, item = args.item_size;
  const char* x = static_cast<const char*>(args.x);
  char* y = static_cast<char*>(args.y);
  if (columns == 0) return;
  parallel_for(args.batch * rows, max64(1, kGrainBytes / (columns * item)), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t r = row % rows, base = row * columns;
      // Columns [low, high) are kept. The diagonal is clamped first: r + diagonal must not overflow.
      const int64_t diagonal = max64(-rows, min64(columns, args.diagonal));
      const int64_t low = args.upper ? min64(columns, max64(0, r + diagonal)) : 0;
      const int64_t high = args.upper ? columns : max64(0, min64(columns, r + diagonal + 1));
      if (x != y && high > low) memcpy(y + (base + low) * item, x + (base + low) * item, static_cast<size_t>((high - low) * item));
      memset(y + base * item, 0, static_cast<size_t>(low * item));
      memset(y + (base + high) * item, 0, static_cast<size_t>((columns - high) * item));
    }
  });
}

int64_t mask_count(const uint8_t* mask, int64_t n) noexcept {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += mask[i] != 0;
  return count;
}

void mask_positions(const uint8_t* mask, int64_t n, int64_t* positions) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    if (mask[i]) *positions++ = i;
  }
}

template <class T>
void fill_number(IndexTable& table) {
  table.scatter_add[cell<T>()] = scatter_add<T>;
  table.put_along_axis_add[cell<T>()] = put_along_axis_add<T>;
  table.one_hot[cell<T>()] = one_hot<T>;
}

}  // namespace

void fill_index(IndexTable& table) {
  table = {};
  table.gather = gather;
  table.scatter_set = scatter_set;
  table.take_along_axis = take_along_axis;
  table.triangle = triangle;
  table.mask_count = mask_count;
  table.mask_positions = mask_positions;
  fill_number<float>(table);
  fill_number<double>(table);
  fill_number<int32_t>(table);
  fill_number<int64_t>(table);
  fill_number<int8_t>(table);
  fill_number<uint8_t>(table);
  table.one_hot[cell<bool>()] = one_hot<bool>;
}

}  // namespace nacre::NACRE_ISA
