"""Places the pods of a manifest and follows their fourteen steps as they happen.

Exit status: 0 when every pod runs, 1 when one does not, 2 for a wrong call, 3 when no emulator answers.
"""

import argparse
import os
import sys
from pathlib import Path

import grpc

try:
    from spheresim.emulator.v1 import emulator_pb2, emulator_service_pb2_grpc, journal_pb2
except ModuleNotFoundError:
    sys.exit("place: the stubs are missing; make them with: python generate.py")

# The port of a plain `npm start`.
DEFAULT_EMULATOR = "127.0.0.1:7431"
# How much longer than the emulator's own time-out a call may take.
GRACE_S = 10


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="place the pods of a manifest and follow their fourteen steps")
    parser.add_argument("manifest", type=Path, help="YAML or JSON, as for kubectl apply")
    parser.add_argument("--emulator", default=os.environ.get("SPHERESIM_EMULATOR", DEFAULT_EMULATOR), help="host:port of the emulator room (default: $SPHERESIM_EMULATOR, then %(default)s)")
    parser.add_argument("--namespace", default="default", help="namespace of objects that name none")
    parser.add_argument("--timeout", type=int, default=60, metavar="SECONDS", help="give up after this long")
    return parser.parse_args()


def channel(address: str) -> grpc.Channel:
    """Plain, or mutual TLS where the emulator was started with --tls: its data directory then holds a certificate for clients."""
    folder = Path(os.environ.get("SPHERESIM_DATA_DIR", "")) / "tls"
    if not (folder / "grpc-client.crt").exists():
        return grpc.insecure_channel(address)
    authority, certificate, key = ((folder / name).read_bytes() for name in ("ca.crt", "grpc-client.crt", "grpc-client.key"))
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(authority, key, certificate))


def show_step(step: journal_pb2.StepRecord, origin_ms: float) -> None:
    number = f"D{step.step - 100}" if step.step > 100 else str(step.step)
    mark = "ok" if step.outcome == journal_pb2.OUTCOME_OK else journal_pb2.Outcome.Name(step.outcome).removeprefix("OUTCOME_").lower()
    at_ms = step.end_time.ToMilliseconds() - origin_ms
    print(f"{step.name}  step {number:>2}  {step.room:<10} {at_ms:>6.0f} ms  {mark}  {step.message}", flush=True)


def follow(emulator: emulator_service_pb2_grpc.EmulatorServiceStub, manifest: str, options: argparse.Namespace) -> bool:
    """Shows what happens to the pods; true when all of them run."""
    request = emulator_pb2.PlaceRequest(manifest=manifest, namespace=options.namespace)
    request.timeout.FromSeconds(options.timeout)
    origin_ms = None
    for response in emulator.Place(request, timeout=options.timeout + GRACE_S):
        event = response.WhichOneof("event")
        if event == "applied":
            print(f"{response.applied.kind.lower()}/{response.applied.name} {response.applied.change}", flush=True)
        elif event == "step":
            if origin_ms is None:
                origin_ms = response.step.start_time.ToMilliseconds()
            show_step(response.step, origin_ms)
        elif event == "result":
            for pod in response.result.pods:
                where = f"on {pod.node}, VM {pod.vm_uuid}" if pod.vm_uuid else pod.reason
                print(f"{pod.namespace}/{pod.name} {pod.phase} {where}")
            return response.result.all_running
    return False


def main() -> int:
    options = arguments()
    try:
        manifest = options.manifest.read_text(encoding="utf-8")
    except OSError as error:
        print(f"place: manifest {options.manifest}: {error.strerror}", file=sys.stderr)
        return 2
    with channel(options.emulator) as connection:
        try:
            return 0 if follow(emulator_service_pb2_grpc.EmulatorServiceStub(connection), manifest, options) else 1
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                print(f"place: no emulator answers at {options.emulator}; start one with `npm start`, or set SPHERESIM_EMULATOR as `spheresim env` prints it", file=sys.stderr)
                return 3
            print(f"place: {error.code().name}: {error.details()}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
