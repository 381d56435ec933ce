/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Codes of units of one width are stored as one list and unpacked together (fw-packed.h), by
 * operators that ONNX Runtime runs once, when it loads the model. Very many codes are several
 * lists: who works on a large model in pieces unpacks what a piece needs. */

#include "config.h"

#include "fw-mapping.h"
#include "fw-packed.h"
#include "fw-rewrite-private.h"

/* The operators that make tables as they are needed came with this operator set. */
#define OPSET_RANGE 11
/* Since then Split has the sizes as an input. */
#define OPSET_SPLIT_INPUT 13
/* Lists of more codes are widened unit by unit: that takes less memory, and more bytes of file. */
#define MANY_CODES ((gsize) 1 << 20)
/* A list that has so many codes takes no more. */
#define FULL_LIST ((gsize) 2 << 20)
/* Rows of the tables for bytes. */
#define BYTE_VALUES 256

typedef struct
{
  guint bits;
  FwElementType type;
  GBytes *codes;
  gint64 *dims;
  gsize n_dims;
  char *name;
} PackedCodes;

static void
packed_codes_free (PackedCodes *self)
{
  g_clear_pointer (&self->codes, g_bytes_unref);
  g_free (self->dims);
  g_free (self->name);
  g_free (self);
}

char *
fw_rewriting_make_codes (FwRewriting *self,
                         guint bits,
                         GBytes *codes,
                         const gint64 *dims,
                         gsize n_dims,
                         FwElementType type)
{
  PackedCodes *packed;
  char *stored;

  if (bits == 8)
    {
      stored = fw_rewriting_make_tensor (self, FW_ELEMENT_INT8, dims, n_dims, codes);
      if (type != FW_ELEMENT_INT8)
        {
          g_autofree char *narrow = stored;

          stored = fw_rewriting_make_cast (self, self->head, narrow, type);
        }
      return stored;
    }

  if (self->packed == NULL)
    self->packed = g_ptr_array_new_with_free_func ((GDestroyNotify) packed_codes_free);
  packed = g_new (PackedCodes, 1);
  *packed = (PackedCodes){ bits,
                           type,
                           fw_mapping_keep (g_bytes_ref (codes)),
                           g_memdup2 (dims, n_dims * sizeof *dims),
                           n_dims,
                           fw_rewriting_make_name (self) };
  g_ptr_array_add (self->packed, packed);
  return g_strdup (packed->name);
}

/* Tables -------------------------------------------------------------------------------------- */

typedef struct
{
  FwRewriting *r;
  char *rows;         /* int32 [n, 1]: the numbers from 0; NULL in old operator sets */
  char *parts[8][16]; /* of the parts' bits and shift */
  char *tables[8][FW_ELEMENT_INT8 + 1]; /* of bits and type */
} Unpacking;

static void
unpacking_clear (Unpacking *self)
{
  g_free (self->rows);
  for (guint i = 0; i < G_N_ELEMENTS (self->parts); i++)
    for (guint j = 0; j < G_N_ELEMENTS (self->parts[i]); j++)
      g_free (self->parts[i][j]);
  for (guint i = 0; i < G_N_ELEMENTS (self->tables); i++)
    for (guint j = 0; j < G_N_ELEMENTS (self->tables[i]); j++)
      g_free (self->tables[i][j]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Unpacking, unpacking_clear)

static const char *
get_number (FwRewriting *r, gint32 number)
{
  return fw_rewriting_get_scalar (r, FW_ELEMENT_INT32, &number);
}

/* Row n: the numbers of @bits bits that n consists of, the highest first. */
static char *
make_digits (Unpacking *self, guint bits, guint n_digits)
{
  FwRewriting *r = self->r;
  g_autofree gint32 *divisors = g_new (gint32, n_digits);
  g_autofree char *shifted = NULL;

  for (guint i = 0; i < n_digits; i++)
    divisors[i] = 1 << (bits * (n_digits - 1 - i));
  shifted = fw_rewriting_make_node (r, r->first, "Div", self->rows,
                                    fw_rewriting_get_int32s (r, divisors, n_digits));
  return fw_rewriting_make_node (r, r->first, "Mod", shifted, get_number (r, 1 << bits));
}

static char *
store_table (Unpacking *self, const FwPackedLayout *layout, const gint8 *levels)
{
  gsize n = fw_packed_get_n_indices (layout);
  gint8 *codes = g_new (gint8, n * layout->per_index);
  g_autoptr (GBytes) bytes = NULL;

  for (gsize i = 0; i < n; i++)
    for (guint k = 0; k < layout->per_index; k++)
      codes[i * layout->per_index + k] = levels[fw_packed_get_digit (layout, i, k)];
  bytes = g_bytes_new_take (codes, n * layout->per_index);
  return fw_rewriting_make_tensor (self->r, FW_ELEMENT_INT8, (gint64[]){ n, layout->per_index }, 2,
                                   bytes);
}

/* [indices, codes of an index]. */
static const char *
get_table (Unpacking *self, const FwPackedLayout *layout, FwElementType type)
{
  FwRewriting *r = self->r;
  char **table = &self->tables[layout->bits][type];
  gint8 levels[1 << 7];
  g_autofree char *narrow = NULL;

  if (*table != NULL)
    return *table;
  fw_packed_get_levels (layout, levels);
  if (self->rows != NULL)
    {
      gint64 n = 1 << layout->bits;
      g_autofree char *digits = make_digits (self, layout->bits, layout->per_index);

      narrow = fw_rewriting_make_node (
          r, r->first, "Gather", fw_rewriting_get_constant (r, FW_ELEMENT_INT8, &n, 1, levels, n),
          digits);
    }
  else
    narrow = store_table (self, layout, levels);
  *table = type == FW_ELEMENT_INT8 ? g_steal_pointer (&narrow)
                                   : fw_rewriting_make_cast (r, r->first, narrow, type);
  return *table;
}

static char *
store_part_table (Unpacking *self, const FwPackedLayout *layout, guint part)
{
  guint per_byte = 8 / layout->part[part];
  guint16 *values = g_new (guint16, BYTE_VALUES * per_byte);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *stored = NULL;

  for (guint i = 0; i < BYTE_VALUES; i++)
    for (guint k = 0; k < per_byte; k++)
      values[i * per_byte + k] = fw_packed_get_part (layout, part, i, k);
  bytes = g_bytes_new_take (values, BYTE_VALUES * per_byte * sizeof *values);
  stored = fw_rewriting_make_tensor (self->r, FW_ELEMENT_UINT16,
                                     (gint64[]){ BYTE_VALUES, per_byte }, 2, bytes);
  return fw_rewriting_make_cast (self->r, self->r->first, stored, FW_ELEMENT_INT32);
}

/* [bytes, parts of a byte], each where it stands in the index. */
static const char *
get_part_table (Unpacking *self, const FwPackedLayout *layout, guint part)
{
  FwRewriting *r = self->r;
  guint bits = layout->part[part], shift = 8;
  char **table;

  for (guint i = 0; i < part; i++)
    shift += layout->part[i];
  table = &self->parts[bits][shift];
  if (*table == NULL && self->rows != NULL)
    {
      g_autofree char *digits = make_digits (self, bits, 8 / bits);

      *table = fw_rewriting_make_node (r, r->first, "Mul", digits, get_number (r, 1 << shift));
    }
  else if (*table == NULL)
    *table = store_part_table (self, layout, part);
  return *table;
}

/* Enough numbers for the tables of all packed codes. */
static void
make_rows (Unpacking *self)
{
  FwRewriting *r = self->r;
  g_autofree char *numbers = NULL;
  gsize n = BYTE_VALUES;
  const char *start, *step;

  if (fw_model_get_opset (r->model, "") < OPSET_RANGE)
    return;
  for (guint i = 0; i < r->packed->len; i++)
    {
      PackedCodes *packed = g_ptr_array_index (r->packed, i);
      FwPackedLayout layout;

      fw_packed_layout_init (&layout, packed->bits);
      n = MAX (n, fw_packed_get_n_indices (&layout));
    }
  numbers = fw_rewriting_make_name (r);
  start = get_number (r, 0);
  step = get_number (r, 1);
  g_ptr_array_add (r->first,
                   fw_rewriting_new_node ("Range", numbers, start, get_number (r, n), step));
  self->rows = fw_rewriting_make_reshape (r, r->first, numbers, (gint64[]){ -1, 1 }, 2);
}

/* Lists --------------------------------------------------------------------------------------- */

static char *
make_bytes (FwRewriting *r, GBytes *bytes, gsize columns)
{
  gsize n = g_bytes_get_size (bytes);
  const gint64 dims[] = { n / columns, columns };

  return fw_rewriting_make_tensor (r, FW_ELEMENT_UINT8, dims, columns > 1 ? 2 : 1, bytes);
}

/* The indices of @packed: int32 [n / columns, columns]. */
static char *
make_indices (Unpacking *self, const FwPackedLayout *layout, const FwPacked *packed)
{
  FwRewriting *r = self->r;
  g_autofree char *low = make_bytes (r, packed->low, layout->columns);
  char *indices = fw_rewriting_make_cast (r, r->first, low, FW_ELEMENT_INT32);

  for (guint k = 0; k < layout->n_parts; k++)
    {
      gsize columns = layout->columns * layout->part[k] / 8;
      g_autofree char *bytes = make_bytes (r, packed->parts[k], columns);
      g_autofree char *wide = fw_rewriting_make_cast (r, r->first, bytes, FW_ELEMENT_INT32);
      g_autofree char *sum = indices;
      g_autofree char *part
          = fw_rewriting_make_node (r, r->first, "Gather", get_part_table (self, layout, k), wide);

      if (columns > 1)
        {
          g_autofree char *deep = part;

          part
              = fw_rewriting_make_reshape (r, r->first, deep, (gint64[]){ -1, layout->columns }, 2);
        }
      indices = fw_rewriting_make_node (r, r->first, "Add", sum, part);
    }
  return indices;
}

/* Cuts the list @codes into pieces of @sizes. */
static char **
split (FwRewriting *r, const char *codes, GArray *sizes)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_new ();
  gboolean as_input = fw_model_get_opset (r->model, "") >= OPSET_SPLIT_INPUT;
  const gint64 *values = (const gint64 *) (gpointer) sizes->data;
  const char *inputs[] = { codes, NULL, NULL };
  Onnx__NodeProto *node;

  if (as_input)
    inputs[1] = fw_rewriting_get_ints (r, values, sizes->len);
  for (guint i = 0; i < sizes->len; i++)
    g_ptr_array_add (outputs, fw_rewriting_make_name (r));
  g_ptr_array_add (outputs, NULL);
  node = fw_node_new ("Split", NULL, inputs, (const char *const *) outputs->pdata);
  if (!as_input)
    fw_node_set_ints (node, "split", values, sizes->len);
  g_ptr_array_add (r->first, node);
  return (char **) g_ptr_array_free (g_steal_pointer (&outputs), FALSE);
}

static void
emit_piece (FwRewriting *r, const PackedCodes *piece, const char *codes, gboolean widen)
{
  const char *dims = fw_rewriting_get_ints (r, piece->dims, piece->n_dims);
  g_autofree char *shaped = NULL;
  Onnx__NodeProto *cast;

  if (!widen)
    {
      g_ptr_array_add (r->first, fw_rewriting_new_node ("Reshape", piece->name, codes, dims, NULL));
      return;
    }
  shaped = fw_rewriting_make_node (r, r->first, "Reshape", codes, dims);
  cast = fw_rewriting_new_node ("Cast", piece->name, shaped, NULL, NULL);
  fw_node_set_int (cast, "to", piece->type);
  g_ptr_array_add (r->first, cast);
}

/* @pieces: PackedCodes of one width and type, of which the codes are let go. */
static void
emit_list (Unpacking *self, GPtrArray *pieces)
{
  FwRewriting *r = self->r;
  PackedCodes *one = g_ptr_array_index (pieces, 0);
  FwPackedLayout layout;
  g_auto (FwPacked) packed = { 0 };
  g_autofree GBytes **lists = g_new (GBytes *, pieces->len);
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autofree char *indices = NULL;
  g_autofree char *codes = NULL;
  g_autofree char *flat = NULL;
  g_auto (GStrv) parts = NULL;
  gint64 n = 0, rest;
  gboolean widen;

  for (guint i = 0; i < pieces->len; i++)
    {
      gint64 size;

      lists[i] = ((PackedCodes *) g_ptr_array_index (pieces, i))->codes;
      size = g_bytes_get_size (lists[i]);
      n += size;
      g_array_append_val (sizes, size);
    }
  fw_packed_layout_init (&layout, one->bits);
  fw_pack (&layout, lists, pieces->len, &packed);
  for (guint i = 0; i < pieces->len; i++)
    g_clear_pointer (&((PackedCodes *) g_ptr_array_index (pieces, i))->codes, g_bytes_unref);
  widen = one->type == FW_ELEMENT_FLOAT && n > (gint64) MANY_CODES;
  indices = make_indices (self, &layout, &packed);
  codes = fw_rewriting_make_node (r, r->first, "Gather",
                                  get_table (self, &layout, widen ? FW_ELEMENT_INT8 : one->type),
                                  indices);
  rest = fw_packed_get_padded (&layout, n) - n;
  if (pieces->len == 1 && rest == 0)
    {
      emit_piece (r, one, codes, widen);
      return;
    }
  if (rest > 0)
    g_array_append_val (sizes, rest);
  flat = fw_rewriting_make_reshape (r, r->first, codes, (gint64[]){ -1 }, 1);
  parts = split (r, flat, sizes);
  for (guint i = 0; i < pieces->len; i++)
    emit_piece (r, g_ptr_array_index (pieces, i), parts[i], widen);
}

/* All codes of this width and type, in as few lists as may be. */
static void
emit_lists (Unpacking *self, guint bits, FwElementType type)
{
  g_autoptr (GPtrArray) pieces = g_ptr_array_new ();
  gsize n = 0;

  for (guint i = 0; i < self->r->packed->len; i++)
    {
      PackedCodes *packed = g_ptr_array_index (self->r->packed, i);
      gsize size;

      if (packed->bits != bits || packed->type != type)
        continue;
      size = g_bytes_get_size (packed->codes);
      if (n > 0 && n + size > FULL_LIST)
        {
          emit_list (self, pieces);
          g_ptr_array_set_size (pieces, 0);
          n = 0;
        }
      g_ptr_array_add (pieces, packed);
      n += size;
    }
  if (pieces->len > 0)
    emit_list (self, pieces);
}

void
fw_rewriting_emit_packed (FwRewriting *self)
{
  static const FwElementType types[] = { FW_ELEMENT_FLOAT, FW_ELEMENT_INT8, FW_ELEMENT_UINT8 };
  g_auto (Unpacking) unpacking = { .r = self };

  if (self->packed == NULL)
    return;
  make_rows (&unpacking);
  for (guint bits = 7; bits >= 2; bits--)
    for (guint t = 0; t < G_N_ELEMENTS (types); t++)
      emit_lists (&unpacking, bits, types[t]);
  g_clear_pointer (&self->packed, g_ptr_array_unref);
}
