/* SPDX-License-Identifier: GPL-3.0-or-later */

/* history-fixture.h: a history in a folder of its own, and models that are a line of text. */

#pragma once

#include "fw-history.h"

G_BEGIN_DECLS

typedef struct
{
  char *folder; /* of the test */
  char *home;   /* of the history */
  FwHistory *history;
} Fixture;

void fixture_set_up (Fixture *self, gconstpointer data);
void fixture_tear_down (Fixture *self, gconstpointer data);
/* Closes it and opens it again; no error may come. */
void fixture_reopen (Fixture *self);
char *fixture_path (Fixture *self, const char *name);
char *fixture_home_path (Fixture *self, const char *name);
/* models/<sha256 of @text>@suffix */
char *fixture_model_path (Fixture *self, const char *text, const char *suffix);

/* A file of the test's folder. */
char *fixture_write (Fixture *self, const char *name, const char *text);
void fixture_assert_text (const char *path, const char *expected);
char *hash_of (const char *text);

/* A "stop" event about a model that is @text. */
JsonObject *make_stop (const char *text, double position, gboolean recommended);
/* A result about the model that is the first of @texts, which are the stops. */
JsonObject *make_result (const char *original, const char *const *texts);
gint64 begin_run (FwHistory *history, const char *path, const char *text);
/* A whole run that keeps the model @kept; the version. */
gint64 do_run (Fixture *self, const char *original, const char *kept);

/* Every version that is listed has its file, with the right hash. */
void assert_sound (FwHistory *history);
guint count_versions (FwHistory *history, gint64 original);

G_END_DECLS
