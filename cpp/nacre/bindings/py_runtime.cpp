// Conversion functions, autograd functions, threads, floatx, information.
#include "nacre/base/cpu_info.h"
#include "nacre/base/memory.h"
#include "nacre/base/threads.h"
#include "nacre/bindings/py_core.h"
#include "nacre/ops/indexing.h"
#include "nacre/ops/random_state.h"
#include "nacre/version.h"

namespace nacre::python {

namespace {

std::vector<Tensor> tensor_list(const py::handle& o, std::string_view what) {
  std::vector<Tensor> out;
  if (is_tensor(o.ptr())) return {unwrap(o.ptr())};
  if (!py::isinstance<py::sequence>(o))
    raise<TypeError>(what, " must be a tensor or a list of tensors, got ", Py_TYPE(o.ptr())->tp_name, ".");
  for (auto item : py::reinterpret_borrow<py::sequence>(o)) {
    if (!is_tensor(item.ptr())) raise<TypeError>(what, " must hold tensors, got ", Py_TYPE(item.ptr())->tp_name, ".");
    out.push_back(unwrap(item.ptr()));
  }
  return out;
}

OptDType optional_dtype(const py::object& dtype, std::string_view what) {
  return dtype.is_none() ? OptDType() : OptDType(dtype_from_python(dtype.ptr(), what));
}

}  // namespace

void bind_autograd(py::module_& m) {
  m.def("grad_enabled", &grad_enabled, "True while ops on this thread are recorded.");
  m.def("set_grad_enabled", &set_grad_enabled, py::arg("on"), "Switches recording on this thread.");
  m.def(
      "reaches_other_leaves",
      [](const py::object& y, const py::object& inputs) {
        const auto ys = tensor_list(y, "reaches_other_leaves: y"), xs = tensor_list(inputs, "reaches_other_leaves: inputs");
        return reaches_other_leaves(ys.at(0), xs);
      },
      py::arg("y"), py::arg("inputs"), "True when y depends on a leaf that requires a gradient and is none of `inputs`.");
  m.def(
      "gradients",
      [](const py::object& outputs, const py::object& inputs, const py::object& dys, bool retain_graph, bool create_graph) {
        const auto ys = tensor_list(outputs, "gradients: outputs"), xs = tensor_list(inputs, "gradients: inputs");
        std::vector<Tensor> gs;
        if (!dys.is_none()) gs = tensor_list(dys, "gradients: output_gradients");
        std::vector<Tensor> result;
        {
          py::gil_scoped_release release;
          result = gradients(ys, gs, xs, retain_graph, create_graph);
        }
        py::list out;
        for (Tensor& g : result) out.append(py::cast(std::move(g)));
        return out;
      },
      py::arg("outputs"), py::arg("inputs"), py::arg("output_gradients") = py::none(), py::arg("retain_graph") = false,
      py::arg("create_graph") = false,
      R"(Gradients of sum(output_gradients * outputs) with respect to inputs; None for an input that no output depends on.

Example:
    >>> x = nc.Tensor([2.0, 3.0], requires_grad=True)
    >>> nc.gradients((x * x).sum(), [x])[0].tolist()
    [4.0, 6.0])");
}

void bind_runtime(py::module_& m) {
  m.attr("__version__") = NACRE_VERSION;
  m.def(
      "convert_to_tensor",
      [](const py::object& x, const py::object& dtype) {
        return to_tensor(x.ptr(), {.dtype = optional_dtype(dtype, "convert_to_tensor")}, "convert_to_tensor");
      },
      py::arg("x"), py::arg("dtype") = py::none(),
      R"(A tensor of x (numbers, nested lists, arrays; copied).

Python integers give int32, fractions and float64 arrays floatx(), unless dtype is given.

Example:
    >>> nc.convert_to_tensor([1, 2]).dtype, nc.convert_to_tensor([1.0, 2.0]).dtype
    ('int32', 'float32'))");
  m.def(
      "asarray",
      [](const py::object& x, const py::object& dtype) {
        return to_tensor(x.ptr(), {.dtype = optional_dtype(dtype, "asarray"), .share = true, .keep_float64 = true}, "asarray");
      },
      py::arg("x"), py::arg("dtype") = py::none(),
      R"(A tensor that shares x's memory where its type allows (NumPy arrays of any strides, read-only ones too); its dtype is kept.

Example:
    >>> import numpy as np
    >>> a = np.zeros(2)
    >>> x = nc.asarray(a)
    >>> a[0] = 5.0
    >>> x.tolist(), x.dtype
    ([5.0, 0.0], 'float64'))");
  m.def(
      "to_numpy", [](const Tensor& x) { return py::reinterpret_steal<py::object>(to_numpy(x)); }, py::arg("x"));
  m.def(
      "floatx", [] { return std::string(name_of(floatx())); }, R"(Name of the default float type.

Example:
    >>> nc.config.floatx()
    'float32')");
  m.def(
      "set_floatx", [](const py::object& value) { set_floatx(dtype_from_python(value.ptr(), "set_floatx")); }, py::arg("value"),
      R"(Sets the default float type: 'float32' or 'float64'.

Example:
    >>> nc.config.set_floatx("float64")
    >>> nc.ones((2,)).dtype
    'float64'
    >>> nc.config.set_floatx("float32"))");
  m.def("num_threads", &num_threads, R"(Number of threads that kernels use.

Example:
    >>> nc.num_threads() >= 1
    True)");
  m.def("set_num_threads", &set_num_threads, py::arg("n"), R"(Sets the number of threads, 1 to 1024. Results do not depend on it.

Example:
    >>> before = nc.num_threads()
    >>> nc.set_num_threads(1)
    >>> nc.num_threads()
    1
    >>> nc.set_num_threads(before))");
  m.def("threads_started", &threads_started);
  m.def(
      "isa", [] { return std::string(isa_name(active_isa())); }, "The instruction set in use: scalar, avx2, avx512 or neon.");
  m.def("available_isas", [] {
    std::vector<std::string> names;
    py::list out;
    for (Isa i : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
      if (isa_available(i)) out.append(py::str(isa_name(i)));
    }
    return out;
  });
  m.def("memory_in_use", &memory_in_use);
  m.def("memory_peak", &memory_peak);
  m.def("reset_memory_peak", &reset_memory_peak);
  m.def("release_cached_memory", &release_cached_memory);
  m.def(
      "dtype_name", [](const py::object& dtype) { return std::string(name_of(dtype_from_python(dtype.ptr(), "dtype"))); },
      py::arg("dtype"));
  m.def("next_random_key", &next_key, "A fresh key (seed, stream, step) of the global generator.");
  m.def("set_random_seed", &set_random_seed, py::arg("seed"), "Starts everything random anew from this seed.");
  m.def(
      "nonzero",
      [](const Tensor& x) {
        std::vector<Tensor> at;
        {
          const py::gil_scoped_release release;
          at = nonzero(x);
        }
        py::list out;
        for (Tensor& t : at) out.append(py::cast(std::move(t)));
        return out;
      },
      py::arg("x"));
  m.def("share_memory", [](const Tensor& a, const Tensor& b) { return a.body()->storage == b.body()->storage; });
}

}  // namespace nacre::python
