// Options structs (io/config.h) and Python: constructor arguments bound by the description, JSON to and from Python objects.
#pragma once

#include <span>

#include "nacre/bindings/py_core.h"
#include "nacre/io/config.h"

namespace nacre::python {

// None, bool, int, float, str, list, tuple, dict; objects with get_config() become {"class_name", "config"}, functions their __name__,
// dtypes their name. TypeError naming `owner` and `option` for anything else.
Json json_from_python(py::handle o, std::string_view owner, std::string_view option);
py::object json_to_python(const Json& j);

// Binds a call owner(*args, **kwargs) to the options, in their order, as Python does: TypeError for unknown, doubled or missing ones.
Json bind_options(std::string_view owner, std::span<const OptionInfo> options, const py::args& args, const py::kwargs& kwargs);

// "Dense(units, activation='linear', ...)\n--\n\n<doc>\n\nArgs:\n    units: ..." - help() and inspect.signature read the first line.
std::string options_doc(std::string_view owner, std::span<const OptionInfo> options, std::string_view doc);

// "Adam(learning_rate=0.01)": the options that differ from their defaults.
std::string options_repr(std::string_view owner, std::span<const OptionInfo> options, const Json& config);

}  // namespace nacre::python
