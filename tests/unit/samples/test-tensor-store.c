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

static void
test_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwTensorStore) store = fw_tensor_store_new (g_get_tmp_dir (), &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (FwTensor) tensor = make_tensor (FW_ELEMENT_FLOAT, 4, 6, i + 1);

      g_assert_true (fw_tensor_store_add (store, tensor, &error));
    }
  g_assert_cmpuint (fw_tensor_store_get_n (store), ==, 5);
  for (guint i = 5; i-- > 0;)
    {
      g_autoptr (FwTensor) wanted = make_tensor (FW_ELEMENT_FLOAT, 4, 6, i + 1);
      g_autoptr (FwTensor) tensor = fw_tensor_store_get (store, i, &error);

      g_assert_no_error (error);
      g_assert_cmpmem (fw_tensor_get_data (tensor), fw_tensor_get_size (tensor),
                       fw_tensor_get_data (wanted), fw_tensor_get_size (wanted));
    }
}

/* As many bytes in another shape would be read back in the first one's. */
static void
test_other_shape (void)
{
  g_autoptr (FwTensorStore) store = fw_tensor_store_new (g_get_tmp_dir (), NULL);
  g_autoptr (FwTensor) first = make_tensor (FW_ELEMENT_FLOAT, 4, 6, 1);
  g_autoptr (FwTensor) turned = make_tensor (FW_ELEMENT_FLOAT, 6, 4, 1);
  g_autoptr (FwTensor) other_type = make_tensor (FW_ELEMENT_INT32, 4, 6, 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_tensor_store_add (store, first, &error));
  g_assert_false (fw_tensor_store_add (store, turned, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_INTERNAL);
  g_clear_error (&error);
  g_assert_false (fw_tensor_store_add (store, other_type, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_INTERNAL);
  g_assert_cmpuint (fw_tensor_store_get_n (store), ==, 1);
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
  g_test_add_func ("/tensor-store/other-shape", test_other_shape);
  g_test_add_func ("/tensor-store/no-folder", test_no_folder);
  return g_test_run ();
}
