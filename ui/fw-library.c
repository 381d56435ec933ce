/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-library.h"

#define WATCH_INTERVAL_S 1

struct _FwLibrary
{
  GObject parent_instance;

  GMutex opening;
  FwHistory *history; /* set once, by whichever thread is first */
  guint64 state;
  guint watchers;
  guint watch_source;
};

G_DEFINE_FINAL_TYPE (FwLibrary, fw_library, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

typedef struct
{
  FwLibraryFunc func;
  gpointer data;
  GDestroyNotify free_data;
} Work;

static void
work_free (Work *work)
{
  if (work->free_data != NULL)
    work->free_data (work->data);
  g_free (work);
}

static FwHistory *
ensure_history (FwLibrary *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->opening);

  if (self->history == NULL)
    {
      FwHistory *history = fw_history_open (NULL, error);

      g_atomic_pointer_set (&self->history, history);
    }
  return self->history;
}

static void
notice (FwLibrary *self)
{
  FwHistory *history = fw_library_get_history (self);
  const guint64 state = history != NULL ? fw_history_get_state (history) : 0;

  if (state == self->state)
    return;
  self->state = state;
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
work_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Work *work = task_data;
  GError *error = NULL;
  FwHistory *history = ensure_history (source, &error);

  if (history != NULL && work->func (history, work->data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
fw_library_do_async (FwLibrary *self,
                     FwLibraryFunc func,
                     gpointer data,
                     GDestroyNotify free_data,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Work *work;

  g_return_if_fail (FW_IS_LIBRARY (self));

  work = g_new0 (Work, 1);
  work->func = func;
  work->data = data;
  work->free_data = free_data;
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, fw_library_do_async);
  g_task_set_task_data (task, work, (GDestroyNotify) work_free);
  g_task_run_in_thread (task, work_in_thread);
}

gboolean
fw_library_do_finish (FwLibrary *self, GAsyncResult *result, gpointer *data, GError **error)
{
  Work *work;
  gboolean ok;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  work = g_task_get_task_data (G_TASK (result));
  if (data != NULL)
    *data = work->data;
  ok = g_task_propagate_boolean (G_TASK (result), error);
  notice (self);
  return ok;
}

FwHistory *
fw_library_get_history (FwLibrary *self)
{
  g_return_val_if_fail (FW_IS_LIBRARY (self), NULL);

  return g_atomic_pointer_get (&self->history);
}

static gboolean
on_watch (gpointer user_data)
{
  notice (user_data);
  return G_SOURCE_CONTINUE;
}

void
fw_library_watch (FwLibrary *self)
{
  g_return_if_fail (FW_IS_LIBRARY (self));

  if (self->watchers++ == 0)
    self->watch_source = g_timeout_add_seconds (WATCH_INTERVAL_S, on_watch, self);
}

void
fw_library_unwatch (FwLibrary *self)
{
  g_return_if_fail (FW_IS_LIBRARY (self));
  g_return_if_fail (self->watchers > 0);

  if (--self->watchers == 0)
    g_clear_handle_id (&self->watch_source, g_source_remove);
}

static void
fw_library_finalize (GObject *object)
{
  FwLibrary *self = FW_LIBRARY (object);

  g_clear_handle_id (&self->watch_source, g_source_remove);
  g_clear_pointer (&self->history, fw_history_unref);
  g_mutex_clear (&self->opening);

  G_OBJECT_CLASS (fw_library_parent_class)->finalize (object);
}

static void
fw_library_class_init (FwLibraryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = fw_library_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
fw_library_init (FwLibrary *self)
{
  g_mutex_init (&self->opening);
}

FwLibrary *
fw_library_get_default (void)
{
  static FwLibrary *library;

  if (library == NULL)
    {
      library = g_object_new (FW_TYPE_LIBRARY, NULL);
      g_object_add_weak_pointer (G_OBJECT (library), (gpointer *) &library);
    }
  return library;
}
