/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-recipe.h"

static void
test_round_trip (void)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("abc", TRUE);
  g_autoptr (FwRecipe) again = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) parsed = NULL;
  g_autoptr (JsonNode) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;
  const FwRange range = { .scale = 0.1f / 3, .zero_point = 17 };
  const float mean[] = { 1.f / 3, -2e-30f, 5e8f };
  gsize channels;

  fw_recipe_set_option (recipe, "conv one", FW_OPTION_INT8_COMPUTE);
  fw_recipe_set_option (recipe, "b", FW_OPTION_FLOAT16);
  fw_recipe_set_option (recipe, "c", FW_OPTION_INT8_STORAGE);
  fw_recipe_set_option (recipe, "d", FW_OPTION_INT8_STORAGE);
  fw_recipe_set_option (recipe, "d", FW_OPTION_FLOAT32);
  fw_recipe_set_range (recipe, "value", &range);
  fw_recipe_set_mean (recipe, "value", mean, 3);

  node = fw_recipe_to_json (recipe);
  text = json_to_string (node, FALSE);
  parsed = json_from_string (text, &error);
  g_assert_no_error (error);
  again = fw_recipe_from_json (parsed, &error);
  g_assert_no_error (error);

  g_assert_cmpstr (fw_recipe_get_original (again), ==, "abc");
  g_assert_true (fw_recipe_get_converted (again));
  g_assert_cmpint (fw_recipe_get_option (again, "conv one"), ==, FW_OPTION_INT8_COMPUTE);
  g_assert_cmpint (fw_recipe_get_option (again, "b"), ==, FW_OPTION_FLOAT16);
  g_assert_cmpint (fw_recipe_get_option (again, "d"), ==, FW_OPTION_FLOAT32);
  g_assert_cmpint (fw_recipe_get_option (again, "never seen"), ==, FW_OPTION_FLOAT32);
  g_assert_true (fw_recipe_get_range (again, "value")->scale == range.scale);
  g_assert_cmpint (fw_recipe_get_range (again, "value")->zero_point, ==, 17);
  g_assert_cmpmem (fw_recipe_get_mean (again, "value", &channels), 12, mean, 12);
  g_assert_cmpuint (channels, ==, 3);
  g_assert_null (fw_recipe_get_range (again, "other"));
  g_assert_null (fw_recipe_get_mean (again, "other", &channels));

  second = fw_recipe_to_json (again);
  text_again = json_to_string (second, FALSE);
  g_assert_cmpstr (text, ==, text_again);
}

static void
test_copies_part (void)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("abc", FALSE);
  g_autoptr (FwRecipe) copy = NULL;

  fw_recipe_set_option (recipe, "a", FW_OPTION_FLOAT16);
  copy = fw_recipe_copy (recipe);
  fw_recipe_set_option (copy, "a", FW_OPTION_INT8_STORAGE);
  fw_recipe_set_option (copy, "b", FW_OPTION_INT8_STORAGE);

  g_assert_cmpint (fw_recipe_get_option (recipe, "a"), ==, FW_OPTION_FLOAT16);
  g_assert_cmpint (fw_recipe_get_option (recipe, "b"), ==, FW_OPTION_FLOAT32);
}

/* Only the rounding that the option uses is written down. */
static void
test_roundings (void)
{
  static const float shift[] = { 0.25f, -1e-9f };
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("abc", TRUE);
  g_autoptr (FwRecipe) again = NULL;
  g_autoptr (FwRecipe) copy = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) scales = g_bytes_new_static ("\0\0\x80\x3f\0\0\0\x40", 8);
  g_autoptr (GBytes) offsets = g_bytes_new_static ("\0\1\xff\0\0\0", 6);
  g_autoptr (GBytes) other = g_bytes_new_static ("\0\0\0\0\0\0", 6);
  GBytes *read_scales, *read_offsets;
  gsize channels;

  fw_recipe_set_option (recipe, "a", FW_OPTION (5, FW_ARITHMETIC_INT8, 0));
  fw_recipe_set_rounding (recipe, "a", 5, 0, scales, other);
  fw_recipe_set_rounding (recipe, "a", 5, 0, scales, offsets);
  fw_recipe_set_rounding (recipe, "a", 4, 0, scales, other);
  fw_recipe_set_rounding (recipe, "a", 5, 32, scales, other);
  fw_recipe_set_rounding (recipe, "b", 5, 0, scales, other);
  fw_recipe_set_shift (recipe, "a", shift, 2);
  fw_recipe_set_shift (recipe, "b", shift, 2);
  copy = fw_recipe_copy (recipe);
  fw_recipe_set_shift (copy, "a", NULL, 0);
  g_assert_null (fw_recipe_get_shift (copy, "a", &channels));

  node = fw_recipe_to_json (recipe);
  again = fw_recipe_from_json (node, &error);
  g_assert_no_error (error);
  g_assert_true (fw_recipe_get_rounding (again, "a", 5, 0, &read_scales, &read_offsets));
  g_assert_true (g_bytes_equal (read_scales, scales));
  g_assert_true (g_bytes_equal (read_offsets, offsets));
  g_assert_false (fw_recipe_get_rounding (again, "a", 4, 0, &read_scales, &read_offsets));
  g_assert_false (fw_recipe_get_rounding (again, "a", 5, 32, &read_scales, &read_offsets));
  g_assert_false (fw_recipe_get_rounding (again, "b", 5, 0, &read_scales, &read_offsets));
  g_assert_cmpmem (fw_recipe_get_shift (again, "a", &channels), 8, shift, 8);
  g_assert_cmpuint (channels, ==, 2);
  g_assert_null (fw_recipe_get_shift (again, "b", &channels));
}

#define ROUNDING(text)                                                                             \
  "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"roundings\":" text "}"
#define GOOD "\"scales\":\"AACAPw==\",\"offsets\":\"AwA=\""

static void
test_hostile (void)
{
  static const char *const texts[] = {
    "null",
    "[]",
    "{}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":[]}",
    "{\"format\":{},\"original\":\"a\",\"units\":{},\"means\":{}}",
    "{\"format\":[1],\"original\":\"a\",\"units\":{},\"means\":{}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"converted\":{}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":[]}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[\"1\",0]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[1,1e300]}}",
    ROUNDING ("[]"),
    ROUNDING ("{\"x\":[]}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":0,\"scales\":\"AACAPw==\"}}"),
    ROUNDING ("{\"x\":{\"bits\":9,\"block\":0," GOOD "}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":3," GOOD "}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":4294967296," GOOD "}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":\"0\"," GOOD "}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":0,\"scales\":\"AAAAAA==\",\"offsets\":\"AwA=\"}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":0,\"scales\":\"AACAfw==\",\"offsets\":\"AwA=\"}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":0,\"scales\":\"AACAPw==\",\"offsets\":\"/////w==\"}}"),
    ROUNDING ("{\"x\":{\"bits\":4,\"block\":0,\"scales\":\"AACAPw==\",\"offsets\":\"\"}}"),
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"shifts\":[]}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"shifts\":{\"x\":\"AAA=\"}}",
    "{\"format\":2,\"original\":\"a\",\"units\":{},\"means\":{}}",
    "{\"format\":1,\"original\":3,\"units\":{},\"means\":{}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{\"x\":\"int3\"},\"means\":{}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{\"x\":[]},\"means\":{}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{\"v\":\"AAA=\"}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{\"v\":\"\"}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{\"v\":\"AADAfw==\"}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[0,0]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[-1,0]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[1,256]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[1]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[[],{}]}}",
    "{\"format\":1,\"original\":\"a\",\"units\":{},\"means\":{},\"ranges\":{\"v\":[1e300,0]}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_from_string (texts[i], &error);
      g_autoptr (FwRecipe) recipe = NULL;

      g_assert_no_error (error);
      recipe = fw_recipe_from_json (node, &error);
      g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
      g_assert_null (recipe);
    }
}

/* A value's name may be no text at all; what is kept under it comes back from JSON. */
static void
test_names (void)
{
  static const char *const names[] = { "a\xff", "a\xfe", "ä", "" };
  static const float mean = 3;
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwRecipe) again = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) parsed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize channels;

  fw_recipe_set_option (recipe, "unit", FW_OPTION_INT8_COMPUTE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const FwRange range = { .scale = i + 1 };

      fw_recipe_set_range (recipe, names[i], &range);
      fw_recipe_set_mean (recipe, names[i], &mean, 1);
    }
  node = fw_recipe_to_json (recipe);
  text = json_to_string (node, FALSE);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  parsed = json_from_string (text, &error);
  g_assert_no_error (error);
  again = fw_recipe_from_json (parsed, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_cmpfloat (fw_recipe_get_range (again, names[i])->scale, ==, i + 1);
      g_assert_nonnull (fw_recipe_get_mean (again, names[i], &channels));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recipe/round-trip", test_round_trip);
  g_test_add_func ("/recipe/copies-part", test_copies_part);
  g_test_add_func ("/recipe/names", test_names);
  g_test_add_func ("/recipe/hostile", test_hostile);
  g_test_add_func ("/recipe/roundings", test_roundings);
  return g_test_run ();
}
