/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <locale.h>

#include "fw-application.h"
#include "fw-loop-watch.h"
#include "fw-surroundings.h"

int
main (int argc, char **argv)
{
  g_autoptr (FwApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, FW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  fw_surroundings_prepare ();
  fw_loop_watch_start ();

  g_set_application_name (_ ("Featherweight"));
  application = fw_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
