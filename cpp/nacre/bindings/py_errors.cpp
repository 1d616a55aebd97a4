// C++ errors as Python errors: nacre.errors.ShapeError is a ValueError, DTypeError a TypeError, and so on.
#include <new>

#include "nacre/bindings/py_core.h"

namespace nacre::python {

namespace {

struct ErrorTypes {
  PyObject *shape, *format, *dtype, *index, *state, *io, *memory;
};
ErrorTypes g_errors{};

PyObject* make(py::module_& m, const char* name, PyObject* base, const char* doc) {
  const std::string qualified = std::string("nacre.errors.") + name;
  PyObject* type = PyErr_NewExceptionWithDoc(qualified.c_str(), doc, base, nullptr);
  if (!type) throw py::error_already_set();
  m.add_object(name, py::reinterpret_borrow<py::object>(type));
  return type;
}

}  // namespace

void set_python_error() noexcept {
  try {
    throw;
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const py::cast_error& e) {  // pybind11's text names C++ types, and lone surrogates nowhere
    const bool text = std::string_view(e.what()).find("'str'") != std::string_view::npos;
    PyErr_SetString(PyExc_TypeError, text ? "nacre: a string holds characters that UTF-8 cannot (lone surrogates)."
                                          : cat("nacre: an argument is of the wrong type. ", e.what()).c_str());
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const ShapeError& e) {
    PyErr_SetString(g_errors.shape, e.what());
  } catch (const FormatError& e) {
    PyErr_SetString(g_errors.format, e.what());
  } catch (const ValueError& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const DTypeError& e) {
    PyErr_SetString(g_errors.dtype, e.what());
  } catch (const TypeError& e) {
    PyErr_SetString(PyExc_TypeError, e.what());
  } catch (const IndexError& e) {
    PyErr_SetString(g_errors.index, e.what());
  } catch (const StateError& e) {
    PyErr_SetString(g_errors.state, e.what());
  } catch (const IoError& e) {
    PyErr_SetString(g_errors.io, e.what());
  } catch (const OutOfMemoryError& e) {
    PyErr_SetString(g_errors.memory, e.what());
  } catch (const Interrupted& e) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_KeyboardInterrupt, e.what());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(g_errors.memory, "memory: an allocation failed. Use a smaller batch or model.");
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "nacre: unknown error.");
  }
}

void bind_errors(py::module_& m) {
  g_errors.shape = make(m, "ShapeError", PyExc_ValueError, "Shapes do not fit each other or the operation.");
  g_errors.format = make(m, "FormatError", PyExc_ValueError, "A file or text is damaged or not of the format.");
  g_errors.dtype = make(m, "DTypeError", PyExc_TypeError, "A dtype is not allowed here.");
  g_errors.index = make(m, "IndexError", PyExc_IndexError, "An index or label is out of range.");
  g_errors.state = make(m, "StateError", PyExc_RuntimeError, "A right call at the wrong moment: not built, graph freed.");
  g_errors.io = make(m, "IoError", PyExc_OSError, "The operating system refused a file operation.");
  g_errors.memory = make(m, "OutOfMemoryError", PyExc_MemoryError, "Memory could not be had.");
  py::register_exception_translator([](std::exception_ptr p) {
    if (!p) return;
    try {
      std::rethrow_exception(p);
    } catch (const Error&) {
      set_python_error();
    } catch (const py::cast_error&) {
      set_python_error();
    }
  });
}

}  // namespace nacre::python
