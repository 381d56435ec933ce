# SPDX-License-Identifier: GPL-3.0-or-later

"""NNCF's backend for ONNX."""

import nncf
import onnx


def quantize(**options):
    def run(model, samples, output):
        result = nncf.quantize(onnx.load(model), nncf.Dataset(samples),
                               subset_size=len(samples), **options)
        onnx.save(result, output)
    return run


def transformer(model, samples, output):
    loaded = onnx.load(model)
    if not any(node.op_type == "Softmax" for node in loaded.graph.node):
        raise ValueError("the model is no transformer")
    quantize(model_type=nncf.ModelType.TRANSFORMER)(model, samples, output)


def compress(mode, **options):
    def run(model, _, output):
        onnx.save(nncf.compress_weights(onnx.load(model), mode=mode, **options), output)
    return run


MIXED = {"preset": nncf.QuantizationPreset.MIXED}

SETTINGS = {
    "default": quantize(),
    "mixed": quantize(**MIXED),
    "mixed-bias-correction": quantize(fast_bias_correction=False, **MIXED),
    "transformer": transformer,
    "weights-int8": compress(nncf.CompressWeightsMode.INT8_ASYM),
    "weights-int8-symmetric": compress(nncf.CompressWeightsMode.INT8_SYM),
    "weights-int4": compress(nncf.CompressWeightsMode.INT4_SYM, group_size=32, ratio=1.0,
                             all_layers=True),
}
