/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-kernels-linear.h"
#include "fw-linear.h"
#include "fw-second-moments.h"

/* Rows that wait to be multiplied together. */
#define WAITING 32
/* What little is known of how inputs go together is trusted less by up to this share. */
#define MOST_SHRUNK 0.7
/* Rows of one sample that are worth taking: rows of many short groups say enough with few. */
#define LEAST_ROWS 16
#define LEAST_ROWS_GROUPED 8
#define MOST_ROWS 64
/* Rows of a block's matrix that are added to together: the lower half is what they reach. */
#define PANEL 32

/* One of the two inputs of a group. */
typedef struct
{
  float *reference; /* [stride] */
  double *sums;     /* [length] of x - reference */
  float *waiting;   /* [WAITING, stride]; minus the reference from the second time on */
} Side;

typedef struct
{
  guint64 n;
  guint n_waiting;
  gboolean referenced;
  Side sides[2]; /* x and x̂; the second one only where there are cross moments */
  float *second; /* of x, or of x̂ where there is one: the blocks, one below the other */
  float *cross;
} Group;

struct _FwSecondMoments
{
  FwColumns columns;
  gboolean has_cross;
  gsize n_blocks, block; /* blocks of the same size but for the last one */
  gsize matrix_stride, row_stride;
  Group *groups;
};

/* Sizes --------------------------------------------------------------------------------------- */

static gsize
get_kernel (const FwColumns *columns)
{
  gsize kernel = 1;

  for (guint i = 0; i < columns->n_dims; i++)
    kernel *= (gsize) columns->kernel[i];
  return kernel;
}

/* Blocks hold whole channels where they can. */
static gsize
choose_block (const FwColumns *columns)
{
  const gsize kernel = get_kernel (columns), length = columns->length;
  gsize n = (length + FW_SECOND_MOMENTS_BLOCK - 1) / FW_SECOND_MOMENTS_BLOCK;
  gsize block;

  if (n <= 1)
    return length;
  block = (length + n - 1) / n;
  if (kernel <= FW_SECOND_MOMENTS_BLOCK)
    {
      block = (block + kernel - 1) / kernel * kernel;
      if (block > FW_SECOND_MOMENTS_BLOCK)
        block = FW_SECOND_MOMENTS_BLOCK / kernel * kernel;
    }
  return block;
}

/* Beyond a row a product may read a vector more. */
static gsize
get_row_stride (gsize length)
{
  return (length / FW_LINEAR_WIDTH + 2) * FW_LINEAR_WIDTH;
}

guint64
fw_second_moments_get_size (const FwColumns *columns, gboolean cross)
{
  const guint64 length = columns->length, sides = cross ? 2 : 1;
  guint64 matrix = length * fw_linear_get_stride (choose_block (columns)) * sizeof (float);
  guint64 row = get_row_stride (columns->length);
  guint64 side = row * (WAITING + 1) * sizeof (float) + length * sizeof (double);
  guint64 size;

  /* A row has at most 2^20 floats, a row of a block's matrix about 2^10. */
  if (!g_uint64_checked_mul (&size, columns->groups, sizeof (Group) + (matrix + side) * sides))
    return G_MAXUINT64;
  return size + sizeof (FwSecondMoments);
}

FwSecondMoments *
fw_second_moments_new (const FwColumns *columns, gboolean cross)
{
  FwSecondMoments *self = g_new0 (FwSecondMoments, 1);
  const gsize length = columns->length;

  self->columns = *columns;
  self->has_cross = cross;
  self->block = choose_block (columns);
  self->n_blocks = (length + self->block - 1) / self->block;
  self->matrix_stride = fw_linear_get_stride (self->block);
  self->row_stride = get_row_stride (length);
  self->groups = g_new0 (Group, columns->groups);
  for (gsize g = 0; g < columns->groups; g++)
    {
      Group *group = &self->groups[g];

      group->second = g_new0 (float, length * self->matrix_stride);
      if (cross)
        group->cross = g_new0 (float, length * self->matrix_stride);
      for (guint s = 0; s < (cross ? 2 : 1); s++)
        {
          group->sides[s].reference = g_new0 (float, self->row_stride);
          group->sides[s].sums = g_new0 (double, length);
          group->sides[s].waiting = g_new0 (float, WAITING * self->row_stride);
        }
    }
  return self;
}

void
fw_second_moments_free (FwSecondMoments *self)
{
  for (gsize g = 0; g < self->columns.groups; g++)
    {
      Group *group = &self->groups[g];

      g_free (group->second);
      g_free (group->cross);
      for (guint s = 0; s < 2; s++)
        {
          g_free (group->sides[s].reference);
          g_free (group->sides[s].sums);
          g_free (group->sides[s].waiting);
        }
    }
  g_free (self->groups);
  g_free (self);
}

/* Adding -------------------------------------------------------------------------------------- */

static void
find_reference (const FwSecondMoments *self, Side *side, guint n)
{
  for (gsize i = 0; i < self->columns.length; i++)
    {
      double sum = 0;

      for (guint r = 0; r < n; r++)
        sum += (double) side->waiting[r * self->row_stride + i];
      side->reference[i] = (float) (sum / n);
    }
}

static void
take_reference (const FwSecondMoments *self, Side *side, guint n)
{
  for (guint r = 0; r < n; r++)
    {
      float *row = side->waiting + r * self->row_stride;

      fw_kernel_add_multiple (-1, side->reference, self->columns.length, row);
      for (gsize i = 0; i < self->columns.length; i++)
        side->sums[i] += (double) row[i];
    }
}

/* The lower half of aᵀb, or all of it, goes to the blocks' matrices. */
static void
multiply_waiting (const FwSecondMoments *self,
                  const float *a,
                  const float *b,
                  guint n,
                  gboolean lower,
                  float *matrices)
{
  const gsize stride = self->row_stride;

  for (gsize start = 0; start < self->columns.length; start += self->block)
    {
      const gsize size = MIN (self->block, self->columns.length - start);

      for (gsize i = 0; i < size; i += PANEL)
        {
          gsize rows = MIN (PANEL, size - i);
          gsize width = MIN (lower ? i + PANEL : size, size);

          width = (width + FW_LINEAR_WIDTH - 1) / FW_LINEAR_WIDTH * FW_LINEAR_WIDTH;
          fw_kernel_multiply (a + start + i, stride, rows, b + start, stride, width, n, 1,
                              matrices + (start + i) * self->matrix_stride, self->matrix_stride);
        }
    }
}

static void
flush (const FwSecondMoments *self, Group *group)
{
  const guint n = group->n_waiting, n_sides = self->has_cross ? 2 : 1;
  const Side *last = &group->sides[n_sides - 1];

  if (n == 0)
    return;
  for (guint s = 0; s < n_sides; s++)
    {
      if (!group->referenced)
        find_reference (self, &group->sides[s], n);
      take_reference (self, &group->sides[s], n);
    }
  multiply_waiting (self, last->waiting, last->waiting, n, TRUE, group->second);
  if (self->has_cross)
    multiply_waiting (self, group->sides[0].waiting, last->waiting, n, FALSE, group->cross);
  group->referenced = TRUE;
  group->n += n;
  group->n_waiting = 0;
}

static void
flush_all (FwSecondMoments *self)
{
  for (gsize g = 0; g < self->columns.groups; g++)
    flush (self, &self->groups[g]);
}

/* Squares must be finite, too. */
static gboolean
is_usable (const float *row, gsize n)
{
  double sum = fw_kernel_dot (row, row, n);

  return sum < 1e30;
}

/* Closes ranks over a row that can't be used. */
static void
drop_row (FwSecondMoments *self, Group *group, guint row, guint n)
{
  const guint n_sides = self->has_cross ? 2 : 1;

  for (guint s = 0; s < n_sides; s++)
    memmove (group->sides[s].waiting + row * self->row_stride,
             group->sides[s].waiting + (row + 1) * self->row_stride,
             (n - row - 1) * self->row_stride * sizeof (float));
}

/* Adds positions @first to @first + @n - 1, for which there is room. */
static void
add_rows (FwSecondMoments *self,
          gsize index,
          const FwColumnsPositions *positions,
          gsize first,
          guint n,
          const float *const *values)
{
  Group *group = &self->groups[index];
  const guint n_sides = self->has_cross ? 2 : 1;
  guint end = group->n_waiting + n;

  for (guint s = 0; s < n_sides; s++)
    fw_columns_write (positions, values[s], index, first, n,
                      group->sides[s].waiting + group->n_waiting * self->row_stride,
                      self->row_stride);
  for (guint row = group->n_waiting; row < end;)
    {
      gboolean usable = TRUE;

      for (guint s = 0; s < n_sides; s++)
        usable
            = usable
              && is_usable (group->sides[s].waiting + row * self->row_stride, self->columns.length);
      if (usable)
        row++;
      else
        drop_row (self, group, row, end--);
    }
  group->n_waiting = end;
  if (end == WAITING)
    flush (self, group);
}

gsize
fw_second_moments_get_rows (const FwColumns *columns, gsize n_values)
{
  gsize length = columns->length * columns->groups;

  return CLAMP (n_values / length, columns->groups > 1 ? LEAST_ROWS_GROUPED : LEAST_ROWS,
                MOST_ROWS);
}

gsize
fw_second_moments_add (FwSecondMoments *self,
                       const float *values,
                       const float *quantized,
                       const gint64 *dims,
                       gsize n_dims,
                       gsize most,
                       guint64 seed)
{
  const float *const both[] = { values, quantized };
  g_auto (FwColumnsPositions) positions = { 0 };

  g_return_val_if_fail ((quantized != NULL) == self->has_cross, 0);

  if (!fw_columns_choose (&self->columns, dims, n_dims, most, seed, &positions))
    return 0;
  for (gsize g = 0; g < self->columns.groups; g++)
    for (gsize p = 0, n; p < positions.n; p += n)
      {
        n = MIN (positions.n - p, WAITING - self->groups[g].n_waiting);
        add_rows (self, g, &positions, p, (guint) n, both);
      }
  return positions.n;
}

/* Results ------------------------------------------------------------------------------------- */

const FwColumns *
fw_second_moments_get_columns (FwSecondMoments *self)
{
  return &self->columns;
}

gboolean
fw_second_moments_has_cross (FwSecondMoments *self)
{
  return self->has_cross;
}

guint64
fw_second_moments_get_n (FwSecondMoments *self, gsize group)
{
  g_return_val_if_fail (group < self->columns.groups, 0);

  flush_all (self);
  return self->groups[group].n;
}

gsize
fw_second_moments_get_n_blocks (FwSecondMoments *self)
{
  return self->n_blocks;
}

gsize
fw_second_moments_get_start (FwSecondMoments *self, gsize block)
{
  return MIN (block * self->block, self->columns.length);
}

gsize
fw_second_moments_get_stride (FwSecondMoments *self)
{
  return self->matrix_stride;
}

void
fw_second_moments_get_mean (FwSecondMoments *self, gsize group, gboolean quantized, float *mean)
{
  const Group *found = &self->groups[group];
  const Side *side = &found->sides[quantized && self->has_cross ? 1 : 0];

  flush_all (self);
  for (gsize i = 0; i < self->columns.length; i++)
    mean[i] = (float) ((double) side->reference[i] + side->sums[i] / (double) MAX (found->n, 1));
}

/* The mean of (x - a)(x̂ - b)ᵀ becomes that of (x - E[x])(x̂ - E[x̂])ᵀ, or of x x̂ᵀ. */
static void
shift_row (float *row,
           gsize size,
           const Side *left,
           const Side *right,
           gsize i,
           gsize start,
           double n,
           gboolean centred)
{
  const double mean_left = left->sums[i] / n, reference_left = (double) left->reference[i];

  for (gsize j = 0; j < size; j++)
    {
      double mean_right = right->sums[start + j] / n;
      double value = (double) row[j] / n;

      if (centred)
        value -= mean_left * mean_right;
      else
        value += reference_left * mean_right
                 + (mean_left + reference_left) * (double) right->reference[start + j];
      row[j] = (float) value;
    }
}

static void
get_matrix (FwSecondMoments *self,
            gsize index,
            gsize block,
            const Side *left,
            const Side *right,
            gboolean lower,
            gboolean centred,
            float *matrix)
{
  const Group *group = &self->groups[index];
  const float *source = lower ? group->second : group->cross;
  const gsize start = fw_second_moments_get_start (self, block);
  const gsize size = fw_second_moments_get_start (self, block + 1) - start;
  const gsize stride = self->matrix_stride;

  memset (matrix, 0, size * stride * sizeof *matrix);
  if (group->n == 0)
    return;
  for (gsize i = 0; i < size; i++)
    {
      gsize width = lower ? i + 1 : size;

      memcpy (matrix + i * stride, source + (start + i) * stride, width * sizeof *matrix);
      shift_row (matrix + i * stride, width, left, right, start + i, start, (double) group->n,
                 centred);
      for (gsize j = 0; lower && j < i; j++)
        matrix[j * stride + i] = matrix[i * stride + j];
    }
}

void
fw_second_moments_get_block (FwSecondMoments *self,
                             gsize group,
                             gsize block,
                             gboolean centred,
                             float *matrix)
{
  const Side *side = &self->groups[group].sides[self->has_cross ? 1 : 0];

  g_return_if_fail (group < self->columns.groups && block < self->n_blocks);

  flush_all (self);
  get_matrix (self, group, block, side, side, TRUE, centred, matrix);
}

void
fw_second_moments_get_cross (FwSecondMoments *self,
                             gsize group,
                             gsize block,
                             gboolean centred,
                             float *matrix)
{
  const Side *sides = self->groups[group].sides;

  g_return_if_fail (group < self->columns.groups && block < self->n_blocks);
  g_return_if_fail (self->has_cross);

  flush_all (self);
  get_matrix (self, group, block, &sides[0], &sides[1], FALSE, centred, matrix);
}

void
fw_second_moments_shrink (FwSecondMoments *self, gsize group, gsize block, float *matrix)
{
  const gsize start = fw_second_moments_get_start (self, block);
  const gsize size = fw_second_moments_get_start (self, block + 1) - start;
  const double n = (double) fw_second_moments_get_n (self, group);
  const double length = (double) self->columns.length;
  const float kept = (float) (1 - MOST_SHRUNK * length / (length + n));

  for (gsize i = 0; i < size; i++)
    for (gsize j = 0; j < size; j++)
      if (i != j)
        matrix[i * self->matrix_stride + j] *= kept;
}
