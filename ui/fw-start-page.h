/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "fw-application.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_START_PAGE (fw_start_page_get_type ())

G_DECLARE_FINAL_TYPE (FwStartPage, fw_start_page, FW, START_PAGE, AdwBin)

void fw_start_page_set_project (FwStartPage *self, FwProject *project);

G_END_DECLS
