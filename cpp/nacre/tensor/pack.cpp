#include "nacre/tensor/pack.h"

#include <cstring>

namespace nacre {

namespace {

// A tensor moves when its storage is its own, wholly, and nobody else's.
bool can_move(const Tensor& t) {
  if (!t.defined() || t.symbolic() || !t.contiguous()) return false;
  const Storage& s = *t.body()->storage;
  return s.refs.load() == 1 && !s.release && !s.read_only && s.data == t.view().data &&
         s.bytes == static_cast<std::size_t>(t.count() * size_of(t.dtype()));
}

}  // namespace

namespace {
void release_block(void* owner) { delete static_cast<Tensor*>(owner); }
const Tensor* block_of(const Tensor& t) {
  const Storage& s = *t.body()->storage;
  return s.release == release_block ? static_cast<const Tensor*>(s.owner) : nullptr;
}
}  // namespace

bool packed_behind(const Tensor& a, const Tensor& b) {
  const Tensor *block = block_of(a), *other = block_of(b);
  return block && other && block->same(*other) && a.dtype() == b.dtype() &&
         static_cast<const char*>(a.view().data) + packed_bytes(a.view()) == b.view().data;
}

void pack(std::span<const Tensor> tensors) {
  Dim bytes = 0;
  for (const Tensor& t : tensors) bytes += can_move(t) ? packed_bytes(t.view()) : 0;
  const Tensor block = Tensor::empty({bytes}, DType::uint8, "pack");
  char* at = static_cast<char*>(block.view().data);
  if (bytes) std::memset(at, 0, static_cast<std::size_t>(bytes));
  for (const Tensor& t : tensors) {
    if (!can_move(t)) continue;
    auto* owner = new Tensor(block);
    const Tensor moved = Tensor::from_memory(at, t.view(), t.view().strides, false, release_block, owner);
    std::memcpy(at, t.view().data, static_cast<std::size_t>(t.count() * size_of(t.dtype())));
    moved.body()->storage->version.store(t.body()->storage->version.load());
    moved.body()->storage->exposed.store(false);
    at += packed_bytes(t.view());
    std::swap(t.body()->storage, moved.body()->storage);
    std::swap(t.body()->data, moved.body()->data);
  }
}

}  // namespace nacre
