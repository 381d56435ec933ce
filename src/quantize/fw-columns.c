/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-columns.h"
#include "fw-random.h"

/* No size, step or padding may be larger: products of two of them then fit. */
#define MAX_SIZE ((gint64) 1 << 30)
/* Of a tensor that was really made: its elements can be counted. */
#define MAX_ELEMENTS ((guint64) 1 << 46)
/* Places that are noted at once. */
#define MAX_PLACES ((gsize) 1 << 22)

/* Operators ----------------------------------------------------------------------------------- */

/* A list of @n numbers from @least on; @fallback each where the attribute is missing. */
static gboolean
read_ints (const Onnx__NodeProto *node,
           const char *name,
           gsize n,
           gint64 least,
           gint64 fallback,
           gint64 *values)
{
  const Onnx__AttributeProto *attribute = fw_node_find_attribute (node, name);

  if (attribute != NULL && attribute->n_ints != n)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      values[i] = attribute != NULL ? attribute->ints[i] : fallback;
      if (values[i] < least || values[i] > MAX_SIZE)
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_padding (FwColumns *self, const Onnx__NodeProto *node)
{
  gint64 pads[2 * FW_COLUMNS_MAX_DIMS];
  gboolean given = fw_node_find_attribute (node, "auto_pad") == NULL
                   || fw_node_has_string (node, "auto_pad", "NOTSET");

  if (given && !read_ints (node, "pads", 2 * self->n_dims, 0, 0, pads))
    return FALSE;
  for (guint i = 0; i < self->n_dims; i++)
    {
      self->begin[i] = given ? pads[i] : 0;
      self->end[i] = given ? pads[self->n_dims + i] : 0;
    }
  if (given || fw_node_has_string (node, "auto_pad", "VALID"))
    return TRUE;

  if (self->kind != FW_COLUMNS_CONV)
    return FALSE;
  if (fw_node_has_string (node, "auto_pad", "SAME_UPPER"))
    self->padding = FW_COLUMNS_PAD_SAME_UPPER;
  else if (fw_node_has_string (node, "auto_pad", "SAME_LOWER"))
    self->padding = FW_COLUMNS_PAD_SAME_LOWER;
  else
    return FALSE;
  return TRUE;
}

static gboolean
set_length (FwColumns *self, const gint64 *dims, gsize n_dims)
{
  guint64 length = 1;

  for (gsize i = 0; i < n_dims; i++)
    if (dims[i] <= 0 || dims[i] > FW_COLUMNS_MAX_LENGTH
        || (length *= (guint64) dims[i]) > FW_COLUMNS_MAX_LENGTH)
      return FALSE;
  self->length = (gsize) length;
  return TRUE;
}

static gboolean
init_convolution (FwColumns *self,
                  const Onnx__NodeProto *node,
                  guint weight_input,
                  const gint64 *dims,
                  gsize n_dims)
{
  gint64 groups = fw_node_get_int (node, "group", 1);
  gint64 kernel[FW_COLUMNS_MAX_DIMS];

  if (weight_input != 1 || n_dims < 3 || n_dims - 2 > FW_COLUMNS_MAX_DIMS)
    return FALSE;
  self->n_dims = (guint) n_dims - 2;
  memcpy (self->kernel, dims + 2, self->n_dims * sizeof *dims);
  if (!read_ints (node, "strides", self->n_dims, 1, 1, self->stride)
      || !read_ints (node, "dilations", self->n_dims, 1, 1, self->dilation)
      || !read_padding (self, node))
    return FALSE;
  if (fw_node_find_attribute (node, "kernel_shape") != NULL
      && (!read_ints (node, "kernel_shape", self->n_dims, 1, 1, kernel)
          || memcmp (kernel, self->kernel, self->n_dims * sizeof *kernel) != 0))
    return FALSE;

  if (dims[0] <= 0 || dims[0] > MAX_SIZE || groups <= 0 || groups > FW_COLUMNS_MAX_LENGTH
      || !set_length (self, dims + 2, n_dims - 2) || self->length > FW_COLUMNS_MAX_KERNEL)
    return FALSE;
  self->groups = (gsize) groups;
  if (self->kind == FW_COLUMNS_CONV)
    return dims[0] % groups == 0 && set_length (self, dims + 1, n_dims - 1);

  /* The groups of a transposed convolution share its channels' scales: not looked at. */
  if (groups != 1 || fw_node_find_attribute (node, "output_shape") != NULL)
    return FALSE;
  self->length *= (gsize) dims[0];
  return self->length <= FW_COLUMNS_MAX_LENGTH;
}

static gboolean
init_gemm (FwColumns *self, const Onnx__NodeProto *node, guint weight_input, const gint64 *dims)
{
  gboolean weight_turned = fw_node_get_int (node, weight_input == 0 ? "transA" : "transB", 0) != 0;
  gboolean input_turned = fw_node_get_int (node, weight_input == 0 ? "transB" : "transA", 0) != 0;
  gboolean row_first = (weight_input == 1) != weight_turned;

  self->kind = (weight_input == 1) != input_turned ? FW_COLUMNS_ROWS : FW_COLUMNS_COLUMNS;
  return set_length (self, dims + (row_first ? 0 : 1), 1);
}

static gboolean
init_product (FwColumns *self,
              const Onnx__NodeProto *node,
              guint weight_input,
              const gint64 *dims,
              gsize n_dims)
{
  if (weight_input > 1 || n_dims < 2)
    return FALSE;

  self->input = 1 - weight_input;
  if (strcmp (node->op_type, "Gemm") == 0)
    return n_dims == 2 && init_gemm (self, node, weight_input, dims);

  for (gsize i = 0; i + 2 < n_dims; i++)
    if (dims[i] != 1)
      return FALSE;
  self->kind = weight_input == 1 ? FW_COLUMNS_ROWS : FW_COLUMNS_COLUMNS;
  return set_length (self, dims + n_dims - (weight_input == 1 ? 2 : 1), 1);
}

gboolean
fw_columns_init (FwColumns *self,
                 const Onnx__NodeProto *node,
                 guint weight_input,
                 const gint64 *dims,
                 gsize n_dims)
{
  const char *domain = node->domain != NULL ? node->domain : "";
  const char *type = node->op_type;

  memset (self, 0, sizeof *self);
  self->groups = 1;
  if (strcmp (domain, "com.microsoft") == 0)
    {
      self->kind = FW_COLUMNS_ROWS;
      return strcmp (type, "Attention") == 0 && weight_input == 1 && n_dims == 2
             && set_length (self, dims, 1);
    }
  if (*domain != '\0' && strcmp (domain, "ai.onnx") != 0)
    return FALSE;
  if (strcmp (type, "Conv") == 0 || strcmp (type, "ConvTranspose") == 0)
    {
      self->kind = strcmp (type, "Conv") == 0 ? FW_COLUMNS_CONV : FW_COLUMNS_CONV_TRANSPOSE;
      return init_convolution (self, node, weight_input, dims, n_dims);
    }
  if (strcmp (type, "Gemm") == 0 || strcmp (type, "MatMul") == 0)
    return init_product (self, node, weight_input, dims, n_dims);
  if (strcmp (type, "LSTM") == 0 || strcmp (type, "GRU") == 0 || strcmp (type, "RNN") == 0)
    {
      self->kind = FW_COLUMNS_ROWS;
      return weight_input == 1 && n_dims == 3 && set_length (self, dims + 2, 1);
    }
  return FALSE;
}

gboolean
fw_columns_init_for_unit (FwColumns *self, FwModel *prepared, const FwUnit *unit)
{
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  Onnx__TensorProto *weight = fw_model_find_initializer (prepared, unit->weight);
  const Onnx__NodeProto *node;

  if (weight == NULL || unit->node >= graph->n_node || unit->input == NULL)
    return FALSE;
  node = graph->node[unit->node];
  for (guint i = 0; i < node->n_input; i++)
    if (strcmp (node->input[i], unit->weight) == 0)
      return fw_columns_init (self, node, i, weight->dims, weight->n_dims)
             && self->input < node->n_input && strcmp (node->input[self->input], unit->input) == 0
             && unit->shape.outer * unit->shape.inner == self->length
             && unit->shape.channels % self->groups == 0;
  return FALSE;
}

/* Positions ----------------------------------------------------------------------------------- */

static gboolean
find_output_size (FwColumnsPositions *positions, guint axis, gint64 *size)
{
  const FwColumns *self = positions->columns;
  const gint64 input = positions->input[axis], stride = self->stride[axis];
  gint64 span, padding;

  /* A kernel of one spans one, whatever the dilation. */
  span = (self->kernel[axis] - 1) * self->dilation[axis] + 1;
  positions->begin[axis] = self->begin[axis];
  padding = self->begin[axis] + self->end[axis];
  if (self->kind == FW_COLUMNS_CONV_TRANSPOSE)
    {
      *size = (input - 1) * stride + span - padding;
      return *size > 0;
    }
  if (self->padding == FW_COLUMNS_PAD_GIVEN)
    {
      *size = (input + padding - span) / stride + 1;
      return input + padding >= span;
    }
  *size = (input + stride - 1) / stride;
  padding = MAX ((*size - 1) * stride + span - input, 0);
  positions->begin[axis]
      = self->padding == FW_COLUMNS_PAD_SAME_UPPER ? padding / 2 : padding - padding / 2;
  return TRUE;
}

/* The input that @index of the kernel meets on @axis, or -1 for none. */
static inline gint64
find_input (const FwColumnsPositions *self, guint axis, gint64 output, gint64 index)
{
  const FwColumns *columns = self->columns;
  gint64 place;

  if (columns->kind == FW_COLUMNS_CONV)
    place = output * columns->stride[axis] - self->begin[axis] + index * columns->dilation[axis];
  else
    {
      place = output + self->begin[axis] - index * columns->dilation[axis];
      if (place < 0 || place % columns->stride[axis] != 0)
        return -1;
      place /= columns->stride[axis];
    }
  return place >= 0 && place < self->input[axis] ? place : -1;
}

/* The places in a map of all elements of the kernel, -1 in the padding. */
static void
find_places (const FwColumnsPositions *self, const gint64 *output, gint64 *places)
{
  const FwColumns *columns = self->columns;

  for (gsize k = 0; k < self->kernel; k++)
    {
      gsize rest = k, step = 1;
      gint64 place = 0;

      for (guint i = columns->n_dims; i > 0 && place >= 0; i--)
        {
          gint64 input
              = find_input (self, i - 1, output[i - 1], (gint64) (rest % columns->kernel[i - 1]));

          rest /= (gsize) columns->kernel[i - 1];
          place = input < 0 ? -1 : place + input * (gint64) step;
          step *= (gsize) self->input[i - 1];
        }
      places[k] = place;
    }
}

/* The @index-th of @n even parts of @total, and a chance position in it. */
static guint64
choose_one (guint64 total, gsize n, gsize index, FwRandom *random)
{
  guint64 first = total / n * index + total % n * index / n;
  guint64 next = total / n * (index + 1) + total % n * (index + 1) / n;

  return first + fw_random_next (random) % MAX (next - first, 1);
}

static gboolean
choose_outputs (FwColumnsPositions *positions,
                const gint64 *dims,
                gsize n_dims,
                gsize most,
                FwRandom *random)
{
  const FwColumns *self = positions->columns;
  gint64 sizes[FW_COLUMNS_MAX_DIMS] = { 1, 1, 1 };
  guint64 channels, total, map = 1;

  positions->kernel = 1;
  for (guint i = 0; i < self->n_dims; i++)
    positions->kernel *= (gsize) self->kernel[i];
  channels = (guint64) (self->length / positions->kernel) * self->groups;
  if (n_dims != self->n_dims + 2 || (guint64) dims[1] != channels)
    return FALSE;

  total = (guint64) dims[0];
  for (guint i = 0; i < self->n_dims; i++)
    {
      positions->input[i] = dims[i + 2];
      map *= (guint64) dims[i + 2];
      if (!find_output_size (positions, i, &sizes[i])
          || !g_uint64_checked_mul (&total, total, (guint64) sizes[i]) || total > MAX_ELEMENTS)
        return FALSE;
    }

  positions->stride = (gsize) map;
  positions->n = MIN (MIN (most, total), MAX_PLACES / positions->kernel);
  positions->offsets = g_new (gsize, positions->n);
  positions->places = g_new (gint64, positions->n * positions->kernel);
  for (gsize p = 0; p < positions->n; p++)
    {
      guint64 rest = choose_one (total, positions->n, p, random);
      gint64 output[FW_COLUMNS_MAX_DIMS];

      for (guint i = self->n_dims; i > 0; i--)
        {
          output[i - 1] = (gint64) (rest % (guint64) sizes[i - 1]);
          rest /= (guint64) sizes[i - 1];
        }
      positions->offsets[p] = (gsize) (rest * channels * map);
      find_places (positions, output, positions->places + p * positions->kernel);
    }
  return TRUE;
}

static gboolean
choose_rows (FwColumnsPositions *positions,
             const gint64 *dims,
             gsize n_dims,
             guint64 elements,
             gsize most,
             FwRandom *random)
{
  const FwColumns *self = positions->columns;
  gboolean columns = self->kind == FW_COLUMNS_COLUMNS && n_dims > 1;
  guint64 inner = columns ? (guint64) dims[n_dims - 1] : 1;
  guint64 total = elements / self->length;

  if (n_dims < 1 || (guint64) dims[n_dims - (columns ? 2 : 1)] != self->length)
    return FALSE;

  positions->stride = (gsize) inner;
  positions->n = MIN (most, total);
  positions->offsets = g_new (gsize, positions->n);
  for (gsize p = 0; p < positions->n; p++)
    {
      guint64 chosen = choose_one (total, positions->n, p, random);

      positions->offsets[p] = (gsize) (chosen / inner * inner * self->length + chosen % inner);
    }
  return TRUE;
}

gboolean
fw_columns_choose (const FwColumns *self,
                   const gint64 *dims,
                   gsize n_dims,
                   gsize most,
                   guint64 seed,
                   FwColumnsPositions *positions)
{
  FwRandom random = { seed };
  guint64 elements = 1;

  memset (positions, 0, sizeof *positions);
  positions->columns = self;
  for (gsize i = 0; i < n_dims; i++)
    if (dims[i] <= 0 || dims[i] > MAX_SIZE
        || !g_uint64_checked_mul (&elements, elements, (guint64) dims[i])
        || elements > MAX_ELEMENTS)
      return FALSE;
  if (most == 0)
    return FALSE;

  if (self->kind == FW_COLUMNS_CONV || self->kind == FW_COLUMNS_CONV_TRANSPOSE)
    return choose_outputs (positions, dims, n_dims, most, &random);
  return choose_rows (positions, dims, n_dims, elements, most, &random);
}

void
fw_columns_positions_clear (FwColumnsPositions *self)
{
  g_clear_pointer (&self->offsets, g_free);
  g_clear_pointer (&self->places, g_free);
}

/* Rows ---------------------------------------------------------------------------------------- */

static void
write_convolution (const FwColumnsPositions *self,
                   const float *map,
                   const gint64 *places,
                   float *row)
{
  const gsize channels = self->columns->length / self->kernel;

  for (gsize c = 0; c < channels; c++, map += self->stride)
    for (gsize k = 0; k < self->kernel; k++)
      *row++ = places[k] < 0 ? 0.0f : map[places[k]];
}

void
fw_columns_write (const FwColumnsPositions *self,
                  const float *values,
                  gsize group,
                  gsize first,
                  gsize n,
                  float *rows,
                  gsize stride)
{
  const gsize length = self->columns->length;

  g_return_if_fail (group < self->columns->groups);
  g_return_if_fail (first <= self->n && n <= self->n - first);

  for (gsize p = first; p < first + n; p++, rows += stride)
    {
      const float *row = values + self->offsets[p];

      if (self->places != NULL)
        write_convolution (self, row + group * (length / self->kernel) * self->stride,
                           self->places + p * self->kernel, rows);
      else if (self->stride == 1)
        memcpy (rows, row, length * sizeof *rows);
      else
        for (gsize i = 0; i < length; i++)
          rows[i] = row[i * self->stride];
    }
}
