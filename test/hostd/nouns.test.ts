import assert from "node:assert/strict";
import { test } from "node:test";
import { IllegalMove } from "../../src/base/state-machine.js";
import { HostVm, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { ChangeRing } from "../../src/hostd/change-ring.js";
import { GroupCommitter, type DiskWrite } from "../../src/hostd/group-committer.js";
import { movePhase } from "../../src/hostd/vm-phase.js";
import { ListPages } from "../../src/hostd/list-pages.js";
import { isFault } from "./esxi-fixture.js";

const put = (key: string): DiskWrite => ({ type: "put", key, value: Buffer.of(1) });

test("commits that arrive while the disk is busy share a batch", async () => {
  const batches: string[][] = [];
  const committer = new GroupCommitter(async (writes) => {
    batches.push(writes.map((write) => write.key));
    await new Promise((resolve) => void setImmediate(resolve));
  });
  const first = committer.commit([put("a")]);
  await Promise.resolve();
  await Promise.all([first, committer.commit([put("b")]), committer.commit([put("c"), put("d")])]);
  assert.deepEqual(batches, [["a"], ["b", "c", "d"]]);
  assert.deepEqual([committer.commits, committer.batches], [3, 2]);
});

test("after a failed batch the disk is not trusted any more", async () => {
  const committer = new GroupCommitter(() => Promise.reject(new Error("no space left on device")));
  await assert.rejects(committer.commit([put("a")]), /no space/);
  await assert.rejects(committer.commit([put("b")]), /no space/);
  assert.equal(committer.batches, 1);
});

test("a watcher behind the ring is told to begin again", () => {
  const ring = new ChangeRing("boot", 2);
  for (const vmId of ["1", "2", "3"]) ring.add(UpdateKind.ENTER, HostVm.create({ vmId }));
  assert.equal(ring.after(1n)?.vm.vmId, "2");
  assert.equal(ring.after(2n)?.vm.revision, 3n);
  assert.equal(ring.after(3n), undefined);
  assert.equal(ring.position("boot.1"), 1n);
  for (const token of ["boot.0", "boot.4", "other.2", "boot", "boot.x"]) {
    assert.throws(() => ring.position(token), isFault("invalidCollectorVersion", ({ fault }) => assert.deepEqual(fault.fault?.value, { oldestToken: "boot.1" })));
  }
});

test("pages of a list show one moment", () => {
  const pages = new ListPages<HostVm>();
  const vms = ["1", "2", "3"].map((vmId) => HostVm.create({ vmId }));
  const first = pages.page("h", 2, "", () => vms);
  assert.deepEqual(first.items.map((vm) => vm.vmId), ["1", "2"]);
  const second = pages.page("h", 2, first.nextPageToken, () => []);
  assert.deepEqual([second.items.map((vm) => vm.vmId), second.nextPageToken], [["3"], ""]);
  assert.throws(() => pages.page("h", 1001, "", () => vms), isFault("invalidArgument"));
  assert.throws(() => pages.page("h", 1, "nonsense", () => vms), isFault("invalidArgument"));
  assert.throws(() => pages.page("other", 1, first.nextPageToken, () => vms), isFault("invalidCollectorVersion"));
});

test("phases move as their table says", () => {
  assert.equal(movePhase("vm", VmPhase.KERNEL, "INIT_WAITING"), VmPhase.INIT_WAITING);
  assert.throws(() => movePhase("vm", VmPhase.OFF, "AGENT_READY"), IllegalMove);
});
