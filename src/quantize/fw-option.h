/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-option.h: the ways in which a unit's weights can be kept and its arithmetic done.
 *
 * An option is three small numbers in one word: the bits that each weight is stored in, the
 * arithmetic that the operator does, and how many weights along an output channel share a scale.
 * Options can be compared with ==; FW_OPTION_FLOAT32 is 0.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FW_ARITHMETIC_FLOAT,        /* weights are widened when the model loads */
  FW_ARITHMETIC_INT8,         /* uint8 activations of calibrated ranges */
  FW_ARITHMETIC_INT8_DYNAMIC, /* 8-bit activations whose range is taken at each run */
  FW_ARITHMETIC_BLOCKS,       /* weights stay in blocks in memory: MatMulNBits */
  FW_N_ARITHMETICS
} FwArithmetic;

typedef guint32 FwOption;

/* A compile-time constant of @bits (32, 16, or 8 to 2), @arithmetic and @block (0: all weights of
 * an output channel share one scale). */
#define FW_OPTION(bits, arithmetic, block)                                                         \
  ((FwOption) (32 - (bits)) | ((FwOption) (arithmetic) << 8) | ((FwOption) (block) << 16))

#define FW_OPTION_FLOAT32 FW_OPTION (32, FW_ARITHMETIC_FLOAT, 0)
#define FW_OPTION_FLOAT16 FW_OPTION (16, FW_ARITHMETIC_FLOAT, 0)
#define FW_OPTION_INT8_STORAGE FW_OPTION (8, FW_ARITHMETIC_FLOAT, 0)
#define FW_OPTION_INT4_STORAGE FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0)
#define FW_OPTION_INT8_COMPUTE FW_OPTION (8, FW_ARITHMETIC_INT8, 0)
#define FW_OPTION_INT8_DYNAMIC FW_OPTION (8, FW_ARITHMETIC_INT8_DYNAMIC, 0)
#define FW_OPTION_INT4_BLOCKS FW_OPTION (4, FW_ARITHMETIC_BLOCKS, 32)
#define FW_OPTION_INT8_BLOCKS FW_OPTION (8, FW_ARITHMETIC_BLOCKS, 32)

/* 32, 16, 8, 7 ... 2. */
static inline guint
fw_option_get_bits (FwOption option)
{
  return 32 - (option & 0xff);
}

static inline FwArithmetic
fw_option_get_arithmetic (FwOption option)
{
  return (FwArithmetic) ((option >> 8) & 0xff);
}

static inline guint
fw_option_get_block (FwOption option)
{
  return option >> 16;
}

/* Numbers of bits in the order of the path: 32, 16, 8, 7 ... 2. */
#define FW_N_WIDTHS 9
extern const guint fw_widths[FW_N_WIDTHS];

/* The place of @bits in fw_widths; FW_N_WIDTHS for others. */
guint fw_width_find (guint bits);

/* Whether @option is a combination that makes sense: integer arithmetic needs weights of 8 bits or
 * fewer, static integer arithmetic one scale a channel, MatMulNBits 4 or 8 bits and blocks; a block
 * is 0 or a power of two from 16 to 256, and 0 for 16 bits and more. */
gboolean fw_option_is_valid (FwOption option);

/* "float32", "float16", "int6-storage", "int4-storage/32", "int8-compute", "int8-dynamic",
 * "int4-blocks/32". Static; recipes and programs rely on it. NULL for what is not valid. */
const char *fw_option_get_name (FwOption option);
gboolean fw_option_from_name (const char *name, FwOption *option);

/* "8-bit weights and arithmetic": translated; lives as long as the program. */
const char *fw_option_get_title (FwOption option);

G_END_DECLS
