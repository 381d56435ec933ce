/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-model-private.h"
#include "fw-test-wire.h"

/* folder/model holds the model and what is its; folder/outside is not. */
typedef struct
{
  char *folder;
  char *path;
} Fixture;

static char *
build_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, "model", name, NULL);
}

static void
write_file (Fixture *fixture, const char *name, const char *content, gsize length)
{
  g_autofree char *path = build_path (fixture, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, content, length, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *inner = NULL;

  fw_external_data_avoid_openat2 (GPOINTER_TO_INT (data));
  fixture->folder = g_dir_make_tmp ("fw-external-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  inner = build_path (fixture, "inside");
  g_assert_cmpint (g_mkdir_with_parents (inner, 0700), ==, 0);
  fixture->path = build_path (fixture, "model.onnx");

  write_file (fixture, "weights.bin", "0123456789", 10);
  write_file (fixture, "inside/weights.bin", "abcdefghij", 10);
  write_file (fixture, "../outside", "0123456789", 10);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_file_remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

/* A tensor of 4 bytes at @location. Offset and length may be NULL. */
static GByteArray *
external_tensor (const char *name, const char *location, const char *offset, const char *length)
{
  const gint64 dims[] = { 4 };
  GByteArray *tensor = wire_tensor (name, FW_ELEMENT_UINT8, dims, 1);

  if (location != NULL)
    wire_message (tensor, 13, wire_entry ("location", location));
  if (offset != NULL)
    wire_message (tensor, 13, wire_entry ("offset", offset));
  if (length != NULL)
    wire_message (tensor, 13, wire_entry ("length", length));
  wire_varint (tensor, 14, 1);
  return tensor;
}

/* The model with that tensor alone. */
static FwModel *
load (Fixture *fixture,
      const char *location,
      const char *offset,
      const char *length,
      GError **error)
{
  g_autoptr (GBytes) bytes
      = wire_model (wire_graph_of_tensor (external_tensor ("t", location, offset, length)));

  write_file (fixture, "model.onnx", g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  return fw_model_load (fixture->path, error);
}

static void
assert_content (Fixture *fixture,
                const char *location,
                const char *offset,
                const char *length,
                const char *content)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) model = load (fixture, location, offset, length, &error);
  Onnx__TensorProto *tensor;

  g_assert_no_error (error);
  tensor = fw_model_find_initializer (model, "t");
  g_assert_cmpmem (tensor->raw_data.data, tensor->raw_data.len, content, strlen (content));
  g_assert_cmpuint (tensor->n_external_data, ==, 0);
  g_assert_cmpint (tensor->data_location, ==, 0);
}

static void
assert_fails (Fixture *fixture,
              const char *location,
              const char *offset,
              const char *length,
              FwError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) model = load (fixture, location, offset, length, &error);
  g_autofree char *shown = g_strescape (location != NULL ? location : "(none)", NULL);

  g_test_message ("location %s, offset %s, length %s", shown, offset, length);
  g_assert_null (model);
  g_assert_error (error, FW_ERROR, (gint) code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_read (Fixture *fixture, gconstpointer data)
{
  assert_content (fixture, "weights.bin", NULL, NULL, "0123");
  assert_content (fixture, "weights.bin", "6", NULL, "6789");
  assert_content (fixture, "weights.bin", "2", "4", "2345");
  assert_content (fixture, "weights.bin", "2", "8", "23456789");
  assert_content (fixture, "./inside//weights.bin", "0", "4", "abcd");
}

static void
test_size (Fixture *fixture, gconstpointer data)
{
  GByteArray *graph = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;

  /* Two tensors in one file, under two spellings. */
  wire_message (graph, 5, external_tensor ("a", "weights.bin", "0", "4"));
  wire_message (graph, 5, external_tensor ("b", "./weights.bin", "4", "4"));
  bytes = wire_model (graph);
  write_file (fixture, "model.onnx", g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  model = fw_model_load (fixture->path, NULL);
  g_assert_nonnull (model);
  g_assert_cmpuint (fw_model_get_size (model), ==, g_bytes_get_size (bytes) + 10);
}

static void
test_outside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *outside = g_build_filename (fixture->folder, "outside", NULL);
  g_autofree char *absolute = build_path (fixture, "weights.bin");
  g_autofree char *link = build_path (fixture, "link");
  g_autofree char *folder_link = build_path (fixture, "folder-link");

  g_assert_cmpint (symlink (outside, link), ==, 0);
  g_assert_cmpint (symlink (fixture->folder, folder_link), ==, 0);

  assert_fails (fixture, outside, NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, absolute, NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "../outside", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "inside/../weights.bin", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "inside/../../outside", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "..", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, ".", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, NULL, NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "link", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "folder-link/outside", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
  assert_fails (fixture, "/proc/self/environ", NULL, NULL, FW_ERROR_EXTERNAL_DATA_OUTSIDE);
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *fifo = build_path (fixture, "fifo");
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) model = NULL;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_fails (fixture, "nothing.bin", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "no/thing.bin", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin/x", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "caf\xe9\xff", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "inside", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  /* Must not wait for a writer. */
  assert_fails (fixture, "fifo", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);

  model = load (fixture, "nothing.bin", NULL, NULL, &error);
  g_assert_nonnull (strstr (error->message, "nothing.bin"));
}

static void
test_short (Fixture *fixture, gconstpointer data)
{
  write_file (fixture, "empty.bin", "", 0);
  assert_fails (fixture, "weights.bin", "7", NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin", "7", "4", FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin", "11", "4", FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin", "0", "11", FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin", "18446744073709551615", "4",
                FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "weights.bin", "4", "18446744073709551615",
                FW_ERROR_EXTERNAL_DATA_MISSING);
  assert_fails (fixture, "empty.bin", NULL, NULL, FW_ERROR_EXTERNAL_DATA_MISSING);
}

static void
test_nonsense (Fixture *fixture, gconstpointer data)
{
  assert_fails (fixture, "weights.bin", "-1", "4", FW_ERROR_DAMAGED_MODEL);
  assert_fails (fixture, "weights.bin", "0", "3", FW_ERROR_DAMAGED_MODEL);
  assert_fails (fixture, "weights.bin", "0", "four", FW_ERROR_DAMAGED_MODEL);
  assert_fails (fixture, "weights.bin", "", "4", FW_ERROR_DAMAGED_MODEL);
  assert_fails (fixture, "weights.bin", "18446744073709551616", "4", FW_ERROR_DAMAGED_MODEL);
}

/* From memory and without a folder, nothing is opened at all. */
static void
test_no_folder (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes
      = wire_model (wire_graph_of_tensor (external_tensor ("t", "weights.bin", NULL, NULL)));
  g_autofree char *folder = g_path_get_dirname (fixture->path);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_model_load_bytes (bytes, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_EXTERNAL_DATA_MISSING);
  g_clear_error (&error);
  model = fw_model_load_bytes (bytes, folder, &error);
  g_assert_no_error (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_test_add ("/external-data/" path, Fixture, GINT_TO_POINTER (FALSE), set_up, func,            \
                tear_down);                                                                        \
    g_test_add ("/external-data/by-steps/" path, Fixture, GINT_TO_POINTER (TRUE), set_up, func,    \
                tear_down);                                                                        \
  }                                                                                                \
  G_STMT_END
  ADD ("read", test_read);
  ADD ("size", test_size);
  ADD ("outside", test_outside);
  ADD ("missing", test_missing);
  ADD ("short", test_short);
  ADD ("nonsense", test_nonsense);
  ADD ("no-folder", test_no_folder);
#undef ADD

  return g_test_run ();
}
