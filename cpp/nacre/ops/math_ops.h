// The ops of the math family; see math.inc for the list.
#pragma once

#include "nacre/ops/activation.h"
#include "nacre/ops/binary.h"
#include "nacre/ops/einsum.h"
#include "nacre/ops/matmul.h"
#include "nacre/ops/reduce.h"
#include "nacre/ops/unary.h"
#include "nacre/ops/where.h"
