"""How the layers of the canvas move: each as the places that belong to it, extrapolated smoothly to where it is hidden.

Motions are in units (``motion.mesh``).
"""

from __future__ import annotations

import numpy as np

from videostyle.frames import Float32Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.layers import Layers
from videostyle.motion.scene_motion import SceneMotion, at_vertices, on_lattice

REACHES = (0.0, 1.2, 4.0)  # vertices; deviations of the surroundings that a motion is taken from, one after the other
AT_LARGE = (3.0,)  # the same, so wide that a few places of the wrong layer do not count
FAINT = 0.03  # weight of wider surroundings against narrower ones
SAME = 0.4  # units; motions this near to each other are the same
NEAR = 0.1  # of the distance of both layers' motions; a motion that far from a layer's counts half for it


def spread(
    motion: Float32Array, weight: Float32Array, beyond: Float32Array, reaches: tuple[float, ...] = REACHES
) -> Float32Array:
    """Extrapolates motion from where it is known to where it is not, by means over ever wider surroundings.

    Args:
        motion: ``[rows, columns, 2]``; any values with two channels.
        weight: ``[rows, columns]``, how well it is known.
        beyond: values far from everything known, ``[rows, columns, 2]`` or ``[2]``.
        reaches: deviations of the surroundings in vertices.

    *Source:* normalised convolution, Knutsson and Westin 1993.
    """
    cv2 = load_cv2()
    known = cv2.merge([motion * weight[..., None], weight])
    total, faint = np.zeros_like(known), np.float32(1)
    for reach in reaches:
        wide = cv2.GaussianBlur(known, (0, 0), reach, borderType=cv2.BORDER_REPLICATE) if reach else known
        total += faint * wide
        faint *= np.float32(FAINT)
    return (total[..., :2] + faint * beyond) / (total[..., 2:] + faint)


def motions_of_both(
    scene: SceneMotion, layers: Layers, of_camera: Float32Array, at_vertex: tuple[Float32Array, Float32Array]
) -> tuple[Float32Array, Float32Array]:
    """Motions of two layers that are both in use.

    Args:
        scene: motion of what is seen.
        layers: the layer that each place belonged to in the frame before.
        of_camera: motion of the camera, ``[rows, columns, 2]``.
        at_vertex: what ``scene`` gives at the vertices: motion and trust.

    Returns:
        Motions ``[2, rows, columns, 2]``; and what the motion of places tells of their belonging, ``[rows, columns]``:
        -1 (surely the first) to 1 (surely the second), 0 where nothing can be told.
    """
    cv2 = load_cv2()
    motion, trust = at_vertex
    owned = np.maximum(1 - layers.owner, 1 - layers.share), np.maximum(layers.owner, layers.share)
    of_second = trust * owned[1]
    mean = (motion * of_second[..., None]).sum(axis=(0, 1)) / (of_second.sum() + np.float32(1e-3))
    beyond = of_camera, mean.astype(np.float32)
    coarse = [spread(motion, trust * own, far, AT_LARGE) for own, far in zip(owned, beyond, strict=True)]
    here = on_lattice(cv2.merge(coarse))
    own_here = on_lattice(cv2.merge(owned))
    verdict, fits = belonging(scene.motion, here[..., :2], here[..., 2:])
    smoothed = at_vertices(verdict * scene.trust)
    weights = fits[0] * own_here[..., 0], fits[1] * own_here[..., 1]
    moving = [spread(*scene.at_vertices(weight), far) for weight, far in zip(weights, beyond, strict=True)]
    return np.stack(moving), smoothed


def belonging(
    motion: Float32Array, first: Float32Array, second: Float32Array
) -> tuple[Float32Array, tuple[Float32Array, Float32Array]]:
    """Which of two layers moves as a place does.

    Args:
        motion: of the scene, ``[h, w, 2]``.
        first: motion of the first layer, ``[h, w, 2]``.
        second: of the second.

    Returns:
        -1 (surely the first) to 1 (surely the second), 0 where nothing can be told, ``[h, w]``; and how far each
        place fits each layer, 0..1.
    """
    from_first, from_second, apart = (_squares(a - b) for a, b in ((motion, first), (motion, second), (first, second)))
    same = np.float32(SAME**2)
    both = from_first + from_second
    verdict = (from_first - from_second) / (both + same) * (apart > same)
    near = same + np.float32(NEAR**2) * apart
    fits_first, fits_second = ((d + same / 8) / (both + same / 4) for d in (from_second, from_first))
    return verdict, (fits_first**3 * near / (near + from_first), fits_second**3 * near / (near + from_second))


def _squares(vectors: Float32Array) -> Float32Array:
    return vectors[..., 0] ** 2 + vectors[..., 1] ** 2
