"""ResNeXt-50 (32x4d), as a student typed it from memory. It has six faults; nothing else is wrong."""

import torch
from torch import nn


def projection(in_channels, out_channels, stride):
    """The shortcut's 1x1 convolution with batch norm, or nothing where the input fits as it is."""
    if stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


class Block(nn.Module):
    """The block in form C: 1x1 down, 3x3 in groups, 1x1 up, and the shortcut."""

    def __init__(self, in_channels, width, out_channels, cardinality, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, padding=1, groups=width // cardinality, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels, eps=1e-3)
        self.downsample = projection(in_channels, out_channels, stride)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = torch.relu(self.bn3(self.conv3(x)))
        return x + shortcut


class ResNeXt(nn.Module):
    """Table 1 of the paper, for images of 224x224."""

    def __init__(self, blocks=(3, 4, 6, 3), cardinality=32, bottleneck_width=4):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        in_channels = 64
        for number, count in enumerate(blocks, 1):
            stage_width = 64 * 2 ** (number - 1)
            width = cardinality * bottleneck_width
            stage = []
            for index in range(count):
                stride = 2 if number > 1 and index == 0 else 1
                stage.append(Block(in_channels, width, 4 * stage_width, cardinality, stride))
                in_channels = 4 * stage_width
            setattr(self, f"layer{number}", nn.Sequential(*stage))
        self.fc = nn.Linear(in_channels, 1000)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))
