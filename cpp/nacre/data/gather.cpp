// Gathering in parallel over rows of the batch: each row has one owner. Three ways to copy a row, from fast to general: memcpy,
// a contiguous conversion, and an odometer over the outer axes with a strided innermost loop.
#include "nacre/data/gather.h"

#include <algorithm>
#include <cstring>

#include "nacre/base/half.h"
#include "nacre/base/threads.h"

namespace nacre {

namespace {

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<From, To>) {
    return value;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return static_cast<To>(to_float(value));
  } else {
    return static_cast<To>(value);
  }
}

// count values, `stride` elements apart in the source.
template <class To, class From>
void convert_run(const From* from, Dim stride, To* to, Dim count) {
  if (stride == 1) {
    constexpr Dim block = 16;  // a constant trip count, which compilers turn into vector code at -O2
    Dim i = 0;
    for (; i + block <= count; i += block) {
      for (Dim j = 0; j < block; ++j) to[i + j] = convert<To>(from[i + j]);
    }
    for (; i < count; ++i) to[i] = convert<To>(from[i]);
  } else {
    for (Dim i = 0; i < count; ++i) to[i] = convert<To>(from[i * stride]);
  }
}

// One row: axes 1 .. rank-1 of the source, in row-major order.
template <class To, class From>
void copy_row(const From* from, const View& source, bool contiguous, Dim row_size, To* to) {
  if (contiguous) {
    if constexpr (std::is_same_v<To, From>) {
      std::memcpy(to, from, static_cast<std::size_t>(row_size) * sizeof(To));
    } else {
      convert_run(from, 1, to, row_size);
    }
    return;
  }
  const int last = source.shape.rank() - 1;
  const Dim inner = source.shape[last];
  Dim at[kMaxRank] = {};
  for (Dim done = 0; done < row_size; done += inner) {
    Dim offset = 0;
    for (int axis = 1; axis < last; ++axis) offset += at[axis] * source.strides[axis];
    convert_run(from + offset, source.strides[last], to + done, inner);
    for (int axis = last - 1; axis >= 1 && ++at[axis] == source.shape[axis]; --axis) at[axis] = 0;
  }
}

template <class To, class From>
void gather(const View& source, std::span<const std::int64_t> rows, const View& batch, Dim row_size) {
  View row = source;
  row.shape[0] = 1;
  const bool contiguous = row.contiguous();
  const From* from = source.as<const From>();
  To* to = batch.as<To>();
  // About 128 KB of output a piece: below that waking a thread costs more than the copy.
  const Dim grain = std::max<Dim>(1, (Dim{128} << 10) / (row_size * static_cast<Dim>(sizeof(To))));
  parallel_for(static_cast<Dim>(rows.size()), grain, [&](Dim begin, Dim end, int) {
    for (Dim i = begin; i < end; ++i) {
      copy_row(from + rows[static_cast<std::size_t>(i)] * source.strides[0], source, contiguous, row_size, to + i * row_size);
    }
  });
}

// Calls f with a null pointer of the source's element type.
template <class F>
void with_type(DType t, F&& f) {
  switch (t) {
    case DType::boolean: return f(static_cast<bool*>(nullptr));
    case DType::uint8: return f(static_cast<std::uint8_t*>(nullptr));
    case DType::int8: return f(static_cast<std::int8_t*>(nullptr));
    case DType::int32: return f(static_cast<std::int32_t*>(nullptr));
    case DType::int64: return f(static_cast<std::int64_t*>(nullptr));
    case DType::float16: return f(static_cast<Half*>(nullptr));
    case DType::bfloat16: return f(static_cast<BFloat16*>(nullptr));
    case DType::float32: return f(static_cast<float*>(nullptr));
    case DType::float64: return f(static_cast<double*>(nullptr));
  }
}

}  // namespace

void gather_rows(std::string_view op, const View& source, std::span<const std::int64_t> rows, const View& batch) {
  if (source.shape.rank() < 1) raise<ShapeError>(op, ": the source is a scalar and has no rows. Give it a first axis.");
  Shape expected = source.shape;
  expected[0] = static_cast<Dim>(rows.size());
  if (!(batch.shape == expected) || !batch.contiguous()) {
    raise<ShapeError>(op, ": the batch has shape ", batch.shape, ", but ", rows.size(), " rows of ", source.shape,
                      " need a contiguous ", expected, ".");
  }
  const bool to_real = batch.dtype == DType::float32 || batch.dtype == DType::float64;
  if (batch.dtype != source.dtype && !to_real) {
    raise<DTypeError>(op, ": rows of ", source.dtype, " cannot be gathered as ", batch.dtype,
                      ". Use the same dtype, float32 or float64.");
  }
  const Dim n = source.shape[0];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= n) {
      raise<IndexError>(op, ": row index ", rows[i], " at position ", i, " is out of range for ", n, " rows.");
    }
  }
  if (batch.count() == 0) return;
  const Dim row_size = batch.count() / expected[0];
  with_type(source.dtype, [&](auto* type) {
    using From = std::remove_pointer_t<decltype(type)>;
    if (source.dtype == batch.dtype) {
      gather<From, From>(source, rows, batch, row_size);
    } else if (batch.dtype == DType::float32) {
      gather<float, From>(source, rows, batch, row_size);
    } else {
      gather<double, From>(source, rows, batch, row_size);
    }
  });
}

}  // namespace nacre
