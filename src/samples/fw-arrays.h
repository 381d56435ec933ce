/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-arrays.h: numbers from files: NumPy's .npy and .npz, CSV tables, raw float32.
 *
 * Files above 1 GiB, and .npz files that unpack to more, are refused before memory is taken.
 */

#pragma once

#include "fw-tensor.h"

G_BEGIN_DECLS

typedef enum
{
  FW_ARRAY_NONE,
  FW_ARRAY_NPY,
  FW_ARRAY_NPZ,
  FW_ARRAY_F32, /* by its name alone: bytes of any kind */
} FwArrayKind;

/* Named tensors of one file. */
typedef struct
{
  gatomicrefcount references;
  GPtrArray *names;   /* char *; of an .npy file "" */
  GPtrArray *tensors; /* FwTensor */
  int *labels;        /* per row of the first dimension, or NULL */
  GPtrArray *classes; /* char *: where labels were names, those in alphabetical order; or NULL */
} FwArrays;

/* The kind of a file that begins with @data and is called @name. */
FwArrayKind fw_arrays_sniff (const guint8 *data, gsize size, const char *name);

/* Reads an .npy or .npz file. @wanted: NULL-terminated names of members; where the file has any of
 * them, the others are passed over. Errors: NO_SUCH_FILE, NOT_READABLE. */
FwArrays *fw_arrays_load (const char *path, const char *const *wanted, GError **error);
/* Raw little-endian float32 in rows of @width. Errors: NOT_READABLE; UNSUPPORTED_INPUTS where it
 * does not come out even. */
FwArrays *fw_arrays_load_f32 (const char *path, gsize width, GError **error);
/* A CSV of numbers, with or without a line of titles, in rows of @width. There may be more columns:
 * a first one that counts the rows is passed over; of what is left the first or the last may be the
 * label, a whole number from 0 or a name. Errors: NOT_READABLE for what is no table,
 * UNSUPPORTED_INPUTS with the first row that does not fit. */
FwArrays *fw_arrays_load_csv (const char *path, gsize width, GError **error);

FwArrays *fw_arrays_ref (FwArrays *self);
void fw_arrays_unref (FwArrays *self);
/* NULL where there is none of that name. Borrowed. */
FwTensor *fw_arrays_find (const FwArrays *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwArrays, fw_arrays_unref)

G_END_DECLS
