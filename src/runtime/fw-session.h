/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-session.h: ONNX Runtime, loaded when first needed, and a model loaded into it.
 *
 * The library is found beside the build, then where it was installed, then by name; where
 * FW_ONNXRUNTIME is set, there and nowhere else. It must offer version 18 of its table or later.
 * Its log goes to GLib's under the domain "onnxruntime". A session may be used from one thread at a
 * time; an idle one burns no CPU.
 *
 * Errors: RUNTIME_MISSING, RUNTIME_TOO_OLD; UNKNOWN_OPERATOR and UNSUPPORTED_MODEL when loading;
 * RUNTIME_FAILED and OUT_OF_MEMORY when running; G_IO_ERROR_CANCELLED.
 */

#pragma once

#include "fw-progress.h"
#include "fw-tensor.h"

G_BEGIN_DECLS

/* Loads the library now: before a sandbox closes, and before other threads run, as it turns off the
 * library's collecting of usage data by an environment variable. Starts no thread. Safe to call
 * often. */
gboolean fw_runtime_load (GError **error);
/* "1.30.0"; NULL before it is loaded. */
const char *fw_runtime_get_version (void);
/* The file that would be or was loaded, or NULL: the sandbox must let it through. */
const char *fw_runtime_get_path (void);

typedef enum
{
  FW_OPTIMIZE_NONE = 0,
  FW_OPTIMIZE_BASIC = 1,
  FW_OPTIMIZE_EXTENDED = 2,
  FW_OPTIMIZE_ALL = 99,
} FwOptimization;

/* How to load a model. Zeroed is the default but for optimization: what an app would use is
 * FW_OPTIMIZE_ALL. */
typedef struct
{
  guint threads; /* 0: all cores */
  FwOptimization optimization;
  const char *save_optimized; /* NULL, or where to write the optimized model (a path) */
  const char *profile_prefix; /* NULL, or a path prefix for ONNX Runtime's profile */
  gboolean save_ort;          /* @save_optimized is written in ONNX Runtime's own format (.ort) */
  gboolean portable; /* optimized without memory layouts that belong to this computer alone */
  /* Signed 8-bit activations are left as they are, for ARM; on other processors they run, but many
   * times slower. */
  gboolean signed_activations;
  gboolean frugal; /* memory is given back after each run rather than kept for the next one */
  gboolean whole;  /* never piece by piece */
} FwSessionOptions;

typedef struct
{
  char *name;
  gboolean is_tensor;
  FwElementType type;
  guint n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK]; /* -1 where dynamic */
} FwValueInfo;

typedef struct _FwSession FwSession;

/* A file whose name ends in ".ort" is taken to be in ONNX Runtime's own format. */
FwSession *fw_session_new (const char *path, const FwSessionOptions *options, GError **error);
/* @bytes must not have external data; it is held as long as the session. */
FwSession *
fw_session_new_from_bytes (GBytes *bytes, const FwSessionOptions *options, GError **error);
/* @model as it is in memory; it must not change as long as the session lives. */
FwSession *
fw_session_new_for_model (FwModel *model, const FwSessionOptions *options, GError **error);
void fw_session_free (FwSession *self);

/* From now on models are run piece by piece, each piece with at most @bytes of stored numbers or
 * of a single node; 0, as it is at first, for no such thing. Loading then takes hardly any memory,
 * and running that of the largest piece. What pieces hand on goes to the scratch folder
 * (fw-mapping.h). One setting for the whole program. */
void fw_session_set_piece_size (guint64 bytes);
guint64 fw_session_get_piece_size (void);

/* A copy of @model in which value_info has the types and shapes of all values that ONNX Runtime
 * can tell; those that are no tensors have no type. It looks at the graph without the weights. */
FwModel *fw_session_find_types (FwModel *model, GError **error);
gboolean fw_session_is_piecewise (FwSession *self);

guint fw_session_get_n_inputs (FwSession *self);
const FwValueInfo *fw_session_get_input (FwSession *self, guint index);
guint fw_session_get_n_outputs (FwSession *self);
const FwValueInfo *fw_session_get_output (FwSession *self, guint index);

/* Runs the model. @inputs: one tensor for each of @input_names (NULL names: all inputs in order).
 * @output_names: NULL-terminated, or NULL for all that are tensors. Returns FwTensors in order; an
 * output that is not a tensor is NULL in it. Cancelling stops the run within milliseconds. */
GPtrArray *fw_session_run (FwSession *self,
                           const char *const *input_names,
                           FwTensor *const *inputs,
                           guint n_inputs,
                           const char *const *output_names,
                           GCancellable *cancellable,
                           GError **error);

/* Makes the inputs of sample @index: FwTensors in the order of the names. NULL without an error for
 * "leave this one out". */
typedef GPtrArray *(*FwSessionFeedFunc) (guint index, gpointer user_data, GError **error);
/* Takes what came out for sample @index at @output, the place in the list of names; @tensor is
 * NULL for what is no tensor. */
typedef gboolean (*FwSessionTakeFunc) (guint index,
                                       guint output,
                                       FwTensor *tensor,
                                       gpointer user_data,
                                       GError **error);

typedef struct
{
  guint n;                         /* samples */
  const char *const *input_names;  /* NULL-terminated; NULL: all inputs in order */
  const char *const *output_names; /* NULL-terminated; NULL: all outputs */
  FwSessionFeedFunc feed;
  FwSessionTakeFunc take;
  gpointer user_data;
} FwSessionBatch;

/* Runs the model for many samples: the way for sessions that may be piecewise, where each single
 * run would go through the whole file. Samples are fed in order, each once. What an early piece
 * makes is taken before what a later one makes, for a block of samples at a time. */
gboolean fw_session_run_many (FwSession *self,
                              const FwSessionBatch *batch,
                              FwProgress *progress,
                              GCancellable *cancellable,
                              GError **error);

/* Ends profiling and returns the path of the file written. */
char *fw_session_end_profiling (FwSession *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSession, fw_session_free)

G_END_DECLS
