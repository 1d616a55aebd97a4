// Attention forward: a worker owns a block of queries of one head and walks the keys block by block, keeping for each row the
// largest score m, the sum l of exp(s - m) and the unnormalised output; when m grows, l and the output are scaled by exp(m_old -
// m). Scores of one block live in scratch; a row that saw no key keeps m = -inf, l = 0 and gives 0.
// Rows of one head lie far apart where heads are side by side in memory: the keys and values of a head are packed once by each worker that needs
// them, queries are copied where they would fall on the same cache sets.
#include "nacre/kernels/attention.h"

#include "nacre/kernels/attention_block.h"

namespace nacre {
namespace NACRE_ISA {

// attention_backward.cpp
int64_t attention_backward_scratch(const AttentionArgs& g) noexcept;
void attention_backward(const AttentionArgs& g, void* scratch) noexcept;

namespace {

constexpr int64_t kQueryBlock = 192;
constexpr int64_t kHeadBytes =
    8 << 20;  // packed keys and values of a head; larger ones are packed block by block, for each block of queries

template <class T>
struct Layout {  // of one worker's scratch, in elements
  int64_t keys, values, queries, scores, output, rows, total;
  int64_t key_slot, value_slot;  // of one block of keys
  int64_t query_stride, output_stride;
  bool kept;            // a slot for each block of keys
  bool copies_queries;  // their rows fall on the same cache sets
};

template <class T>
Layout<T> make_layout(const AttentionArgs& g) {
  Layout<T> l{};
  const int64_t queries = smaller(kQueryBlock, g.queries), keys = smaller(kKeyBlock, g.keys);
  l.query_stride = padded<T>(g.width);
  l.copies_queries = rows_collide(g.q.stride_t * int64_t(sizeof(T)), tile_rows(2));
  l.output_stride = round_up(g.value_width, Packet<T>::size);
  l.key_slot = round_up(packed_size<T>(g.width, keys), 16);
  l.value_slot = round_up(packed_size<T>(keys, g.value_width), 16);
  const int64_t blocks = ceil_div(g.keys, kKeyBlock), block_bytes = (l.key_slot + l.value_slot) * int64_t(sizeof(T));
  l.kept = blocks <= kHeadBytes / larger(1, block_bytes);
  const int64_t slots = l.kept ? blocks : 1;
  l.keys = 16;  // before it: the head whose keys are packed
  l.values = l.keys + slots * l.key_slot;
  l.queries = l.values + slots * l.value_slot;
  l.scores = l.queries + (l.copies_queries ? round_up(queries * l.query_stride, 16) : 0);
  l.output = l.scores + round_up(queries * (kKeyBlock + kRowPad), 16);
  l.rows = l.output + round_up(queries * l.output_stride, 16);
  l.total = l.rows + round_up(2 * queries, 16);
  return l;
}

template <class T>
struct KeyBlock {
  PackedBlock<T> keys_t, values;
};

template <class T>
KeyBlock<T> key_block(const AttentionArgs& g, const Layout<T>& l, int64_t k0, bool pack, int64_t b, int64_t h, T* scratch) {
  const int64_t slot = l.kept ? k0 / kKeyBlock : 0, keys = smaller(kKeyBlock, g.keys - k0), rows = smaller(kQueryBlock, g.queries);
  T *keys_t = scratch + l.keys + slot * l.key_slot, *values = scratch + l.values + slot * l.value_slot;
  if (pack)
    return {pack_block(at<T>(g.k, b, h, k0), g.k.stride_t, true, g.width, keys, rows, keys_t),
            pack_block(at<T>(g.v, b, h, k0), g.v.stride_t, false, keys, g.value_width, rows, values)};
  return {packed_block(g.width, keys, rows, keys_t), packed_block(keys, g.value_width, rows, values)};
}

template <class T>
void scale_row(T* row, int64_t n, T by) {
  using P = Packet<T>;
  for (int64_t j = 0; j < n; j += P::size) (P::load(row + j) * P::set1(by)).store(row + j);  // rows are padded to whole packets
}

// NaN is passed over.
template <class T>
T largest_of(const T* s, int64_t n) {
  using P = Packet<T>;
  P most = P::set1(-kInfinity<T>);
  int64_t j = 0;
  for (; j + P::size <= n; j += P::size) most = max(P::load(s + j), most);
  if (const int rest = static_cast<int>(n - j); rest > 0)
    most = max(select(simd::Mask<T>::first(rest), P::load_n(s + j, rest), most), most);
  return reduce_max(most);
}

// s[j] = exp(s[j] * scale - m) for j < n, 0 up to `all`, and their sum in a fixed order. Rows are padded to whole packets.
template <class T>
T exp_row(T* s, int64_t n, int64_t all, T scale, T m) {
  using P = Packet<T>;
  const P shift = P::set1(-m), by = P::set1(scale);
  P sum = P::zero();
  int64_t j = 0;
  for (; j + P::size <= n; j += P::size) {
    const P p = exp_score(multiply_add(P::load(s + j), by, shift));
    p.store(s + j);
    sum = sum + p;
  }
  if (const int rest = static_cast<int>(n - j); rest > 0) {
    const P p = select(simd::Mask<T>::first(rest), exp_score(multiply_add(P::load_n(s + j, rest), by, shift)), P::zero());
    p.store(s + j);
    sum = sum + p;
    j += P::size;
  }
  for (; j < all; j += P::size) P::zero().store(s + j);
  return reduce_add(sum);
}

template <class T>
void query_block(const AttentionArgs& g, const Layout<T>& l, int64_t b, int64_t h, int64_t q0, T* scratch) {
  const int64_t rows = smaller(kQueryBlock, g.queries - q0), stride = kKeyBlock + kRowPad;
  T *scores = scratch + l.scores, *output = scratch + l.output, *largest = scratch + l.rows, *sums = largest + rows;
  for (int64_t i = 0; i < rows; ++i) {
    largest[i] = -kInfinity<T>;
    sums[i] = T(0);
  }
  if (g.value_width < l.output_stride) clear(output, rows * l.output_stride);  // what no product writes is scaled, too
  const T* q = at<T>(g.q, b, h, q0);
  int64_t q_stride = g.q.stride_t;
  if (l.copies_queries) {
    copy_rows(q, q_stride, rows, g.width, scratch + l.queries, l.query_stride);
    q = scratch + l.queries;
    q_stride = l.query_stride;
  }
  const bool masked = g.bool_mask.data || g.add_mask.data || !(g.scale > 0);
  const T scale = late_scale<T>(g);
  const int64_t key_end = visible_keys(g, q0 + rows - 1);
  auto& packed_head = *reinterpret_cast<int64_t*>(scratch);
  const bool pack = !l.kept || packed_head != b * g.heads + h;
  if (pack && l.kept) {
    for (int64_t k0 = 0; k0 < g.keys; k0 += kKeyBlock) key_block(g, l, k0, true, b, h, scratch);
    packed_head = b * g.heads + h;
  }
  for (int64_t k0 = 0; k0 < key_end; k0 += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, g.keys - k0);
    const KeyBlock<T> block = key_block(g, l, k0, !l.kept, b, h, scratch);
    // Rows that end before this key block have nothing here: the first row that sees key k0 begins.
    const int64_t i0 = larger(0, first_query(g, k0) - q0);
    const auto seen = [&](int64_t i) { return larger(0, smaller(keys, visible_keys(g, q0 + i) - k0)); };
    block_product(q + i0 * q_stride, q_stride, false, rows - i0, block.keys_t, scores + i0 * stride, stride, false,
                  [&](int64_t i, int64_t count) {
                    return Band{0, seen(i0 + i + count - 1), 0, g.width};
                  });
    for (int64_t i = i0; i < rows; ++i) {
      T* s = scores + i * stride;
      const int64_t n = seen(i);
      if (masked) add_masks(g, b, h, q0 + i, k0, 0, 1, n, s);
      const T m = largest_of(s, n) * scale;
      const T before = largest[i], now = m > before ? m : before;
      // Nothing seen yet: any finite shift keeps exp(-inf) = 0, and lets NaN scores through.
      const T shift = now == -kInfinity<T> ? T(0) : now;
      const T sum = exp_row(s, n, keys, scale, shift);
      if (now != before && before != -kInfinity<T>) {
        const T by = sizeof(T) == 4 ? static_cast<T>(__builtin_expf(static_cast<float>(before - now)))
                                    : static_cast<T>(__builtin_exp(before - now));
        sums[i] *= by;
        scale_row(output + i * l.output_stride, l.output_stride, by);
      }
      largest[i] = now;
      sums[i] += sum;
    }
    if (k0 == 0) clear(output, i0 * l.output_stride);
    block_product(scores + i0 * stride, stride, false, rows - i0, block.values, output + i0 * l.output_stride, l.output_stride,
                  k0 > 0, [&](int64_t i, int64_t count) {
                    return Band{0, g.value_width, 0, seen(i0 + i + count - 1)};
                  });
  }
  using P = Packet<T>;
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = output + i * l.output_stride;
    T* to = at<T>(g.o, b, h, q0 + i);
    const bool seen = sums[i] != T(0);  // NaN counts as seen
    const P by = P::set1(seen ? T(1) / sums[i] : T(0));
    for (int64_t j = 0; j < g.value_width; j += P::size) {
      const P v = seen ? P::load(row + j) * by : P::zero();
      const int some = static_cast<int>(smaller(P::size, g.value_width - j));
      if (some == P::size)
        v.store(to + j);
      else
        v.store_n(to + j, some);
    }
  }
  if (!g.lse) return;
  T* lse = static_cast<T*>(g.lse) + (b * g.heads + h) * g.queries + q0;
  for (int64_t i = 0; i < rows; i += P::size) {
    const int some = static_cast<int>(smaller(P::size, rows - i));
    const P sum = P::load_n(sums + i, some);
    const P all = P::load_n(largest + i, some) + simd::log(sum);
    select(eq(sum, P::zero()), P::set1(-kInfinity<T>), all).store_n(lse + i, some);
  }
}

template <class T>
void run(const AttentionArgs& g, void* scratch) {
  if (g.queries == 0) return;
  const Layout<T> l = make_layout<T>(g);
  const int64_t blocks = ceil_div(g.queries, kQueryBlock), units = g.batch * g.heads * blocks;
  const double work = double(g.batch * g.heads) * double(g.queries) * double(g.keys) * double(g.width + g.value_width);
  const bool small = work < double(kForkWork);
  for (int w = 0; w < g.threads; ++w) *reinterpret_cast<int64_t*>(static_cast<T*>(scratch) + w * l.total) = -1;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t head = u / blocks;
      query_block(g, l, head / g.heads, head % g.heads, u % blocks * kQueryBlock, static_cast<T*>(scratch) + worker * l.total);
    }
  };
  // Blocks of one head in one hand where there are heads enough, and they end soon.
  const bool by_head = g.batch * g.heads >= 4 * g.threads && work < double(g.batch * g.heads) * double(kPieceWork);
  parallel_for(units, small ? larger(1, units) : by_head ? blocks : 1, body, g.threads);
}

int64_t forward_scratch(const AttentionArgs& g) noexcept {
  if (g.queries == 0) return 0;
  return g.dtype == DType::float64 ? make_layout<double>(g).total * 8 * g.threads : make_layout<float>(g).total * 4 * g.threads;
}

void forward(const AttentionArgs& g, void* scratch) noexcept {
  if (g.dtype == DType::float64) return run<double>(g, scratch);
  run<float>(g, scratch);
}

}  // namespace

void fill_attention(AttentionTable& table) {
  table.forward_scratch = forward_scratch;
  table.backward_scratch = attention_backward_scratch;
  table.forward = forward;
  table.backward = attention_backward;
}

}  // namespace NACRE_ISA
}  // namespace nacre
