// Bodies, storages, leaves and host copies. Bodies come from a per-thread free list, storages' memory from base/memory.
#include "nacre/tensor/tensor.h"

#include <cstring>
#include <new>
#include <thread>

#include "nacre/base/half.h"
#include "nacre/base/memory.h"
#include "nacre/base/os_threads.h"
#include "nacre/tensor/capture_hooks.h"
#include "nacre/tensor/copy.h"
#include "nacre/tensor/leaf_lock.h"

namespace nacre {

namespace {

// Freed blocks of one size, kept per thread: making and dropping a tensor costs a few nanoseconds.
template <class T>
class FreeList {
 public:
  ~FreeList() {
    closed_ = true;
    while (head_) {
      Block* next = head_->next;
      ::operator delete(head_);
      head_ = next;
    }
  }
  template <class... Args>
  T* make(const Args&... args) {
    void* p = head_;
    if (p) {
      head_ = head_->next;
      --held_;
    } else {
      p = ::operator new(sizeof(T));
    }
    return new (p) T(args...);
  }
  void drop(T* t) noexcept {
    t->~T();
    if (closed_ || held_ >= 1024) {
      ::operator delete(t);
      return;
    }
    head_ = new (static_cast<void*>(t)) Block{head_};
    ++held_;
  }

 private:
  struct Block {
    Block* next;
  };
  Block* head_ = nullptr;
  int held_ = 0;
  bool closed_ = false;
};

thread_local FreeList<TensorBody> t_bodies;
thread_local FreeList<Storage> t_storages;

void unref_storage(Storage* s) noexcept {
  if (s->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (s->release) {
    s->release(s->owner);
  } else {
    deallocate(s->data, s->bytes);
  }
  t_storages.drop(s);
}

// Nodes whose count reached zero wait here until the outermost release frees them: a chain of any length needs no recursion.
struct Graveyard {
  std::vector<NodeBase*> waiting;
  bool draining = false;
};
thread_local Graveyard t_graveyard;

}  // namespace

void NodeBase::release(NodeBase* node) noexcept {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Graveyard& g = t_graveyard;
  if (g.draining) {
    g.waiting.push_back(node);
    return;
  }
  g.draining = true;
  delete node;
  while (!g.waiting.empty()) {
    NodeBase* next = g.waiting.back();
    g.waiting.pop_back();
    delete next;
  }
  g.draining = false;
}

void Tensor::unref(TensorBody* body) noexcept {
  if (body->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (body->grad) unref(body->grad);
  if (body->node) {
    if (body->is_leaf) body->node->leaf_gone();
    NodeBase::release(body->node);
  }
  unref_storage(body->storage);
  t_bodies.drop(body);
}

std::string to_string(Device d) { return d.type == DeviceType::cpu ? std::string("cpu") : cat("cuda:", static_cast<int>(d.index)); }

Tensor Tensor::empty(const Shape& shape, DType dtype, std::string_view op) {
  return make_empty(shape, dtype, checked_count(op, shape, dtype), op);
}
Tensor Tensor::empty_like(const View& v, std::string_view op) { return make_empty(v.shape, v.dtype, v.count(), op); }

Tensor Tensor::make_empty(const Shape& shape, DType dtype, Dim n, std::string_view op) {
  Storage* s = t_storages.make();
  s->bytes = static_cast<std::size_t>(n * size_of(dtype));
  try {
    s->data = allocate(s->bytes);
  } catch (const OutOfMemoryError&) {
    t_storages.drop(s);
    raise<OutOfMemoryError>(op, ": a tensor of shape ", shape, " and dtype ", dtype, " (", n * size_of(dtype),
                            " bytes) could not be allocated.");
  }
  TensorBody* b = t_bodies.make();
  b->dtype = dtype;
  b->shape = shape;
  b->data = s->data;
  b->storage = s;
  b->set_contiguous_strides();
  return Tensor(b);
}

Tensor Tensor::from_memory(void* data, const Type& type, std::span<const Dim> strides, bool read_only, void (*release)(void*),
                           void* owner) {
  Storage* s = t_storages.make();
  s->data = data;
  s->bytes = static_cast<std::size_t>(checked_count("tensor", type.shape, type.dtype) * size_of(type.dtype));
  s->read_only = read_only;
  s->exposed.store(true, std::memory_order_relaxed);
  s->release = release;
  s->owner = owner;
  TensorBody* b = t_bodies.make();
  static_cast<Type&>(*b) = type;
  b->data = data;
  b->storage = s;
  for (int i = 0; i < type.shape.rank(); ++i) b->strides[i] = strides[static_cast<std::size_t>(i)];
  return Tensor(b);
}

Tensor make_view(Storage* storage, const View& view) {
  storage->refs.fetch_add(1, std::memory_order_relaxed);
  TensorBody* b = t_bodies.make();
  static_cast<View&>(*b) = view;
  b->storage = storage;
  return Tensor(b);
}

namespace {
thread_local Tensor (*t_capture_copy)(const Tensor&) = nullptr;
thread_local void (*t_capture_assign)(const Tensor&, const Tensor&) = nullptr;
}  // namespace

void set_capture_assign(void (*assign)(const Tensor&, const Tensor&)) noexcept { t_capture_assign = assign; }

bool capturing() noexcept { return t_capture_copy != nullptr; }
void set_capturing(Tensor (*copy)(const Tensor&)) noexcept { t_capture_copy = copy; }

void require_values(std::string_view op, const Tensor& t) {
  if (!t.symbolic()) return;
  raise<StateError>(
      op, ": the tensor of shape ", t.shape(),
      " has no values yet, it stands for a step of a model that is being captured. Use tensor ops (nc.where, ...) in place "
      "of values, or compile(..., run_eagerly=True).");
}

void begin_write(std::string_view op, const Tensor& t) {
  Storage* s = t.body()->storage;
  if (s->read_only) {
    raise<StateError>(op, ": the tensor's memory is read-only (it views an array that must not be written). Use x.clone() first.");
  }
  s->version.fetch_add(1, std::memory_order_relaxed);
}

void Tensor::check_dtype(DType wanted) const {
  require_values("data", *this);
  if (body_->dtype != wanted)
    raise<DTypeError>("data: asked for ", wanted, " but the tensor is ", body_->dtype, ". Cast it first.");
}

void Tensor::copy_from_host(const void* values, Dim n) const {
  if (n != count()) raise<ShapeError>("tensor: ", n, " values do not fill shape ", shape(), " (", count(), " elements).");
  if (n) std::memcpy(body_->data, values, static_cast<std::size_t>(n * size_of(dtype())));
}

void Tensor::copy_to_host(void* out) const {
  require_values("copy_to_host", *this);
  View dst = *body_;
  dst.data = out;
  dst.set_contiguous_strides();
  copy_values(*body_, dst);
}

double Tensor::item() const {
  require_values("item", *this);
  if (count() != 1)
    raise<ShapeError>("item: the tensor has shape ", shape(), " and ", count(), " elements. Exactly one is needed.");
  return load_double(body_->data, dtype());
}

std::int64_t Tensor::item_int() const {
  require_values("item", *this);
  if (count() != 1)
    raise<ShapeError>("item: the tensor has shape ", shape(), " and ", count(), " elements. Exactly one is needed.");
  return dtype() == DType::int64 ? *body_->as<std::int64_t>() : static_cast<std::int64_t>(load_double(body_->data, dtype()));
}

namespace {

constexpr std::size_t kLeafLocks = 64;
std::atomic_flag g_leaf_locks[kLeafLocks];

std::atomic_flag& leaf_lock(const void* key) noexcept {
  // A thread that does not come along into a forked child may have held one.
  static const bool registered = os::on_fork([] {
    for (std::atomic_flag& flag : g_leaf_locks) flag.clear();
  });
  static_cast<void>(registered);
  return g_leaf_locks[reinterpret_cast<std::uintptr_t>(key) / 64 % kLeafLocks];
}

}  // namespace

LeafLock::LeafLock(const void* key) noexcept : flag_(leaf_lock(key)) {
  while (flag_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
}
LeafLock::~LeafLock() { flag_.clear(std::memory_order_release); }

Tensor Tensor::grad() const {
  const LeafLock lock(body_);
  if (!body_->grad) return {};
  body_->grad->refs.fetch_add(1, std::memory_order_relaxed);
  return Tensor(body_->grad);
}

void Tensor::set_grad(const Tensor& g) const {
  if (g.defined() && (!(g.shape() == shape()) || g.dtype() != dtype())) {
    raise<ShapeError>("grad: a gradient of shape ", g.shape(), " and dtype ", g.dtype(), " does not fit a tensor of shape ",
                      shape(), " and dtype ", dtype(), ".");
  }
  Tensor other(g);
  const LeafLock lock(body_);
  std::swap(other.body_, body_->grad);
}

bool exchange_grad(const Tensor& x, const Tensor& expected, Tensor fresh) noexcept {
  TensorBody* body = x.body();
  TensorBody* given = fresh.take();
  {
    const LeafLock lock(body);
    if (body->grad != expected.body()) {
      fresh = Tensor(given);
      return false;
    }
    std::swap(given, body->grad);
  }
  const Tensor old(given);
  return true;
}

Tensor Tensor::detach() const { return make_view(body_->storage, *body_); }

Tensor Tensor::clone() const {
  if (capturing()) return t_capture_copy(*this);
  require_values("clone", *this);
  Tensor out = empty(shape(), dtype(), "clone");
  copy_values(*body_, *out.body_);
  return out;
}

void Tensor::assign(const Tensor& source) const {
  require_values("assign", *this);
  if (!(source.shape() == shape())) {
    raise<ShapeError>("assign: a value of shape ", source.shape(), " does not fit a tensor of shape ", shape(), ".");
  }
  for (int i = 0; i < rank(); ++i) {
    if (body_->strides[i] == 0 && shape()[i] > 1) {
      raise<StateError>("assign: axis ", i,
                        " of the tensor repeats one element (it was made by broadcast_to). Use x.clone() first.");
    }
  }
  if (t_capture_assign) return t_capture_assign(*this, source);
  require_values("assign", source);
  begin_write("assign", *this);
  copy_values(may_overlap(*body_, *source.body_) ? *source.clone().body_ : *source.body_, *body_);
}

}  // namespace nacre
