import type { HostVm, VmUpdate, WatchVmsRequest } from "../../gen/spheresim/hostd/v1/host.js";
import { HostServiceService } from "../../gen/spheresim/hostd/v1/host_service.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { namedByCall } from "../../rpc/named-by-call.js";
import { type Mutation, RequestCache } from "../../rpc/request-cache.js";
import { serve, type Call, type ServedService, type StreamWriter } from "../../rpc/server.js";
import { toUpdate } from "../change-ring.js";
import { answering } from "../errors.js";
import type { EsxiHost } from "../esxi-host.js";
import type { EsxiProcess } from "../esxi-process.js";
import type { PhysicalHost } from "../hardware/physical-host.js";
import { notFound } from "../host-fault.js";
import { ListPages } from "../list-pages.js";
import { VmFields } from "../vm-fields.js";
import { followRing } from "./follow-ring.js";
import { watchHosts } from "./watch-hosts.js";

/** HostService for all hosts of the process. */
export function hostService(esxi: EsxiProcess): ServedService {
  const requests = new RequestCache("hostd");
  const pages = new ListPages<HostVm>();
  const named = (call: Call): PhysicalHost => namedByCall(call, "host", esxi.hosts);
  // An answer is remembered for one boot: what it said of memory and power is not so in the next one.
  const once = <T>(call: Call, method: string, request: Mutation, work: (host: EsxiHost) => Promise<T>): Promise<T> =>
    answering(() => named(call).answering((host) => requests.answer(`${host.bootId}/${method}`, request, () => work(host))));

  return serve(HostServiceService, {
    getHost: (_request, call) => answering(() => named(call).hostd().info()),
    createVm: (request, call) => once(call, "CreateVm", request, (host) => host.createVm(request.config, request.powerOn)),
    powerOnVm: (request, call) => once(call, "PowerOnVm", request, (host) => host.powerOnVm(request.vm)),
    powerOffVm: (request, call) => once(call, "PowerOffVm", request, (host) => host.powerOffVm(request.vm)),
    resetVm: (request, call) => once(call, "ResetVm", request, (host) => host.resetVm(request.vm)),
    reconfigureVm: (request, call) => once(call, "ReconfigureVm", request, (host) => host.reconfigureVm(request.vm, request.config)),
    receiveVm: (request, call) => once(call, "ReceiveVm", request, (host) => host.receiveVm(request)),
    releaseVm: (request, call) =>
      once(call, "ReleaseVm", request, async (host) => {
        await host.releaseVm(request.vm);
        return {};
      }),
    destroyVm: (request, call) =>
      once(call, "DestroyVm", request, async (host) => {
        await host.destroyVm(request.vm, request.powerOff);
        return {};
      }),
    configurePersonality: (request, call) => once(call, "ConfigurePersonality", request, (host) => host.configurePersonality(request.vm, request.personality)),
    getVm: (request, call) => answering(() => named(call).hostd().get(request.vm)),
    listVms: (request, call) =>
      answering(() => {
        const host = named(call).hostd();
        const { items, nextPageToken } = pages.page(host.bootId, request.pageSize, request.pageToken, () => host.vms());
        return { vms: items, nextPageToken };
      }),
    watchVms: (request, stream, call) => answering(() => watchVms(esxi, request, stream, call)),
    watchHosts: (_request, stream, call) => watchHosts(esxi.rack, stream, call),
  });
}

/** VMs of hosts that nobody reaches are not among what there is: they are told when their host is back. */
async function watchVms(esxi: EsxiProcess, { hostName, resumeToken, pathSet }: WatchVmsRequest, stream: StreamWriter<VmUpdate>, call: Call): Promise<void> {
  const { changes } = esxi;
  if (hostName !== "" && !esxi.hosts.has(hostName)) throw notFound("HostSystem", hostName);
  const fields = new VmFields(pathSet);
  await followRing(
    {
      ring: changes,
      resumeToken,
      tellPresent: async () => {
        const hosts = [...esxi.hosts.values()].filter((host) => host.reach.isThere && (hostName === "" || host.spec.name === hostName));
        for (const vm of hosts.flatMap((host) => host.hostd().vms())) await stream.write({ kind: UpdateKind.ENTER, resumeToken: "", vm, revision: 0n });
      },
      shows: (change) => !change.withheld && (hostName === "" || change.vm.hostName === hostName) && fields.differ(change),
      tell: (change) => stream.write(toUpdate(changes, change)),
      synced: (token, revision) => stream.write({ kind: UpdateKind.SYNCED, resumeToken: token, vm: undefined, revision }),
      bookmark: (token, revision) => stream.write({ kind: UpdateKind.BOOKMARK, resumeToken: token, vm: undefined, revision }),
    },
    call,
  );
}
