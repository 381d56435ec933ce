# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the trained classifier as ONNX, its batch normalisations as nodes of their own."""

import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class Graph:
    """Nodes in order and the weights they name."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, tensor):
        values = tensor.detach().contiguous().numpy()
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind, inputs, name, output=None, **attributes):
        output = output or name
        self.nodes.append(helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def convolution(self, source, module, norm, name):
        """Convolution, batch normalisation and rectifier."""
        weight = self.weight(f'{name}.weight', module.weight)
        x = self.add('Conv', [source, weight], f'{name}/conv', kernel_shape=module.kernel_size,
                     strides=module.stride, pads=module.padding * 2, group=module.groups)
        parts = [self.weight(f'{name}.norm.{part}', tensor) for part, tensor in
                 (('scale', norm.weight), ('bias', norm.bias), ('mean', norm.running_mean),
                  ('variance', norm.running_var))]
        x = self.add('BatchNormalization', [x, *parts], f'{name}/norm', epsilon=norm.eps)
        return self.add('Relu', [x], f'{name}/relu')


def build(model, side, names):
    graph = Graph()
    x = graph.convolution('picture', model.stem, model.stem_norm, 'stem')
    for i, block in enumerate(model.blocks, 1):
        y = graph.convolution(x, block.depthwise, block.depthwise_norm, f'block{i}/depthwise')
        y = graph.convolution(y, block.pointwise, block.pointwise_norm, f'block{i}/pointwise')
        x = graph.add('Add', [x, y], f'block{i}/add') if block.residual else y
    x = graph.add('GlobalAveragePool', [x], 'pool')
    x = graph.add('Flatten', [x], 'flatten', axis=1)
    weights = [graph.weight('head.weight', model.head.weight),
               graph.weight('head.bias', model.head.bias)]
    x = graph.add('Gemm', [x, *weights], 'head', transB=1)
    graph.add('Softmax', [x], 'softmax', 'probabilities', axis=1)
    inputs = [helper.make_tensor_value_info('picture', TensorProto.FLOAT, ['N', 3, side, side])]
    outputs = [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, ['N', len(names)])]
    return helper.make_graph(graph.nodes, 'everyday things', inputs, outputs, graph.weights)


def export(model, names, side, path):
    graph = build(model, side, names)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)],
                             ir_version=IR_VERSION, producer_name='Featherweight sample',
                             producer_version='1')
    file.doc_string = (f'Names the everyday thing in a drawn picture, one of {len(names)}: '
                       f'{", ".join(names)}.')
    helper.set_model_props(file, {'license': 'CC0-1.0'})
    onnx.checker.check_model(file, full_check=True)
    onnx.save(file, path)
