// transpose_block: dst[i * dst_stride + j] = src[j * src_stride + i] for i, j < kTransposeBlock<T>, in registers where there are shuffles.
// Used when a matrix is packed for a kernel that wants the other order. Pointers need no alignment and must not overlap.
#pragma once

#include "nacre/simd/packet.h"

namespace nacre::simd {
inline namespace NACRE_ISA {

#if defined(NACRE_ISA_AVX2) || defined(NACRE_ISA_AVX512)

template <class T>
static constexpr int kTransposeBlock = sizeof(T) == 4 ? 8 : 4;

static NACRE_INLINE void transpose_block(const float* src, int64_t src_stride, float* dst, int64_t dst_stride) {
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {  // halves of two rows side by side: the later shuffles then stay within 128-bit lanes
    r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(src + i * src_stride)),
                                _mm_loadu_ps(src + (i + 4) * src_stride), 1);
    r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(src + i * src_stride + 4)),
                                    _mm_loadu_ps(src + (i + 4) * src_stride + 4), 1);
  }
#pragma GCC unroll 2
  for (int h = 0; h < 8; h += 4) {
    t[h] = _mm256_unpacklo_ps(r[h], r[h + 1]);
    t[h + 1] = _mm256_unpackhi_ps(r[h], r[h + 1]);
    t[h + 2] = _mm256_unpacklo_ps(r[h + 2], r[h + 3]);
    t[h + 3] = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
    _mm256_storeu_ps(dst + (h + 0) * dst_stride, _mm256_shuffle_ps(t[h], t[h + 2], 0x44));
    _mm256_storeu_ps(dst + (h + 1) * dst_stride, _mm256_shuffle_ps(t[h], t[h + 2], 0xee));
    _mm256_storeu_ps(dst + (h + 2) * dst_stride, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0x44));
    _mm256_storeu_ps(dst + (h + 3) * dst_stride, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0xee));
  }
}

static NACRE_INLINE void transpose_block(const double* src, int64_t src_stride, double* dst, int64_t dst_stride) {
  const __m256d a = _mm256_loadu_pd(src), b = _mm256_loadu_pd(src + src_stride);
  const __m256d c = _mm256_loadu_pd(src + 2 * src_stride), d = _mm256_loadu_pd(src + 3 * src_stride);
  const __m256d ab0 = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b);
  const __m256d cd0 = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
  _mm256_storeu_pd(dst, _mm256_permute2f128_pd(ab0, cd0, 0x20));
  _mm256_storeu_pd(dst + dst_stride, _mm256_permute2f128_pd(ab1, cd1, 0x20));
  _mm256_storeu_pd(dst + 2 * dst_stride, _mm256_permute2f128_pd(ab0, cd0, 0x31));
  _mm256_storeu_pd(dst + 3 * dst_stride, _mm256_permute2f128_pd(ab1, cd1, 0x31));
}

#else

template <class T>
static constexpr int kTransposeBlock = 4;

template <class T>
static NACRE_INLINE void transpose_block(const T* src, int64_t src_stride, T* dst, int64_t dst_stride) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) dst[i * dst_stride + j] = src[j * src_stride + i];
  }
}

#endif

}  // namespace NACRE_ISA
}  // namespace nacre::simd
