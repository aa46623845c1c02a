"""One torch thread a process: two workers with two threads each wait for one another, 3 times as long."""

import torch

torch.set_num_threads(1)
