// Attention backward. p is recomputed block by block from the scores and lse; with dp = do v^T and ds = scale * p * (dp - delta):
//   dv_j += p_ij^T do_i      dk_j += ds_ij^T q_i      dq_i += ds_ij k_j
//
// With enough heads a worker owns a head and forms p and ds once. Otherwise two passes: workers own key blocks (dk, dv), then query
// blocks (dq), at 7/5 of the work. Every cell receives the same terms in the same order both ways, so the bits agree and the choice
// may depend on the number of threads.
#include "nacre/kernels/attention_block.h"

namespace nacre {
namespace NACRE_ISA {

int64_t attention_backward_scratch(const AttentionArgs& g) noexcept;
void attention_backward(const AttentionArgs& g, void* scratch) noexcept;

namespace {

constexpr int64_t kQueryBlock = 128;
constexpr int64_t kStride = kKeyBlock + kRowPad;

template <class T>
struct Layout {  // in elements; delta is shared, the rest is one worker's
  int64_t delta;
  int64_t keys_t, values_t, keys, queries, douts, p, ds, total;
};

template <class T>
Layout<T> make_layout(const AttentionArgs& g) {
  Layout<T> l{};
  const int64_t q = smaller(kQueryBlock, g.queries), k = smaller(kKeyBlock, g.keys);
  l.delta = round_up(g.batch * g.heads * g.queries, 16);
  l.keys_t = 0;
  l.values_t = l.keys_t + round_up(packed_size<T>(g.width, k), 16);
  l.keys = l.values_t + round_up(packed_size<T>(g.value_width, k), 16);
  l.queries = l.keys + round_up(packed_size<T>(k, g.width), 16);
  l.douts = l.queries + round_up(packed_size<T>(q, g.width), 16);
  l.p = l.douts + round_up(packed_size<T>(q, g.value_width), 16);
  l.ds = l.p + q * kStride;
  l.total = round_up(l.ds + q * kStride, 16);
  return l;
}

template <class T>
struct Head {
  const AttentionArgs& g;
  const Layout<T>& l;
  int64_t b, h;
  const T* lse;
  const T* delta;
  T* scratch;
};

// p and ds of queries q0.. and keys k0.. whose packed k^T and v^T are given.
template <class T>
void scores(const Head<T>& x, int64_t q0, int64_t rows, int64_t k0, int64_t keys, const PackedBlock<T>& kt,
            const PackedBlock<T>& vt) {
  using P = Packet<T>;
  const AttentionArgs& g = x.g;
  T *p = x.scratch + x.l.p, *ds = x.scratch + x.l.ds;
  block_product(at<T>(g.q, x.b, x.h, q0), g.q.stride_t, false, rows, kt, p, kStride, false);
  block_product(at<T>(g.dout, x.b, x.h, q0), g.dout.stride_t, false, rows, vt, ds, kStride, false);
  const P scale = P::set1(static_cast<T>(g.scale));
  for (int64_t i = 0; i < rows; ++i, p += kStride, ds += kStride) {
    mask_row(g, x.b, x.h, q0 + i, k0, keys, p);
    const T lse = x.lse[q0 + i];
    const bool empty = lse == -kInfinity<T>;  // a fully masked row: p = 0
    const P shift = P::set1(empty ? T(0) : lse), delta = P::set1(x.delta[q0 + i]);
    for (int64_t j = 0; j < keys; j += P::size) {
      const int n = static_cast<int>(smaller(P::size, keys - j));
      const P v = empty ? P::zero() : simd::exp(P::load_n(p + j, n) - shift);
      v.store_n(p + j, n);
      (empty ? P::zero() : v * (P::load_n(ds + j, n) - delta) * scale).store_n(ds + j, n);
    }
  }
}

template <class T>
PackedBlock<T> pack_keys_t(const Head<T>& x, int64_t k0, int64_t keys) {
  return pack_block(at<T>(x.g.k, x.b, x.h, k0), x.g.k.stride_t, true, x.g.width, keys, kQueryBlock, x.scratch + x.l.keys_t);
}
template <class T>
PackedBlock<T> pack_values_t(const Head<T>& x, int64_t k0, int64_t keys) {
  return pack_block(at<T>(x.g.v, x.b, x.h, k0), x.g.v.stride_t, true, x.g.value_width, keys, kQueryBlock, x.scratch + x.l.values_t);
}

template <class T>
void add_dq(const Head<T>& x, int64_t q0, int64_t rows, const PackedBlock<T>& keys) {
  block_product(x.scratch + x.l.ds, kStride, false, rows, keys, at<T>(x.g.dq, x.b, x.h, q0), x.g.dq.stride_t, true);
}

template <class T>
PackedBlock<T> pack_keys(const Head<T>& x, int64_t k0, int64_t keys) {
  return pack_block(at<T>(x.g.k, x.b, x.h, k0), x.g.k.stride_t, false, keys, x.g.width, kQueryBlock, x.scratch + x.l.keys);
}

template <class T>
void clear_rows(const Head<T>& x, const AttentionOperand& operand, int64_t t0, int64_t rows, int64_t width) {
  for (int64_t i = 0; i < rows; ++i) {
    T* row = at<T>(operand, x.b, x.h, t0 + i);
    for (int64_t j = 0; j < width; ++j) row[j] = T(0);
  }
}

// dk and dv of one key block; with `and_dq` also its share of every dq row.
template <class T>
void key_block(const Head<T>& x, int64_t k0, bool and_dq) {
  const AttentionArgs& g = x.g;
  const int64_t keys = smaller(kKeyBlock, g.keys - k0);
  clear_rows(x, g.dk, k0, keys, g.width);
  clear_rows(x, g.dv, k0, keys, g.value_width);
  const PackedBlock<T> kt = pack_keys_t(x, k0, keys), vt = pack_values_t(x, k0, keys);
  PackedBlock<T> key_rows{};
  if (and_dq) key_rows = pack_keys(x, k0, keys);
  const int64_t first = first_query(g, k0);  // past the end: no query sees this block
  for (int64_t q0 = first < g.queries ? first / kQueryBlock * kQueryBlock : g.queries; q0 < g.queries; q0 += kQueryBlock) {
    const int64_t rows = smaller(kQueryBlock, g.queries - q0);
    scores(x, q0, rows, k0, keys, kt, vt);
    const PackedBlock<T> q =
        pack_block(at<T>(g.q, x.b, x.h, q0), g.q.stride_t, false, rows, g.width, keys, x.scratch + x.l.queries);
    const PackedBlock<T> d =
        pack_block(at<T>(g.dout, x.b, x.h, q0), g.dout.stride_t, false, rows, g.value_width, keys, x.scratch + x.l.douts);
    block_product(x.scratch + x.l.p, kStride, true, keys, d, at<T>(g.dv, x.b, x.h, k0), g.dv.stride_t, true);
    block_product(x.scratch + x.l.ds, kStride, true, keys, q, at<T>(g.dk, x.b, x.h, k0), g.dk.stride_t, true);
    if (and_dq) add_dq(x, q0, rows, key_rows);
  }
}

template <class T>
void query_block(const Head<T>& x, int64_t q0) {
  const int64_t rows = smaller(kQueryBlock, x.g.queries - q0), key_end = visible_keys(x.g, q0 + rows - 1);
  clear_rows(x, x.g.dq, q0, rows, x.g.width);
  for (int64_t k0 = 0; k0 < key_end; k0 += kKeyBlock) {
    const int64_t keys = smaller(kKeyBlock, x.g.keys - k0);
    const PackedBlock<T> kt = pack_keys_t(x, k0, keys), vt = pack_values_t(x, k0, keys);
    scores(x, q0, rows, k0, keys, kt, vt);
    add_dq(x, q0, rows, pack_keys(x, k0, keys));
  }
}

template <class T>
void run(const AttentionArgs& g, void* scratch) {
  const Layout<T> l = make_layout<T>(g);
  T* delta = static_cast<T*>(scratch);
  T* own = delta + l.delta;
  const int64_t heads = g.batch * g.heads;
  auto head = [&](int64_t i, int worker) {
    return Head<T>{g,
                   l,
                   i / g.heads,
                   i % g.heads,
                   static_cast<const T*>(g.lse) + i * g.queries,
                   delta + i * g.queries,
                   own + worker * l.total};
  };
  const double work = double(g.queries) * double(larger(1, g.keys)) * double(g.width + g.value_width) * 2.5;
  const bool small = work * double(heads) < double(kForkWork);
  auto sums = [&](int64_t begin, int64_t end, int) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t i = u / g.queries, t = u % g.queries;
      const T *o = at<T>(g.o, i / g.heads, i % g.heads, t), *d = at<T>(g.dout, i / g.heads, i % g.heads, t);
      using P = Packet<T>;
      P sum = P::zero();
      for (int64_t j = 0; j < g.value_width; j += P::size) {
        const int n = static_cast<int>(smaller(P::size, g.value_width - j));
        sum = multiply_add(P::load_n(o + j, n), P::load_n(d + j, n), sum);
      }
      delta[u] = reduce_add(sum);
    }
  };
  parallel_for(heads * g.queries, small ? larger(1, heads * g.queries) : 256, sums, g.threads);
  const int64_t key_blocks = ceil_div(g.keys, kKeyBlock), query_blocks = ceil_div(g.queries, kQueryBlock);
  const bool by_head = small || ((heads >= 2 * g.threads || g.threads == 1) && work < 2.0 * double(kPieceWork));
  if (by_head) {
    auto body = [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) {
        const Head<T> x = head(i, worker);
        clear_rows(x, g.dq, 0, g.queries, g.width);
        for (int64_t k = 0; k < key_blocks; ++k) key_block(x, k * kKeyBlock, true);
      }
    };
    parallel_for(heads, small ? larger(1, heads) : 1, body, g.threads);
    return;
  }
  auto keys = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) key_block(head(u / key_blocks, worker), u % key_blocks * kKeyBlock, false);
  };
  parallel_for(heads * key_blocks, 1, keys, g.threads);
  auto queries = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) query_block(head(u / query_blocks, worker), u % query_blocks * kQueryBlock);
  };
  parallel_for(heads * query_blocks, 1, queries, g.threads);
}

}  // namespace

int64_t attention_backward_scratch(const AttentionArgs& g) noexcept {
  if (g.dtype == DType::float64) {
    const Layout<double> l = make_layout<double>(g);
    return (l.delta + l.total * g.threads) * 8;
  }
  const Layout<float> l = make_layout<float>(g);
  return (l.delta + l.total * g.threads) * 4;
}

void attention_backward(const AttentionArgs& g, void* scratch) noexcept {
  if (g.dtype == DType::float64) return run<double>(g, scratch);
  run<float>(g, scratch);
}

}  // namespace NACRE_ISA
}  // namespace nacre
