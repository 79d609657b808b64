import { PodContainersUpdate } from "../../gen/spheresim/crx/v1/agent.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import type { PodChange, PodChanges } from "./pod-changes.js";

/** Changes of other VMs a watch of one VM passes over before it says how far it is. */
const BOOKMARK_AFTER = 500;

/** One watch of the pods of this process: everything there is (or what changed since its token), SYNCED, then every change. */
export class PodWatch {
  readonly #changes: PodChanges;
  readonly #vmUuid: string;
  /** Where a resumed watch went on; its reader knows what was there by then. */
  readonly #resumedAt: bigint | undefined;
  /** Instances this watch has told of. */
  readonly #shown = new Set<string>();
  #position: bigint;
  #synced = false;
  #passed = 0;

  /** `vmUuid` empty: all instances. Throws InvalidCollectorVersion for a token that is too old. */
  constructor(changes: PodChanges, { vmUuid, resumeToken }: { readonly vmUuid: string; readonly resumeToken: string }) {
    this.#changes = changes;
    this.#vmUuid = vmUuid;
    this.#resumedAt = resumeToken === "" ? undefined : changes.position(resumeToken);
    this.#position = this.#resumedAt ?? 0n;
  }

  /** What waits to be told, also what comes while it is told. */
  *pending(): Generator<PodContainersUpdate, void> {
    const upTo = this.#changes.revision;
    for (const change of this.#changes.after(this.#position)) {
      this.#position = change.revision;
      const update = this.#update(change);
      if (update !== undefined) yield update;
    }
    // Some revisions are nobody's to be told of.
    if (this.#position < upTo) this.#position = upTo;
    if (this.#synced) return;
    this.#synced = true;
    yield this.#mark(UpdateKind.SYNCED);
  }

  /** Resolves when something waits, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return this.#changes.wait(this.#position, signal);
  }

  #update({ uuid: vmUuid, since, instance }: PodChange): PodContainersUpdate | undefined {
    if (this.#vmUuid !== "" && this.#vmUuid !== vmUuid) return this.#pass();
    this.#passed = 0;
    const isResumed = this.#resumedAt !== undefined;
    const resumeToken = this.#synced || isResumed ? this.#changes.token(this.#position) : "";
    if (instance === undefined) {
      // Who resumes is told of all that is gone: of one that came and went meanwhile as well, for somebody may wait for it.
      const isKnown = this.#shown.delete(vmUuid) || isResumed;
      return isKnown ? { kind: UpdateKind.LEAVE, resumeToken, vmUuid, pod: undefined } : undefined;
    }
    const isKnown = this.#shown.has(vmUuid) || since <= (this.#resumedAt ?? -1n);
    this.#shown.add(vmUuid);
    return { kind: isKnown ? UpdateKind.MODIFY : UpdateKind.ENTER, resumeToken, vmUuid, pod: instance.shown() };
  }

  #pass(): PodContainersUpdate | undefined {
    if (!this.#synced || ++this.#passed < BOOKMARK_AFTER) return undefined;
    this.#passed = 0;
    return this.#mark(UpdateKind.BOOKMARK);
  }

  #mark(kind: UpdateKind): PodContainersUpdate {
    return PodContainersUpdate.create({ kind, resumeToken: this.#changes.token(this.#position) });
  }
}
