# SPDX-License-Identifier: GPL-3.0-or-later

"""AMD Quark for ONNX."""

import copy

from quark.onnx import (
    A8W8_QCONFIG, XINT8_QCONFIG, AdaRoundConfig, BiasCorrectionConfig, CalibMethod, CLEConfig,
    Int8Spec, ModelQuantizer, QConfig, QLayerConfig, QuantGranularity, UInt8Spec)

from .reader import Reader


def quantize(settings):
    def run(model, samples, output):
        ModelQuantizer(copy.deepcopy(settings)).quantize_model(model, output, Reader(samples))
    return run


def with_algorithms(settings, *algorithms):
    settings = copy.deepcopy(settings)
    settings.algo_config = list(algorithms)
    return quantize(settings)


def u8s8(method, *algorithms):
    """Unsigned activations and a scale for each channel: what ONNX Runtime runs best on x64."""
    settings = QConfig(
        global_config=QLayerConfig(
            activation=UInt8Spec(symmetric=False, calibration_method=method),
            weight=Int8Spec(quant_granularity=QuantGranularity.Channel)),
        algo_config=list(algorithms),
        extra_options={"ForceQuantizeNoInputCheck": True})
    return quantize(settings)


SETTINGS = {
    "xint8": quantize(XINT8_QCONFIG),
    "xint8-cle-bc": with_algorithms(XINT8_QCONFIG, CLEConfig(), BiasCorrectionConfig()),
    "a8w8": quantize(A8W8_QCONFIG),
    "a8w8-cle-bc": with_algorithms(A8W8_QCONFIG, CLEConfig(), BiasCorrectionConfig()),
    "u8s8-minmax": u8s8(CalibMethod.MinMax),
    "u8s8-percentile": u8s8(CalibMethod.Percentile),
    "u8s8-bc": u8s8(CalibMethod.MinMax, BiasCorrectionConfig()),
    "u8s8-cle-bc": u8s8(CalibMethod.MinMax, CLEConfig(), BiasCorrectionConfig()),
    "u8s8-adaround": u8s8(CalibMethod.MinMax, AdaRoundConfig(num_iterations=300,
                                                             batch_size=8)),
}
