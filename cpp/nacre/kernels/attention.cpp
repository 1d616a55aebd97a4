// Attention forward: a worker owns a block of queries of one head and walks the keys block by block, keeping for each row the
// largest score m, the sum l of exp(s - m) and the unnormalised output; when m grows, l and the output are scaled by exp(m_old -
// m). Scores of one block live in scratch; a row that saw no key keeps m = -inf, l = 0 and gives 0.
#include "nacre/kernels/attention.h"

#include "nacre/kernels/attention_block.h"

namespace nacre {
namespace NACRE_ISA {

// attention_backward.cpp
int64_t attention_backward_scratch(const AttentionArgs& g) noexcept;
void attention_backward(const AttentionArgs& g, void* scratch) noexcept;

namespace {

constexpr int64_t kQueryBlock = 192;  // the packing of a key block is shared by so many rows

template <class T>
struct Layout {  // of one worker's scratch, in elements
  int64_t keys, values, scores, output, rows, total;
  int64_t output_stride;
};

template <class T>
Layout<T> make_layout(const AttentionArgs& g) {
  Layout<T> l{};
  const int64_t queries = smaller(kQueryBlock, g.queries), keys = smaller(kKeyBlock, g.keys);
  l.output_stride = round_up(g.value_width, Packet<T>::size);
  l.keys = 0;
  l.values = l.keys + round_up(packed_size<T>(g.width, keys), 16);
  l.scores = l.values + round_up(packed_size<T>(keys, g.value_width), 16);
  l.output = l.scores + round_up(queries * (kKeyBlock + kRowPad), 16);
  l.rows = l.output + round_up(queries * l.output_stride, 16);
  l.total = l.rows + round_up(2 * queries, 16);
  return l;
}

template <class T>
void scale_row(T* row, int64_t n, T by) {
  using P = Packet<T>;
  for (int64_t j = 0; j < n; j += P::size) (P::load(row + j) * P::set1(by)).store(row + j);  // rows are padded to whole packets
}

// s[j] = exp(s[j] - m), and their sum in a fixed order.
template <class T>
T exp_row(T* s, int64_t n, T m) {
  using P = Packet<T>;
  const P shift = P::set1(m);
  P sum = P::zero();
  int64_t j = 0;
  for (; j + P::size <= n; j += P::size) {
    const P p = simd::exp(P::load(s + j) - shift);
    p.store(s + j);
    sum = sum + p;
  }
  T total = reduce_add(sum);
  if (j < n) {
    const int rest = static_cast<int>(n - j);
    simd::exp(P::load_n(s + j, rest) - shift).store_n(s + j, rest);
    for (; j < n; ++j) total += s[j];
  }
  return total;
}

template <class T>
void query_block(const AttentionArgs& g, const Layout<T>& l, int64_t b, int64_t h, int64_t q0, T* scratch) {
  const int64_t rows = smaller(kQueryBlock, g.queries - q0), stride = kKeyBlock + kRowPad;
  T *scores = scratch + l.scores, *output = scratch + l.output, *largest = scratch + l.rows, *sums = largest + rows;
  for (int64_t i = 0; i < rows; ++i) {
    largest[i] = -kInfinity<T>;
    sums[i] = T(0);
  }
  for (int64_t i = 0; i < rows * l.output_stride; ++i) output[i] = T(0);
  const T* q = at<T>(g.q, b, h, q0);
  const int64_t key_end = visible_keys(g, q0 + rows - 1);
  for (int64_t k0 = 0; k0 < key_end; k0 += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, key_end - k0);
    const PackedBlock<T> kt = pack_block(at<T>(g.k, b, h, k0), g.k.stride_t, true, g.width, keys, rows, scratch + l.keys);
    const PackedBlock<T> v = pack_block(at<T>(g.v, b, h, k0), g.v.stride_t, false, keys, g.value_width, rows, scratch + l.values);
    // Rows that end before this key block have nothing here: the first row that sees key k0 begins.
    const int64_t i0 = larger(0, first_query(g, k0) - q0);
    block_product(q + i0 * g.q.stride_t, g.q.stride_t, false, rows - i0, kt, scores + i0 * stride, stride, false);
    for (int64_t i = i0; i < rows; ++i) {
      T* s = scores + i * stride;
      const T m = mask_row(g, b, h, q0 + i, k0, keys, s);
      const T before = largest[i], now = m > before ? m : before;
      // Nothing seen yet: any finite shift keeps exp(-inf) = 0, and lets NaN scores through.
      const T shift = now == -kInfinity<T> ? T(0) : now;
      const T sum = exp_row(s, keys, shift);
      if (now != before && before != -kInfinity<T>) {
        const T by = sizeof(T) == 4 ? static_cast<T>(__builtin_expf(static_cast<float>(before - now)))
                                    : static_cast<T>(__builtin_exp(before - now));
        sums[i] *= by;
        scale_row(output + i * l.output_stride, l.output_stride, by);
      }
      largest[i] = now;
      sums[i] += sum;
    }
    block_product(scores + i0 * stride, stride, false, rows - i0, v, output + i0 * l.output_stride, l.output_stride, true);
  }
  T* lse = static_cast<T*>(g.lse);
  if (lse) lse += (b * g.heads + h) * g.queries + q0;
  for (int64_t i = 0; i < rows; ++i) {
    T* row = output + i * l.output_stride;
    T* to = at<T>(g.o, b, h, q0 + i);
    const bool seen = sums[i] != T(0);  // NaN counts as seen
    const T by = seen ? T(1) / sums[i] : T(0);
    for (int64_t j = 0; j < g.value_width; ++j) to[j] = seen ? row[j] * by : T(0);
    if (lse) lse[i] = seen ? largest[i] + static_cast<T>(__builtin_log(static_cast<double>(sums[i]))) : -kInfinity<T>;
  }
}

template <class T>
void run(const AttentionArgs& g, void* scratch) {
  if (g.queries == 0) return;
  const Layout<T> l = make_layout<T>(g);
  const int64_t blocks = ceil_div(g.queries, kQueryBlock), units = g.batch * g.heads * blocks;
  const double work = double(g.batch * g.heads) * double(g.queries) * double(g.keys) * double(g.width + g.value_width);
  const bool small = work < double(kForkWork);
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t head = u / blocks;
      query_block(g, l, head / g.heads, head % g.heads, u % blocks * kQueryBlock, static_cast<T*>(scratch) + worker * l.total);
    }
  };
  parallel_for(units, small ? larger(1, units) : 1, body, g.threads);
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
