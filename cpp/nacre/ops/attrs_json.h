// Attributes of an op to and from JSON, field by field from its record: configurations of losses and files use it.
#pragma once

#include "nacre/io/json.h"
#include "nacre/ops/op.h"

namespace nacre {

// Writes one attribute; TypeError or ValueError naming `owner`, the field and the value.
NACRE_API void attr_from_json(std::string_view owner, const FieldDef& field, const Json& value, std::byte* attrs);
NACRE_API Json attr_to_json(const FieldDef& field, const std::byte* attrs);
// "int", "float", "bool", "ints", "str": the words of io/config.h.
NACRE_API std::string_view field_kind_name(FieldKind kind);

}  // namespace nacre
