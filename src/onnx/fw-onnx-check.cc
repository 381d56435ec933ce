/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include <functional>
#include <iostream>
#include <string>

#include <google/protobuf/stubs/common.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <onnx/version_converter/convert.h>

#include "fw-error.h"
#include "fw-light-model.h"
#include "fw-onnx-check.h"

namespace
{

/* How many characters of libonnx's words a message repeats. */
constexpr glong shown_length = 300;

using Service = std::function<void (onnx::ModelProto &)>;

/* libonnx and protobuf write warnings to the standard error, which is not theirs. */
class Silence
{
public:
  Silence () : saved (std::cerr.rdbuf (nullptr))
  {
#if GOOGLE_PROTOBUF_VERSION < 4022000
    handler = google::protobuf::SetLogHandler (nullptr);
#endif
  }

  ~Silence ()
  {
    std::cerr.rdbuf (saved);
#if GOOGLE_PROTOBUF_VERSION < 4022000
    google::protobuf::SetLogHandler (handler);
#endif
  }

  Silence (const Silence &) = delete;
  Silence &operator= (const Silence &) = delete;

private:
  std::streambuf *saved;
#if GOOGLE_PROTOBUF_VERSION < 4022000
  google::protobuf::LogHandler *handler;
#endif
};

/* What libonnx's words are said about. */
enum class Task
{
  check,
  convert,
};

void
set_error (GError **error, Task task, const char *words)
{
  g_autofree char *valid = g_utf8_make_valid (words, -1);
  g_autofree char *shown = nullptr;

  g_strstrip (g_strdelimit (valid, "\r\n\t", ' '));
  shown = g_utf8_strlen (valid, -1) > shown_length ? g_utf8_substring (valid, 0, shown_length)
                                                   : g_strdup (valid);
  if (task == Task::convert)
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                 _ ("The model can’t be converted to another version of ONNX: %s"), shown);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                 _ ("The model does not follow the rules of ONNX as known here: %s"), shown);
}

/* The message in @bytes after @service has been at it. */
GBytes *
run (GBytes *bytes, Task task, const Service &service, GError **error)
{
  try
    {
      Silence silence;
      onnx::ModelProto model;
      std::string result;
      gsize length;
      gconstpointer data = g_bytes_get_data (bytes, &length);

      if (!model.ParseFromArray (data, static_cast<int> (length)))
        {
          set_error (error, task, "unreadable message");
          return nullptr;
        }
      service (model);
      if (!model.SerializeToString (&result))
        {
          set_error (error, task, "unwritable message");
          return nullptr;
        }
      return g_bytes_new (result.data (), result.size ());
    }
  catch (const std::exception &exception)
    {
      set_error (error, task, exception.what ());
    }
  catch (...)
    {
      set_error (error, task, "unknown exception");
    }
  return nullptr;
}

/* libonnx takes for granted that a model was checked, and crashes on some that would have failed.
 * Its checker refuses all models newer than itself, though, and most of those are fine. */
void
check_unless_newer (const onnx::ModelProto &model)
{
  const gint64 newest = fw_onnx_get_newest_opset ();

  if (model.ir_version () > onnx::Version::IR_VERSION)
    return;
  for (const auto &import : model.opset_import ())
    if (import.domain () == onnx::ONNX_DOMAIN && import.version () > newest)
      return;
  onnx::checker::check_model (model);
}

void
infer (onnx::ModelProto &model)
{
  const onnx::ISchemaRegistry *registry = onnx::OpSchemaRegistry::Instance ();
  const onnx::ModelProto original (model);

  check_unless_newer (model);

  /* Following the values of shapes finds more shapes, and fails on some kinds of models. */
  try
    {
      onnx::shape_inference::InferShapes (model, registry, { false, 0, true });
    }
  catch (const std::exception &)
    {
      model = original;
      onnx::shape_inference::InferShapes (model, registry, { false, 0, false });
    }
}

void
convert (onnx::ModelProto &model, gint64 opset)
{
  check_unless_newer (model);
  model = onnx::version_conversion::ConvertVersion (model, static_cast<int> (opset));
}

FwModel *
convert_and_restore (FwLightModel *light,
                     GBytes *bytes,
                     const Service &service,
                     gint64 opset,
                     GError **error)
{
  g_autoptr (GBytes) converted = run (bytes, Task::convert, service, error);
  g_autoptr (FwModel) result = nullptr;

  if (converted == nullptr)
    return nullptr;
  result = fw_light_model_restore_graph (light, converted, error);
  if (result == nullptr)
    return nullptr;
  if (fw_model_get_opset (result, "") != opset)
    {
      set_error (error, Task::convert, "conversion stopped on the way");
      return nullptr;
    }
  return static_cast<FwModel *> (g_steal_pointer (&result));
}

} // namespace

gboolean
fw_onnx_check (FwModel *model, GError **error)
{
  g_autoptr (FwLightModel) light = fw_light_model_new (model);
  g_autoptr (GBytes) bytes = fw_light_model_to_bytes (light, error);
  g_autoptr (GBytes) checked = nullptr;

  if (bytes == nullptr)
    return FALSE;
  checked = run (
      bytes, Task::check, [] (onnx::ModelProto &proto) { onnx::checker::check_model (proto); },
      error);
  return checked != nullptr;
}

FwModel *
fw_onnx_infer_shapes (FwModel *model, GError **error)
{
  g_autoptr (FwLightModel) light = fw_light_model_new (model);
  g_autoptr (GBytes) bytes = fw_light_model_to_bytes (light, error);
  g_autoptr (GBytes) inferred = nullptr;

  if (bytes == nullptr)
    return nullptr;
  inferred = run (bytes, Task::check, infer, error);
  return inferred != nullptr ? fw_light_model_restore_shapes (light, inferred, error) : nullptr;
}

FwModel *
fw_onnx_convert (FwModel *model, gint64 opset, GError **error)
{
  g_autoptr (FwLightModel) light = nullptr;
  g_autoptr (GBytes) bytes = nullptr;
  FwModel *result;

  if (fw_model_get_opset (model, "") == opset)
    return fw_model_copy (model);

  light = fw_light_model_new (model);
  bytes = fw_light_model_to_bytes (light, error);
  if (bytes == nullptr)
    return nullptr;

  if (opset < 1 || opset > fw_onnx_get_newest_opset () || !fw_light_model_is_convertible (light))
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                           _ ("A model of this kind can’t be converted to another version of "
                              "ONNX."));
      return nullptr;
    }

  /* Some converters need shapes, and some fail over shapes that inference added. */
  result = convert_and_restore (
      light, bytes, [opset] (onnx::ModelProto &proto) { convert (proto, opset); }, opset, nullptr);
  if (result != nullptr)
    return result;
  return convert_and_restore (
      light, bytes,
      [opset] (onnx::ModelProto &proto) {
        infer (proto);
        convert (proto, opset);
      },
      opset, error);
}

gint64
fw_onnx_get_newest_opset (void)
{
  try
    {
      const auto &ranges = onnx::OpSchemaRegistry::DomainToVersionRange::Instance ().Map ();
      const auto found = ranges.find (onnx::ONNX_DOMAIN);

      return found != ranges.end () ? found->second.second : 0;
    }
  catch (...)
    {
      return 0;
    }
}
