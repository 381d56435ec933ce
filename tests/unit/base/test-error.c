/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "fw-error.h"

/* The names are a promise to programs: this list may grow, and nothing in it may change. */
static const char *const stable_names[] = {
  "internal",
  "cancelled",
  "usage",
  "no-such-file",
  "not-readable",
  "empty-file",
  "not-a-model",
  "damaged-model",
  "hostile-model",
  "unsupported-model",
  "unknown-operator",
  "unsupported-inputs",
  "external-data-missing",
  "external-data-outside",
  "already-small",
  "nothing-to-shrink",
  "no-samples",
  "too-few-samples",
  "few-samples",
  "unreadable-samples",
  "bad-labels",
  "bad-preprocess",
  "unsure-preprocess",
  "bad-recipe",
  "disk-full",
  "not-writable",
  "file-exists",
  "runtime-missing",
  "runtime-too-old",
  "runtime-failed",
  "out-of-memory",
  "worker-died",
  "target-not-reached",
  "not-smaller",
  "slower-here",
  "new-nan",
  "history-damaged",
  "history-newer",
  "history-busy",
  "no-such-version",
  "model-changed",
  "file-changed",
  "large-model",
};

/* What a person at home or at school should not have to know. */
static const char *const jargon[] = {
  "tensor", "quantiz",  "opset", "dtype", "protobuf",  "initializer",
  "errno",  "segfault", "stack", "NaN",   "inference", "runtime error",
};

static void
test_names (void)
{
  g_assert_cmpuint (G_N_ELEMENTS (stable_names), ==, FW_N_ERRORS);
  for (guint code = 0; code < FW_N_ERRORS; code++)
    {
      g_assert_cmpstr (fw_error_get_name (code), ==, stable_names[code]);
      g_assert_cmpuint (fw_error_from_name (stable_names[code]), ==, code);
      for (guint other = 0; other < code; other++)
        g_assert_cmpstr (stable_names[code], !=, stable_names[other]);
    }
}

static void
test_unknown_names (void)
{
  g_assert_cmpuint (fw_error_from_name ("no-such-code"), ==, FW_ERROR_INTERNAL);
  g_assert_cmpuint (fw_error_from_name (""), ==, FW_ERROR_INTERNAL);
  g_assert_cmpuint (fw_error_from_name (NULL), ==, FW_ERROR_INTERNAL);
}

static void
test_hints (void)
{
  for (guint code = 0; code < FW_N_ERRORS; code++)
    {
      const char *hint = fw_error_get_hint (code);

      /* Only who asked to stop needs no advice. */
      if (code == FW_ERROR_CANCELLED)
        {
          g_assert_null (hint);
          continue;
        }
      g_assert_nonnull (hint);
      g_assert_true (g_utf8_validate (hint, -1, NULL));
      g_assert_cmpint (g_utf8_strlen (hint, -1), >, 20);
      g_assert_true (g_unichar_isupper (g_utf8_get_char (hint)));
      g_assert_true (g_str_has_suffix (hint, "."));
      g_assert_null (strstr (hint, "  "));
      for (guint i = 0; i < G_N_ELEMENTS (jargon); i++)
        if (strstr (hint, jargon[i]))
          g_error ("The hint of “%s” says “%s”", stable_names[code], jargon[i]);
    }
}

static void
test_codes_of_errors (void)
{
  static const struct
  {
    GQuark (*domain) (void);
    int code;
    FwError expected;
  } cases[] = {
    { fw_error_quark, FW_ERROR_DAMAGED_MODEL, FW_ERROR_DAMAGED_MODEL },
    { fw_error_quark, FW_N_ERRORS, FW_ERROR_INTERNAL },
    { fw_error_quark, -1, FW_ERROR_INTERNAL },
    { g_io_error_quark, G_IO_ERROR_CANCELLED, FW_ERROR_CANCELLED },
    { g_io_error_quark, G_IO_ERROR_NO_SPACE, FW_ERROR_DISK_FULL },
    { g_io_error_quark, G_IO_ERROR_NOT_FOUND, FW_ERROR_NO_SUCH_FILE },
    { g_io_error_quark, G_IO_ERROR_PERMISSION_DENIED, FW_ERROR_NOT_READABLE },
    { g_io_error_quark, G_IO_ERROR_READ_ONLY, FW_ERROR_NOT_WRITABLE },
    { g_io_error_quark, G_IO_ERROR_EXISTS, FW_ERROR_FILE_EXISTS },
    { g_io_error_quark, G_IO_ERROR_FAILED, FW_ERROR_INTERNAL },
    { g_file_error_quark, G_FILE_ERROR_NOSPC, FW_ERROR_DISK_FULL },
    { g_file_error_quark, G_FILE_ERROR_NOENT, FW_ERROR_NO_SUCH_FILE },
    { g_file_error_quark, G_FILE_ERROR_ACCES, FW_ERROR_NOT_READABLE },
    { g_file_error_quark, G_FILE_ERROR_ROFS, FW_ERROR_NOT_WRITABLE },
    { g_file_error_quark, G_FILE_ERROR_EXIST, FW_ERROR_FILE_EXISTS },
    { g_file_error_quark, G_FILE_ERROR_NOMEM, FW_ERROR_OUT_OF_MEMORY },
    { g_file_error_quark, G_FILE_ERROR_PIPE, FW_ERROR_INTERNAL },
    { g_markup_error_quark, G_MARKUP_ERROR_PARSE, FW_ERROR_INTERNAL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error
          = g_error_new_literal (cases[i].domain (), cases[i].code, "A sentence.");

      g_assert_cmpuint (fw_error_get_code (error), ==, cases[i].expected);
    }
}

static void
test_errno (void)
{
  static const struct
  {
    int saved_errno;
    gboolean writing;
    FwError expected;
  } cases[] = {
    { ENOSPC, TRUE, FW_ERROR_DISK_FULL },      { EDQUOT, TRUE, FW_ERROR_DISK_FULL },
    { EACCES, TRUE, FW_ERROR_NOT_WRITABLE },   { EACCES, FALSE, FW_ERROR_NOT_READABLE },
    { EROFS, TRUE, FW_ERROR_NOT_WRITABLE },    { EPERM, TRUE, FW_ERROR_NOT_WRITABLE },
    { ENOENT, FALSE, FW_ERROR_NO_SUCH_FILE },  { ENOENT, TRUE, FW_ERROR_NO_SUCH_FILE },
    { ENOTDIR, FALSE, FW_ERROR_NO_SUCH_FILE }, { EEXIST, TRUE, FW_ERROR_FILE_EXISTS },
    { ENOMEM, FALSE, FW_ERROR_OUT_OF_MEMORY }, { EIO, FALSE, FW_ERROR_NOT_READABLE },
    { EIO, TRUE, FW_ERROR_NOT_WRITABLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      /* Neither a percent sign nor bytes that are no UTF-8 may upset the message. */
      fw_error_set_from_errno (&error, cases[i].saved_errno, cases[i].writing,
                               "/a/100%s \xff.onnx");
      g_assert_error (error, FW_ERROR, cases[i].expected);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_nonnull (strstr (error->message, "100%s"));
      g_assert_true (g_str_has_suffix (error->message, "."));
    }
  fw_error_set_from_errno (NULL, ENOENT, FALSE, "nobody listens");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/names", test_names);
  g_test_add_func ("/error/unknown-names", test_unknown_names);
  g_test_add_func ("/error/hints", test_hints);
  g_test_add_func ("/error/codes-of-errors", test_codes_of_errors);
  g_test_add_func ("/error/errno", test_errno);
  return g_test_run ();
}
