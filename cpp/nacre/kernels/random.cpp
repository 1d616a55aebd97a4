// Random fills. Words come from Philox in groups of 64 blocks, values by plain double arithmetic that the compiler vectorises
// without changing a bit (no fused multiply-add, no libm), so every instruction set and every cut into pieces gives the same
// values.
//
// normal: Box, Muller, A note on the generation of random normal deviates (1958): r = sqrt(-2 ln u1), z = r cos(2 pi u2), r sin(2
// pi u2).
// truncated normal: z = Phi^-1(u) by Wichura, Algorithm AS 241 (1988), PPND16, relative error about 1e-16.
#include "nacre/kernels/random.h"

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/scalar_math.h"
#include "nacre/simd/packet.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int kGroup = 64;  // blocks made together
constexpr int kGroupWords = 4 * kGroup;
constexpr int64_t kGrain = 16384;  // elements per piece

// Lanes of 64 bits whose lower halves are multiplied: what the rounds of Philox and scaling to a bound need, and packets of floats do not have.
#if defined(NACRE_ISA_AVX512)
struct Wide {
  static constexpr int size = 8;
  __m512i v;
  static NACRE_INLINE Wide load(const uint64_t* p) { return {_mm512_loadu_si512(p)}; }
  NACRE_INLINE void store(uint64_t* p) const { _mm512_storeu_si512(p, v); }
  static NACRE_INLINE Wide set1(uint64_t x) { return {_mm512_set1_epi64(static_cast<int64_t>(x))}; }
  NACRE_INLINE Wide operator^(Wide b) const { return {_mm512_xor_si512(v, b.v)}; }
  NACRE_INLINE Wide operator+(Wide b) const { return {_mm512_add_epi64(v, b.v)}; }
  [[nodiscard]] NACRE_INLINE Wide times(Wide b) const { return {_mm512_mul_epu32(v, b.v)}; }
  [[nodiscard]] NACRE_INLINE Wide high() const { return {_mm512_srli_epi64(v, 32)}; }
  [[nodiscard]] NACRE_INLINE Wide up() const { return {_mm512_slli_epi64(v, 32)}; }
};
#elif defined(NACRE_ISA_AVX2)
struct Wide {
  static constexpr int size = 4;
  __m256i v;
  static NACRE_INLINE Wide load(const uint64_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  NACRE_INLINE void store(uint64_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static NACRE_INLINE Wide set1(uint64_t x) { return {_mm256_set1_epi64x(static_cast<int64_t>(x))}; }
  NACRE_INLINE Wide operator^(Wide b) const { return {_mm256_xor_si256(v, b.v)}; }
  NACRE_INLINE Wide operator+(Wide b) const { return {_mm256_add_epi64(v, b.v)}; }
  [[nodiscard]] NACRE_INLINE Wide times(Wide b) const { return {_mm256_mul_epu32(v, b.v)}; }
  [[nodiscard]] NACRE_INLINE Wide high() const { return {_mm256_srli_epi64(v, 32)}; }
  [[nodiscard]] NACRE_INLINE Wide up() const { return {_mm256_slli_epi64(v, 32)}; }
};
#else
struct Wide {
  static constexpr int size = 1;
  uint64_t v;
  static NACRE_INLINE Wide load(const uint64_t* p) { return {*p}; }
  NACRE_INLINE void store(uint64_t* p) const { *p = v; }
  static NACRE_INLINE Wide set1(uint64_t x) { return {x}; }
  NACRE_INLINE Wide operator^(Wide b) const { return {v ^ b.v}; }
  NACRE_INLINE Wide operator+(Wide b) const { return {v + b.v}; }
  [[nodiscard]] NACRE_INLINE Wide times(Wide b) const { return {uint64_t{static_cast<uint32_t>(v)} * static_cast<uint32_t>(b.v)}; }
  [[nodiscard]] NACRE_INLINE Wide high() const { return {v >> 32}; }
  [[nodiscard]] NACRE_INLINE Wide up() const { return {v << 32}; }
};
#endif

// words[4 b + lane] of `count` blocks from `first_block` on, and more up to the next 16 blocks. A counter's upper half holds whatever the rounds leave
// there: products do not read it.
void philox_group(const RandomKey& key, uint64_t first_block, int count, uint32_t* words) {
  uint64_t c0[kGroup], low[kGroup], high[kGroup];
  const int n = (count + 15) / 16 * 16;
  for (int i = 0; i < n; ++i) c0[i] = first_block + static_cast<uint64_t>(i);
  const Wide m0 = Wide::set1(0xD2511F53u), m1 = Wide::set1(0xCD9E8D57u), step = Wide::set1(static_cast<uint32_t>(key.step)),
             stream = Wide::set1(key.stream);
  for (int i = 0; i < n; i += Wide::size) {
    Wide x0 = Wide::load(c0 + i), x1 = x0.high(), x2 = step, x3 = stream;
    uint32_t key0 = random_key0(key), key1 = random_key1(key);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const Wide p0 = m0.times(x0), p1 = m1.times(x2);
      x0 = p1.high() ^ x1 ^ Wide::set1(key0);
      x2 = p0.high() ^ x3 ^ Wide::set1(key1);
      x1 = p1;
      x3 = p0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    // The lower half of one and of the other, side by side.
    (x0.up().high() ^ x1.up()).store(low + i);
    (x2.up().high() ^ x3.up()).store(high + i);
  }
  for (int i = 0; i < n; ++i) {
    memcpy(words + 4 * i, low + i, 8);
    memcpy(words + 4 * i + 2, high + i, 8);
  }
}

inline uint64_t bits64(const uint32_t* words, int i) {
  uint64_t bits;
  memcpy(&bits, words + 2 * i, 8);
  return bits;
}

// ln x for normal x > 0: x = 2^e m, m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
// The series stops at s^23, the rest is below 2^-56 of the result's first term.
inline double log_plain(double x) {
  int64_t bits;
  memcpy(&bits, &x, 8);
  const int64_t shifted = bits - 0x3FE6A09E667F3BCD;  // bits of sqrt(1/2): the mantissa carries into the exponent there
  const int32_t e = static_cast<int32_t>(shifted >> 52);
  const int64_t mantissa = (shifted & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD;
  double m;
  memcpy(&m, &mantissa, 8);
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double p = 1.0 / 23;
  p = p * s2 + 1.0 / 21;
  p = p * s2 + 1.0 / 19;
  p = p * s2 + 1.0 / 17;
  p = p * s2 + 1.0 / 15;
  p = p * s2 + 1.0 / 13;
  p = p * s2 + 1.0 / 11;
  p = p * s2 + 1.0 / 9;
  p = p * s2 + 1.0 / 7;
  p = p * s2 + 1.0 / 5;
  p = p * s2 + 1.0 / 3;
  const double tail = 2.0 * s * (s2 * p);
  return static_cast<double>(e) * 0.6931471805599453 + (tail + 2.0 * s);
}

// sin and cos of 2 pi u, u in [0, 1]: the nearest quarter turn is taken off, Taylor series on |r| <= pi / 4 to below 2^-53.
inline void sincos_turns(double u, double* sine, double* cosine) {
  const int32_t quarter = static_cast<int32_t>(4.0 * u + 0.5);
  const double r = (u - 0.25 * static_cast<double>(quarter)) * 6.283185307179586, r2 = r * r;
  double s = 1.0 / 355687428096000.0;
  s = s * r2 - 1.0 / 1307674368000.0;
  s = s * r2 + 1.0 / 6227020800.0;
  s = s * r2 - 1.0 / 39916800.0;
  s = s * r2 + 1.0 / 362880.0;
  s = s * r2 - 1.0 / 5040.0;
  s = s * r2 + 1.0 / 120.0;
  s = s * r2 - 1.0 / 6.0;
  s = s * r2 * r + r;
  double c = 1.0 / 20922789888000.0;
  c = c * r2 - 1.0 / 87178291200.0;
  c = c * r2 + 1.0 / 479001600.0;
  c = c * r2 - 1.0 / 3628800.0;
  c = c * r2 + 1.0 / 40320.0;
  c = c * r2 - 1.0 / 720.0;
  c = c * r2 + 1.0 / 24.0;
  c = c * r2 - 0.5;
  c = c * r2 + 1.0;
  const double a = quarter & 1 ? c : s, b = quarter & 1 ? s : c;
  *sine = quarter & 2 ? -a : a;
  *cosine = (quarter + 1) & 2 ? -b : b;
}

// Phi^-1(0.5 + q) for |q| <= 0.4773.
inline double normal_quantile(double q) {
  const double r = 0.180625 - q * q;
  double top = 2.5090809287301226727e3, bottom = 5.2264952788528545610e3;
  top = top * r + 3.3430575583588128105e4;
  bottom = bottom * r + 2.8729085735721942674e4;
  top = top * r + 6.7265770927008700853e4;
  bottom = bottom * r + 3.9307895800092710610e4;
  top = top * r + 4.5921953931549871457e4;
  bottom = bottom * r + 2.1213794301586595867e4;
  top = top * r + 1.3731693765509461125e4;
  bottom = bottom * r + 5.3941960214247511077e3;
  top = top * r + 1.9715909503065514427e3;
  bottom = bottom * r + 6.8718700749205790830e2;
  top = top * r + 1.3314166789178437745e2;
  bottom = bottom * r + 4.2313330701600911252e1;
  top = top * r + 3.3871328727963666080e0;
  bottom = bottom * r + 1.0;
  const double central = q * top / bottom;
  const double magnitude = q < 0 ? -q : q;
  const double t = c_sqrt(-log_plain(0.5 - magnitude)) - 1.6;
  top = 7.74545014278341407640e-4;
  bottom = 1.05075007164441684324e-9;
  top = top * t + 2.27238449892691845833e-2;
  bottom = bottom * t + 5.47593808499534494600e-4;
  top = top * t + 2.41780725177450611770e-1;
  bottom = bottom * t + 1.51986665636164571966e-2;
  top = top * t + 1.27045825245236838258e0;
  bottom = bottom * t + 1.48103976427480074590e-1;
  top = top * t + 3.64784832476320460504e0;
  bottom = bottom * t + 6.89767334985100004550e-1;
  top = top * t + 5.76949722146069140550e0;
  bottom = bottom * t + 1.67638483018380384940e0;
  top = top * t + 4.63033784615654529590e0;
  bottom = bottom * t + 2.05319162663775882187e0;
  top = top * t + 1.42343711074968357734e0;
  bottom = bottom * t + 1.0;
  const double outer = q < 0 ? -(top / bottom) : top / bottom;
  return magnitude <= 0.425 ? central : outer;
}

// Makes positions [first, first + n) in groups: make(words, blocks, values) gives PerBlock values for each block; the part asked
// for is copied out, so a value does not depend on where a piece begins.
template <class T, int PerBlock, class Make>
void fill_by_group(const RandomKey& key, int64_t first, int64_t n, T* y, const Make& make) {
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end, int) {
    alignas(64) uint32_t words[kGroupWords];
    alignas(64) T values[PerBlock * kGroup];
    int64_t at = begin;
    while (at < end) {
      const int64_t position = first + at, block = position / PerBlock, skip = position - block * PerBlock;
      const int64_t blocks = min64(kGroup, ceil_div(end - at + skip, PerBlock));
      const int64_t count = min64(blocks * PerBlock - skip, end - at);
      philox_group(key, static_cast<uint64_t>(block), static_cast<int>(blocks), words);
      make(words, static_cast<int>(blocks), values);
      memcpy(y + at, values + skip, static_cast<size_t>(count) * sizeof(T));
      at += count;
    }
  });
}

// Uniform doubles in (0, 1): the middle of one of 2^32 (2^53) equal parts.
inline double middle32(uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }
inline double middle53(uint64_t bits) { return (static_cast<double>(static_cast<int64_t>(bits >> 11)) + 0.5) * 0x1p-53; }

template <class T>
void uniform(const RandomFillArgs& args) noexcept {
  const double low = args.a, range = args.b - args.a;
  const T high = static_cast<T>(args.b), least = static_cast<T>(args.a);
  // The largest value below b: rounding may not reach b itself.
  const T last = args.b > args.a ? static_cast<T>(sizeof(T) == 4 ? nextafterf(static_cast<float>(high), static_cast<float>(least))
                                                                 : nextafter(static_cast<double>(high), static_cast<double>(least)))
                                 : high;
  if constexpr (sizeof(T) == 4) {
    fill_by_group<T, 4>(args.key, args.first, args.n, static_cast<T*>(args.y), [=](const uint32_t* words, int blocks, T* values) {
      for (int i = 0; i < 4 * blocks; ++i) {
        const T v = static_cast<T>(low + range * (static_cast<double>(words[i]) * 0x1p-32));
        values[i] = v < high ? v : last;
      }
    });
  } else {
    fill_by_group<T, 2>(args.key, args.first, args.n, static_cast<T*>(args.y), [=](const uint32_t* words, int blocks, T* values) {
      for (int i = 0; i < 2 * blocks; ++i) {
        const T v = low + range * (static_cast<double>(static_cast<int64_t>(bits64(words, i) >> 11)) * 0x1p-53);
        values[i] = v < high ? v : last;
      }
    });
  }
}

template <class T>
void normal(const RandomFillArgs& args) noexcept {
  const double mean = args.a, deviation = args.b;
  constexpr int per_block = sizeof(T) == 4 ? 4 : 2;
  fill_by_group<T, per_block>(args.key, args.first, args.n, static_cast<T*>(args.y),
                              [=](const uint32_t* words, int blocks, T* values) {
                                for (int i = 0; i < blocks * per_block / 2; ++i) {
                                  double u1, u2;
                                  if constexpr (sizeof(T) == 4) {
                                    u1 = middle32(words[2 * i]);
                                    u2 = middle32(words[2 * i + 1]);
                                  } else {
                                    u1 = middle53(bits64(words, 2 * i));
                                    u2 = middle53(bits64(words, 2 * i + 1));
                                  }
                                  const double r = c_sqrt(-2.0 * log_plain(u1));
                                  double s, c;
                                  sincos_turns(u2, &s, &c);
                                  values[2 * i] = static_cast<T>(mean + deviation * (r * c));
                                  values[2 * i + 1] = static_cast<T>(mean + deviation * (r * s));
                                }
                              });
}

template <class T>
void truncated_normal(const RandomFillArgs& args) noexcept {
  const double mean = args.a, deviation = args.b;
  constexpr double kInside = 0.95449973610364158;  // Phi(2) - Phi(-2)
  constexpr int per_block = sizeof(T) == 4 ? 4 : 2;
  fill_by_group<T, per_block>(args.key, args.first, args.n, static_cast<T*>(args.y),
                              [=](const uint32_t* words, int blocks, T* values) {
                                for (int i = 0; i < blocks * per_block; ++i) {
                                  double u;
                                  if constexpr (sizeof(T) == 4)
                                    u = middle32(words[i]);
                                  else
                                    u = middle53(bits64(words, i));
                                  double z = normal_quantile((u - 0.5) * kInside);
                                  z = z > 2.0 ? 2.0 : z < -2.0 ? -2.0 : z;
                                  values[i] = static_cast<T>(mean + deviation * z);
                                }
                              });
}

inline uint64_t threshold32(double probability) {
  const double p = probability > 0 ? (probability < 1 ? probability : 1.0) : 0.0;
  return static_cast<uint64_t>(p * 0x1p32 + 0.5);
}

template <class T>
void bernoulli(const RandomFillArgs& args) noexcept {
  const uint64_t threshold = threshold32(args.a);
  fill_by_group<T, 4>(args.key, args.first, args.n, static_cast<T*>(args.y), [=](const uint32_t* words, int blocks, T* values) {
    for (int i = 0; i < 4 * blocks; ++i) values[i] = static_cast<T>(words[i] < threshold ? 1 : 0);
  });
}

template <class T>
void randint(const RandintArgs& args) noexcept {
  const uint64_t low = static_cast<uint64_t>(args.low), bound = static_cast<uint64_t>(args.high) - low;
  fill_by_group<T, 2>(args.key, args.first, args.n, static_cast<T*>(args.y), [=](const uint32_t* words, int blocks, T* values) {
    for (int i = 0; i < 2 * blocks; ++i) values[i] = static_cast<T>(low + random_below(bits64(words, i), bound));
  });
}

template <class T>
void dropout(const DropoutArgs& args) noexcept {
  // rate 1 drops every word; its infinite scale is never used.
  const uint64_t threshold = threshold32(args.rate);
  const T scale = args.scale ? static_cast<T>(1.0 / (1.0 - args.rate)) : T(1);
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const int64_t first = args.first;
  if (threshold > 0xffffffffu) {
    parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end, int) {
      memset(static_cast<void*>(y + begin), 0, static_cast<size_t>(end - begin) * sizeof(T));
    });
    return;
  }
  const uint32_t least = static_cast<uint32_t>(threshold);
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end, int) {
    alignas(64) uint32_t words[kGroupWords];
    int64_t at = begin;
    while (at < end) {
      const int64_t block = (first + at) / 4, skip = first + at - 4 * block;
      const int64_t blocks = min64(kGroup, ceil_div(end - at + skip, 4)), count = min64(4 * blocks - skip, end - at);
      philox_group(args.key, static_cast<uint64_t>(block), static_cast<int>(blocks), words);
      for (int64_t i = 0; i < count; ++i) {
        const T v = x[at + i] * scale;
        y[at + i] = words[skip + i] >= least ? v : T(0);
      }
      at += count;
    }
  });
}

// random_below(bits, bound), bound = first + 1, first + 2, ... below 2^32, for n of them (a multiple of 8): floor(bits * bound / 2^64).
void random_below32(const uint32_t* words, int64_t n, uint64_t first, uint64_t* out) {
  uint64_t up_to[Wide::size];
  for (int k = 0; k < Wide::size; ++k) up_to[k] = first + static_cast<uint64_t>(k) + 1;
  Wide bound = Wide::load(up_to);
  const Wide next = Wide::set1(Wide::size);
  for (int64_t k = 0; k < n; k += Wide::size, bound = bound + next) {
    uint64_t bits[Wide::size];
    memcpy(bits, words + 2 * k, sizeof bits);
    const Wide b = Wide::load(bits);
    (b.high().times(bound) + b.times(bound).high()).high().store(out + k);
  }
}

void permutation(const RandomKey& key, int64_t n, int64_t* y) noexcept {
  for (int64_t i = 0; i < n; ++i) y[i] = i;
  // Position i draws its partner from 64-bit number i; groups of numbers are made downwards. A group's partners are known before the first
  // exchange, so that those far away are on their way from memory.
  constexpr int64_t per_group = 2 * kGroup, near = 1 << 15;
  alignas(64) uint32_t words[kGroupWords];
  alignas(64) uint64_t partner[per_group];
  for (int64_t group = (n - 1) / per_group; group >= 0 && n > 1; --group) {
    philox_group(key, static_cast<uint64_t>(group * kGroup), kGroup, words);
    const int64_t base = group * per_group, last = min64(n, base + per_group) - 1, stop = max64(base, 1);
    if (base + per_group < int64_t{1} << 32) {
      random_below32(words, per_group, static_cast<uint64_t>(base), partner);
    } else {
      for (int64_t k = 0; k < per_group; ++k)
        partner[k] = random_below(bits64(words, static_cast<int>(k)), static_cast<uint64_t>(base + k) + 1);
    }
    if (base >= near) {
      for (int64_t k = 0; k < per_group; ++k) __builtin_prefetch(y + partner[k], 1);
    }
    for (int64_t i = last; i >= stop; --i) {
      const uint64_t j = partner[i - base];
      const int64_t kept = y[i];
      y[i] = y[j];
      y[j] = kept;
    }
  }
}

template <class T>
void fill_floats(RandomTable& table) {
  table.uniform[cell<T>()] = uniform<T>;
  table.normal[cell<T>()] = normal<T>;
  table.truncated_normal[cell<T>()] = truncated_normal<T>;
  table.bernoulli[cell<T>()] = bernoulli<T>;
  table.dropout[cell<T>()] = dropout<T>;
}

}  // namespace

void fill_random(RandomTable& table) {
  table = {};
  fill_floats<float>(table);
  fill_floats<double>(table);
  table.bernoulli[cell<bool>()] = bernoulli<bool>;
  table.bernoulli[cell<uint8_t>()] = bernoulli<uint8_t>;
  table.randint[cell<uint8_t>()] = randint<uint8_t>;
  table.randint[cell<int8_t>()] = randint<int8_t>;
  table.randint[cell<int32_t>()] = randint<int32_t>;
  table.randint[cell<int64_t>()] = randint<int64_t>;
  table.permutation = permutation;
}

}  // namespace nacre::NACRE_ISA
