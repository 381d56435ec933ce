/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-error.h"
#include "fw-job.h"
#include "fw-json.h"

static FwJob *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = fw_json_parse (text, -1, error);

  return node != NULL ? fw_job_from_json (node, error) : NULL;
}

static FwJob *
round_trip (const FwJob *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = fw_job_to_json (job);
  g_autofree char *text = json_to_string (node, FALSE);
  FwJob *copy = parse (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (copy);
  return copy;
}

static void
test_round_trip (void)
{
  const char *samples[] = { "/photos", "/more/cat \"1\"\n.jpg", NULL };
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_PATH);
  g_autoptr (FwJob) copy = NULL;

  job->model = g_strdup ("/models/a model.onnx");
  job->samples = g_strdupv ((char **) samples);
  job->out_dir = g_strdup ("/out");
  job->labels = g_strdup ("/labels.csv");
  job->save_inputs = g_strdup ("/inputs");
  job->uniform = g_strdup ("int8-compute");
  job->max_fraction = 0.305;
  job->prefer = FW_PREFER_SPEED;
  job->device = FW_DEVICE_OLDER_COMPUTER;
  job->care = FW_CARE_EXTRA;
  job->without = g_strdup ("gptq,clipping");
  job->measure = FALSE;
  job->threads = 3;
  job->seed = (guint64) G_MAXINT64;
  job->memory = G_GUINT64_CONSTANT (5000000000);
  copy = round_trip (job);

  g_assert_cmpint (copy->command, ==, FW_COMMAND_PATH);
  g_assert_cmpstr (copy->model, ==, job->model);
  g_assert_null (copy->other);
  g_assert_null (copy->output);
  g_assert_cmpstrv (copy->samples, samples);
  g_assert_cmpstr (copy->out_dir, ==, "/out");
  g_assert_cmpstr (copy->labels, ==, "/labels.csv");
  g_assert_cmpstr (copy->preprocess, ==, "auto");
  g_assert_cmpstr (copy->save_inputs, ==, "/inputs");
  g_assert_cmpstr (copy->uniform, ==, "int8-compute");
  g_assert_cmpfloat_with_epsilon (copy->max_fraction, 0.305, 1e-12);
  g_assert_cmpuint (copy->max_size, ==, 0);
  g_assert_cmpfloat (copy->position, ==, -1);
  g_assert_cmpint (copy->prefer, ==, FW_PREFER_SPEED);
  g_assert_cmpint (copy->device, ==, FW_DEVICE_OLDER_COMPUTER);
  g_assert_cmpint (copy->care, ==, FW_CARE_EXTRA);
  g_assert_cmpstr (copy->without, ==, "gptq,clipping");
  g_assert_null (copy->only);
  g_assert_false (copy->measure);
  g_assert_cmpuint (copy->threads, ==, 3);
  g_assert_cmpuint (copy->seed, ==, (guint64) G_MAXINT64);
  g_assert_cmpuint (copy->memory, ==, job->memory);
}

static void
test_targets (void)
{
  const char *samples[] = { "/photos", NULL };
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_SHRINK);
  g_autoptr (FwJob) exact = NULL;
  g_autoptr (FwJob) same = NULL;
  g_autoptr (FwJob) size = NULL;

  job->model = g_strdup ("/m.onnx");
  job->samples = g_strdupv ((char **) samples);
  job->position = 0;
  exact = round_trip (job);
  g_assert_cmpfloat (exact->position, ==, 0);

  job->position = -1;
  job->min_same = 0.965;
  same = round_trip (job);
  g_assert_cmpfloat_with_epsilon (same->min_same, 0.965, 1e-12);
  g_assert_cmpfloat (same->position, ==, -1);

  job->min_same = 0;
  job->max_size = 1500000;
  size = round_trip (job);
  g_assert_cmpuint (size->max_size, ==, 1500000);
  g_assert_true (size->measure);
}

/* What is not said has its plain value, what is wrong is refused. */
static void
test_care_and_device (void)
{
#define SHRINK "{\"command\":\"shrink\",\"model\":\"/m\",\"samples\":[\"/s\"]"
  static const char *const wrong[] = {
    SHRINK ",\"target\":\"moon\"}",
    SHRINK ",\"target\":1}",
    SHRINK ",\"care\":\"too much\"}",
    SHRINK ",\"care\":true}",
    SHRINK ",\"without\":[\"gptq\"]}",
    SHRINK ",\"only\":3}",
    SHRINK ",\"only\":\"gptq\",\"without\":\"clipping\"}",
  };
  g_autoptr (GError) none = NULL;
  g_autoptr (FwJob) plain = parse (SHRINK "}", &none);
  g_autoptr (FwJob) phone = NULL;

  g_assert_no_error (none);
  g_assert_cmpint (plain->device, ==, FW_DEVICE_THIS_COMPUTER);
  g_assert_cmpint (plain->care, ==, FW_CARE_NORMAL);
  g_assert_null (plain->without);
  g_assert_null (plain->only);
  phone = parse (SHRINK ",\"target\":\"phone\",\"only\":\"none\"}", &none);
  g_assert_no_error (none);
  g_assert_cmpint (phone->device, ==, FW_DEVICE_PHONE);
  g_assert_cmpstr (phone->only, ==, "none");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (wrong[i], &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
#undef SHRINK
}

/* A model or a version of the history goes somewhere; samples are no must. */
static void
test_export (void)
{
  static const char *const wrong[] = {
    "{\"command\":\"export\",\"for\":\"ios\"}",
    "{\"command\":\"export\",\"for\":\"moon\",\"model\":\"/m\"}",
    "{\"command\":\"export\",\"for\":3,\"model\":\"/m\"}",
    "{\"command\":\"export\",\"for\":\"ios\",\"version\":0}",
    "{\"command\":\"export\",\"for\":\"ios\",\"version\":1.5}",
    "{\"command\":\"export\",\"for\":\"ios\",\"version\":\"1\"}",
    "{\"command\":\"inspect\",\"version\":1}",
  };
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_EXPORT);
  g_autoptr (FwJob) copy = NULL;

  job->version = 12;
  job->target = FW_TARGET_WEB;
  copy = round_trip (job);
  g_assert_cmpint (copy->command, ==, FW_COMMAND_EXPORT);
  g_assert_cmpint (copy->version, ==, 12);
  g_assert_cmpint (copy->target, ==, FW_TARGET_WEB);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (wrong[i], &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
}

/* Names of files need not be UTF-8; JSON must be. */
static void
test_strange_names (void)
{
  const char *samples[] = { "/caf\xe9.jpg", "/\xff\xfe", NULL };
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_SHRINK);
  g_autoptr (FwJob) copy = NULL;

  job->model = g_strdup ("/mod\xe8le.onnx");
  job->samples = g_strdupv ((char **) samples);
  job->output = g_strdup ("/file:out.onnx");
  copy = round_trip (job);
  g_assert_cmpstr (copy->model, ==, "/mod\xe8le.onnx");
  g_assert_cmpstr (copy->output, ==, "/file:out.onnx");
  g_assert_cmpstrv (copy->samples, samples);
}

static void
test_relative (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwJob) job = parse ("{\"command\":\"inspect\",\"model\":\"a/../b.onnx\"}", &error);
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *expected = g_build_filename (folder, "a/../b.onnx", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (job->model, ==, expected);
}

static void
test_wrong (void)
{
  static const struct
  {
    const char *text;
    const char *names; /* what the message has to name */
  } cases[] = {
    { "{}", "command" },
    { "[]", "object" },
    { "{\"command\":\"explode\"}", "command" },
    { "{\"command\":7}", "command" },
    { "{\"command\":null}", "command" },
    { "{\"command\":\"inspect\"}", "model" },
    { "{\"command\":\"inspect\",\"model\":null}", "model" },
    { "{\"command\":\"inspect\",\"model\":\"\"}", "empty" },
    { "{\"command\":\"inspect\",\"model\":[\"/m\"]}", "model" },
    { "{\"command\":\"inspect\",\"model\":\"file://host/m\"}", "file://host/m" },
    { "{\"command\":\"inspect\",\"model\":\"/m\",\"modell\":1}", "modell" },
    { "{\"command\":\"shrink\",\"model\":\"/m\"}", "samples" },
    { "{\"command\":\"shrink\",\"model\":\"/m\",\"samples\":[]}", "samples" },
    { "{\"command\":\"shrink\",\"model\":\"/m\",\"samples\":\"/s\"}", "samples" },
    { "{\"command\":\"shrink\",\"model\":\"/m\",\"samples\":[1]}", "samples" },
    { "{\"command\":\"compare\",\"model\":\"/m\",\"samples\":[\"/s\"]}", "other" },
    { "{\"command\":\"path\",\"model\":\"/m\",\"samples\":[\"/s\"]}", "out-dir" },
  };
  static const char *const values[] = {
    "\"position\":101",
    "\"position\":-1",
    "\"position\":\"50\"",
    "\"position\":true",
    "\"max-size\":0",
    "\"max-size\":-5",
    "\"max-size\":\"big\"",
    "\"max-size\":1e300",
    "\"min-same\":0",
    "\"min-same\":101",
    "\"min-same\":\"5MB\"",
    "\"min-same\":{}",
    "\"prefer\":\"cheap\"",
    "\"prefer\":1",
    "\"threads\":-1",
    "\"threads\":1e9",
    "\"seed\":-1",
    "\"seed\":0.5",
    "\"memory\":\"50%\"",
    "\"no-measure\":1",
    "\"position\":1,\"min-same\":90",
    "\"max-size\":\"1MB\",\"position\":1",
    "\"uniform\":8",
    "\"labels\":{}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (cases[i].text, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
      g_assert_nonnull (strstr (error->message, cases[i].names));
    }
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf (
          "{\"command\":\"shrink\",\"model\":\"/m\",\"samples\":[\"/s\"],%s}", values[i]);

      g_assert_null (parse (text, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
}

static void
test_sizes (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
    double fraction;
  } good[] = {
    { "1", 1, 0 },           { "1.5MB", 1500000, 0 },
    { "800 kB", 800000, 0 }, { "2MiB", 2097152, 0 },
    { "30%", 0, 0.3 },       { "100 %", 0, 1 },
    { "1.5", 2, 0 },         { " 4 GiB ", G_GUINT64_CONSTANT (4294967296), 0 },
    { "3k", 3000, 0 },       { ".5kb", 500, 0 },
    { "12.5%", 0, 0.125 },
  };
  static const char *const bad[] = {
    "",      " ",
    ".",     "%",
    "MB",    "0",
    "0%",    "-5MB",
    "+5MB",  "1,5MB",
    "1.2.3", "0x10",
    "1e5",   "inf",
    "nan",   "101%",
    "30%%",  "5 XB",
    "5MBs",  "99999999TB",
    "0.1B",  "11111111111111111111111111111111111111111111111111111111111111111111",
    "5M B",
  };
  guint64 bytes;
  double fraction;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;

      bytes = 77;
      fraction = 77;
      g_assert_true (fw_job_parse_size (good[i].text, &bytes, &fraction, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (bytes, ==, good[i].bytes);
      g_assert_cmpfloat_with_epsilon (fraction, good[i].fraction, 1e-12);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (fw_job_parse_size (bad[i], &bytes, &fraction, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
  /* Where a share makes no sense, there is none. */
  g_assert_false (fw_job_parse_size ("50%", &bytes, NULL, NULL));
  g_assert_true (fw_job_parse_size ("50", &bytes, NULL, NULL));
}

static void
test_names (void)
{
  FwPrefer prefer = FW_PREFER_SPEED;

  g_assert_cmpstr (fw_command_get_name (FW_COMMAND_INSPECT), ==, "inspect");
  g_assert_cmpstr (fw_command_get_name (FW_COMMAND_COMPARE), ==, "compare");
  g_assert_true (fw_prefer_from_name ("size", &prefer));
  g_assert_cmpint (prefer, ==, FW_PREFER_SIZE);
  g_assert_true (fw_prefer_from_name ("both", &prefer));
  g_assert_cmpint (prefer, ==, FW_PREFER_BOTH);
  g_assert_false (fw_prefer_from_name ("Both", &prefer));
  g_assert_false (fw_prefer_from_name (NULL, &prefer));
  fw_job_free (NULL);
}

/* What the window asks for beside the command line's jobs. */
static void
test_recipe (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (
      "{\"command\":\"rebuild\",\"model\":\"/a/m.onnx\",\"previews\":\"/tmp/p\","
      "\"recipe\":{\"format\":1,\"units\":{\"x\":\"float16\"}}}",
      &error);
  g_autoptr (JsonNode) again = NULL;
  g_autoptr (JsonNode) bare
      = json_from_string ("{\"command\":\"rebuild\",\"model\":\"/a/m.onnx\"}", NULL);
  g_autoptr (FwJob) job = NULL;
  g_autofree char *text = NULL;
  FwJob *none;

  g_assert_no_error (error);
  job = fw_job_from_json (node, &error);
  g_assert_no_error (error);
  g_assert_cmpint (job->command, ==, FW_COMMAND_REBUILD);
  g_assert_cmpstr (job->previews, ==, "/tmp/p");
  again = fw_job_to_json (job);
  text = json_to_string (again, FALSE);
  g_assert_nonnull (strstr (text, "\"recipe\":{\"format\":1,\"units\":{\"x\":\"float16\"}}"));

  none = fw_job_from_json (bare, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
  g_assert_null (none);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/export", test_export);
  g_test_add_func ("/job/care-and-device", test_care_and_device);
  g_test_add_func ("/job/round-trip", test_round_trip);
  g_test_add_func ("/job/targets", test_targets);
  g_test_add_func ("/job/strange-names", test_strange_names);
  g_test_add_func ("/job/relative", test_relative);
  g_test_add_func ("/job/wrong", test_wrong);
  g_test_add_func ("/job/sizes", test_sizes);
  g_test_add_func ("/job/names", test_names);
  g_test_add_func ("/job/recipe", test_recipe);
  return g_test_run ();
}
