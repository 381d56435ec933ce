/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-words.h: figures as people would say them. All strings are to be freed. */

#pragma once

#include "fw-stop-item.h"

G_BEGIN_DECLS

/* "731 kB". */
char *fw_words_size (guint64 bytes);
/* "73% smaller", "The original size". */
char *fw_words_saved (FwStopItem *stop);
/* "1.7 times as fast", "About as fast as the original". */
char *fw_words_speed (FwStopItem *stop);
/* "0.4 ms instead of 0.6 ms"; NULL where it was not measured. */
char *fw_words_latency (FwStopItem *stop);
/* "126 of 127 stayed the same". */
char *fw_words_same (FwStopItem *stop);
/* "96% right before and now"; NULL where it is not known which answers are right. */
char *fw_words_accuracy (FwStopItem *stop);
/* "99.2%", with as many digits as @total cases allow: never 100% where one of them differs. */
char *fw_words_percent (double fraction, guint total);
/* All of a version in one sentence, for those who can't see the chart. */
char *fw_words_stop (FwStopItem *stop);
/* "about 2 minutes left"; NULL where @seconds is below 0. */
char *fw_words_time_left (double seconds);

G_END_DECLS
