/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-error.h: the one table of what can go wrong.
 *
 * Every failure below the window is a GError of the domain FW_ERROR (or G_IO_ERROR_CANCELLED). Its
 * message is a sentence for the user; its code has a stable name that programs may rely on, and a
 * hint that says what to do. Warnings of the protocol draw from the same table.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FW_ERROR (fw_error_quark ())

typedef enum
{
  FW_ERROR_INTERNAL,              /* a fault of the program's own */
  FW_ERROR_CANCELLED,             /* the user asked to stop */
  FW_ERROR_USAGE,                 /* wrong use of the command line or the protocol */
  FW_ERROR_NO_SUCH_FILE,          /* the model or the samples are not there */
  FW_ERROR_NOT_READABLE,          /* a file that may not be or could not be read */
  FW_ERROR_EMPTY_FILE,            /* the model has no bytes */
  FW_ERROR_NOT_A_MODEL,           /* another kind of file under a model's name */
  FW_ERROR_DAMAGED_MODEL,         /* cut off or altered */
  FW_ERROR_HOSTILE_MODEL,         /* nesting, counts or sizes beyond all reason */
  FW_ERROR_UNSUPPORTED_MODEL,     /* ONNX Runtime can't run it, or it is of a kind not handled */
  FW_ERROR_UNKNOWN_OPERATOR,      /* needs an operator that ONNX Runtime does not have */
  FW_ERROR_UNSUPPORTED_INPUTS,    /* inputs that the samples can't fill; as a warning: zeros do */
  FW_ERROR_EXTERNAL_DATA_MISSING, /* the weights' file is not there, or too short */
  FW_ERROR_EXTERNAL_DATA_OUTSIDE, /* the weights' file lies outside the model's folder */
  FW_ERROR_ALREADY_SMALL,         /* already quantized */
  FW_ERROR_NOTHING_TO_SHRINK,     /* no weights that can be made smaller */
  FW_ERROR_NO_SAMPLES,            /* no samples found */
  FW_ERROR_TOO_FEW_SAMPLES,       /* fewer than 4 */
  FW_ERROR_FEW_SAMPLES,           /* warning: fewer than 50 */
  FW_ERROR_UNREADABLE_SAMPLES,    /* warning: some could not be read */
  FW_ERROR_BAD_LABELS,            /* a labels file that makes no sense */
  FW_ERROR_BAD_PREPROCESS,        /* an unknown or impossible preparation */
  FW_ERROR_UNSURE_PREPROCESS,     /* warning: two preparations fit about as well */
  FW_ERROR_BAD_RECIPE,            /* not a recipe, or not of this model */
  FW_ERROR_DISK_FULL,
  FW_ERROR_NOT_WRITABLE,    /* the target folder can't be written */
  FW_ERROR_FILE_EXISTS,     /* never overwrites */
  FW_ERROR_RUNTIME_MISSING, /* ONNX Runtime not found */
  FW_ERROR_RUNTIME_TOO_OLD,
  FW_ERROR_RUNTIME_FAILED, /* ONNX Runtime failed while running */
  FW_ERROR_OUT_OF_MEMORY,
  FW_ERROR_WORKER_DIED,        /* the confined child ended without a word */
  FW_ERROR_TARGET_NOT_REACHED, /* no stop fits --max-size or --min-same */
  FW_ERROR_NOT_SMALLER,        /* a stop's broken promise: not smaller than the original */
  FW_ERROR_SLOWER_HERE,        /* a stop's broken promise: slower on this computer */
  FW_ERROR_NEW_NAN,            /* a stop's broken promise: NaN or Inf where there was none */
  FW_ERROR_HISTORY_DAMAGED,    /* the history's database makes no sense; as a warning: set aside */
  FW_ERROR_HISTORY_NEWER,      /* written by a newer version of the program */
  FW_ERROR_HISTORY_BUSY,       /* another program keeps it locked for too long */
  FW_ERROR_NO_SUCH_VERSION,    /* the history has no such original, run, stop or version */
  FW_ERROR_MODEL_CHANGED,      /* a model is not what it was when it went into the history */
  FW_ERROR_FILE_CHANGED,       /* someone else changed the file last saved: it is not replaced */
  FW_ERROR_LARGE_MODEL,        /* warning: worked on in pieces, so that not all can be measured */
  FW_N_ERRORS
} FwError;

GQuark fw_error_quark (void);

/* The stable name of a code, such as "damaged-model". Static. */
const char *fw_error_get_name (FwError code);

/* What the user can do about it: a translated sentence, or NULL where there is nothing to say. */
const char *fw_error_get_hint (FwError code);

/* The code of a name; FW_ERROR_INTERNAL where there is none of that name. */
FwError fw_error_from_name (const char *name);

/* The code of any error: a G_IO_ERROR_CANCELLED is FW_ERROR_CANCELLED, and errors of other domains
 * are mapped (disk full, no such file, permissions) or FW_ERROR_INTERNAL. */
FwError fw_error_get_code (const GError *error);

/* Sets an FW_ERROR from errno: ENOSPC and EDQUOT are DISK_FULL, EACCES and EROFS NOT_WRITABLE or
 * NOT_READABLE by @writing, ENOENT NO_SUCH_FILE, EEXIST FILE_EXISTS, ENOMEM OUT_OF_MEMORY. @path is
 * shown to the user. */
void fw_error_set_from_errno (GError **error, int saved_errno, gboolean writing, const char *path);

G_END_DECLS
