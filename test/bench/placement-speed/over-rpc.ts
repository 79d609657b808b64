import { performance } from "node:perf_hooks";
import { silentLogger } from "../../../src/base/log.js";
import { inSlices } from "../../../src/base/slices.js";
import { type HostSet, PlaceVmRequest, VerdictDetail } from "../../../src/gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceClient, PlacementServiceService } from "../../../src/gen/spheresim/vcenter/v1/placement_service.js";
import { openChannel } from "../../../src/rpc/channel.js";
import { serve, startRpcServer } from "../../../src/rpc/server.js";
import { podSpec, type WarmCluster } from "./cluster.js";
import { type Cost, costFrom } from "./cost.js";

const WARM_UP = 100;

/** PlaceVm over a loopback connection, one call after the other; client and server share this process, so the CPU is that of both. */
export async function costOverRpc({ placements, holds }: WarmCluster, rounds: number, hosts: HostSet | undefined): Promise<Cost> {
  const service = serve(PlacementServiceService, { placeVm: async (request) => inSlices(placements.placeOne(request.spec, request)) });
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "vcenter", log: silentLogger, services: [service] });
  const channel = openChannel({ address: server.address });
  try {
    const client = channel.client(PlacementServiceClient);
    const clockMs: number[] = [];
    const cpuMs: number[] = [];
    for (let round = 0; round < WARM_UP + rounds; round += 1) {
      const spec = podSpec(round, hosts === undefined ? {} : { hosts });
      const cpu = process.cpuUsage();
      const fromMs = performance.now();
      await client.placeVm({ ...PlaceVmRequest.create({ verdictDetail: VerdictDetail.NONE }), spec });
      const ms = performance.now() - fromMs;
      const used = process.cpuUsage(cpu);
      holds.dropOwner(spec.ownerUid);
      if (round < WARM_UP) continue;
      clockMs.push(ms);
      cpuMs.push((used.user + used.system) / 1000);
    }
    return costFrom(clockMs, cpuMs);
  } finally {
    channel.close();
    await server.close();
  }
}
