// Parser of IDX. The length of the file must equal what the header says, so nothing is allocated that the file does not hold.
// Source: Y. LeCun, C. Cortes, C. Burges: The MNIST database, section "File formats".
#include "nacre/data/idx.h"

#include <bit>
#include <cstring>

#include "nacre/base/os_file.h"

namespace nacre {

namespace {

struct Code {
  unsigned code;
  DType dtype;
  int width;  // bytes of a value in the file
};
constexpr Code kCodes[] = {{0x08, DType::uint8, 1}, {0x09, DType::int8, 1},    {0x0B, DType::int32, 2},
                           {0x0C, DType::int32, 4}, {0x0D, DType::float32, 4}, {0x0E, DType::float64, 8}};

template <class U>
U load_big_endian(const std::byte* p) {
  U value = 0;
  for (std::size_t i = 0; i < sizeof(U); ++i) value = static_cast<U>(value << 8 | std::to_integer<U>(p[i]));
  return value;
}

template <class U, class Out>
void convert(const std::byte* from, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) {
    const U bits = load_big_endian<U>(from + i * sizeof(U));
    if constexpr (sizeof(U) == sizeof(Out)) {
      std::memcpy(to + i * sizeof(Out), &bits, sizeof bits);
    } else {
      const Out value = static_cast<std::int16_t>(bits);
      std::memcpy(to + i * sizeof(Out), &value, sizeof value);
    }
  }
}

}  // namespace

IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& source) {
  const std::string where = cat("idx: '", source, "'");
  auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (bytes.size() >= 2 && byte(0) == 0x1F && byte(1) == 0x8B) {
    raise<FormatError>(where, " is packed with gzip. Unpack it first.");
  }
  if (bytes.size() < 4 || byte(0) != 0 || byte(1) != 0) {
    raise<FormatError>(where, " is no IDX file: it must begin with two zero bytes, a type and a rank.");
  }
  const Code* code = nullptr;
  for (const Code& c : kCodes) {
    if (c.code == byte(2)) code = &c;
  }
  if (!code) raise<FormatError>(where, " has the unknown type code ", byte(2), ". Known: 8, 9, 11, 12, 13, 14.");
  const std::size_t rank = byte(3);
  if (rank == 0 || rank > kMaxRank) raise<FormatError>(where, " has rank ", rank, ". 1 to ", kMaxRank, " would be right.");
  if (bytes.size() < 4 + 4 * rank) raise<FormatError>(where, " ends inside its header, after ", bytes.size(), " bytes.");

  IdxArray out;
  out.dtype = code->dtype;
  const auto values = bytes.subspan(4 + 4 * rank);
  // A file's size is below 2^63, so a product past it is wrong whatever follows. Zeros are left out of the product: sizes beside a
  // zero must be addressable too, since strides are made from them.
  std::uint64_t count = 1;
  bool empty = false, overflow = false;
  for (std::size_t i = 0; i < rank; ++i) {
    const auto size = load_big_endian<std::uint32_t>(bytes.data() + 4 + 4 * i);
    out.shape.push_back(size);
    empty |= size == 0;
    overflow |= __builtin_mul_overflow(count, size == 0 ? 1u : size, &count);
  }
  overflow |= count > (std::uint64_t{1} << 59);
  if (overflow || (empty ? 0 : count) * static_cast<std::uint64_t>(code->width) != values.size()) {
    raise<FormatError>(where, " has ", values.size(), " bytes of values, which does not fit its shape ", out.shape, " of ",
                       code->width, " bytes each.");
  }
  if (empty) count = 0;
  out.bytes.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(size_of(out.dtype)));
  const std::byte* from = values.data();
  std::byte* to = out.bytes.data();
  switch (code->width) {
    case 1:
      if (count > 0) std::memcpy(to, from, values.size());
      break;
    case 2: convert<std::uint16_t, std::int32_t>(from, static_cast<std::size_t>(count), to); break;
    case 4: convert<std::uint32_t, std::uint32_t>(from, static_cast<std::size_t>(count), to); break;
    default: convert<std::uint64_t, std::uint64_t>(from, static_cast<std::size_t>(count), to); break;
  }
  return out;
}

IdxArray load_idx(const std::string& path) {
  const MappedFile file = MappedFile::open(path, "idx");
  return parse_idx(file.bytes(), path);
}

}  // namespace nacre
