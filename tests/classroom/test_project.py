"""The mini-project: six faults, each seen as the key says, and a repaired network that is torchvision's."""

import re

import pytest
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

from tools import project
from tools.facts import ROOT

KEY = project.KEY.read_text(encoding="utf-8")
SHEET = (ROOT / "teaching" / "project" / "project.md").read_text(encoding="utf-8")


def network_class(text):
    made = {}
    exec(text, made)
    return made["ResNeXt"]


@pytest.fixture(scope="module")
def reference():
    """torchvision's network with statistics that are not 0 and 1, so that batch norms matter."""
    torch.manual_seed(0)
    network = torchvision.models.resnext50_32x4d().double().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.running_mean.normal_(0, 0.1)
    return network


def counted(made):
    """Parameters and MACs at 224×224 as the key writes them."""
    with torch.device("meta"):
        network, image = made().eval(), torch.empty(1, 3, 224, 224)
    parameters = f"{sum(p.numel() for p in network.parameters()):,}"
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(image)
    except RuntimeError:
        return parameters, "does not run"
    return parameters, f"{counter.get_total_flops() // 2:,}"


def compared(made, reference):
    """How far the outputs are from the reference's, as the key writes it."""
    network, x = made().double().eval(), torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    try:
        network.load_state_dict(reference.state_dict())
    except RuntimeError:
        return "cannot be loaded"
    with torch.no_grad():
        difference = (network(x) - reference(x)).abs().max() / reference(x).abs().max()
    return "0" if difference == 0 else "below 1 %" if 1e-6 < difference < 0.01 else "above 1 %"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", ["none", *project.faults()])
def test_each_fault_is_seen_as_the_key_says(fault, reference):
    made = network_class(project.repaired(*({fault} - {"none"})))
    (row,) = re.findall(rf"^\| {fault} \| ([^|`]+) \| ([^|`]+) \| ([^|`]+) \|$", KEY, re.MULTILINE)
    assert (*counted(made), compared(made, reference)) == row


def test_the_file_as_it_is_handed_out_has_all_six_and_does_not_run():
    assert len(project.faults()) == 6
    text = project.TYPED.read_text(encoding="utf-8")
    assert project.repaired(*project.faults()) == text
    with torch.device("meta"), pytest.raises(RuntimeError), torch.no_grad():
        network_class(text)().eval()(torch.empty(1, 3, 224, 224))


def test_the_students_sheet_does_not_hold_the_key():
    lines = [line for pairs in project.faults().values() for _, right in pairs for line in [right] if len(line) > 15]
    assert lines and not [line for line in lines if line in SHEET]
    folder = {path.name for path in (ROOT / "teaching" / "project").iterdir()} - {"__pycache__"}
    assert folder == {"project.md", "resnext_to_repair.py"}


def test_the_rubric_adds_up():
    points = [int(number) for number in re.findall(r"^\| [\w ]+ \| (\d+) \|", SHEET, re.MULTILINE)]
    assert f"{sum(points)} points." in SHEET and len(points) == 5


def test_the_command_writes_a_file_for_each_fault(tmp_path):
    project.main([str(tmp_path / "key")])
    made = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "key").glob("*.py")}
    assert made == {"right": project.repaired()} | {name: project.repaired(name) for name in project.faults()}
    assert len(set(made.values())) == 7


def test_a_key_that_does_not_fit_the_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "resnext_to_repair.py").write_text("import torch\n", encoding="utf-8")
    monkeypatch.setattr(project, "TYPED", tmp_path / "resnext_to_repair.py")
    with pytest.raises(SystemExit, match="'if stride == 1:' 0 times, and project_key.md says that it is fault projection"):
        project.main([str(tmp_path / "key")])
    assert not (tmp_path / "key").exists()
