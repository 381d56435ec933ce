/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-care.h"
#include "fw-command-line.h"
#include "fw-error.h"

/* Words separated by spaces. */
static FwRequest *
read_words (const char *words, GError **error)
{
  g_auto (GStrv) arguments = g_strsplit (words, " ", -1);

  return fw_request_new ((const char *const *) arguments, error);
}

static FwRequest *
read_job (const char *words)
{
  g_autoptr (GError) error = NULL;
  FwRequest *request = read_words (words, &error);

  g_assert_no_error (error);
  g_assert_cmpint (request->kind, ==, FW_REQUEST_JOB);
  g_assert_nonnull (request->job);
  return request;
}

static void
assert_here (const char *path, const char *name)
{
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *expected = g_build_filename (folder, name, NULL);

  g_assert_cmpstr (path, ==, expected);
}

static void
test_defaults (void)
{
  g_autoptr (FwRequest) request = read_job ("cli shrink model.onnx /photos");
  const FwJob *job = request->job;

  g_assert_false (request->json);
  g_assert_cmpint (job->command, ==, FW_COMMAND_SHRINK);
  assert_here (job->model, "model.onnx");
  g_assert_cmpstr (job->samples[0], ==, "/photos");
  g_assert_null (job->samples[1]);
  g_assert_null (job->output);
  g_assert_cmpstr (job->preprocess, ==, "auto");
  g_assert_cmpfloat (job->position, ==, -1);
  g_assert_cmpuint (job->max_size, ==, 0);
  g_assert_cmpint (job->prefer, ==, FW_PREFER_BOTH);
  g_assert_true (job->measure);
}

static void
test_everything (void)
{
  g_autoptr (FwRequest) request = read_job (
      "cli shrink --json -o out.onnx --max-size 30% --prefer size m.onnx a.jpg b.jpg --labels l.csv "
      "--preprocess imagenet --threads 3 --seed=7 --save-inputs in --uniform int8-storage "
      "--no-measure --memory 2GiB --target phone --care extra --without gptq,clipping");
  const FwJob *job = request->job;

  g_assert_true (request->json);
  assert_here (job->output, "out.onnx");
  g_assert_cmpfloat_with_epsilon (job->max_fraction, 0.3, 1e-12);
  g_assert_cmpint (job->prefer, ==, FW_PREFER_SIZE);
  g_assert_cmpuint (g_strv_length (job->samples), ==, 2);
  assert_here (job->samples[1], "b.jpg");
  assert_here (job->labels, "l.csv");
  g_assert_cmpstr (job->preprocess, ==, "imagenet");
  g_assert_cmpuint (job->threads, ==, 3);
  g_assert_cmpuint (job->seed, ==, 7);
  assert_here (job->save_inputs, "in");
  g_assert_cmpstr (job->uniform, ==, "int8-storage");
  g_assert_cmpint (job->device, ==, FW_DEVICE_PHONE);
  g_assert_cmpint (job->care, ==, FW_CARE_EXTRA);
  g_assert_cmpstr (job->without, ==, "gptq,clipping");
  g_assert_false (job->measure);
  g_assert_cmpuint (job->memory, ==, G_GUINT64_CONSTANT (2147483648));
}

static void
test_targets (void)
{
  g_autoptr (FwRequest) lowest = read_job ("cli shrink m s --position 0");
  g_autoptr (FwRequest) middle = read_job ("cli shrink m s --position 62.5");
  g_autoptr (FwRequest) same = read_job ("cli shrink m s --min-same 97%");
  g_autoptr (FwRequest) plain = read_job ("cli shrink m s --min-same 97");
  g_autoptr (FwRequest) size = read_job ("cli shrink m s --max-size 1.5MB");

  g_assert_cmpfloat (lowest->job->position, ==, 0);
  g_assert_cmpfloat (middle->job->position, ==, 62.5);
  g_assert_cmpfloat_with_epsilon (same->job->min_same, 0.97, 1e-12);
  g_assert_cmpfloat_with_epsilon (plain->job->min_same, 0.97, 1e-12);
  g_assert_cmpuint (size->job->max_size, ==, 1500000);
}

static void
test_repairs (void)
{
  static const struct
  {
    const char *words;
    FwRepairFlags flags;
  } cases[] = {
    { "cli shrink m s", FW_REPAIR_ALL },
    { "cli shrink m s --only none", FW_REPAIR_NONE },
    { "cli shrink m s --only gptq,bias-correction", FW_REPAIR_GPTQ | FW_REPAIR_BIAS },
    { "cli path m s -o d --without cross-term", FW_REPAIR_ALL & ~FW_REPAIR_CROSS },
    { "cli shrink m s --without bias-correction,gptq,coordinate-descent,cross-term,clipping,"
      "smoothing,equalization",
      FW_REPAIR_NONE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FwRequest) request = read_job (cases[i].words);
      g_autoptr (GError) error = NULL;
      FwRepairFlags flags;

      g_assert_true (fw_care_read_repairs (request->job, &flags, &error));
      g_assert_no_error (error);
      g_assert_cmpint (flags, ==, cases[i].flags);
    }
}

static void
test_other_commands (void)
{
  g_autoptr (FwRequest) path = read_job ("cli path m s --out-dir versions");
  g_autoptr (FwRequest) compare = read_job ("cli compare a b s1 s2");
  g_autoptr (FwRequest) inspect = read_job ("cli --json inspect m");
  g_autoptr (FwRequest) worker = read_words ("cli worker", NULL);
  g_autoptr (FwRequest) help = read_words ("cli compare --help", NULL);

  assert_here (path->job->out_dir, "versions");
  assert_here (compare->job->other, "b");
  g_assert_cmpuint (g_strv_length (compare->job->samples), ==, 2);
  g_assert_true (inspect->json);
  g_assert_null (inspect->job->samples);
  g_assert_cmpint (worker->kind, ==, FW_REQUEST_WORKER);
  g_assert_true (worker->json);
  g_assert_cmpint (help->kind, ==, FW_REQUEST_TEXT);
  g_assert_nonnull (strstr (help->text, "ORIGINAL OTHER"));
}

static void
test_preprocess_file (void)
{
  g_autoptr (FwRequest) json = read_job ("cli shrink m s --preprocess mine.json");
  g_autoptr (FwRequest) folder = read_job ("cli shrink m s --preprocess ./mine");

  assert_here (json->job->preprocess, "mine.json");
  assert_here (folder->job->preprocess, "./mine");
}

static void
test_wrong (void)
{
  static const struct
  {
    const char *words;
    const char *names; /* what the message has to name */
  } cases[] = {
    { "cli", "inspect" },
    { "cli dance", "dance" },
    { "cli --dance", "--dance" },
    { "cli inspect", "model" },
    { "cli shrink m", "samples" },
    { "cli compare a b", "samples" },
    { "cli inspect a b", "“b”" },
    { "cli path m s", "--out-dir" },
    { "cli shrink m s --position 101", "--position" },
    { "cli shrink m s --position 1e1", "--position" },
    { "cli shrink m s --min-same 0", "--min-same" },
    { "cli shrink m s --max-size 1,5MB", "--max-size" },
    { "cli shrink m s --threads 1.5", "--threads" },
    { "cli shrink m s --threads 9999", "--threads" },
    { "cli shrink m s --seed 99999999999999999999", "--seed" },
    { "cli shrink m s --prefer fast", "--prefer" },
    { "cli shrink m s --memory 10%", "--memory" },
    { "cli shrink m s --target moon", "--target" },
    { "cli path m s --out-dir d --care some", "--care" },
    { "cli shrink m s --without prayer", "prayer" },
    { "cli shrink m s --only gptq,prayer", "prayer" },
    { "cli shrink m s --only gptq --without clipping", "--without" },
    { "cli shrink m s --uniform int9-storage", "--uniform" },
    { "cli compare a b s --care extra", "--care" },
    { "cli shrink m s --position 5 --min-same 5", "--max-size" },
    { "cli inspect m --prefer size", "--prefer" },
    { "cli export m -o x.zip", "--for" },
    { "cli export m --for ios", "-o" },
    { "cli export m --for toaster -o x.zip", "toaster" },
    { "cli export --for ios -o x.zip", "export" },
    { "cli export m s --for ios -o x.zip --prefer size", "--prefer" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FwRequest) request = read_words (cases[i].words, &error);

      g_assert_nonnull (request);
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
      g_assert_nonnull (strstr (error->message, cases[i].names));
      g_assert_null (strchr (error->message, '\n'));
    }
}

static void
test_export (void)
{
  g_autoptr (FwRequest) model = read_job ("cli export m.onnx --for ios -o x.zip");
  g_autoptr (FwRequest) version = read_job ("cli export 12 a b --for file -o x.onnx");
  g_autoptr (FwRequest) path = read_job ("cli export ./12 --for web -o x.zip");

  g_assert_cmpint (model->job->command, ==, FW_COMMAND_EXPORT);
  g_assert_cmpint (model->job->target, ==, FW_TARGET_IOS);
  assert_here (model->job->model, "m.onnx");
  assert_here (model->job->output, "x.zip");
  g_assert_null (model->job->samples);
  g_assert_cmpint (model->job->version, ==, 0);

  g_assert_cmpint (version->job->version, ==, 12);
  g_assert_null (version->job->model);
  g_assert_cmpuint (g_strv_length (version->job->samples), ==, 2);
  g_assert_cmpint (path->job->version, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/request/defaults", test_defaults);
  g_test_add_func ("/request/repairs", test_repairs);
  g_test_add_func ("/request/everything", test_everything);
  g_test_add_func ("/request/targets", test_targets);
  g_test_add_func ("/request/other-commands", test_other_commands);
  g_test_add_func ("/request/preprocess-file", test_preprocess_file);
  g_test_add_func ("/request/export", test_export);
  g_test_add_func ("/request/wrong", test_wrong);
  return g_test_run ();
}
