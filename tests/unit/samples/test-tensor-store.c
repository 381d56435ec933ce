/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fw-error.h"
#include "fw-tensor-store.h"

static FwTensor *
make_tensor (FwElementType type, gint64 height, gint64 width, int fill)
{
  const gint64 dims[] = { 1, 3, height, width };
  FwTensor *tensor = fw_tensor_new (type, dims, 4, NULL);

  memset (fw_tensor_get_data (tensor), fill, fw_tensor_get_size (tensor));
  return tensor;
}

static GPtrArray *
make_row (FwTensor *first, FwTensor *second)
{
  GPtrArray *row = g_ptr_array_new ();

  g_ptr_array_add (row, first);
  g_ptr_array_add (row, second);
  return row;
}

static void
assert_equal (FwTensor *tensor, FwTensor *wanted)
{
  g_assert_cmpint (fw_tensor_get_element_type (tensor), ==, fw_tensor_get_element_type (wanted));
  g_assert_cmpmem (fw_tensor_get_dims (tensor), fw_tensor_get_n_dims (tensor) * sizeof (gint64),
                   fw_tensor_get_dims (wanted), fw_tensor_get_n_dims (wanted) * sizeof (gint64));
  g_assert_cmpmem (fw_tensor_get_data (tensor), fw_tensor_get_size (tensor),
                   fw_tensor_get_data (wanted), fw_tensor_get_size (wanted));
}

/* Rows of other shapes and kinds, with gaps. */
static void
test_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwTensorStore) store = fw_tensor_store_new (g_get_tmp_dir (), &error);
  g_autoptr (FwTensor) number = fw_tensor_new (FW_ELEMENT_INT64, NULL, 0, NULL);

  g_assert_no_error (error);
  *(gint64 *) fw_tensor_get_data (number) = 16000;
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (FwTensor) tensor = make_tensor (FW_ELEMENT_FLOAT, 4 + i, 6, i + 1);
      g_autoptr (GPtrArray) row = make_row (tensor, i == 2 ? NULL : number);

      g_assert_true (fw_tensor_store_add (store, row, &error));
    }
  g_assert_cmpuint (fw_tensor_store_get_n (store), ==, 5);
  g_assert_cmpuint (fw_tensor_store_get_size (store), ==, 3 * 6 * (4 + 5 + 6 + 7 + 8) * 4 + 4 * 8);
  for (guint i = 5; i-- > 0;)
    {
      g_autoptr (FwTensor) wanted = make_tensor (FW_ELEMENT_FLOAT, 4 + i, 6, i + 1);
      g_autoptr (GPtrArray) row = fw_tensor_store_get (store, i, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (row->len, ==, 2);
      assert_equal (row->pdata[0], wanted);
      if (i == 2)
        g_assert_null (row->pdata[1]);
      else
        assert_equal (row->pdata[1], number);
    }
}

static void
test_no_folder (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_tensor_store_new ("/nowhere/to/be/found", &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tensor-store/round-trip", test_round_trip);
  g_test_add_func ("/tensor-store/no-folder", test_no_folder);
  return g_test_run ();
}
