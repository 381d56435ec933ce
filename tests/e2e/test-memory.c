/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Memory does not grow with the number of samples. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cli.h"
#include "fw-random.h"

#define SIDE 128
#define HEADER 54

static void
put_number (guint8 *at, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (at, &value, sizeof value);
}

/* A picture of noise, another one for each seed. */
static void
write_picture (const char *folder, guint seed)
{
  g_autofree char *name = g_strdup_printf ("%04u.bmp", seed);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  gsize size = HEADER + SIDE * SIDE * 3;
  g_autofree guint8 *bytes = g_malloc0 (size);
  FwRandom random = { seed + 1 };

  memcpy (bytes, "BM", 2);
  put_number (bytes + 2, size);
  put_number (bytes + 10, HEADER);
  put_number (bytes + 14, 40);
  put_number (bytes + 18, SIDE);
  put_number (bytes + 22, SIDE);
  put_number (bytes + 26, 1 | 24 << 16);
  for (gsize i = HEADER; i < size; i++)
    bytes[i] = fw_random_next (&random);
  g_assert_true (g_file_set_contents (path, (char *) bytes, size, NULL));
}

/* Kilobytes of the largest process of a whole job. */
static long
get_peak (guint n)
{
  g_autofree char *name = g_strdup_printf ("pictures-%u", n);
  g_autofree char *folder = cli_path (name);
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *out = cli_path ("out.json");
  const char *const arguments[] = { "shrink",
                                    model,
                                    folder,
                                    "--json",
                                    "--uniform",
                                    "int8-compute",
                                    "--preprocess",
                                    "rgb-symmetric-stretch",
                                    "--no-measure",
                                    "--threads",
                                    "1",
                                    NULL };
  struct rusage usage;
  int status;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  for (guint i = 0; i < n; i++)
    write_picture (folder, i);
  g_assert_cmpint (wait4 (cli_start (arguments, out, NULL), &status, 0, &usage), >, 0);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  return usage.ru_maxrss;
}

static void
test_flat (void)
{
  long few = get_peak (50);
  long many = get_peak (500);

  g_test_message ("peak memory: %ld kB with 50 pictures, %ld kB with 500", few, many);
  /* 450 more tensors or pictures would take 90 MB; heaps differ by some MB from run to run. */
  g_assert_cmpint (many, <, few + 30000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/memory/flat", test_flat);
  return cli_finish ();
}
