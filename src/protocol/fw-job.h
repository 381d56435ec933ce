/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-job.h: what the worker is asked to do. One job, one process.
 *
 * Members of the JSON object are named as the options of the command line ("max-size": "30%").
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  FW_COMMAND_INSPECT,
  FW_COMMAND_SHRINK,
  FW_COMMAND_PATH,
  FW_COMMAND_COMPARE,
  FW_COMMAND_SAMPLES, /* find the samples and how the model wants them, for showing */
  FW_COMMAND_REBUILD, /* make a version again from its recipe */
  FW_COMMAND_EXPORT,  /* take a model to a phone, a web page or elsewhere */
} FwCommand;

/* Where an exported model is to be used. */
typedef enum
{
  FW_TARGET_FILE, /* the file itself */
  FW_TARGET_ANDROID,
  FW_TARGET_IOS,
  FW_TARGET_WEB,
} FwTarget;

typedef enum
{
  FW_PREFER_BOTH,
  FW_PREFER_SIZE,
  FW_PREFER_SPEED,
} FwPrefer;

/* The processor that smaller versions are to run on. */
typedef enum
{
  FW_DEVICE_THIS_COMPUTER,
  FW_DEVICE_PHONE,          /* ARM: signed integer arithmetic */
  FW_DEVICE_OLDER_COMPUTER, /* x86 whose integer arithmetic overflows with 8-bit weights */
} FwDevice;

typedef enum
{
  FW_CARE_NORMAL,
  FW_CARE_EXTRA, /* more time for answers nearer to the original's */
} FwCare;

typedef struct
{
  FwCommand command;
  char *model;         /* the original, an absolute path */
  char *other;         /* compare: the other model */
  char **samples;      /* absolute paths, NULL-terminated; NULL for none */
  char *output;        /* -o, or NULL */
  char *out_dir;       /* path: --out-dir */
  char *labels;        /* or NULL */
  char *preprocess;    /* "auto", a preset's name or a JSON file */
  char *save_inputs;   /* --save-inputs, or NULL */
  char *previews;      /* a folder for the pictures of "sample" events, or NULL: none are kept */
  JsonNode *recipe;    /* rebuild: what to do, or NULL */
  double position;     /* 0 to 100, or -1: the recommended one */
  guint64 max_size;    /* bytes, or 0 */
  double max_fraction; /* 0 to 1 of the original's bytes, or 0 */
  double min_same;     /* 0 to 1, or 0 */
  FwPrefer prefer;
  FwDevice device; /* "target" */
  FwCare care;
  char *without;    /* names of repairs to leave out, with commas; or NULL */
  char *only;       /* names of the only repairs to make, or "none"; or NULL: all */
  gint64 version;   /* export: of the history, in place of a model; or 0 */
  FwTarget target;  /* export: "for" */
  char *uniform;    /* NULL, or an option's name for every unit alike: no ranking, no path */
  gboolean measure; /* FALSE: build only (--no-measure) */
  guint threads;    /* 0: all cores */
  guint64 seed;
  guint64 memory; /* bytes the child may use, or 0: three quarters of the machine's */
} FwJob;

FwJob *fw_job_new (FwCommand command);
void fw_job_free (FwJob *self);

JsonNode *fw_job_to_json (const FwJob *self);
/* Errors: USAGE, naming the member. */
FwJob *fw_job_from_json (JsonNode *node, GError **error);

/* "1.5MB", "800 kB", "2MiB", "30%": bytes or a share of the original. USAGE for anything else. */
gboolean fw_job_parse_size (const char *text, guint64 *bytes, double *fraction, GError **error);

const char *fw_command_get_name (FwCommand command);
const char *fw_prefer_get_name (FwPrefer prefer);
gboolean fw_prefer_from_name (const char *name, FwPrefer *prefer);
const char *fw_target_get_name (FwTarget target);
gboolean fw_target_from_name (const char *name, FwTarget *target);
/* "this-computer", "phone", "older-computer" */
const char *fw_device_get_name (FwDevice device);
gboolean fw_device_from_name (const char *name, FwDevice *device);
/* "normal", "extra" */
const char *fw_care_get_name (FwCare care);
gboolean fw_care_from_name (const char *name, FwCare *care);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwJob, fw_job_free)

G_END_DECLS
