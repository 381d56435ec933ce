/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-verdict.h: what became of an answer, or of all of them, in sentences. */

#pragma once

#include "fw-answer-bars.h"
#include "fw-sample-item.h"

G_BEGIN_DECLS

/* The mark of the first (@second: of the second) model's answer to a sample: right or wrong where
 * that is known, otherwise whether the second one changed. */
FwAnswerMark fw_verdict_get_mark (FwSampleItem *sample, gboolean second);

/* "Changed from mushroom to umbrella. Right is umbrella." @class_name: of the right answer, or
 * NULL. */
char *fw_verdict_describe_sample (FwSampleItem *sample, const char *class_name);
/* A short form for lists: "owl", or "owl → cat". */
char *fw_verdict_summarize_sample (FwSampleItem *sample);

/* "98 of 104 answers stayed the same. Look at the 6 that changed." from a "result" of compare; NULL
 * where it does not say. */
char *fw_verdict_describe_result (JsonObject *result);
/* "Right before: 97 %. Right now: 95 %."; NULL without labels. */
char *fw_verdict_describe_accuracy (JsonObject *result);
/* A line for each class where the number of right answers fell or rose, the worst first: "owl: 12
 * of 13 right, before 13". @names: of classes by index (GINT_TO_POINTER → char *), or NULL. NULL
 * where there are none. */
char **fw_verdict_list_classes (JsonObject *result, GHashTable *names);

G_END_DECLS
