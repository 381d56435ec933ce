# SPDX-License-Identifier: GPL-3.0-or-later

"""onnx-neural-compressor, where Intel's Neural Compressor for ONNX went on."""

import onnx
from onnx_neural_compressor.quantization import config, quantize as entry
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType

from .reader import Reader

quantize = getattr(entry, "quantize", entry)


def static(method=CalibrationMethod.MinMax, per_channel=True, smooth=None):
    def run(model, samples, output):
        options = {"ActivationSymmetric": False}
        if smooth is not None:
            options.update({"SmoothQuant": True, "SmoothQuantAlpha": smooth,
                            "SmoothQuantFolding": True})
        settings = config.StaticQuantConfig(
            calibration_data_reader=Reader(samples), calibrate_method=method,
            quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=per_channel,
            calibration_sampling_size=len(samples), extra_options=options,
            execution_provider="CPUExecutionProvider")
        quantize(model, output, settings)
    return run


def dynamic(model, _, output):
    quantize(model, output, config.DynamicQuantConfig(
        weight_type=QuantType.QInt8, execution_provider="CPUExecutionProvider"))


def round_to_nearest(bits):
    def run(model, _, output):
        from onnx_neural_compressor.quantization.matmul_nbits_quantizer import (
            MatMulNBitsQuantizer, RTNWeightOnlyQuantConfig)
        quantizer = MatMulNBitsQuantizer(
            onnx.load(model), n_bits=bits, block_size=32, is_symmetric=True,
            algo_config=RTNWeightOnlyQuantConfig())
        quantizer.process()
        result = quantizer.model
        onnx.save(getattr(result, "model", result), output)
    return run


SETTINGS = {
    "static": static(),
    "static-percentile": static(CalibrationMethod.Percentile),
    "static-entropy": static(CalibrationMethod.Entropy),
    "static-smooth": static(smooth=0.5),
    "dynamic": dynamic,
    "rtn4": round_to_nearest(4),
}
