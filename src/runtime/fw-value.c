/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-value.h"

struct _FwValue
{
  gatomicrefcount ref_count;
  FwValueKind kind;
  FwTensor *tensor;
  GPtrArray *values;
};

FwValue *
fw_value_new (FwValueKind kind)
{
  FwValue *self = g_new0 (FwValue, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->values = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_value_unref);
  return self;
}

FwValue *
fw_value_new_tensor (FwTensor *tensor)
{
  FwValue *self = fw_value_new (FW_VALUE_TENSOR);

  self->tensor = fw_tensor_ref (tensor);
  return self;
}

void
fw_value_append (FwValue *self, FwValue *value)
{
  g_return_if_fail (self->kind == FW_VALUE_SEQUENCE || self->kind == FW_VALUE_MAP);

  g_ptr_array_add (self->values, value);
}

FwValue *
fw_value_ref (FwValue *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
fw_value_unref (FwValue *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->tensor, fw_tensor_unref);
  g_ptr_array_unref (self->values);
  g_free (self);
}

FwValueKind
fw_value_get_kind (FwValue *self)
{
  return self->kind;
}

FwTensor *
fw_value_get_tensor (FwValue *self)
{
  return self->tensor;
}

guint
fw_value_get_n_values (FwValue *self)
{
  return self->values->len;
}

FwValue *
fw_value_get_value (FwValue *self, guint index)
{
  g_return_val_if_fail (index < self->values->len, NULL);

  return g_ptr_array_index (self->values, index);
}

/* Comparing ---------------------------------------------------------------------------------- */

static gboolean
is_nan_at (FwElementType type, gconstpointer data, gsize index)
{
  switch (type)
    {
    case FW_ELEMENT_FLOAT:
      return isnan (((const float *) data)[index]);
    case FW_ELEMENT_DOUBLE:
      return isnan (((const double *) data)[index]);
    case FW_ELEMENT_FLOAT16:
      return (((const guint16 *) data)[index] & 0x7fff) > 0x7c00;
    case FW_ELEMENT_BFLOAT16:
      return (((const guint16 *) data)[index] & 0x7fff) > 0x7f80;
    default:
      return FALSE;
    }
}

static gboolean
strings_equal (FwTensor *self, FwTensor *other)
{
  char *const *strings = fw_tensor_get_data (self);
  char *const *others = fw_tensor_get_data (other);

  for (gsize i = 0; i < fw_tensor_get_n_elements (self); i++)
    if (strcmp (strings[i], others[i]) != 0)
      return FALSE;
  return TRUE;
}

static gboolean
tensors_equal (FwTensor *self, FwTensor *other)
{
  FwElementType type = fw_tensor_get_element_type (self);
  gsize n_elements = fw_tensor_get_n_elements (self);
  gsize size = fw_tensor_get_size (self);
  const char *data = fw_tensor_get_data (self);
  const char *others = fw_tensor_get_data (other);
  gsize width;

  if (type != fw_tensor_get_element_type (other)
      || fw_tensor_get_n_dims (self) != fw_tensor_get_n_dims (other)
      || memcmp (fw_tensor_get_dims (self), fw_tensor_get_dims (other),
                 fw_tensor_get_n_dims (self) * sizeof (gint64))
             != 0)
    return FALSE;
  if (size == 0)
    return TRUE;
  if (type == FW_ELEMENT_STRING)
    return strings_equal (self, other);
  if (memcmp (data, others, size) == 0)
    return TRUE;

  width = size / n_elements;
  if (width == 0)
    return FALSE;
  for (gsize i = 0; i < n_elements; i++)
    if (memcmp (data + i * width, others + i * width, width) != 0
        && !(is_nan_at (type, data, i) && is_nan_at (type, others, i)))
      return FALSE;
  return TRUE;
}

gboolean
fw_value_equal (FwValue *self, FwValue *other)
{
  if (self->kind != other->kind || self->values->len != other->values->len)
    return FALSE;
  if (self->kind == FW_VALUE_OTHER)
    return FALSE;
  if (self->kind == FW_VALUE_TENSOR)
    return tensors_equal (self->tensor, other->tensor);

  for (guint i = 0; i < self->values->len; i++)
    if (!fw_value_equal (g_ptr_array_index (self->values, i), g_ptr_array_index (other->values, i)))
      return FALSE;
  return TRUE;
}
