# SPDX-License-Identifier: GPL-3.0-or-later

"""ONNX Runtime's own quantization tools."""

import os

import onnx
from onnxruntime.quantization import (
    CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process

from .reader import Reader


def preprocessed(model, output):
    """As the manual asks for; where the symbolic shapes fail, without them, as it says to."""
    path = output + ".prepared.onnx"
    try:
        quant_pre_process(model, path)
    except Exception:  # whatever the shape inference meets
        quant_pre_process(model, path, skip_symbolic_shape=True)
    return path


def static(method=CalibrationMethod.MinMax, per_channel=True, u8s8=True, **options):
    def run(model, samples, output):
        path = preprocessed(model, output)
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(path, output, Reader(samples), quant_format=QuantFormat.QDQ,
                        per_channel=per_channel, calibrate_method=method,
                        extra_options=options or None, **(kinds if u8s8 else {}))
        os.unlink(path)
    return run


def default(model, samples, output):
    quantize_static(model, output, Reader(samples))


def dynamic(per_channel):
    def run(model, _, output):
        path = preprocessed(model, output)
        quantize_dynamic(path, output, weight_type=QuantType.QInt8, per_channel=per_channel)
        os.unlink(path)
    return run


def blocks(bits, size=32):
    def run(model, _, output):
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
        loaded = onnx.load(model)
        if not any(node.op_type == "MatMul" for node in loaded.graph.node):
            raise ValueError("the model has no MatMul")
        quantizer = MatMulNBitsQuantizer(loaded, bits=bits, block_size=size, is_symmetric=True,
                                         accuracy_level=4)
        quantizer.process()
        quantizer.model.save_model_to_file(output, False)
    return run


SETTINGS = {
    "default": default,
    "u8s8-minmax": static(),
    "u8s8-entropy": static(CalibrationMethod.Entropy),
    "u8s8-percentile": static(CalibrationMethod.Percentile),
    "u8s8-percentile-99.9999": static(CalibrationMethod.Percentile, CalibPercentile=99.9999),
    "dynamic": dynamic(True),
    "dynamic-per-tensor": dynamic(False),
    "nbits4": blocks(4),
    "nbits8": blocks(8),
}
