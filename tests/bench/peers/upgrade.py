# SPDX-License-Identifier: GPL-3.0-or-later

"""What the peers' manuals ask of a model before they are begun with.

Operator set 13 or later (scales for each channel need it), weights off the list of inputs, a name
for each node. Where that changes answers or fails, the peers get the original. Its time is not counted against them.
"""

import numpy as np
import onnx
from onnx import version_converter

from . import measure

WANTED = (17, 15, 13)


def without_weights_as_inputs(model):
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 8)
    return model


def with_own_names(model):
    """Names of nodes and of values between them that can't clash with those that a peer makes."""
    graph = model.graph
    if any(attribute.HasField("g") or attribute.graphs
           for node in graph.node for attribute in node.attribute):
        return model
    kept = {value.name for value in list(graph.input) + list(graph.output)}
    kept |= {tensor.name for tensor in graph.initializer} | {""}
    names = {}
    for i, node in enumerate(graph.node):
        node.name = f"{node.op_type.lower()}_{i}"
        for j, name in enumerate(node.output):
            if name not in kept:
                names[name] = f"value_{i}_{j}"
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    del graph.value_info[:]
    return model


def same_outputs(path, other, feed):
    for one, two in zip(measure.run_all(path, [feed])[0], measure.run_all(other, [feed])[0]):
        if one.shape != two.shape or not np.allclose(one, two, rtol=1e-2, atol=1e-3):
            return False
    return True


def upgrade(path, output, feed):
    """Writes @output; says what was done."""
    model = with_own_names(without_weights_as_inputs(onnx.load(path)))
    version = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")),
                   1)
    reason = "as it is"
    for wanted in WANTED if version < 13 else ():
        try:
            onnx.save(version_converter.convert_version(model, wanted), output)
            if same_outputs(path, output, feed):
                return f"operator set {version} to {wanted}"
            reason = f"answers changed at operator set {wanted}"
        except Exception as error:  # the converter raises many kinds
            lines = str(error).strip().splitlines()
            reason = f"stays at {version}: {lines[0][:120] if lines else error!r}"
    onnx.save(model, output)
    if not same_outputs(path, output, feed):
        onnx.save(onnx.load(path), output)
    return reason
