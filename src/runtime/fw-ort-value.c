/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-ort-value.h"
#include "fw-tensor-private.h"

#define MAX_DEPTH 8
#define ALIGNMENT 64

/* In ----------------------------------------------------------------------------------------- */

OrtValue *
fw_ort_value_new_tensor (const FwRuntime *runtime, FwTensor *tensor, GError **error)
{
  const OrtApi *api = runtime->api;
  FwElementType type = fw_tensor_get_element_type (tensor);
  OrtValue *ort = NULL;
  OrtStatus *status;

  if (type == FW_ELEMENT_STRING)
    {
      status = api->CreateTensorAsOrtValue (runtime->allocator, fw_tensor_get_dims (tensor),
                                            fw_tensor_get_n_dims (tensor), type, &ort);
      if (status == NULL && fw_tensor_get_n_elements (tensor) > 0)
        status = api->FillStringTensor (ort, fw_tensor_get_data (tensor),
                                        fw_tensor_get_n_elements (tensor));
    }
  else
    status = api->CreateTensorWithDataAsOrtValue (
        runtime->memory_info, fw_tensor_get_data (tensor), fw_tensor_get_size (tensor),
        fw_tensor_get_dims (tensor), fw_tensor_get_n_dims (tensor), type, &ort);

  if (status != NULL)
    {
      if (ort != NULL)
        api->ReleaseValue (ort);
      fw_runtime_fail_run (status, error);
      return NULL;
    }
  return ort;
}

static OrtValue *
new_container (const FwRuntime *runtime, FwValue *value, int kind, GError **error)
{
  const OrtApi *api = runtime->api;
  guint n = fw_value_get_n_values (value);
  g_autofree OrtValue **parts = g_new0 (OrtValue *, n + 1);
  OrtValue *ort = NULL;
  guint n_made = 0;

  while (n_made < n)
    {
      parts[n_made] = fw_ort_value_new (runtime, fw_value_get_value (value, n_made), error);
      if (parts[n_made] == NULL)
        break;
      n_made++;
    }
  if (n_made == n)
    {
      OrtStatus *status = api->CreateValue ((const OrtValue *const *) parts, n, kind, &ort);

      if (status != NULL)
        fw_runtime_fail_run (status, error);
    }
  for (guint i = 0; i < n_made; i++)
    api->ReleaseValue (parts[i]);
  return ort;
}

OrtValue *
fw_ort_value_new (const FwRuntime *runtime, FwValue *value, GError **error)
{
  switch (fw_value_get_kind (value))
    {
    case FW_VALUE_TENSOR:
      return fw_ort_value_new_tensor (runtime, fw_value_get_tensor (value), error);
    case FW_VALUE_SEQUENCE:
      return new_container (runtime, value, ORT_KIND_SEQUENCE, error);
    case FW_VALUE_MAP:
      return new_container (runtime, value, ORT_KIND_MAP, error);
    default:
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("The model takes an input of a kind that can't be given to it."));
      return NULL;
    }
}

/* Out ---------------------------------------------------------------------------------------- */

typedef struct
{
  int kind;
  int type;
  size_t n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK];
} Description;

static gboolean
describe (const FwRuntime *runtime, const OrtValue *ort, Description *description, GError **error)
{
  const OrtApi *api = runtime->api;
  OrtTensorTypeAndShapeInfo *info = NULL;
  OrtStatus *status = api->GetValueType (ort, &description->kind);

  if (status == NULL && description->kind != ORT_KIND_TENSOR)
    return TRUE;
  if (status == NULL)
    status = api->GetTensorTypeAndShape (ort, &info);
  if (status == NULL)
    status = api->GetTensorElementType (info, &description->type);
  if (status == NULL)
    status = api->GetDimensionsCount (info, &description->n_dims);
  if (status == NULL && description->n_dims <= FW_TENSOR_MAX_RANK)
    status = api->GetDimensions (info, description->dims, description->n_dims);
  if (info != NULL)
    api->ReleaseTensorTypeAndShapeInfo (info);

  return status == NULL ? TRUE : fw_runtime_fail_run (status, error);
}

static FwTensor *
copy_strings (const FwRuntime *runtime,
              const OrtValue *ort,
              const Description *description,
              GError **error)
{
  const OrtApi *api = runtime->api;
  g_autofree char *content = NULL;
  g_autofree size_t *offsets = NULL;
  g_auto (GStrv) strings = NULL;
  gsize n_elements, size;
  size_t length = 0;
  OrtStatus *status;

  if (!fw_tensor_measure (FW_ELEMENT_STRING, description->dims, (guint) description->n_dims,
                          &n_elements, &size, error))
    return NULL;
  status = api->GetStringTensorDataLength (ort, &length);
  if (status == NULL)
    {
      content = g_malloc0 (length + 1);
      offsets = g_new0 (size_t, n_elements + 1);
      if (n_elements > 0)
        status = api->GetStringTensorContent (ort, content, length, offsets, n_elements);
    }
  if (status != NULL)
    {
      fw_runtime_fail_run (status, error);
      return NULL;
    }

  offsets[n_elements] = length;
  strings = g_new0 (char *, n_elements + 1);
  for (gsize i = 0; i < n_elements; i++)
    strings[i] = g_strndup (content + offsets[i], offsets[i + 1] - offsets[i]);
  return fw_tensor_new_strings ((const char *const *) strings, description->dims,
                                (guint) description->n_dims, error);
}

static gboolean
must_copy (const char *data, FwTensor *const *inputs, guint n_inputs)
{
  if ((guintptr) data % ALIGNMENT != 0)
    return TRUE;
  for (guint i = 0; i < n_inputs; i++)
    {
      const char *start = fw_tensor_get_data (inputs[i]);

      if (data >= start && data < start + MAX (fw_tensor_get_size (inputs[i]), 1))
        return TRUE;
    }
  return FALSE;
}

static void
release_held (gpointer data)
{
  const FwRuntime *runtime = fw_runtime_get (NULL);

  runtime->api->ReleaseValue (data);
}

/* Sets @is_held where the tensor keeps @ort. */
static FwTensor *
tensor_from_ort (const FwRuntime *runtime,
                 OrtValue *ort,
                 const Description *description,
                 gboolean may_hold,
                 FwTensor *const *inputs,
                 guint n_inputs,
                 gboolean *is_held,
                 GError **error)
{
  guint n_dims = (guint) description->n_dims;
  FwTensor *tensor;
  OrtStatus *status;
  void *data = NULL;

  if (description->type == FW_ELEMENT_STRING)
    return copy_strings (runtime, ort, description, error);

  status = runtime->api->GetTensorMutableData (ort, &data);
  if (status != NULL)
    {
      fw_runtime_fail_run (status, error);
      return NULL;
    }
  if (may_hold && data != NULL && !must_copy (data, inputs, n_inputs))
    {
      tensor = fw_tensor_new_foreign (description->type, description->dims, n_dims, data,
                                      release_held, ort, error);
      *is_held = tensor != NULL;
      return tensor;
    }

  tensor = fw_tensor_new (description->type, description->dims, n_dims, error);
  if (tensor != NULL && fw_tensor_get_size (tensor) > 0)
    memcpy (fw_tensor_get_data (tensor), data, fw_tensor_get_size (tensor));
  return tensor;
}

gboolean
fw_ort_value_take_tensor (const FwRuntime *runtime,
                          OrtValue *ort,
                          FwTensor *const *inputs,
                          guint n_inputs,
                          FwTensor **tensor,
                          GError **error)
{
  Description description = { 0 };
  gboolean is_held = FALSE;
  gboolean is_tensor, is_good;

  *tensor = NULL;
  is_good = describe (runtime, ort, &description, error);
  is_tensor = description.kind == ORT_KIND_TENSOR && description.n_dims <= FW_TENSOR_MAX_RANK;
  if (is_good && is_tensor)
    {
      *tensor
          = tensor_from_ort (runtime, ort, &description, TRUE, inputs, n_inputs, &is_held, error);
      is_good = *tensor != NULL;
    }
  if (!is_held)
    runtime->api->ReleaseValue (ort);
  return is_good;
}

static FwValue *
value_from_ort (const FwRuntime *runtime, OrtValue *ort, guint depth, GError **error);

static FwValue *
container_from_ort (const FwRuntime *runtime,
                    const OrtValue *ort,
                    FwValueKind kind,
                    guint depth,
                    GError **error)
{
  const OrtApi *api = runtime->api;
  g_autoptr (FwValue) value = fw_value_new (kind);
  size_t n = 0;
  OrtStatus *status = api->GetValueCount (ort, &n);

  for (gsize i = 0; i < n && status == NULL; i++)
    {
      OrtValue *part = NULL;
      FwValue *part_value;

      status = api->GetValue (ort, (int) i, runtime->allocator, &part);
      if (status != NULL)
        break;
      part_value = value_from_ort (runtime, part, depth + 1, error);
      api->ReleaseValue (part);
      if (part_value == NULL)
        return NULL;
      fw_value_append (value, part_value);
    }
  if (status != NULL)
    {
      fw_runtime_fail_run (status, error);
      return NULL;
    }
  return g_steal_pointer (&value);
}

/* Copies: parts of a sequence may lie in the inputs of the run. */
static FwValue *
value_from_ort (const FwRuntime *runtime, OrtValue *ort, guint depth, GError **error)
{
  Description description = { 0 };
  g_autoptr (FwTensor) tensor = NULL;

  if (depth > MAX_DEPTH)
    return fw_value_new (FW_VALUE_OTHER);
  if (!describe (runtime, ort, &description, error))
    return NULL;

  switch (description.kind)
    {
    case ORT_KIND_TENSOR:
      if (description.n_dims > FW_TENSOR_MAX_RANK)
        return fw_value_new (FW_VALUE_OTHER);
      tensor = tensor_from_ort (runtime, ort, &description, FALSE, NULL, 0, &(gboolean){ FALSE },
                                error);
      return tensor != NULL ? fw_value_new_tensor (tensor) : NULL;
    case ORT_KIND_SEQUENCE:
      return container_from_ort (runtime, ort, FW_VALUE_SEQUENCE, depth, error);
    case ORT_KIND_MAP:
      return container_from_ort (runtime, ort, FW_VALUE_MAP, depth, error);
    case ORT_KIND_UNKNOWN:
    case ORT_KIND_OPTIONAL:
      return fw_value_new (FW_VALUE_NONE);
    default:
      return fw_value_new (FW_VALUE_OTHER);
    }
}

FwValue *
fw_ort_value_take (const FwRuntime *runtime, OrtValue *ort, GError **error)
{
  FwValue *value = value_from_ort (runtime, ort, 0, error);

  runtime->api->ReleaseValue (ort);
  return value;
}
