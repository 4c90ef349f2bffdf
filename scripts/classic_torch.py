"""The classic per-frame program, for comparison: OpenCV reads, a Johnson network in PyTorch paints, ffmpeg writes.

32-64-128 channels, five residual blocks, instance normalisation, float32: what nearly every style program of
the last ten years runs, written plainly and without waste. PyTorch is not needed by anything else here.

    python scripts/classic_torch.py INPUT OUTPUT [--frames 60]
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from videostyle.media.ffmpeg.process import ffmpeg_exe


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """Reflection padding, convolution, instance normalisation, ReLU."""
    return nn.Sequential(
        nn.ReflectionPad2d(size // 2),
        nn.Conv2d(inputs, outputs, size, stride),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """Two convolutions and a way round them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*convolution(channels, channels, 3), *list(convolution(channels, channels, 3))[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``[N, C, H, W]`` to the same."""
        return x + self.branch(x)


def network() -> nn.Module:
    """Johnson et al. 2016 with nearest-neighbour upsampling; RGB 0..1 in, about 0..1 out."""
    up = nn.Upsample(scale_factor=2)
    return nn.Sequential(
        convolution(3, 32, 9),
        convolution(32, 64, 3, 2),
        convolution(64, 128, 3, 2),
        *(Residual(128) for _ in range(5)),
        up,
        convolution(128, 64, 3),
        up,
        convolution(64, 32, 3),
        nn.ReflectionPad2d(4),
        nn.Conv2d(32, 3, 9),
    ).eval()


def load(path: str | Path) -> nn.Module:
    """The network with published weights: ``NAME/kernel`` (kh, kw, in, out), ``NAME/bias``, norms ``gamma``, ``beta``.

    These networks take and give RGB 0..255.
    """
    model, blocks = network(), range(1, 6)
    convolutions = ["conv1", "conv2", "conv3", *(f"res{i}.conv{j}" for i in blocks for j in (1, 2))]
    norms = ["in1", "in2", "in3", *(f"res{i}.in{j}" for i in blocks for j in (1, 2)), "in4", "in5"]
    convolutions += ["deconv1", "deconv2", "deconv3"]
    with np.load(path, allow_pickle=False) as arrays, torch.no_grad():
        layers = list(model.modules())
        for layer, name in zip((m for m in layers if isinstance(m, nn.Conv2d)), convolutions, strict=True):
            layer.weight.copy_(torch.from_numpy(arrays[f"{name}/kernel"].transpose(3, 2, 0, 1).copy()))
            layer.bias.copy_(torch.from_numpy(arrays[f"{name}/bias"].copy()))
        for layer, name in zip((m for m in layers if isinstance(m, nn.InstanceNorm2d)), norms, strict=True):
            layer.weight.copy_(torch.from_numpy(arrays[f"{name}/gamma"].copy()))
            layer.bias.copy_(torch.from_numpy(arrays[f"{name}/beta"].copy()))
    return model


def paint(model: nn.Module, frames: np.ndarray) -> np.ndarray:
    """Frames uint8 ``[T, H, W, 3]`` RGB through a network of ``load``."""
    painted = []
    with torch.inference_mode():
        for frame in frames:
            x = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
            y = model(x)[0].clamp(0, 255).round().to(torch.uint8)
            painted.append(y.permute(1, 2, 0).numpy())
    return np.stack(painted)


def main() -> None:
    """Paints and prints frames a second, start-up not counted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()

    torch.manual_seed(0)
    model = network()
    capture = cv2.VideoCapture(options.input)
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    rate = capture.get(cv2.CAP_PROP_FPS)
    command = [
        ffmpeg_exe(),
        "-loglevel",
        "error",
        "-y",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "bgr24",
        "-s",
        f"{width}x{height}",
    ]
    command += [
        "-r",
        str(rate),
        "-i",
        "-",
        "-c:v",
        "libx264",
        "-preset",
        "medium",
        "-pix_fmt",
        "yuv420p",
        options.output,
    ]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE)
    pipe: Any = writer.stdin
    count, began = 0, 0.0
    with torch.inference_mode():
        while count < options.frames:
            ok, frame = capture.read()
            if not ok:
                break
            rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            x = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
            y = (model(x)[0, :, :height, :width].clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).numpy()
            pipe.write(cv2.cvtColor(y, cv2.COLOR_RGB2BGR).tobytes())
            count += 1
            if count == 1:
                began = time.perf_counter()  # the first frame pays for the start
    seconds = time.perf_counter() - began
    pipe.close()
    writer.wait()
    print(f"{(count - 1) / seconds:.2f} frames/s over {count - 1} frames")


if __name__ == "__main__":
    main()
