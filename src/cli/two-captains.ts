import { readFileSync } from "node:fs";
import { join } from "node:path";
import { examplesDirectory } from "../base/project-files.js";
import { UserError } from "../base/user-error.js";
import type { PlaceResult } from "../gen/spheresim/emulator/v1/emulator.js";
import type { StepRecord } from "../gen/spheresim/emulator/v1/journal.js";
import type { Host } from "../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../gen/spheresim/vcenter/v1/inventory_service.js";
import type { Connection } from "./connection.js";
import { recordedAttempt, type RecordedAttempt } from "./explanation.js";
import { recordedSteps } from "./journal.js";
import { screen } from "./screen.js";
import { table } from "./table.js";

/** The article's three hosts of 100 GB, with what ordinary VMs use on them. */
export const twoCaptainsInventory = join(examplesDirectory, "inventories", "two-captains.yaml");

/** How the newcomer fared in one cluster. */
export interface Run {
  /** Who decided. */
  readonly captain: string;
  readonly ran: boolean;
  /** Its steps, as the journal has them. */
  readonly steps: readonly StepRecord[];
  readonly attempt: RecordedAttempt;
  /** Every host, when the newcomer ran. */
  readonly hosts: readonly Host[];
}

/** Places what was there before and the newcomer, and reads from the journal and from vCenter what came of it. */
export async function playTwoCaptains(connection: Connection, captain: string): Promise<Run> {
  const before = await placed(connection, "two-captains-before.yaml");
  const newcomer = await placed(connection, "two-captains.yaml");
  const steps = await recordedSteps(connection, "newcomer", "default");
  const { hosts } = await connection.open("vcenter").client(InventoryServiceClient).getInventory({});
  return { captain, ran: before.allRunning && newcomer.allRunning, steps, attempt: recordedAttempt(steps), hosts };
}

/** Places an example without a word. */
async function placed(connection: Connection, file: string): Promise<PlaceResult> {
  const manifest = readFileSync(join(examplesDirectory, "manifests", file), "utf8");
  for await (const { event } of connection.emulator.place({ manifest, namespace: "", timeout: undefined })) if (event?.$case === "result") return event.value;
  throw new UserError("failed", `the emulator ended the placement of ${file} without a result`);
}

/** The runs side by side: who chose what, why in the words of the journal, and what it does to the host. */
export function sideBySide(runs: readonly Run[]): string {
  const rows: ReadonlyArray<readonly [what: string, of: (run: Run) => string]> = [
    ["host chosen", (run) => run.attempt.explanation.node],
    ["memory reserved there now", (run) => memory(run, "reservedMemoryMb")],
    ["memory active there now", (run) => memory(run, "activeMemoryMb")],
  ];
  const figures = table(["", ...runs.map((run) => run.captain)], rows.map(([what, of]) => [what, ...runs.map(of)]), screen().columns);
  const reasons = runs.map((run) => `${run.captain}, step 5 of the journal: ${run.steps.find((step) => step.step === 5)?.message ?? "not recorded"}\n`);
  return `${figures}\n${reasons.join("")}`;
}

function memory({ hosts, attempt }: Run, figure: "reservedMemoryMb" | "activeMemoryMb"): string {
  const host = hosts.find((each) => each.spec?.name === attempt.explanation.node);
  const capacity = host?.spec?.memoryMb ?? 0;
  const amount = host?.usage?.[figure] ?? 0;
  return `${amount} of ${capacity} MB, ${capacity === 0 ? 0 : Math.round((100 * amount) / capacity)} %`;
}
