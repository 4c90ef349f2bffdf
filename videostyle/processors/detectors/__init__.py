"""Detectors of faces and persons. Their weights come from packages that ship them, or from a file of the user.

Weights are TensorFlow Lite or ONNX files, which hold arrays and operations; nothing is unpickled, and no code of the
packages that ship them is run.
"""
