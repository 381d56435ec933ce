/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-application.h: the program: its command line, windows and the actions of all windows. */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define FW_APPLICATION_ID "io.github.featherweight.Featherweight"
#define FW_RESOURCES "/io/github/featherweight/Featherweight"

#define FW_TYPE_APPLICATION (fw_application_get_type ())

G_DECLARE_FINAL_TYPE (FwApplication, fw_application, FW, APPLICATION, AdwApplication)

FwApplication *fw_application_new (void);

G_END_DECLS
