import type { Command } from "commander";
import { stringify } from "yaml";
import { fromTimestamp } from "../base/timestamp.js";
import { Event, EventFilter } from "../gen/spheresim/vcenter/v1/event.js";
import { EventServiceClient } from "../gen/spheresim/vcenter/v1/event_service.js";
import { addListOptions, type ListFlags, wholeNumber } from "./command-options.js";
import { folded } from "./folded.js";
import { print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";
import { allPages, moid, PAGE_SIZE, type Vsphere, withVsphere } from "./vsphere.js";

interface EventFlags extends ListFlags {
  readonly vm?: string;
  readonly host?: string;
  readonly type?: string[];
  readonly follow?: boolean;
  readonly last: number;
}

/** `spheresim events`: what happened, oldest first. */
export function addEvents(program: Command): void {
  const command = program
    .command("events")
    .description("what happened in vCenter, oldest first")
    .option("--vm <vm>", "only what concerns this VM")
    .option("--host <host>", "only what concerns this host")
    .option("--type <types...>", "only events of these vim25 types or of types below them")
    .option("--last <n>", "at most so many of those that are kept", wholeNumber(1, 10_000), 100)
    .option("--follow", "go on with those that come, until Ctrl-C");
  addListOptions(command).action((flags: EventFlags) =>
    withVsphere(flags, async (vsphere) => {
      const wanted = await wantedOf(vsphere, flags);
      if (flags.follow === true) return follow(vsphere, wanted, flags);
      const service = vsphere.client(EventServiceClient);
      const all = await allPages((pageToken) => service.queryEvents({ filter: wanted.filter, pageSize: PAGE_SIZE, pageToken }), ({ events }) => events);
      const events = all.filter(wanted.passes).slice(-flags.last);
      print(flags.output, events.map((each) => Event.toJSON(each)), (wide) => eventTable(events, wide));
    }),
  );
}

interface Wanted {
  readonly filter: EventFilter;
  /** What the filter cannot say: it takes one object only. */
  readonly passes: (event: Event) => boolean;
}

async function wantedOf(vsphere: Vsphere, flags: EventFlags): Promise<Wanted> {
  const vm = flags.vm === undefined ? undefined : (await vsphere.vm(flags.vm)).ref;
  const host = flags.host === undefined ? undefined : (await vsphere.host(flags.host)).ref;
  const entity = vm ?? host;
  const filter = EventFilter.create({ types: flags.type ?? [], ...(entity === undefined ? {} : { entity }) });
  const isOn = (event: Event): boolean => [event.host, event.sourceHost].some((each) => moid(each?.ref) === moid(host));
  return { filter, passes: (event) => vm === undefined || host === undefined || isOn(event) };
}

/** The last of those kept, then each as it comes. */
async function follow(vsphere: Vsphere, { filter, passes }: Wanted, flags: EventFlags): Promise<void> {
  let kept: Event[] | undefined = [];
  for await (const { update } of vsphere.client(EventServiceClient).watchEvents({ filter, resumeToken: "" })) {
    if (update?.$case === "synced") {
      for (const event of kept ?? []) say(event, flags);
      kept = undefined;
    } else if (update?.$case === "event" && passes(update.value)) {
      if (kept === undefined) say(update.value, flags);
      else if (kept.push(update.value) > flags.last) kept.shift();
    }
  }
}

/** One event on its own: a line, or with YAML a document. */
function say(event: Event, { output }: EventFlags): void {
  if (output === "json") process.stdout.write(`${JSON.stringify(Event.toJSON(event))}\n`);
  else if (output === "yaml") process.stdout.write(`---\n${stringify(Event.toJSON(event))}`);
  else process.stdout.write(folded(cells(event, output === "wide").join("   "), screen().columns, "", "  "));
}

function eventTable(events: readonly Event[], wide: boolean): string {
  if (events.length === 0) return "no such event is kept\n";
  return table(["time", "type", ...(wide ? ["key", "chain", "host", "vm"] : []), "message"], events.map((each) => cells(each, wide)), screen().columns);
}

function cells(event: Event, wide: boolean): string[] {
  const time = event.createdTime === undefined ? "" : new Date(fromTimestamp(event.createdTime)).toISOString();
  return [time, event.type, ...(wide ? [String(event.key), String(event.chainId), event.host?.name ?? "", event.vm?.name ?? ""] : []), event.fullFormattedMessage];
}
