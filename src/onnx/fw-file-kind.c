/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-model-private.h"

#define TEXT_PROBE 512
#define ZIP_PROBE 256

/* Kinds of files that people take for models, or that come instead of one from a download. */
typedef enum
{
  KIND_PICTURE,
  KIND_ARCHIVE,
  KIND_PYTORCH,
  KIND_DOCUMENT,
  KIND_TFLITE,
  KIND_KERAS,
  KIND_RUNTIME,
  KIND_GGUF,
  KIND_ARRAY,
  KIND_MEDIA,
} Kind;

static const struct
{
  gsize offset;
  const char *magic;
  gsize length;
  Kind kind;
} magics[] = {
  { 0, "\x89PNG\r\n", 6, KIND_PICTURE },
  { 0, "\xff\xd8\xff", 3, KIND_PICTURE },
  { 0, "GIF8", 4, KIND_PICTURE },
  { 0, "BM", 2, KIND_PICTURE },
  { 0, "II*\0", 4, KIND_PICTURE },
  { 0, "MM\0*", 4, KIND_PICTURE },
  { 8, "WEBP", 4, KIND_PICTURE },
  { 4, "ftypavif", 8, KIND_PICTURE },
  { 4, "ftypheic", 8, KIND_PICTURE },
  { 4, "ftyp", 4, KIND_MEDIA },
  { 8, "WAVE", 4, KIND_MEDIA },
  { 0, "fLaC", 4, KIND_MEDIA },
  { 0, "OggS", 4, KIND_MEDIA },
  { 0, "ID3", 3, KIND_MEDIA },
  { 0, "PK\3\4", 4, KIND_ARCHIVE },
  { 0, "PK\5\6", 4, KIND_ARCHIVE },
  { 0, "\x1f\x8b", 2, KIND_ARCHIVE },
  { 0, "BZh", 3, KIND_ARCHIVE },
  { 0,
    "\xfd"
    "7zXZ",
    5, KIND_ARCHIVE },
  { 0, "7z\xbc\xaf", 4, KIND_ARCHIVE },
  { 0, "\x28\xb5\x2f\xfd", 4, KIND_ARCHIVE },
  { 0, "Rar!", 4, KIND_ARCHIVE },
  { 257, "ustar", 5, KIND_ARCHIVE },
  { 0, "\x80\x02", 2, KIND_PYTORCH },
  { 0, "%PDF", 4, KIND_DOCUMENT },
  { 4, "TFL3", 4, KIND_TFLITE },
  { 0, "\x89HDF", 4, KIND_KERAS },
  { 4, "ORTM", 4, KIND_RUNTIME },
  { 0, "GGUF", 4, KIND_GGUF },
  { 0, "\x93NUMPY", 6, KIND_ARRAY },
};

static char *
describe_kind (Kind kind, const char *name)
{
  switch (kind)
    {
    case KIND_PICTURE:
      return g_strdup_printf (_ ("“%s” is a picture, not a model."), name);
    case KIND_ARCHIVE:
      return g_strdup_printf (
          _ ("“%s” is a compressed archive, not a model. The model may be inside it."), name);
    case KIND_PYTORCH:
      return g_strdup_printf (_ ("“%s” looks like a PyTorch file, not an ONNX model."), name);
    case KIND_DOCUMENT:
      return g_strdup_printf (_ ("“%s” is a document, not a model."), name);
    case KIND_TFLITE:
      return g_strdup_printf (_ ("“%s” is a TensorFlow Lite model, not an ONNX model."), name);
    case KIND_KERAS:
      return g_strdup_printf (_ ("“%s” looks like a Keras model, not an ONNX model."), name);
    case KIND_RUNTIME:
      return g_strdup_printf (
          _ ("“%s” is a model in ONNX Runtime’s own format, not an ONNX model."), name);
    case KIND_GGUF:
      return g_strdup_printf (_ ("“%s” is a GGUF language model, not an ONNX model."), name);
    case KIND_ARRAY:
      return g_strdup_printf (_ ("“%s” is a file of numbers from NumPy, not a model."), name);
    case KIND_MEDIA:
      return g_strdup_printf (_ ("“%s” is a sound or a film, not a model."), name);
    default:
      g_assert_not_reached ();
    }
}

/* Whether it begins with readable text: no control characters, and valid UTF-8 but for a last
 * character cut in two. */
static gboolean
is_text (const guint8 *data, gsize length)
{
  gsize n = MIN (length, TEXT_PROBE);
  const char *end;

  for (gsize i = 0; i < n; i++)
    if ((data[i] < 0x20 && strchr ("\t\n\r\f", data[i]) == NULL) || data[i] == 0x7f || data[i] == 0)
      return FALSE;

  return g_utf8_validate ((const char *) data, n, &end)
         || (n == TEXT_PROBE && (const char *) data + n - end < 4);
}

static gboolean
begins_with (const guint8 *data, gsize length, const char *text)
{
  gsize n = strlen (text);

  return length >= n && g_ascii_strncasecmp ((const char *) data, text, n) == 0;
}

static char *
describe_text (const guint8 *data, gsize length, const char *name)
{
  if (begins_with (data, length, "version https://git-lfs"))
    return g_strdup_printf (_ ("“%s” is only a placeholder for the model (a Git LFS pointer). "
                               "Download the model itself."),
                            name);

  while (length > 0 && g_ascii_isspace (*data))
    {
      data++;
      length--;
    }
  if (begins_with (data, length, "<!doctype html") || begins_with (data, length, "<html"))
    return g_strdup_printf (_ ("“%s” is a web page, not a model. The download may have failed."),
                            name);
  return g_strdup_printf (_ ("“%s” is a text file, not a model."), name);
}

char *
fw_file_kind_describe (const guint8 *data, gsize length, const char *name)
{
  /* PyTorch's files are ZIP archives since 1.6. */
  if (length > ZIP_PROBE && memcmp (data, "PK", 2) == 0
      && memmem (data, ZIP_PROBE, "/data.pkl", strlen ("/data.pkl")) != NULL)
    return describe_kind (KIND_PYTORCH, name);

  for (gsize i = 0; i < G_N_ELEMENTS (magics); i++)
    if (length >= magics[i].offset + magics[i].length
        && memcmp (data + magics[i].offset, magics[i].magic, magics[i].length) == 0)
      return describe_kind (magics[i].kind, name);

  /* A header of JSON behind its length: safetensors. */
  if (length > 9 && data[8] == '{' && data[6] == 0 && data[7] == 0)
    return g_strdup_printf (_ ("“%s” holds only the weights of a model (safetensors)."), name);

  if (is_text (data, length))
    return describe_text (data, length, name);

  return NULL;
}
