import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Burst } from "../../src/base/burst.js";
import { monotonicClock, wallClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startCrx, type Crx } from "../../src/crx/index.js";
import { ContainerSpec, StartPodRequest } from "../../src/gen/spheresim/crx/v1/agent.js";
import { AgentServiceClient } from "../../src/gen/spheresim/crx/v1/agent_service.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { startHostd } from "../../src/hostd/index.js";
import { openChannel } from "../../src/rpc/channel.js";
import { crxSpec, podUid } from "./vm-specs.js";

const common = { log: silentLogger, clock: wallClock(), monotonic: monotonicClock(), dice: new Dice(1), profile: latencyProfile("instant") };
const directory = mkdtempSync(join(tmpdir(), "spheresim-hostd-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const names = ["esxi-01.spheresim.test", "esxi-02.spheresim.test"];
const hosts = names.map((name) => ({ name, cores: 16, cpuMhz: 2600, memoryMb: 65_536 }));

test("twenty vSphere Pods boot on two hosts, over real wires, and come back after the machine process was lost", async () => {
  const steps: StepRecord[] = [];
  const recorder = { record: (step: StepRecord) => void steps.push(step), dropped: 0, burst: new Burst(monotonicClock()), close: () => Promise.resolve() };
  const hostd = await startHostd({ ...common, hosts, dataDir: join(directory, "boot"), recorder });
  const crxOptions = { ...common, hostdAddress: hostd.address, recorder };
  let crx: Crx = await startCrx(crxOptions);
  const toHostd = openChannel({ address: hostd.address });
  let toCrx = openChannel({ address: crx.address });
  try {
    const host = toHostd.client(HostServiceClient);
    const agent = toCrx.client(AgentServiceClient);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const authorityOf = (n: number): string => names[n % 2] ?? "";
    await Promise.all(
      numbers.map(async (n) => {
        const authority = authorityOf(n);
        const config = crxSpec(n);
        const created = await host.createVm({ requestId: `create-${n}`, config, powerOn: true }, { authority });
        assert.equal(created.phase, VmPhase.INIT_WAITING);
        assert.deepEqual(created.phaseTimes.map((each) => each.phase), [VmPhase.VMX, VmPhase.VMM, VmPhase.KERNEL, VmPhase.INIT_WAITING]);
        const vm = { key: { $case: "uuid" as const, value: config.uuid } };
        const personality = Personality.create({ podUid: podUid(n), namespace: "default", name: `web-${n}` });
        const ready = await host.configurePersonality({ requestId: "", vm, personality }, { authority });
        assert.equal(ready.phase, VmPhase.AGENT_READY);
        assert.equal(ready.agentAddress, crx.address);
        const pod = await agent.startPod(
          StartPodRequest.create({ podUid: podUid(n), namespace: "default", name: `web-${n}`, containers: [ContainerSpec.create({ name: "web", image: "nginx" })] }),
          { authority: `${config.uuid}.crx.spheresim.test` },
        );
        assert.equal(pod.containers[0]?.state?.$case, "running");
        assert.equal(pod.networkReady, true);
      }),
    );
    // Create and power-on share a commit, the personality is the second: under the budget of three.
    assert.equal(hostd.diskCounts.commits, 40);
    assert.equal(steps.filter((step) => step.step === 8).length, 20);
    assert.equal(steps.filter((step) => step.step === 13).length, 20);
    assert.deepEqual(await host.getHost({}, { authority: names[0] }).then((info) => [info.reservedCpuMhz, info.reservedMemoryMb, info.apiType]), [5000, 3060, "HostAgent"]);

    // The machine process is lost with all guests; HostD boots them again in the next one.
    const watch = host.watchVms({ resumeToken: "", hostName: "", pathSet: [] });
    const again = new Set<string>();
    await crx.close();
    toCrx.close();
    crx = await startCrx(crxOptions);
    toCrx = openChannel({ address: crx.address });
    for await (const update of watch) {
      if (update.kind === UpdateKind.MODIFY && update.vm?.powerOnCount === 2 && update.vm.phase === VmPhase.INIT_WAITING) again.add(update.vm.config?.uuid ?? "");
      if (again.size === 20) break;
    }
    await assert.rejects(toCrx.client(AgentServiceClient).getPod({}, { authority: `${crxSpec(3).uuid}.crx.spheresim.test` }), /UNAVAILABLE|no agent yet/);
    const vm = { key: { $case: "uuid" as const, value: crxSpec(3).uuid } };
    const ready = await host.configurePersonality({ requestId: "", vm, personality: Personality.create({ podUid: podUid(3), name: "web-3" }) }, { authority: authorityOf(3) });
    assert.equal(ready.agentAddress, crx.address);

    // A guest that dies takes its VM down.
    const died = host.watchVms({ resumeToken: "", hostName: authorityOf(3), pathSet: [] });
    for await (const update of died) {
      if (update.kind === UpdateKind.SYNCED) crx.panic(crxSpec(3).uuid, "kernel panic");
      if (update.kind !== UpdateKind.MODIFY || update.vm?.config?.uuid !== crxSpec(3).uuid) continue;
      assert.equal(update.vm.phase, VmPhase.OFF);
      assert.equal(update.vm.lastFault?.localizedMessage, "The guest died: kernel panic");
      break;
    }
  } finally {
    toHostd.close();
    toCrx.close();
    await crx.close();
    await hostd.close();
  }
});
