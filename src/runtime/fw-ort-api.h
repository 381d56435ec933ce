/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-ort-api.h: the part of ONNX Runtime's C interface that is used here.
 *
 * The library ships without a header. Its OrtApi is a table of function pointers to which entries
 * are only ever appended, so the slots below hold for every release from 1.18 on. Slots that are
 * not used are gaps in the struct, and each function's place is asserted below.
 *
 * A function that returns OrtStatus * returns NULL for success; the caller releases any other.
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#define FW_ORT_API_VERSION 18

typedef struct OrtEnv OrtEnv;
typedef struct OrtStatus OrtStatus;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtAllocator OrtAllocator;

enum
{
  ORT_LOG_VERBOSE = 0,
  ORT_LOG_INFO = 1,
  ORT_LOG_WARNING = 2,
  ORT_LOG_ERROR = 3,
  ORT_LOG_FATAL = 4,
};

enum
{
  ORT_NOT_IMPLEMENTED = 9,
};

enum
{
  ORT_KIND_UNKNOWN = 0,
  ORT_KIND_TENSOR = 1,
  ORT_KIND_SEQUENCE = 2,
  ORT_KIND_MAP = 3,
  ORT_KIND_OPAQUE = 4,
  ORT_KIND_SPARSE_TENSOR = 5,
  ORT_KIND_OPTIONAL = 6,
};

enum
{
  ORT_DEVICE_ALLOCATOR = 0,
  ORT_ARENA_ALLOCATOR = 1,
};

typedef void (*OrtLoggingFunction) (void *param,
                                    int severity,
                                    const char *category,
                                    const char *log_id,
                                    const char *code_location,
                                    const char *message);

typedef void (*OrtGap) (void);

typedef struct
{
  OrtGap gap_0[1];
  int (*GetErrorCode) (const OrtStatus *status);
  const char *(*GetErrorMessage) (const OrtStatus *status);
  OrtGap gap_3[1];
  OrtStatus *(*CreateEnvWithCustomLogger) (OrtLoggingFunction logging_function,
                                           void *logger_param,
                                           int severity,
                                           const char *log_id,
                                           OrtEnv **out);
  OrtGap gap_5[1];
  OrtStatus *(*DisableTelemetryEvents) (const OrtEnv *env);
  OrtStatus *(*CreateSession) (const OrtEnv *env,
                               const char *model_path,
                               const OrtSessionOptions *options,
                               OrtSession **out);
  OrtStatus *(*CreateSessionFromArray) (const OrtEnv *env,
                                        const void *model_data,
                                        size_t model_data_length,
                                        const OrtSessionOptions *options,
                                        OrtSession **out);
  OrtStatus *(*Run) (OrtSession *session,
                     const OrtRunOptions *run_options,
                     const char *const *input_names,
                     const OrtValue *const *inputs,
                     size_t n_inputs,
                     const char *const *output_names,
                     size_t n_outputs,
                     OrtValue **outputs);
  OrtStatus *(*CreateSessionOptions) (OrtSessionOptions **out);
  OrtStatus *(*SetOptimizedModelFilePath) (OrtSessionOptions *options, const char *path);
  OrtGap gap_12[2];
  OrtStatus *(*EnableProfiling) (OrtSessionOptions *options, const char *prefix);
  OrtGap gap_15[2];
  OrtStatus *(*DisableMemPattern) (OrtSessionOptions *options);
  OrtGap gap_18[1];
  OrtStatus *(*DisableCpuMemArena) (OrtSessionOptions *options);
  OrtGap gap_20[3];
  OrtStatus *(*SetSessionGraphOptimizationLevel) (OrtSessionOptions *options, int level);
  OrtStatus *(*SetIntraOpNumThreads) (OrtSessionOptions *options, int n_threads);
  OrtStatus *(*SetInterOpNumThreads) (OrtSessionOptions *options, int n_threads);
  OrtGap gap_26[4];
  OrtStatus *(*SessionGetInputCount) (const OrtSession *session, size_t *out);
  OrtStatus *(*SessionGetOutputCount) (const OrtSession *session, size_t *out);
  OrtGap gap_32[1];
  OrtStatus *(*SessionGetInputTypeInfo) (const OrtSession *session,
                                         size_t index,
                                         OrtTypeInfo **out);
  OrtStatus *(*SessionGetOutputTypeInfo) (const OrtSession *session,
                                          size_t index,
                                          OrtTypeInfo **out);
  OrtGap gap_35[1];
  OrtStatus *(*SessionGetInputName) (const OrtSession *session,
                                     size_t index,
                                     OrtAllocator *allocator,
                                     char **out);
  OrtStatus *(*SessionGetOutputName) (const OrtSession *session,
                                      size_t index,
                                      OrtAllocator *allocator,
                                      char **out);
  OrtGap gap_38[1];
  OrtStatus *(*CreateRunOptions) (OrtRunOptions **out);
  OrtGap gap_40[6];
  OrtStatus *(*RunOptionsSetTerminate) (OrtRunOptions *options);
  OrtGap gap_47[1];
  OrtStatus *(*CreateTensorAsOrtValue) (OrtAllocator *allocator,
                                        const int64_t *shape,
                                        size_t n_dims,
                                        int type,
                                        OrtValue **out);
  OrtStatus *(*CreateTensorWithDataAsOrtValue) (const OrtMemoryInfo *info,
                                                void *data,
                                                size_t size,
                                                const int64_t *shape,
                                                size_t n_dims,
                                                int type,
                                                OrtValue **out);
  OrtGap gap_50[1];
  OrtStatus *(*GetTensorMutableData) (OrtValue *value, void **out);
  OrtStatus *(*FillStringTensor) (OrtValue *value, const char *const *strings, size_t n);
  OrtStatus *(*GetStringTensorDataLength) (const OrtValue *value, size_t *out);
  OrtStatus *(*GetStringTensorContent) (const OrtValue *value,
                                        void *content,
                                        size_t size,
                                        size_t *offsets,
                                        size_t n_offsets);
  OrtStatus *(*CastTypeInfoToTensorInfo) (const OrtTypeInfo *info,
                                          const OrtTensorTypeAndShapeInfo **out);
  OrtStatus *(*GetOnnxTypeFromTypeInfo) (const OrtTypeInfo *info, int *out);
  OrtGap gap_57[3];
  OrtStatus *(*GetTensorElementType) (const OrtTensorTypeAndShapeInfo *info, int *out);
  OrtStatus *(*GetDimensionsCount) (const OrtTensorTypeAndShapeInfo *info, size_t *out);
  OrtStatus *(*GetDimensions) (const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t n);
  OrtGap gap_63[2];
  OrtStatus *(*GetTensorTypeAndShape) (const OrtValue *value, OrtTensorTypeAndShapeInfo **out);
  OrtGap gap_66[1];
  OrtStatus *(*GetValueType) (const OrtValue *value, int *out);
  OrtGap gap_68[1];
  OrtStatus *(*CreateCpuMemoryInfo) (int allocator_type, int memory_type, OrtMemoryInfo **out);
  OrtGap gap_70[6];
  OrtStatus *(*AllocatorFree) (OrtAllocator *allocator, void *memory);
  OrtGap gap_77[1];
  OrtStatus *(*GetAllocatorWithDefaultOptions) (OrtAllocator **out);
  OrtGap gap_79[1];
  OrtStatus *(*GetValue) (const OrtValue *value,
                          int index,
                          OrtAllocator *allocator,
                          OrtValue **out);
  OrtStatus *(*GetValueCount) (const OrtValue *value, size_t *out);
  OrtStatus *(*CreateValue) (const OrtValue *const *in, size_t n, int kind, OrtValue **out);
  OrtGap gap_83[9];
  void (*ReleaseEnv) (OrtEnv *env);
  void (*ReleaseStatus) (OrtStatus *status);
  void (*ReleaseMemoryInfo) (OrtMemoryInfo *info);
  void (*ReleaseSession) (OrtSession *session);
  void (*ReleaseValue) (OrtValue *value);
  void (*ReleaseRunOptions) (OrtRunOptions *options);
  void (*ReleaseTypeInfo) (OrtTypeInfo *info);
  void (*ReleaseTensorTypeAndShapeInfo) (OrtTensorTypeAndShapeInfo *info);
  void (*ReleaseSessionOptions) (OrtSessionOptions *options);
  OrtGap gap_101[9];
  OrtStatus *(*SessionEndProfiling) (OrtSession *session, OrtAllocator *allocator, char **out);
  OrtGap gap_111[19];
  OrtStatus *(*AddSessionConfigEntry) (OrtSessionOptions *options,
                                       const char *key,
                                       const char *value);
} OrtApi;

typedef struct
{
  const OrtApi *(*GetApi) (uint32_t version);
  const char *(*GetVersionString) (void);
} OrtApiBase;

#define FW_ORT_ASSERT_SLOT(name, slot)                                                             \
  _Static_assert(offsetof (OrtApi, name) == (slot) * sizeof (OrtGap), #name " is out of place")

FW_ORT_ASSERT_SLOT (GetErrorMessage, 2);
FW_ORT_ASSERT_SLOT (CreateEnvWithCustomLogger, 4);
FW_ORT_ASSERT_SLOT (DisableTelemetryEvents, 6);
FW_ORT_ASSERT_SLOT (SetOptimizedModelFilePath, 11);
FW_ORT_ASSERT_SLOT (EnableProfiling, 14);
FW_ORT_ASSERT_SLOT (DisableMemPattern, 17);
FW_ORT_ASSERT_SLOT (DisableCpuMemArena, 19);
FW_ORT_ASSERT_SLOT (SetInterOpNumThreads, 25);
FW_ORT_ASSERT_SLOT (SessionGetOutputCount, 31);
FW_ORT_ASSERT_SLOT (SessionGetOutputTypeInfo, 34);
FW_ORT_ASSERT_SLOT (SessionGetOutputName, 37);
FW_ORT_ASSERT_SLOT (CreateRunOptions, 39);
FW_ORT_ASSERT_SLOT (RunOptionsSetTerminate, 46);
FW_ORT_ASSERT_SLOT (CreateTensorWithDataAsOrtValue, 49);
FW_ORT_ASSERT_SLOT (GetOnnxTypeFromTypeInfo, 56);
FW_ORT_ASSERT_SLOT (GetDimensions, 62);
FW_ORT_ASSERT_SLOT (GetTensorTypeAndShape, 65);
FW_ORT_ASSERT_SLOT (GetValueType, 67);
FW_ORT_ASSERT_SLOT (CreateCpuMemoryInfo, 69);
FW_ORT_ASSERT_SLOT (AllocatorFree, 76);
FW_ORT_ASSERT_SLOT (GetAllocatorWithDefaultOptions, 78);
FW_ORT_ASSERT_SLOT (CreateValue, 82);
FW_ORT_ASSERT_SLOT (ReleaseSessionOptions, 100);
FW_ORT_ASSERT_SLOT (SessionEndProfiling, 110);
FW_ORT_ASSERT_SLOT (AddSessionConfigEntry, 130);
