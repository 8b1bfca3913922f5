"""Style augmentation on whole batches: the same drawing, with another outline, palette, shading, place and background."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .towers import MEAN, STD

LUMA = torch.tensor([0.299, 0.587, 0.114])


def chance(count: int, probability: float) -> Tensor:
    """Indices of the samples that an effect falls on."""
    return (torch.rand(count) < probability).nonzero()[:, 0]


def between(low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape)


def waves(batch: int, size: int, channels: int, cells: int) -> Tensor:
    """Smooth random fields with about `cells` hills a side; [B, channels, size, size], deviation somewhat below 1."""
    return F.interpolate(torch.randn(batch, channels, cells, cells), size=size, mode="bicubic", align_corners=True)


def place(premultiplied: Tensor, size: int, flip: Tensor) -> Tensor:
    """Random scale, aspect, rotation, shear, shift and bending. [B, 4, H, H] -> [B, 4, size, size]; flip [B] is 1 or -1."""
    batch = len(premultiplied)
    bend = (torch.rand(batch) < 0.5).float() * between(0.02, 0.09, batch)  # moves points by a few pixels: other proportions
    angle = torch.randn(batch) * math.radians(9)
    zoom = 1 / between(0.55, 1.2, batch)  # above 1: the drawing becomes smaller
    stretch = torch.exp(torch.randn(batch) * 0.07)
    shear = torch.randn(batch) * 0.06
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.zeros(batch, 2, 3)
    matrix[:, 0, 0] = flip * zoom * stretch * cos
    matrix[:, 0, 1] = flip * zoom * (shear - sin)
    matrix[:, 1, 0] = zoom * sin
    matrix[:, 1, 1] = zoom / stretch * cos
    room = (zoom - 1).abs() * 0.8 + 0.08
    matrix[:, :, 2] = between(-1, 1, batch, 2) * room[:, None]
    grid = F.affine_grid(matrix, [batch, 4, size, size], align_corners=False)
    grid = grid + waves(batch, size, 2, 4).permute(0, 2, 3, 1) * bend[:, None, None, None]
    return F.grid_sample(premultiplied, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def beside(placed: Tensor, rows: Tensor) -> None:
    """Puts another drawing of the batch, small, behind `rows`, in place: drawings often show more than their subject. Premultiplied."""
    size = placed.shape[-1]
    others = placed[rows - 1]  # a copy; the first's neighbour is the last
    for row, other in zip(rows.tolist(), others):
        side = int(size * (0.25 + 0.25 * torch.rand(()).item()))
        small = F.interpolate(other[None], size=side, mode="bilinear", antialias=True)[0]
        top, left = torch.randint(0, size - side + 1, (2,)).tolist()
        window = placed[row, :, top : top + side, left : left + side]
        window += small * (1 - window[3:])


def backgrounds(batch: int, size: int) -> Tensor:
    """White (half), one colour, or a gradient of two; [B, 3, size, size]."""
    colour = torch.rand(batch, 3, 1, 1)
    other = torch.rand(batch, 3, 1, 1)
    pale = (torch.rand(batch, 1, 1, 1) < 0.6).float()
    colour = pale * (0.75 + 0.25 * colour) + (1 - pale) * colour
    kind = torch.rand(batch)
    colour[kind < 0.5] = 1.0
    ramp = torch.linspace(0, 1, size)
    angle = torch.rand(batch, 1, 1) * 2 * math.pi
    slope = torch.cos(angle) * ramp[None, None, :] + torch.sin(angle) * ramp[None, :, None]
    slope = ((slope + 1) / 2).unsqueeze(1) * (kind > 0.82).float()[:, None, None, None]
    return colour + (other - colour) * slope


def contour(alpha: Tensor, width: int) -> Tensor:
    """How much of an outline of `width` pixels lies around the opaque part; [B, 1, S, S]."""
    return F.max_pool2d(alpha, 2 * width + 1, stride=1, padding=width) - alpha


def edges(pixels: Tensor) -> Tensor:
    """Strength of brightness and colour edges, 0 to 1; [B, 3, S, S] -> [B, 1, S, S]."""
    dx = F.pad((pixels[..., 1:] - pixels[..., :-1]).abs(), (0, 1))
    dy = F.pad((pixels[..., 1:, :] - pixels[..., :-1, :]).abs(), (0, 0, 0, 1))
    return ((dx + dy).amax(1, keepdim=True) * 2.2).clamp(0, 1)


def recolour(pixels: Tensor, rows: Tensor, strength: float) -> None:
    """Turns hue and scales saturation about grey with one 3x3 matrix a picture, in place."""
    count = len(rows)
    angle = (torch.rand(count) - 0.5) * 2 * math.pi * strength
    cos, sin = torch.cos(angle)[:, None, None], (torch.sin(angle) / math.sqrt(3))[:, None, None]
    cross = torch.tensor([[0.0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    mean = torch.full((3, 3), 1 / 3)
    turn = mean + cos * (torch.eye(3) - mean) + sin * cross
    saturation = between(0.3, 1.5, count, 1, 1)
    matrix = saturation * turn + (1 - saturation) * LUMA.expand(3, 3)
    pixels[rows] = torch.einsum("bij,bjhw->bihw", matrix, pixels[rows]).clamp(0, 1)


def blur(pixels: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def shade(pixels: Tensor, rows: Tensor) -> None:
    """Soft light and shadow over a picture, in place: shading that flat drawings lack and others have."""
    light = torch.exp(waves(len(rows), pixels.shape[-1], 1, 3) * between(0.1, 0.35, len(rows), 1, 1, 1))
    pixels[rows] = (pixels[rows] * light).clamp(0, 1)


def other_strokes(pixels: Tensor, rows: Tensor) -> None:
    """Every picture through a random 3x3 filter over space and colour, mixed with the original and brought back to its range."""
    count, size = len(rows), pixels.shape[-1]
    if count == 0:
        return
    original = pixels[rows]
    kernels = torch.randn(count * 3, 3, 3, 3) * 27**-0.5
    padded = F.pad(original, (1, 1, 1, 1), mode="replicate").reshape(1, count * 3, size + 2, size + 2)
    filtered = F.conv2d(padded, kernels, groups=count).view(count, 3, size, size)
    share = between(0.2, 0.8, count, 1, 1, 1)
    mixed = share * original + (1 - share) * filtered
    low, high = mixed.amin((2, 3), keepdim=True), mixed.amax((2, 3), keepdim=True)
    floor, roof = original.amin((1, 2, 3), keepdim=True), original.amax((1, 2, 3), keepdim=True)
    pixels[rows] = floor + (mixed - low) / (high - low + 1e-3) * (roof - floor)


def other_spectrum(pixels: Tensor, rows: Tensor) -> None:
    """Pictures with some of another's amplitudes in the frequency domain, and their own phases, in place: shapes lie in the phases,
    much of a style in the amplitudes (Xu et al. 2021, "A Fourier-based framework for domain generalization")."""
    if len(rows) == 0:
        return
    spectrum = torch.fft.rfft2(pixels[rows])
    amplitude = spectrum.abs()
    share = between(0, 0.8, len(rows), 1, 1, 1)
    mixed = (1 - share) * amplitude + share * amplitude.roll(1, 0)
    size = pixels.shape[-2:]
    pixels[rows] = torch.fft.irfft2(spectrum * (mixed / (amplitude + 1e-6)), s=size).clamp(0, 1)


def augment(rgba: Tensor, size: int, keeps_colour: Tensor, may_flip: Tensor) -> Tensor:
    """uint8 [B, H, H, 4] with straight alpha -> normalised float [B, 3, size, size].

    keeps_colour [B] marks flags and other concepts that are their colours; may_flip [B] marks concepts that a mirror leaves what they are.
    """
    batch = len(rgba)
    straight = rgba.permute(0, 3, 1, 2).float().div_(255)
    alpha = straight[:, 3:]
    flip = 1 - 2 * (may_flip & (torch.rand(batch) < 0.4)).float()
    placed = place(torch.cat([straight[:, :3] * alpha, alpha], 1), size, flip)
    beside(placed, chance(batch, 0.12))
    colour, alpha = placed[:, :3], placed[:, 3:]
    pixels = colour + backgrounds(batch, size) * (1 - alpha)

    free = ~keeps_colour
    for width, probability in ((1, 0.18), (2, 0.07)):
        rows = chance(batch, probability)
        ink = contour(alpha[rows], width) * between(0.7, 1, len(rows), 1, 1, 1)
        pixels[rows] = pixels[rows] * (1 - ink)
    rows = chance(batch, 0.16)
    pixels[rows] = pixels[rows] * (1 - 0.9 * edges(pixels[rows]))
    rows = chance(batch, 0.5)
    recolour(pixels, rows[free[rows]], 0.16)
    rows = chance(batch, 0.12)
    recolour(pixels, rows[free[rows]], 1.0)
    rows = chance(batch, 0.15)
    rows = rows[free[rows]]
    pixels[rows] = (pixels[rows] * LUMA[:, None, None]).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    rows = chance(batch, 0.07)
    rows = rows[free[rows]]
    pixels[rows] = 1 - edges(pixels[rows]).expand(-1, 3, -1, -1)
    shade(pixels, chance(batch, 0.35))
    rows = chance(batch, 0.12)
    other_strokes(pixels, rows[free[rows]])
    rows = chance(batch, 0.1)
    other_spectrum(pixels, rows[free[rows]])
    rows = chance(batch, 0.3)
    pixels[rows] = pixels[rows].clamp(1e-3, 1).pow(torch.exp(torch.randn(len(rows), 1, 1, 1) * 0.35))
    rows = chance(batch, 0.08)
    levels = torch.randint(2, 6, (len(rows), 1, 1, 1)).float()
    pixels[rows] = (pixels[rows] * levels).round() / levels
    rows = chance(batch, 0.15)
    pixels[rows] = blur(pixels[rows])
    rows = chance(batch, 0.1)
    small = F.interpolate(pixels[rows], scale_factor=0.5, mode="bilinear", antialias=True)
    pixels[rows] = F.interpolate(small, size=size, mode="bilinear")
    rows = chance(batch, 0.04)
    rows = rows[free[rows]]
    pixels[rows] = 1 - pixels[rows]
    rows = chance(batch, 0.1)
    pixels[rows] = (pixels[rows] + torch.randn_like(pixels[rows]) * 0.06).clamp(0, 1)
    return normalise(pixels)


def normalise(pixels: Tensor) -> Tensor:
    """[B, 3, S, S] from 0..1 to CLIP's mean 0 and deviation 1."""
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
