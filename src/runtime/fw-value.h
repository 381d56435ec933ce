/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-value.h: whatever a model can take or give: a tensor, a sequence, a map, or nothing.
 *
 * Ordinary models take and give tensors, and fw_session_run() is all they need. This is for those
 * that do not. Immutable once shared.
 */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

typedef enum
{
  FW_VALUE_NONE, /* an optional that holds nothing */
  FW_VALUE_TENSOR,
  FW_VALUE_SEQUENCE, /* of values of one kind */
  FW_VALUE_MAP,      /* two values: the keys and what they stand for, both tensors */
  FW_VALUE_OTHER,    /* of a kind that can't be looked into, such as a sparse tensor */
} FwValueKind;

typedef struct _FwValue FwValue;

/* Takes a reference to @tensor. */
FwValue *fw_value_new_tensor (FwTensor *tensor);
/* A sequence or map without values, a none or an other. */
FwValue *fw_value_new (FwValueKind kind);
/* Appends to a sequence or map; takes @value. */
void fw_value_append (FwValue *self, FwValue *value);
FwValue *fw_value_ref (FwValue *self);
void fw_value_unref (FwValue *self);

FwValueKind fw_value_get_kind (FwValue *self);
/* NULL for all but tensors; belongs to the value. */
FwTensor *fw_value_get_tensor (FwValue *self);
guint fw_value_get_n_values (FwValue *self);
FwValue *fw_value_get_value (FwValue *self, guint index);

/* The same kinds, shapes and bits; a NaN equals any NaN. Others are equal to nothing. */
gboolean fw_value_equal (FwValue *self, FwValue *other);

/* As fw_session_run(), with FwValues in and out, all outputs that @output_names asks for. */
GPtrArray *fw_session_run_values (FwSession *self,
                                  const char *const *input_names,
                                  FwValue *const *inputs,
                                  guint n_inputs,
                                  const char *const *output_names,
                                  GCancellable *cancellable,
                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwValue, fw_value_unref)

G_END_DECLS
