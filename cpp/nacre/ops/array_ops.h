// Attribute structs of the array family: creation, random numbers, shapes, joining, indexing, sorting, padding.
#pragma once

#include "nacre/ops/create.h"
