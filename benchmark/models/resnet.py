"""Residual networks for small images: a 3 x 3 stem, stages of basic blocks, the mean over positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.models.base import InputShape, Network
from benchmark.models.stem import Stem


def conv3(a: int, b: int, stride: int = 1) -> nn.Conv2d:
    """3 x 3 convolution that keeps the size at stride 1."""
    return nn.Conv2d(a, b, 3, stride, padding=1, bias=False)


class Block(nn.Module):
    """relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)); a projection (1 x 1 convolution with batch norm) where the shape changes."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv3(a, b, stride), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = conv3(b, b), nn.BatchNorm2d(b)
        same = stride == 1 and a == b
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H / stride, W / stride)."""
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(out + self.shortcut(x), inplace=True)


class PreActivationBlock(nn.Module):
    """conv(relu(bn(conv(relu(bn(x)))))) + x; where the shape changes, the shortcut projects relu(bn(x)) by a 1 x 1 convolution."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), conv3(a, b, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), conv3(b, b)
        self.shortcut = None if stride == 1 and a == b else nn.Conv2d(a, b, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, H, W) -> (B, b, H / stride, W / stride)."""
        first = F.relu(self.bn1(x), inplace=True)
        out: Tensor = self.conv2(F.relu(self.bn2(self.conv1(first)), inplace=True))
        return out + (x if self.shortcut is None else self.shortcut(first))


class ResNet(Network):
    """Residual network with basic blocks (He et al., 2015, arXiv:1512.03385) and a 3 x 3 stem for small images.

    ``preactivation``: batch norm and ReLU stand before the convolutions (He et al., 2016, arXiv:1603.05027), and once after the last block, as
    in the paper; the PreAct-ResNet-18 that noisy-label code hands round leaves that last one out (1,024 parameters fewer).

    resnet8: widths 16, 32, 64 with a block each. resnet34: 64 to 512 with 3, 4, 6, 3 blocks. preact_resnet18: 64 to 512 with 2 blocks each.
    wide_resnet28_10: stem 16, widths 160, 320, 640 with 4 blocks each (Zagoruyko and Komodakis, 2016, arXiv:1605.07146).

    Args:
        stem: channels of the first convolution; the first width by default.
    """

    plugin_name: ClassVar[str] = "resnet"  # several yamls are presets of it

    inputs: ClassVar[frozenset[str]] = frozenset({"image"})

    def __init__(
        self,
        inputs: InputShape,
        outputs: int,
        widths: Sequence[int] = (16, 32, 64),
        blocks: Sequence[int] = (1, 1, 1),
        preactivation: bool = False,
        stem: int | None = None,
    ) -> None:
        super().__init__()
        kind, a = PreActivationBlock if preactivation else Block, stem or widths[0]
        body: list[nn.Module] = [Stem(), conv3(inputs.shape[0], a)]
        body += [] if preactivation else [nn.BatchNorm2d(a), nn.ReLU(inplace=True)]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for i in range(count):
                body.append(kind(a, width, 2 if stage > 0 and i == 0 else 1))
                a = width
        body += [nn.BatchNorm2d(a), nn.ReLU(inplace=True)] if preactivation else []
        self.body = nn.Sequential(*body)
        self.head = nn.Linear(a, outputs)
        for module in self.body.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, last width)."""
        features: Tensor = self.body(x)
        return features.mean((2, 3))
