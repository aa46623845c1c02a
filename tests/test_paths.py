"""Paths: their terms add up to the sum, and a network without one says what became of its batch norm."""

import copy

import pytest
import torch
from torch.testing import assert_close

from resnext_lib import data, forms
from resnext_lib.networks import small_resnext
from resnext_lib.paths import path_contributions, set_statistics, without_path
from resnext_lib.weights import trained_small_resnext
from studies import paths as study
from tests_randomness import randomise
