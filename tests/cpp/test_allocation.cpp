// Training allocates nothing per step: fit over many batches takes as much memory from the system, and as often, as over few.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "model_test.h"
#include "nacre/model/sequential.h"
#include "nacre/nn/layers.h"

namespace {
std::atomic<std::int64_t> g_allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++g_allocations;
  void* p = nullptr;
  if (posix_memalign(&p, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes ? bytes : 1) != 0) return nullptr;
  return p;
}
void* counted_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* p = counted(bytes, alignment)) return p;
  throw std::bad_alloc();
}
}  // namespace

// Everything that takes memory from the system in this program: C++'s and the core's own (base/memory.cpp).
void* operator new(std::size_t bytes) { return counted_or_throw(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t a) { return counted_or_throw(bytes, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return counted(bytes, alignment); }

using namespace nacre;
using namespace nacre::model;

namespace {

// Allocations of one fit over `rows` rows, after one that has made the plans.
std::int64_t of_fit(Sequential& model, const Tensor& x, const Tensor& y, Dim batches) {
  const Dim n = 8 * batches;
  const auto first = [n](const Tensor& t) {
    View v = t.view();
    v.shape[0] = n;
    return make_view(t.body()->storage, v);
  };
  const Tensor xs = first(x), ys = first(y);
  (void)model.fit(xs, ys, {.batch_size = 8, .epochs = 1});
  const std::int64_t before = g_allocations;
  (void)model.fit(xs, ys, {.batch_size = 8, .epochs = 1});
  return g_allocations - before;
}

}  // namespace

TEST_CASE("an epoch allocates as often with many steps as with few") {
  const Tensor x = random_normal(next_key(), {.shape = {8 * 64, 6, 6, 2}});
  const Tensor y = random_randint(next_key(), {.shape = {8 * 64}, .minval = 0, .maxval = 3});
  Sequential model;
  model.add<nn::Conv2D>({.filters = 4, .kernel_size = 3, .activation = "relu"});
  model.add(std::make_shared<nn::BatchNormalization>());
  model.add<nn::MaxPooling2D>({});
  model.add<nn::Flatten>({});
  model.add<nn::Dense>({.units = 16, .activation = "gelu"});
  model.add<nn::Dropout>({.rate = 0.5});
  model.add<nn::LayerNormalization>({});
  model.add<nn::Dense>({.units = 3});
  model.compile({.optimizer = "adam",
                 .loss = metrics::make_loss("sparse_categorical_crossentropy", Json::object({{"from_logits", Json(true)}})),
                 .metrics = {"accuracy"}});
  const std::int64_t few = of_fit(model, x, y, 4), many = of_fit(model, x, y, 64);
  CHECK(few > 0);  // the counter counts
  CHECK(many == few);
}
