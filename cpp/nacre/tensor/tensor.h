// Tensor: a counted handle to a body (type, strides, pointer) that views a storage. Copying a Tensor copies the handle;
// clone() copies the values. Slices, transposes and reshapes of a tensor view the same storage.
//
// Autograd hangs on the body: `node` is the graph node that made the value (or, for a leaf that requires a gradient, its leaf node),
// `grad` the accumulated gradient. This file knows nodes only as counted objects; the tape is autograd/tape.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nacre/base/shape.h"

namespace nacre {

// Where a tensor's memory lives. Only the CPU exists in this build; a plug-in adds others.
enum class DeviceType : std::uint8_t { cpu, cuda };
struct Device {
  DeviceType type = DeviceType::cpu;
  std::int16_t index = 0;
  bool operator==(const Device&) const = default;
};
NACRE_API std::string to_string(Device d);

// A block of memory with an owner. `version` counts in-place changes: backward compares it with the version it saved.
struct Storage {
  std::atomic<std::int32_t> refs{1};
  std::atomic<std::uint32_t> version{0};
  void* data = nullptr;
  std::size_t bytes = 0;
  Device device;
  bool read_only = false;            // memory of a caller that must not be written
  bool symbolic = false;             // no memory: a value of a graph that is being captured, see capturing()
  std::atomic<bool> exposed{false};  // somebody outside holds a pointer to write through: `version` does not tell of all changes
  void (*release)(void* owner) = nullptr;  // foreign memory: called once when the last view is gone; null = our own block
  void* owner = nullptr;
};

// Base of graph nodes: counted, freed without recursion through dispose (see autograd/tape.cpp).
struct NodeBase {
  std::atomic<std::int32_t> refs{1};
  virtual ~NodeBase() = default;
  // The body that a leaf's node stands for is being freed.
  virtual void leaf_gone() noexcept {}
  NACRE_API static void release(NodeBase* node) noexcept;
};

struct TensorBody : View {
  std::atomic<std::int32_t> refs{1};
  std::int32_t output_index = 0;  // which output of `node` this is
  bool requires_grad = false;     // set on leaves by the user, on results when some input requires a gradient
  bool is_leaf = true;
  Storage* storage = nullptr;
  NodeBase* node = nullptr;
  TensorBody* grad = nullptr;
};

class NACRE_API Tensor {
 public:
  Tensor() noexcept {}  // not defaulted: clang would want body_ before the class ends (default arguments below)
  // A scalar (rank 0) of floatx() or of int64; see full() in ops for others.
  explicit Tensor(TensorBody* adopted) noexcept : body_(adopted) {}
  Tensor(const Tensor& o) noexcept : body_(o.body_) {
    if (body_) body_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  Tensor(Tensor&& o) noexcept : body_(std::exchange(o.body_, nullptr)) {}
  Tensor& operator=(Tensor o) noexcept {
    std::swap(body_, o.body_);
    return *this;
  }
  ~Tensor() {
    if (body_) unref(body_);
  }

  // Uninitialised memory of this type; throws ShapeError or OutOfMemoryError naming `op`.
  static Tensor empty(const Shape& shape, DType dtype = DType::float32, std::string_view op = "tensor");
  // The same of the type of a tensor that exists, contiguous.
  static Tensor empty_like(const View& v, std::string_view op = "tensor");
  // Copies `values` (count must match the shape).
  template <class T>
  static Tensor of(std::span<const T> values, const Shape& shape) {
    Tensor t = empty(shape, dtype_of<T>);
    t.copy_from_host(values.data(), static_cast<Dim>(values.size()));
    return t;
  }
  template <class T>
  static Tensor of(const std::vector<T>& values, const Shape& shape) {
    return of(std::span<const T>(values), shape);
  }
  // Views foreign memory without a copy. `release(owner)` is called once when the last view is gone. Strides in elements.
  static Tensor from_memory(void* data, const Type& type, std::span<const Dim> strides, bool read_only, void (*release)(void*),
                            void* owner);

  [[nodiscard]] explicit operator bool() const noexcept { return body_ != nullptr; }
  [[nodiscard]] bool defined() const noexcept { return body_ != nullptr; }
  [[nodiscard]] const Shape& shape() const { return body_->shape; }
  [[nodiscard]] int rank() const { return body_->shape.rank(); }
  [[nodiscard]] Dim count() const { return body_->shape.count(); }
  [[nodiscard]] DType dtype() const { return body_->dtype; }
  [[nodiscard]] Device device() const { return body_->storage->device; }
  [[nodiscard]] const View& view() const { return *body_; }
  [[nodiscard]] bool contiguous() const { return body_->contiguous(); }
  // Pointer to the first element; DTypeError when T is not the dtype. Follow view().strides, or call on a contiguous tensor.
  template <class T>
  [[nodiscard]] T* data() const {
    check_dtype(dtype_of<T>);
    body_->storage->exposed.store(true, std::memory_order_relaxed);
    return static_cast<T*>(body_->data);
  }
  // The only element as a double or an integer; ShapeError when there is not exactly one.
  [[nodiscard]] double item() const;
  [[nodiscard]] std::int64_t item_int() const;
  template <class T>
  [[nodiscard]] std::vector<T> to_vector() const {
    std::vector<T> out(static_cast<std::size_t>(count()));
    check_dtype(dtype_of<T>);
    copy_to_host(out.data());
    return out;
  }

  // Stands for a value of a graph that is being captured: dtype and shape are known, values are not.
  [[nodiscard]] bool symbolic() const { return body_->storage->symbolic; }

  [[nodiscard]] bool requires_grad() const { return body_->requires_grad; }
  // Only a leaf of a float dtype can be told to require a gradient.
  void set_requires_grad(bool on) const;
  [[nodiscard]] bool is_leaf() const { return body_->is_leaf; }
  // Gradient accumulated by backward(), or an empty handle.
  [[nodiscard]] Tensor grad() const;
  void set_grad(const Tensor& g) const;
  // Gradients of this value with respect to every leaf it was made from, added into their grad(). `dy` has this shape and is needed
  // unless this is a single number. See autograd/tape.h.
  void backward(const Tensor& dy = {}, bool retain_graph = false, bool create_graph = false) const;
  // The same values without history.
  [[nodiscard]] Tensor detach() const;
  // A contiguous copy without history.
  [[nodiscard]] Tensor clone() const;

  // Writes `source` (same shape, cast to this dtype) into this tensor's memory; not recorded. Bumps the version.
  void assign(const Tensor& source) const;
  void copy_to_host(void* out) const;  // contiguous, own dtype

  [[nodiscard]] TensorBody* body() const noexcept { return body_; }
  [[nodiscard]] TensorBody* take() noexcept { return std::exchange(body_, nullptr); }
  [[nodiscard]] bool same(const Tensor& o) const noexcept { return body_ == o.body_; }

 private:
  static Tensor make_empty(const Shape& shape, DType dtype, Dim count, std::string_view op);
  void check_dtype(DType wanted) const;
  void copy_from_host(const void* values, Dim count) const;
  static void unref(TensorBody* body) noexcept;
  TensorBody* body_ = nullptr;
};

// A body that views `storage` (a reference is added).
NACRE_API Tensor make_view(Storage* storage, const View& view);
// Raises StateError when the memory may not be written; otherwise counts the change.
NACRE_API void begin_write(std::string_view op, const Tensor& t);
// Is a graph being captured in this thread (ops/recorder.h)? Then ops are recorded in place of being run, clone() among them, and values can be
// neither read nor assigned.
NACRE_API bool capturing() noexcept;
// `copy` is how clone() is recorded; null ends capturing.
NACRE_API void set_capturing(Tensor (*copy)(const Tensor&)) noexcept;
// Raises StateError when the tensor is symbolic: what the caller does needs its values.
NACRE_API void require_values(std::string_view op, const Tensor& t);
// Short text of the values as NumPy prints them, cut in the middle when there are many.
NACRE_API std::string format_values(const Tensor& t);

}  // namespace nacre
