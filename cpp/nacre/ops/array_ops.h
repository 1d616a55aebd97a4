// The ops of the array family; see array.inc for the list.
#pragma once

#include "nacre/ops/create.h"
#include "nacre/ops/index_ops.h"
#include "nacre/ops/join.h"
#include "nacre/ops/pad.h"
#include "nacre/ops/probe.h"
#include "nacre/ops/random_ops.h"
#include "nacre/ops/shape_ops.h"
#include "nacre/ops/slice.h"
#include "nacre/ops/sort_ops.h"
