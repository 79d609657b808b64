import type { HardwareUpdate, HostHardware } from "../../gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceService } from "../../gen/spheresim/hostd/v1/hardware_service.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { type Mutation, RequestCache } from "../../rpc/request-cache.js";
import { serve, type Call, type ServedService, type StreamWriter } from "../../rpc/server.js";
import { answering } from "../errors.js";
import { requireName, requireValidHardware } from "../hardware/hardware-spec.js";
import type { Rack } from "../hardware/rack.js";
import { ListPages } from "../list-pages.js";
import { followRing } from "./follow-ring.js";

/** HardwareService: hosts are named in the request, and it answers whatever state they are in. */
export function hardwareService(rack: Rack): ServedService {
  const requests = new RequestCache("hostd");
  const pages = new ListPages<HostHardware>();
  const once = <T>(method: string, request: Mutation, work: () => Promise<T>): Promise<T> => answering(() => requests.answer(method, request, work));
  const change = (method: string, request: Mutation & { readonly name: string }, work: () => Promise<HostHardware>): Promise<HostHardware> =>
    once(method, request, async () => {
      requireName(request.name);
      return work();
    });

  return serve(HardwareServiceService, {
    addHardware: (request) => once("AddHardware", request, async () => rack.add(requireValidHardware(request))),
    removeHardware: (request) =>
      once("RemoveHardware", request, async () => {
        requireName(request.name);
        await rack.remove(request.name);
        return {};
      }),
    setPower: (request) => change("SetPower", request, () => rack.setPower(request.name, request.poweredOn)),
    setNetwork: (request) => change("SetNetwork", request, () => rack.setNetwork(request.name, request.connected)),
    setService: (request) => change("SetService", request, () => rack.setService(request.name, request.service, request.running)),
    listHardware: ({ pageSize, pageToken }) =>
      answering(() => {
        const { items, nextPageToken } = pages.page("", pageSize, pageToken, () => rack.list());
        return { hosts: items, nextPageToken };
      }),
    watchHardware: ({ resumeToken }, stream, call) => answering(() => watchHardware(rack, resumeToken, stream, call)),
  });
}

async function watchHardware(rack: Rack, resumeToken: string, stream: StreamWriter<HardwareUpdate>, call: Call): Promise<void> {
  const { changes } = rack;
  await followRing(
    {
      ring: changes,
      resumeToken,
      tellPresent: async () => {
        for (const host of rack.list()) await stream.write({ kind: UpdateKind.ENTER, resumeToken: "", host });
      },
      shows: () => true,
      tell: ({ kind, host, revision }) => stream.write({ kind, resumeToken: changes.token(revision), host }),
      synced: (token) => stream.write({ kind: UpdateKind.SYNCED, resumeToken: token, host: undefined }),
      bookmark: (token) => stream.write({ kind: UpdateKind.BOOKMARK, resumeToken: token, host: undefined }),
    },
    call,
  );
}
