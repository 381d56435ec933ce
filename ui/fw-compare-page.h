/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-compare-page.h: two versions side by side on the user's own samples, most changed first. */

#pragma once

#include "fw-application.h"
#include "fw-comparison.h"

G_BEGIN_DECLS

#define FW_TYPE_COMPARE_PAGE (fw_compare_page_get_type ())

G_DECLARE_FINAL_TYPE (FwComparePage, fw_compare_page, FW, COMPARE_PAGE, AdwBin)

/* Borrowed once; the page asks it for the selected stop whenever it is shown. */
void fw_compare_page_set_project (FwComparePage *self, FwProject *project);

/* What the page shows, for pages that compare other versions than the selected one: shows the page
 * with it until it is hidden again. */
FwComparison *fw_compare_page_get_comparison (FwComparePage *self);
/* Whether the page is for two versions of the history instead of the selected stop. */
void fw_compare_page_set_follows_selection (FwComparePage *self, gboolean follows);

G_END_DECLS
