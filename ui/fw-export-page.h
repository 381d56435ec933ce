/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-export-page.h: a version on its way to a phone, a web page, or as the file itself. */

#pragma once

#include "fw-application.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_EXPORT_PAGE (fw_export_page_get_type ())

G_DECLARE_FINAL_TYPE (FwExportPage, fw_export_page, FW, EXPORT_PAGE, AdwBin)

/* Exports the selected stop, unless a version was set. */
void fw_export_page_set_project (FwExportPage *self, FwProject *project);

/* A version of the history, until the page is left. @samples may be NULL. */
void fw_export_page_set_version (FwExportPage *self,
                                 const char *title,
                                 const char *file,
                                 const char *original,
                                 const char *const *samples);

G_END_DECLS
