"""``python -m studies.cardinality run``, ``repeat ARM SEED``, ``analyse``, ``list``."""

import argparse
from pathlib import Path

from resnext_lib.complexity import count_parameters
from studies.cardinality import run as study
from studies.cardinality.analyse import analyse
from studies.cardinality.arms import ARMS, build, macs


def main(argv=None):
    parser = argparse.ArgumentParser("python -m studies.cardinality", description="The study of PROTOCOL.md.")
    parser.add_argument("--out", type=Path, default=study.HERE, help="where the results are (default: beside this program)")
    parser.add_argument("--images", default=study.IMAGES, help="the folder of Fashion-MNIST's four files (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print the arms with their costs, run nothing")
    commands.add_parser("run", help="do what is left; may be stopped at any time").add_argument(
        "--workers", type=int, default=2, choices=range(1, 65), metavar="N", help="processes of one thread (default: 2)"
    )
    again = commands.add_parser("repeat", help="run one row again and compare; writes nothing")
    again.add_argument("arm", choices=ARMS)
    again.add_argument("seed", type=int)
    commands.add_parser("analyse", help="the analysis that the protocol names").add_argument(
        "--write", action="store_true", help="write what the book reads, too"
    )
    options = parser.parse_args(argv)
    if options.command == "list":
        for arm, (cardinality, width, seeds) in ARMS.items():
            print(
                f"{arm:12} {cardinality}x{width}d {count_parameters(build(arm, 0)):9,} parameters {macs(arm):12,} MACs, "
                f"{len(seeds)} seeds"
            )
    elif not options.out.is_dir():
        parser.error(f"--out {options.out} is no folder")
    elif options.command == "run":
        study.run(options.out, options.images, options.workers)
    elif options.command == "analyse":
        try:
            analyse(options.out, options.write)
        except ValueError as error:
            parser.error(str(error))
    else:
        stored, fresh = study.repeat(options.out, options.arm, options.seed, options.images)
        for name in study.RUN_COLUMNS:
            print(f"{name:15} {stored[name]:>12.12} {str(fresh[name]):>12.12}")


if __name__ == "__main__":
    main()
