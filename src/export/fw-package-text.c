/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "export-resources.h"
#include "fw-package.h"
#include "fw-template.h"

#define TEMPLATES "/io/github/featherweight/Export/"

/* Takes @value. */
static void
set (GHashTable *values, const char *name, char *value)
{
  g_hash_table_insert (values, g_strdup (name), value);
}

static void
set_flag (GHashTable *values, const char *name, gboolean on)
{
  if (on)
    set (values, name, g_strdup (""));
}

static void
set_int (GHashTable *values, const char *name, int value)
{
  set (values, name, g_strdup_printf ("%d", value));
}

/* "0.485": as short as reads back the same, with a point in it whatever the language is. */
static char *
format_number (double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  for (int digits = 1; digits <= 17; digits++)
    {
      g_autofree char *format = g_strdup_printf ("%%.%dg", digits);

      g_ascii_formatd (buffer, sizeof buffer, format, value);
      if (g_ascii_strtod (buffer, NULL) == value)
        break;
    }
  return strpbrk (buffer, ".e") != NULL ? g_strdup (buffer) : g_strconcat (buffer, ".0", NULL);
}

static void
set_numbers (GHashTable *values,
             const char *name,
             const double *numbers,
             guint n,
             const char *suffix)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *number = format_number (numbers[i]);

      g_string_append_printf (text, "%s%s%s", i > 0 ? ", " : "", number, suffix);
    }
  set (values, name, g_string_free (text, FALSE));
}

/* The file's name without its ending, without anything that means something in Markdown. */
static char *
make_title (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autoptr (GString) title = g_string_new (NULL);

  if (g_str_has_suffix (valid, ".onnx"))
    valid[strlen (valid) - strlen (".onnx")] = '\0';
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isalnum (c) || (c < 128 && strchr (" .-()", (char) c) != NULL))
        g_string_append_unichar (title, c);
      else if (title->len > 0 && title->str[title->len - 1] != ' ')
        g_string_append_c (title, ' ');
    }
  g_strstrip (title->str);
  return g_strdup (title->str[0] != '\0' ? title->str : "model");
}

/* How pictures are fitted, in the numbers that the code needs: what the whole picture must cover
 * before its middle is taken. */
static void
set_fit (GHashTable *values, const FwPreprocess *p)
{
  const int shorter = MIN (p->width, p->height);
  const int from = MAX (p->crop_from, shorter);

  set_int (values, "WIDTH", p->width);
  set_int (values, "HEIGHT", p->height);
  set_int (values, "COVER_WIDTH", p->width * from / shorter);
  set_int (values, "COVER_HEIGHT", p->height * from / shorter);
  set_flag (values, "CROP", p->resize == FW_RESIZE_CROP);
  set_flag (values, "STRETCH", p->resize == FW_RESIZE_STRETCH);
  set_flag (values, "LETTERBOX", p->resize == FW_RESIZE_LETTERBOX);
}

static void
set_pixels (GHashTable *values, const FwPreprocess *p, const char *suffix)
{
  const guint channels = p->channels == FW_CHANNELS_GREY ? 1 : 3;
  const gboolean planar = p->layout == FW_LAYOUT_NCHW;

  set_int (values, "CHANNELS", channels);
  set (values, "SHAPE",
       planar ? g_strdup_printf ("1, %u, %d, %d", channels, p->height, p->width)
              : g_strdup_printf ("1, %d, %d, %u", p->height, p->width, channels));
  set_flag (values, "PLANAR", planar);
  set_flag (values, "INTERLEAVED", !planar);
  set_flag (values, "RGB", p->channels == FW_CHANNELS_RGB);
  set_flag (values, "BGR", p->channels == FW_CHANNELS_BGR);
  set_flag (values, "GREY", p->channels == FW_CHANNELS_GREY);
  set_flag (values, "INVERT", p->invert);
  set_flag (values, "UPRIGHT", !p->invert);
  set_numbers (values, "DIVISOR", &p->divisor, 1, suffix);
  set_numbers (values, "MEAN", p->mean, channels, suffix);
  set_numbers (values, "DEVIATION", p->deviation, channels, suffix);
  set_numbers (values, "PLAIN_DIVISOR", &p->divisor, 1, "");
  set_numbers (values, "PLAIN_MEAN", p->mean, channels, "");
  set_numbers (values, "PLAIN_DEVIATION", p->deviation, channels, "");
  set_flag (values, "FLOAT", p->type == FW_ELEMENT_FLOAT);
  set_flag (values, "BYTES", p->type == FW_ELEMENT_UINT8);
  set_flag (values, "ROUNDS", p->type == FW_ELEMENT_UINT8 || p->resize == FW_RESIZE_CROP);
  set_flag (values, "NOT_BYTES", p->type != FW_ELEMENT_UINT8);
  set_flag (values, "HALVES", p->type == FW_ELEMENT_FLOAT16);
}

static void
set_names (GHashTable *values, const FwPackageInput *input)
{
  const char *before = input->target == FW_TARGET_IOS ? "\\u{" : "\\u";
  const char *after = input->target == FW_TARGET_IOS ? "}" : "";

  set (values, "INPUT", fw_template_escape (input->golden->input_name, before, after));
  set (values, "OUTPUT", fw_template_escape (input->golden->output_name, before, after));
  set (values, "TITLE", make_title (input->name != NULL ? input->name : input->model_path));
}

static GHashTable *
make_values (const FwPackageInput *input, gboolean has_ort)
{
  GHashTable *values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *version = fw_runtime_get_version ();

  set_names (values, input);
  set_fit (values, input->preprocess);
  set_pixels (values, input->preprocess, input->target == FW_TARGET_ANDROID ? "f" : "");
  set (values, "VERSION", g_strdup (version != NULL ? version : "1.18.0"));
  set (values, "MODEL", g_strdup (has_ort ? "model.ort" : "model.onnx"));
  set (values, "ENDING", g_strdup (has_ort ? "ort" : "onnx"));
  set_int (values, "N_CLASSES", (int) input->labels->len);
  set_int (values, "N_GOLDEN", (int) input->golden->n);
  set_flag (values, "ORT", has_ort);
  set_flag (values, "LOGITS", !input->golden->are_probabilities);
  set_flag (values, "PROBABILITIES", input->golden->are_probabilities);
  set_flag (values, "LABELS", input->labels_known);
  set_flag (values, "NUMBERS", !input->labels_known);
  set_flag (values, "GUESSED", !input->preprocess_known);
  set_flag (values, "NOISE", input->golden->are_noise);
  set_flag (values, "SAMPLES", !input->golden->are_noise);
  return values;
}

static char *
fill (const char *name, GHashTable *values)
{
  g_autofree char *path = g_strconcat (TEMPLATES, name, ".md", NULL);
  g_autoptr (GBytes) bytes = g_resource_lookup_data (fw_export_get_resource (), path,
                                                     G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree char *text = NULL;

  g_return_val_if_fail (bytes != NULL, g_strdup (""));

  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  return fw_template_fill (text, values);
}

char *
fw_package_write_readme (const FwPackageInput *input, gboolean has_ort)
{
  g_autoptr (GHashTable) values = make_values (input, has_ort);
  g_autofree char *code = fill (fw_target_get_name (input->target), values);
  g_autofree char *pixels = fill ("pixels", values);
  g_autofree char *check = fill ("check", values);

  return g_strconcat (code, pixels, check, NULL);
}

char *
fw_package_write_preprocess (const FwPackageInput *input)
{
  g_autoptr (JsonNode) node = fw_preprocess_to_json (input->preprocess);
  g_autofree char *description = fw_preprocess_describe (input->preprocess);
  g_autofree char *text = NULL;

  json_object_set_string_member (json_node_get_object (node), "description", description);
  text = json_to_string (node, TRUE);
  return g_strconcat (text, "\n", NULL);
}
