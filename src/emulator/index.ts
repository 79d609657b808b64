/*
 * Nothing in the article: the emulator itself. It takes the journal of the fourteen steps from every process and stores it in etcd,
 * applies manifests and follows their pods, checks that both planes and the hosts agree, and empties the cluster. It is an ordinary client of
 * etcd, the API server, vCenter and HostD, so any of them can be foreign.
 */
import type { Clock } from "../base/clock.js";
import { toTimestamp } from "../base/timestamp.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { Info } from "../gen/spheresim/emulator/v1/emulator.js";
import { ClockServiceService } from "../gen/spheresim/emulator/v1/clock_service.js";
import { FaultServiceService } from "../gen/spheresim/emulator/v1/fault_service.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import { pods } from "../kubernetes/resource-type.js";
import { RestClient, type RestClientOptions } from "../kubernetes/rest-client.js";
import { isNotFound } from "../kubernetes/status.js";
import { openChannel } from "../rpc/channel.js";
import { serve, startRpcServer } from "../rpc/server.js";
import type { TlsMaterial } from "../rpc/tls.js";
import { openEsxiHosts, openJournalStore } from "./client.js";
import { JournalGaps } from "./journal-gaps.js";
import { Journal } from "./journal.js";
import { emulatorService } from "./services/emulator.js";
import { journalService } from "./services/journal.js";

export interface EmulatorOptions {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string;
  readonly etcdEndpoints: readonly string[];
  readonly apiserver: Pick<RestClientOptions, "server" | "tls" | "token">;
  /** vCenter, `host:port`. */
  readonly vcenterAddress: string;
  /** Mutual TLS of the gRPC peers. */
  readonly tls?: TlsMaterial | undefined;
  /** What GetInfo answers, but for the time. */
  readonly info: Omit<Info, "time">;
  readonly log: Logger;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
}

/** The running emulator room. */
export interface Emulator {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves EmulatorService and JournalService; FaultService and ClockService answer UNIMPLEMENTED by name. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { log, clock, monotonic, dice } = options;
  const store = openJournalStore(options);
  const client = new RestClient({ ...options.apiserver, userAgent: "spheresim-emulator", clock: monotonic, dice: dice.fork("apiserver") });
  const gaps: JournalGaps = new JournalGaps({
    reader: store,
    pod: (namespace, name) => client.get(pods, { namespace, name }).catch(absent),
    onTheirWay: () => journal.podsOnTheirWay(),
    accept: (records) => journal.accept(records),
    monotonic,
    log,
  });
  const journal = new Journal({ store, monotonic, log, onRecorded: (place) => gaps.recorded(place) });
  const vcenter = openChannel({ address: options.vcenterAddress, tls: options.tls });
  const inventory = vcenter.client(InventoryServiceClient);
  const esxi = openEsxiHosts(options.tls);
  const info = (): Info => ({ ...options.info, time: toTimestamp(clock.nowMs()) });
  const server = await startRpcServer({
    listen: options.listen,
    room: "emulator",
    log,
    tls: options.tls,
    services: [
      journalService(journal),
      emulatorService({ client, reader: store, inventory: () => inventory.getInventory({}), esxi, monotonic, info }),
      serve(FaultServiceService, {}),
      serve(ClockServiceService, {}),
    ],
  });
  gaps.start();
  let closing = false;
  void journal.load().catch((error: unknown) => closing || log.warn({ error: (error as Error).message }, "journal: what is stored could not be read; its age limit begins anew"));
  return {
    address: server.address,
    close: async () => {
      closing = true;
      await server.close();
      await gaps.close();
      await journal.close();
      await client.close();
      vcenter.close();
      esxi.close();
      store.close();
    },
  };
}

function absent(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
