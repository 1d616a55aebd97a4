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

// Rows of N contiguous elements: a call of memcpy would take longer than the copy.
template <int N, class To, class From>
void copy_short_rows(const From* from, Dim row_stride, const std::int64_t* rows, Dim count, To* to) {
  for (Dim i = 0; i < count; ++i) {
    const From* row = from + rows[i] * row_stride;
    for (int j = 0; j < N; ++j) to[i * N + j] = convert<To>(row[j]);
  }
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

template <class To, class From>
void RowGather::run(const std::int64_t* rows, Dim count) const noexcept {
  const From* from = source_.as<const From>();
  To* to = static_cast<To*>(batch_);
  const Dim stride = source_.strides[0];
  // About 128 KB of output a piece: below that waking a thread costs more than the copy.
  const Dim grain = std::max<Dim>(1, (Dim{128} << 10) / (row_size_ * static_cast<Dim>(sizeof(To))));
  const auto copy = [&](Dim begin, Dim end, int) {
    if (contiguous_ && row_size_ <= 4) {
      To* at = to + begin * row_size_;
      switch (row_size_) {
        case 1: return copy_short_rows<1>(from, stride, rows + begin, end - begin, at);
        case 2: return copy_short_rows<2>(from, stride, rows + begin, end - begin, at);
        case 3: return copy_short_rows<3>(from, stride, rows + begin, end - begin, at);
        default: return copy_short_rows<4>(from, stride, rows + begin, end - begin, at);
      }
    }
    for (Dim i = begin; i < end; ++i) copy_row(from + rows[i] * stride, source_, contiguous_, row_size_, to + i * row_size_);
  };
  if (count <= grain) return copy(0, count, 0);
  parallel_for(count, grain, copy);
}

RowGather::RowGather(std::string_view op, const View& source, std::size_t rows, const View& batch)
    : source_(source), batch_(batch.data) {
  if (source.shape.rank() < 1) raise<ShapeError>(op, ": the source is a scalar and has no rows. Give it a first axis.");
  Shape expected = source.shape;
  expected[0] = static_cast<Dim>(rows);
  if (!(batch.shape == expected) || !batch.contiguous()) {
    raise<ShapeError>(op, ": the batch has shape ", batch.shape, ", but ", rows, " rows of ", source.shape, " need a contiguous ",
                      expected, ".");
  }
  const bool to_real = batch.dtype == DType::float32 || batch.dtype == DType::float64;
  if (batch.dtype != source.dtype && !to_real) {
    raise<DTypeError>(op, ": rows of ", source.dtype, " cannot be gathered as ", batch.dtype,
                      ". Use the same dtype, float32 or float64.");
  }
  if (batch.count() == 0) return;
  View row = source;
  row.shape[0] = 1;
  contiguous_ = row.contiguous();
  row_size_ = batch.count() / expected[0];
  with_type(source.dtype, [&](auto* type) {
    using From = std::remove_pointer_t<decltype(type)>;
    const auto use = [&](auto* to) {
      copy_ = [](const RowGather& self, const std::int64_t* r, Dim n) noexcept {
        self.run<std::remove_pointer_t<decltype(to)>, From>(r, n);
      };
    };
    if (source.dtype == batch.dtype)
      use(static_cast<From*>(nullptr));
    else if (batch.dtype == DType::float32)
      use(static_cast<float*>(nullptr));
    else
      use(static_cast<double*>(nullptr));
  });
}

void gather_rows(std::string_view op, const View& source, std::span<const std::int64_t> rows, const View& batch) {
  const RowGather gather(op, source, rows.size(), batch);
  const Dim n = source.shape[0];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= n) {
      raise<IndexError>(op, ": row index ", rows[i], " at position ", i, " is out of range for ", n, " rows.");
    }
  }
  gather(rows);
}

}  // namespace nacre
