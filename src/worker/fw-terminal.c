/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-terminal.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fw-text-table.h"

#define MIN_INTERVAL (G_USEC_PER_SEC / 10)
#define MAX_BAR 30
#define MIN_BAR 8
#define CLEAR_LINE "\r\033[K"

struct _FwTerminal
{
  int fd; /* -1 where there is no terminal */
  gboolean plain;
  gboolean shown;
  gint64 last_time;
};

FwTerminal *
fw_terminal_new (int fd)
{
  FwTerminal *self = g_new0 (FwTerminal, 1);
  const char *kind = g_getenv ("TERM");

  self->fd = isatty (fd) && kind != NULL && strcmp (kind, "dumb") != 0 ? fd : -1;
  self->plain = !g_get_charset (NULL);
  return self;
}

static void
put (FwTerminal *self, const char *text)
{
  if (write (self->fd, text, strlen (text)) < 0)
    self->fd = -1;
}

void
fw_terminal_clear (FwTerminal *self)
{
  if (self->fd >= 0 && self->shown)
    put (self, CLEAR_LINE);
  self->shown = FALSE;
  self->last_time = 0;
}

void
fw_terminal_free (FwTerminal *self)
{
  if (self == NULL)
    return;
  fw_terminal_clear (self);
  g_free (self);
}

char *
fw_terminal_describe_time (double seconds)
{
  gulong minutes;

  if (!(seconds >= 0) || seconds > 1e7)
    return NULL;
  if (seconds < 5)
    return g_strdup (_ ("a few seconds left"));
  if (seconds < 55)
    return g_strdup_printf (_ ("about %u seconds left"), (guint) (ceil (seconds / 5) * 5));
  minutes = (gulong) ceil (seconds / 60 - 0.25);
  if (minutes < 60)
    return g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "about %lu minute left", "about %lu minutes left", minutes),
        minutes);
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "about %lu hour left",
                                       "about %lu hours left", (minutes + 30) / 60),
                          (minutes + 30) / 60);
}

static void
append_bar (GString *line, double overall, guint width, gboolean plain)
{
  guint done = (guint) (overall * width + 0.5);

  if (plain)
    g_string_append_c (line, '[');
  for (guint i = 0; i < width; i++)
    g_string_append (line, i < done ? (plain ? "#" : "█") : (plain ? "-" : "░"));
  if (plain)
    g_string_append_c (line, ']');
}

char *
fw_terminal_format (const char *title,
                    double overall,
                    double seconds,
                    guint columns,
                    gboolean plain)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autofree char *left = fw_terminal_describe_time (seconds);
  g_autofree char *percent = NULL;
  guint fixed, width;

  overall = isnan (overall) ? 0 : CLAMP (overall, 0, 1);
  percent = g_strdup_printf (_ ("%3d %%"), (int) floor (overall * 100));
  fixed = fw_text_width (title) + 2 + fw_text_width (percent) + 2 + (plain ? 2 : 0);
  if (left != NULL && columns < fixed + 2 + fw_text_width (left) + MIN_BAR)
    g_clear_pointer (&left, g_free);
  if (left != NULL)
    fixed += 2 + fw_text_width (left);

  g_string_append_printf (line, "%s  ", title);
  width = columns > fixed ? MIN (columns - fixed, MAX_BAR) : 0;
  if (width >= MIN_BAR)
    append_bar (line, overall, width, plain);
  g_string_append_printf (line, "%s%s", width >= MIN_BAR ? " " : "", percent);
  if (left != NULL)
    g_string_append_printf (line, "  %s", left);
  return fw_text_cut (line->str, columns);
}

static guint
get_columns (FwTerminal *self)
{
  struct winsize size;

  /* One less: in the last column some terminals begin a new line. */
  if (ioctl (self->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
    return size.ws_col - 1u;
  return 79;
}

void
fw_terminal_show (FwTerminal *self, const char *title, double overall, double seconds)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *line = NULL;
  g_autofree char *text = NULL;

  if (self->fd < 0 || (self->last_time > 0 && now - self->last_time < MIN_INTERVAL))
    return;
  self->last_time = now;
  self->shown = TRUE;
  line = fw_terminal_format (title, overall, seconds, get_columns (self), self->plain);
  text = g_strconcat (CLEAR_LINE, line, NULL);
  put (self, text);
}
