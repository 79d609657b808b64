import type { HostVm, VmUpdate } from "../gen/spheresim/hostd/v1/host.js";
import type { UpdateKind } from "../gen/spheresim/vim/v1/update.js";
import { type Numbered, Ring } from "./ring.js";

/** A change of one VM of any host of the process. */
export interface VmChange extends Numbered {
  readonly kind: typeof UpdateKind.ENTER | typeof UpdateKind.MODIFY | typeof UpdateKind.LEAVE;
  readonly vm: HostVm;
  /** How it was before the change. */
  readonly before: HostVm | undefined;
  /** It happened on a host out of reach: no watcher is told; all that came of it is told when the host is back. */
  readonly withheld: boolean;
}

/** The last changes of the VMs of all hosts of the process. */
export class ChangeRing extends Ring<VmChange> {
  constructor(bootId: string, limit = 8192) {
    super(bootId, limit);
  }

  /** Puts a change in; `vm` carries its revision from here on. */
  add(kind: VmChange["kind"], vm: HostVm, { before, withheld = false }: Partial<Pick<VmChange, "before" | "withheld">> = {}): HostVm {
    return this.push((revision) => ({ revision, kind, vm: { ...vm, revision }, before, withheld })).vm;
  }
}

/** The update a watcher gets for a change. */
export function toUpdate(ring: ChangeRing, change: VmChange): VmUpdate {
  return { kind: change.kind, resumeToken: ring.token(change.revision), vm: change.vm, revision: change.revision };
}
