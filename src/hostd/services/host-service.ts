import type { VmUpdate, WatchVmsRequest } from "../../gen/spheresim/hostd/v1/host.js";
import { HostServiceService } from "../../gen/spheresim/hostd/v1/host_service.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { namedByCall } from "../../rpc/named-by-call.js";
import { type Mutation, RequestCache } from "../../rpc/request-cache.js";
import { serve, type Call, type ServedService, type StreamWriter } from "../../rpc/server.js";
import { toUpdate, type ChangeRing } from "../change-ring.js";
import { answering } from "../errors.js";
import type { EsxiHost } from "../esxi-host.js";
import type { EsxiProcess } from "../esxi-process.js";
import { notFound } from "../host-fault.js";
import { VmPages } from "../vm-pages.js";

/** Changes of other hosts a watch of one host passes over before it says how far it is. */
const BOOKMARK_AFTER = 500;

/** HostService for all hosts of the process. */
export function hostService(esxi: EsxiProcess): ServedService {
  const requests = new RequestCache("hostd");
  const pages = new VmPages();
  const hostOf = (call: Call): EsxiHost => namedByCall(call, "host", esxi.hosts);
  const once = <T>(call: Call, method: string, request: Mutation, work: (host: EsxiHost) => Promise<T>): Promise<T> =>
    answering(() => {
      const host = hostOf(call);
      return requests.answer(`${host.spec.name}/${method}`, request, () => work(host));
    });

  return serve(HostServiceService, {
    getHost: (_request, call) => hostOf(call).info(),
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
    getVm: (request, call) => answering(() => hostOf(call).get(request.vm)),
    listVms: (request, call) =>
      answering(() => {
        const host = hostOf(call);
        return pages.page(host.spec.name, request.pageSize, request.pageToken, () => host.vms());
      }),
    watchVms: (request, stream, call) => answering(() => watchVms(esxi, request, stream, call)),
  });
}

/** First what exists (or what changed since the token), then SYNCED, then every change at the pace of the reader. */
async function watchVms(esxi: EsxiProcess, request: WatchVmsRequest, stream: StreamWriter<VmUpdate>, call: Call): Promise<void> {
  const { changes } = esxi;
  const { hostName, resumeToken } = request;
  if (hostName !== "" && !esxi.hosts.has(hostName)) throw notFound("HostSystem", hostName);
  const shown = (name: string): boolean => hostName === "" || name === hostName;
  let position = resumeToken === "" ? changes.revision : changes.position(resumeToken);
  const target = changes.revision;
  if (resumeToken === "") {
    const vms = [...esxi.hosts.values()].filter((host) => shown(host.spec.name)).flatMap((host) => host.vms());
    for (const vm of vms) await stream.write({ kind: UpdateKind.ENTER, resumeToken: "", vm });
  }
  let synced = false;
  let passed = 0;
  while (!call.signal.aborted) {
    if (!synced && position >= target) {
      await stream.write({ kind: UpdateKind.SYNCED, resumeToken: changes.token(position), vm: undefined });
      synced = true;
    }
    const change = changes.after(position);
    if (change === undefined) {
      await nextChange(changes, call.signal);
      continue;
    }
    position = change.revision;
    if (shown(change.vm.hostName)) {
      await stream.write(toUpdate(changes, change));
      passed = 0;
    } else if (++passed >= BOOKMARK_AFTER) {
      await stream.write({ kind: UpdateKind.BOOKMARK, resumeToken: changes.token(position), vm: undefined });
      passed = 0;
    }
  }
}

function nextChange(changes: ChangeRing, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
    void changes.changed().then(done);
  });
}
