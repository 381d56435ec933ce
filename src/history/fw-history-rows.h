/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-rows.h: what the history hands out: rows as they were when they were read.
 *
 * Reference counted and never changed afterwards, so that threads may share them; boxed types, for
 * lists of the window. Strings are UTF-8, paths excepted, which are as the file system has them.
 * Ids are above 0, and 0 where there is none. Times are seconds since 1970, 0 for none.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "fw-error.h"

G_BEGIN_DECLS

typedef enum
{
  FW_HISTORY_RUN_RUNNING,
  FW_HISTORY_RUN_FINISHED,
  FW_HISTORY_RUN_STOPPED, /* cancelled, or its program died */
  FW_HISTORY_RUN_FAILED,
} FwHistoryRunState;

/* "running", "finished", "stopped", "failed". */
const char *fw_history_run_state_get_name (FwHistoryRunState state);

typedef struct
{
  gint64 id;
  char *sha256;
  char *path; /* where it was last seen */
  char *copy; /* its copy in the history, or NULL */
  char *name; /* for people */
  guint64 size;
  char *task; /* as "task" of a result, or NULL */
  gint64 added;
  gint64 last_run; /* when the last run on it started */
  gint64 version_0;
  gint64 in_use;      /* id of the version in use */
  guint n_versions;   /* without version 0 and those deleted */
  char *saved_path;   /* the file last saved for it, or NULL */
  char *saved_sha256; /* what was saved there */
} FwHistoryOriginal;

typedef struct
{
  gint64 id;
  gint64 original;
  FwHistoryRunState state;
  gint64 started;
  gint64 ended;
  JsonObject *job; /* as fw_job_to_json() gave it */
  char *samples_sha256;
  char *task;
  JsonObject *preprocess;
  char *program; /* versions: of this program */
  char *runtime; /* and of ONNX Runtime */
  char *cpu;
  guint threads;
  JsonObject *result; /* the result's figures, without stops and recipes; NULL without a result */
  char *message;      /* why it failed, or NULL */
  guint n_stops;
} FwHistoryRun;

/* The figures that people ask for first; what was not measured is NaN. */
typedef struct
{
  double same; /* fraction of answers, and of how many */
  guint same_total;
  double speedup; /* median of original ÷ this */
  double latency_ms;
  double accuracy; /* top 1 */
  double original_accuracy;
  guint64 original_size;
} FwHistoryFigures;

typedef struct
{
  gint64 id;
  gint64 run;
  double position; /* 0 the smallest, 100 the original */
  guint64 size;
  char *sha256;
  gboolean is_recommended;
  gint64 version; /* where it was kept */
  FwHistoryFigures figures;
  JsonObject *details; /* all members of its "stop" event but recipe and file */
  char *recipe;        /* JSON; NULL in lists */
} FwHistoryStop;

typedef struct
{
  gint64 id;
  gint64 original;
  guint number;
  gint64 run; /* 0 for version 0 and where the database was lost */
  gint64 stop;
  double position;
  guint64 size;
  char *sha256;
  gboolean is_recommended;
  gboolean is_in_use;
  gboolean is_deleted;
  gint64 created;
  char *note;        /* or NULL */
  GBytes *thumbnail; /* PNG, or NULL */
  char *file;        /* where it is; NULL where it is not there. Not checked beyond its name. */
  FwHistoryFigures figures;
  JsonObject *details; /* as in a stop; NULL for version 0 */
  char *recipe;        /* JSON; NULL in lists and for version 0 */
} FwHistoryVersion;

typedef struct
{
  gint64 id;
  gint64 version;
  gint64 when;
  char *kind; /* "run", or "checkup" */
  char *samples_sha256;
  char *program;
  char *runtime; /* or NULL */
  char *cpu;
  FwHistoryFigures figures;
  JsonObject *details;
} FwHistoryMeasurement;

#define FW_TYPE_HISTORY_ORIGINAL (fw_history_original_get_type ())
#define FW_TYPE_HISTORY_RUN (fw_history_run_get_type ())
#define FW_TYPE_HISTORY_STOP (fw_history_stop_get_type ())
#define FW_TYPE_HISTORY_VERSION (fw_history_version_get_type ())
#define FW_TYPE_HISTORY_MEASUREMENT (fw_history_measurement_get_type ())

GType fw_history_original_get_type (void);
GType fw_history_run_get_type (void);
GType fw_history_stop_get_type (void);
GType fw_history_version_get_type (void);
GType fw_history_measurement_get_type (void);

FwHistoryOriginal *fw_history_original_ref (FwHistoryOriginal *self);
void fw_history_original_unref (FwHistoryOriginal *self);
FwHistoryRun *fw_history_run_ref (FwHistoryRun *self);
void fw_history_run_unref (FwHistoryRun *self);
FwHistoryStop *fw_history_stop_ref (FwHistoryStop *self);
void fw_history_stop_unref (FwHistoryStop *self);
FwHistoryVersion *fw_history_version_ref (FwHistoryVersion *self);
void fw_history_version_unref (FwHistoryVersion *self);
FwHistoryMeasurement *fw_history_measurement_ref (FwHistoryMeasurement *self);
void fw_history_measurement_unref (FwHistoryMeasurement *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryOriginal, fw_history_original_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryRun, fw_history_run_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryStop, fw_history_stop_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryVersion, fw_history_version_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryMeasurement, fw_history_measurement_unref)

G_END_DECLS
