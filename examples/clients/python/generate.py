"""Writes the stubs of proto/spheresim beside this file: python generate.py"""

import sys
from pathlib import Path

from grpc_tools import protoc

here = Path(__file__).resolve().parent
contracts = here.parents[2] / "proto"


def main() -> int:
    # Ours alone. google/protobuf comes with the protobuf package; etcd's contracts are not needed to follow a pod.
    files = sorted(str(path.relative_to(contracts)) for path in (contracts / "spheresim").rglob("*.proto"))
    if not files:
        print(f"generate: no .proto file below {contracts}/spheresim; run it from a checkout of spheresim", file=sys.stderr)
        return 2
    well_known = Path(protoc.__file__).parent / "_proto"
    outputs = [f"--{kind}_out={here}" for kind in ("python", "pyi", "grpc_python")]
    return protoc.main(["protoc", f"-I{contracts}", f"-I{well_known}", *outputs, *files])


if __name__ == "__main__":
    sys.exit(main())
