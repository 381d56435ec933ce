/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-large-job.h"

#include <glib/gi18n-lib.h>
#include <malloc.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-session.h"

/* What a single message can hold. */
#define LARGE ((guint64) G_MAXINT32)
/* Stored bytes of a piece; a layer that has more is a piece of its own. */
#define PIECE_SIZE ((guint64) 64 << 20)
/* With a limit for tests, pieces are this part of it. */
#define PARTS 8
/* Blocks of memory from this size on are given back as soon as they are freed. */
#define GIVEN_BACK (1 << 20)
/* The bytes of a model that ONNX Runtime has loaded: the file's, its own, and those packed. */
#define TIMES_IN_MEMORY 3

static guint64
get_size (const char *path)
{
  g_autoptr (FwModel) model = NULL;

  if (path == NULL || g_str_has_suffix (path, ".ort"))
    return 0;
  /* What is wrong with it will be said where it is opened for real. */
  model = fw_model_load (path, NULL);
  return model != NULL ? fw_model_get_size (model) : 0;
}

static guint64
get_memory (const FwJob *job)
{
  if (job->memory > 0)
    return job->memory;
  return (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE) / 4 * 3;
}

void
fw_large_job_begin (const FwJob *job, const char *folder, FwEvents *events)
{
  const char *given = g_getenv ("FEATHERWEIGHT_LARGE");
  guint64 limit = MIN (LARGE, get_memory (job) / TIMES_IN_MEMORY);
  guint64 piece_size = PIECE_SIZE;

  if (given != NULL && g_ascii_string_to_unsigned (given, 10, 1, G_MAXINT64, &limit, NULL))
    piece_size = MIN (PIECE_SIZE, limit / PARTS + 1);
  if (MAX (get_size (job->model), get_size (job->other)) <= limit)
    return;

  g_message ("A large model: it is worked on in pieces of %" G_GUINT64_FORMAT " bytes", piece_size);
  /* What is freed is to be the system's again, not the heap's. */
  mallopt (M_MMAP_THRESHOLD, GIVEN_BACK);
  fw_session_set_piece_size (piece_size);
  fw_mapping_set_scratch (folder);
  if (job->command == FW_COMMAND_SHRINK || job->command == FW_COMMAND_PATH)
    fw_events_warning (events, FW_ERROR_LARGE_MODEL,
                       _ ("The model is so large that it is worked on in pieces. Layers are stored "
                          "smaller but calculate as before, and how fast versions are is not "
                          "measured."));
}

gboolean
fw_large_job_is_on (void)
{
  return fw_session_get_piece_size () > 0;
}
