/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-inputs.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"

static FwInputs *
inputs_alloc (guint n)
{
  FwInputs *self = g_new0 (FwInputs, 1);

  self->n = n;
  self->infos = g_new0 (FwValueInfo, n);
  self->can_be_zero = g_new0 (gboolean, n);
  self->was_zeroed = g_new0 (gboolean, n);
  self->picture = -1;
  return self;
}

void
fw_inputs_free (FwInputs *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n; i++)
    g_free (self->infos[i].name);
  g_free (self->infos);
  g_free (self->can_be_zero);
  g_free (self->was_zeroed);
  g_free (self);
}

/* Kinds --------------------------------------------------------------------------------------- */

static gboolean
is_number (FwElementType type)
{
  switch (type)
    {
    case FW_ELEMENT_FLOAT:
    case FW_ELEMENT_FLOAT16:
    case FW_ELEMENT_DOUBLE:
    case FW_ELEMENT_UINT8:
    case FW_ELEMENT_INT8:
    case FW_ELEMENT_BOOL:
    case FW_ELEMENT_UINT16:
    case FW_ELEMENT_INT16:
    case FW_ELEMENT_UINT32:
    case FW_ELEMENT_INT32:
    case FW_ELEMENT_UINT64:
    case FW_ELEMENT_INT64:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_channels (gint64 dim)
{
  return dim == 1 || dim == 3;
}

gboolean
fw_inputs_is_picture (const FwValueInfo *info)
{
  if (!info->is_tensor || info->n_dims != 4)
    return FALSE;
  if (info->type != FW_ELEMENT_FLOAT && info->type != FW_ELEMENT_FLOAT16
      && info->type != FW_ELEMENT_UINT8)
    return FALSE;
  return is_channels (info->dims[1]) || is_channels (info->dims[3]);
}

/* One number, however many dims of 1 are around it. */
static gboolean
is_one_number (const FwValueInfo *info)
{
  for (guint i = 0; i < info->n_dims; i++)
    if (info->dims[i] != 1)
      return FALSE;
  return TRUE;
}

static gboolean
is_shaped_like (const FwValueInfo *output, const FwValueInfo *info)
{
  if (!output->is_tensor || output->type != info->type || output->n_dims != info->n_dims
      || info->n_dims < 2)
    return FALSE;
  for (guint k = 0; k < info->n_dims; k++)
    if (output->dims[k] != info->dims[k] && output->dims[k] != -1 && info->dims[k] != -1)
      return FALSE;
  return TRUE;
}

/* Finds the inputs that may be states: a value of the same kind and shape comes out of the model,
 * to be put in again. Each output is one input's, the first input's before all others, as a model
 * may well make a sound of a sound. */
static void
find_states (FwInputs *self, FwSession *session)
{
  const guint n_outputs = fw_session_get_n_outputs (session);
  g_autofree gboolean *is_taken = g_new0 (gboolean, n_outputs + 1);

  for (guint i = 0; i < self->n; i++)
    for (guint k = 0; k < n_outputs; k++)
      {
        if (is_taken[k] || !is_shaped_like (fw_session_get_output (session, k), &self->infos[i]))
          continue;
        is_taken[k] = TRUE;
        self->can_be_zero[i] = self->can_be_zero[i] || i > 0;
        break;
      }
}

static gboolean
check_input (const FwValueInfo *info, GError **error)
{
  g_autofree char *cut = g_strdup_printf ("%.60s", info->name);
  g_autofree char *name = g_utf8_make_valid (cut, -1);

  if (info->is_tensor && is_number (info->type))
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
               _ ("The model’s input “%s” takes something other than numbers."), name);
  return FALSE;
}

static void
find_main (FwInputs *self)
{
  while (self->main < self->n && self->can_be_zero[self->main])
    self->main++;
  /* Whatever the others are, one has to be given. */
  if (self->main == self->n)
    self->main = 0;
  self->can_be_zero[self->main] = FALSE;
}

FwInputs *
fw_inputs_new (FwSession *session, GError **error)
{
  g_autoptr (FwInputs) self = inputs_alloc (fw_session_get_n_inputs (session));
  guint n_needed = 0;

  if (self->n == 0)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("The model takes no input, so there is nothing to try it with."));
      return NULL;
    }
  for (guint i = 0; i < self->n; i++)
    {
      self->infos[i] = *fw_session_get_input (session, i);
      self->infos[i].name = g_strdup (self->infos[i].name);
      if (!check_input (&self->infos[i], error))
        return NULL;
      self->can_be_zero[i] = is_one_number (&self->infos[i]);
    }
  find_states (self, session);
  find_main (self);
  for (guint i = 0; i < self->n; i++)
    n_needed += !self->can_be_zero[i];
  if (n_needed == 1 && fw_inputs_is_picture (&self->infos[self->main]))
    {
      const gint64 batch = self->infos[self->main].dims[0];

      if (batch != 1 && batch != -1)
        {
          g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                       _ ("The model takes exactly %" G_GINT64_FORMAT " pictures at once."), batch);
          return NULL;
        }
      self->picture = (int) self->main;
    }
  return g_steal_pointer (&self);
}

FwInputs *
fw_inputs_new_for_picture (const FwValueInfo *info)
{
  FwInputs *self = inputs_alloc (1);

  self->infos[0] = *info;
  self->infos[0].name = g_strdup (info->name);
  self->picture = 0;
  return self;
}

const char **
fw_inputs_get_names (const FwInputs *self)
{
  const char **names = g_new0 (const char *, self->n + 1);

  for (guint i = 0; i < self->n; i++)
    names[i] = self->infos[i].name;
  return names;
}

int
fw_inputs_find (const FwInputs *self, const char *name)
{
  for (guint i = 0; i < self->n; i++)
    if (strcmp (self->infos[i].name, name) == 0)
      return (int) i;
  return -1;
}

/* Shapes -------------------------------------------------------------------------------------- */

static char *
describe_dims (const gint64 *dims, guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    {
      g_string_append (text, i > 0 ? " × " : "");
      if (dims[i] >= 0)
        g_string_append_printf (text, "%" G_GINT64_FORMAT, dims[i]);
      else
        g_string_append_c (text, '?');
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static FwTensor *
fail_fit (const FwValueInfo *info, FwTensor *tensor, GError **error)
{
  g_autofree char *cut = g_strdup_printf ("%.60s", info->name);
  g_autofree char *name = g_utf8_make_valid (cut, -1);
  g_autofree char *wanted = describe_dims (info->dims, info->n_dims);
  g_autofree char *there
      = describe_dims (fw_tensor_get_dims (tensor), fw_tensor_get_n_dims (tensor));

  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
               _ ("The input “%s” takes %s numbers of the kind %s, and the sample has %s of the "
                  "kind %s."),
               name, wanted[0] != '\0' ? wanted : "1", fw_element_type_get_name (info->type),
               there[0] != '\0' ? there : "1",
               fw_element_type_get_name (fw_tensor_get_element_type (tensor)));
  return NULL;
}

static gboolean
dims_fit (const gint64 *wanted, const gint64 *dims, guint n)
{
  for (guint i = 0; i < n; i++)
    if (dims[i] < 1 || (wanted[i] != -1 && wanted[i] != dims[i]))
      return FALSE;
  return TRUE;
}

/* Whether the first dim of @tensor counts samples that input @index takes one at a time. */
static gboolean
is_batch (const FwInputs *self, guint index, FwTensor *tensor, gboolean is_only)
{
  const FwValueInfo *info = &self->infos[index];
  const gint64 *dims = fw_tensor_get_dims (tensor);
  const guint n = fw_tensor_get_n_dims (tensor);

  return n == info->n_dims && n > 0 && dims[0] > 1
         && (info->dims[0] == 1 || (info->dims[0] == -1 && (is_only || self->cut_batches)))
         && dims_fit (info->dims + 1, dims + 1, n - 1);
}

gint64
fw_inputs_count (const FwInputs *self, guint index, FwTensor *tensor, gboolean is_only)
{
  if (is_batch (self, index, tensor, is_only))
    return fw_tensor_get_dims (tensor)[0];
  return self->infos[index].n_dims == 0 && fw_tensor_get_n_elements (tensor) == 1 ? 0 : 1;
}

/* Numbers ------------------------------------------------------------------------------------- */

static gboolean
is_real (FwElementType type)
{
  return type == FW_ELEMENT_FLOAT || type == FW_ELEMENT_FLOAT16 || type == FW_ELEMENT_DOUBLE;
}

#define READ_AS(TYPE) ((const TYPE *) data)[i]

static double
read_number (FwElementType type, gconstpointer data, gsize i)
{
  switch (type)
    {
    case FW_ELEMENT_FLOAT:
      return READ_AS (float);
    case FW_ELEMENT_DOUBLE:
      return READ_AS (double);
    case FW_ELEMENT_UINT8:
    case FW_ELEMENT_BOOL:
      return READ_AS (guint8);
    case FW_ELEMENT_INT8:
      return READ_AS (gint8);
    case FW_ELEMENT_UINT16:
      return READ_AS (guint16);
    case FW_ELEMENT_INT16:
      return READ_AS (gint16);
    case FW_ELEMENT_UINT32:
      return READ_AS (guint32);
    case FW_ELEMENT_INT32:
      return READ_AS (gint32);
    case FW_ELEMENT_UINT64:
      return READ_AS (guint64);
    case FW_ELEMENT_INT64:
      return READ_AS (gint64);
    default:
      return NAN;
    }
}

/* Whole numbers that a double can't tell apart are not taken for another kind. */
#define WRITE_AS(TYPE, LOW, HIGH)                                                                  \
  do                                                                                               \
    {                                                                                              \
      if (!(value >= (LOW) && value <= (HIGH) && value == floor (value)))                          \
        return FALSE;                                                                              \
      ((TYPE *) data)[i] = (TYPE) value;                                                           \
      return TRUE;                                                                                 \
    }                                                                                              \
  while (0)

static gboolean
write_number (FwElementType type, gpointer data, gsize i, double value)
{
  switch (type)
    {
    case FW_ELEMENT_FLOAT:
      ((float *) data)[i] = (float) value;
      return TRUE;
    case FW_ELEMENT_DOUBLE:
      ((double *) data)[i] = value;
      return TRUE;
    case FW_ELEMENT_FLOAT16:
      ((guint16 *) data)[i] = fw_float_to_half ((float) value);
      return TRUE;
    case FW_ELEMENT_BOOL:
      WRITE_AS (guint8, 0, 1);
    case FW_ELEMENT_UINT8:
      WRITE_AS (guint8, 0, G_MAXUINT8);
    case FW_ELEMENT_INT8:
      WRITE_AS (gint8, G_MININT8, G_MAXINT8);
    case FW_ELEMENT_UINT16:
      WRITE_AS (guint16, 0, G_MAXUINT16);
    case FW_ELEMENT_INT16:
      WRITE_AS (gint16, G_MININT16, G_MAXINT16);
    case FW_ELEMENT_UINT32:
      WRITE_AS (guint32, 0, G_MAXUINT32);
    case FW_ELEMENT_INT32:
      WRITE_AS (gint32, G_MININT32, G_MAXINT32);
    case FW_ELEMENT_UINT64:
      WRITE_AS (guint64, 0, 0x1p53);
    case FW_ELEMENT_INT64:
      WRITE_AS (gint64, -0x1p53, 0x1p53);
    default:
      return FALSE;
    }
}

/* FALSE where a number is not one of the kind that is wanted. */
static gboolean
convert (FwTensor *to, FwTensor *from, gsize first)
{
  const FwElementType wanted = fw_tensor_get_element_type (to);
  const FwElementType type = fw_tensor_get_element_type (from);
  const gsize n = fw_tensor_get_n_elements (to);
  gpointer target = fw_tensor_get_data (to);
  g_autofree float *halves = NULL;
  gconstpointer source = fw_tensor_get_data (from);

  if (type == wanted)
    {
      const gsize width = fw_element_type_get_bits (type) / 8;

      memcpy (target, (const char *) source + first * width, n * width);
      return TRUE;
    }
  /* Fractions are never meant for whole numbers, even where they happen to be whole. */
  if (is_real (type) && !is_real (wanted) && n > 1 && wanted == FW_ELEMENT_BOOL)
    return FALSE;
  if (type == FW_ELEMENT_FLOAT16)
    source = halves = fw_tensor_to_floats (from);
  for (gsize i = 0; i < n; i++)
    if (!write_number (wanted, target, i,
                       read_number (halves != NULL ? FW_ELEMENT_FLOAT : type, source, first + i)))
      return FALSE;
  return TRUE;
}

FwTensor *
fw_inputs_fit (const FwInputs *self, guint index, FwTensor *tensor, gint64 row, GError **error)
{
  const FwValueInfo *info = &self->infos[index];
  const gint64 *there = fw_tensor_get_dims (tensor);
  const guint n_there = fw_tensor_get_n_dims (tensor);
  g_autoptr (FwTensor) result = NULL;
  gint64 dims[FW_TENSOR_MAX_RANK] = { 1 };
  guint n = n_there;
  gsize first = 0;

  if (row >= 0 && n_there > 0 && n_there == info->n_dims && row < there[0])
    {
      memcpy (dims + 1, there + 1, (n_there - 1) * sizeof *dims);
      first = fw_tensor_get_n_elements (tensor) / there[0] * row;
    }
  else if (n_there + 1 == info->n_dims && (info->dims[0] == 1 || info->dims[0] == -1))
    {
      memcpy (dims + 1, there, n_there * sizeof *dims);
      n = n_there + 1;
    }
  else if (info->n_dims == 0 && fw_tensor_get_n_elements (tensor) == 1)
    n = 0;
  else
    memcpy (dims, there, n_there * sizeof *dims);

  if (n != info->n_dims || !dims_fit (info->dims, dims, n)
      || !is_number (fw_tensor_get_element_type (tensor)))
    return fail_fit (info, tensor, error);
  result = fw_tensor_new (info->type, dims, n, error);
  if (result == NULL)
    return NULL;
  return convert (result, tensor, first) ? g_steal_pointer (&result)
                                         : fail_fit (info, tensor, error);
}

FwTensor *
fw_inputs_make_zeros (FwInputs *self, guint index, GError **error)
{
  const FwValueInfo *info = &self->infos[index];
  gint64 dims[FW_TENSOR_MAX_RANK] = { 1 };

  for (guint i = 0; i < info->n_dims; i++)
    dims[i] = info->dims[i] == -1 ? 1 : info->dims[i];
  self->was_zeroed[index] = TRUE;
  return fw_tensor_new (info->type, dims, info->n_dims, error);
}
