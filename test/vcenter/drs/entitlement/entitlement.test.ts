import assert from "node:assert/strict";
import { test } from "node:test";
import { buffersOf } from "../../../../src/vcenter/drs/entitlement/buffers.js";
import { type Entitlements, entitlements } from "../../../../src/vcenter/drs/entitlement/entitlement.js";
import { idleCost } from "../../../../src/vcenter/drs/entitlement/idle-tax.js";
import { type Plan, plans, planTree } from "./plan.js";
import { modelShare, modelTree, type Node, type Resource } from "./slow-model.js";
import { fc } from "../../../support/properties.js";

const RESOURCES: readonly Resource[] = ["cpu", "memory"];
/** What floating-point sums of a few dozen amounts of up to 20,000 may be off. */
const ROUNDING = 1e-6;

function got(result: Entitlements, resource: Resource, name: string): number {
  const [kind, row] = name.split(" ");
  return result[kind === "vm" ? "vms" : "pools"][resource].entitled[Number(row)] as number;
}

function capacityOf(plan: Plan, resource: Resource): number {
  return resource === "cpu" ? plan.capacity.cpuMhz : plan.capacity.memoryMb;
}

/** Looks at every pool in which something runs. */
function eachPool(plan: Plan, look: (resource: Resource, pool: Node, result: Entitlements) => void): void {
  const result = entitlements(planTree(plan));
  for (const resource of RESOURCES) {
    const visit = (node: Node): void => {
      if (node.children.length > 0) look(resource, node, result);
      node.children.forEach(visit);
    };
    const root = modelTree(plan, resource);
    if (root !== undefined) visit(root);
  }
}

function assertClose(actual: number, expected: number, within: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual}, expected ${expected}`);
}

/** Compares all of two results. */
function assertSame(left: Entitlements, right: Entitlements, within: number, rowOfVm: (row: number) => number = (row) => row, rowOfPool = rowOfVm): void {
  for (const resource of RESOURCES) {
    for (const [row, amount] of left.vms[resource].entitled.entries()) assertClose(right.vms[resource].entitled[rowOfVm(row)] as number, amount, within, `${resource} of VM ${row}`);
    for (const [row, amount] of left.pools[resource].entitled.entries()) assertClose(right.pools[resource].entitled[rowOfPool(row)] as number, amount, within, `${resource} of pool ${row}`);
  }
}

test("what siblings get sums to what their pool gets, and the root gets the capacity or all that is wanted", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      eachPool(plan, (resource, pool, result) => {
        const total = pool.children.reduce((sum, child) => sum + got(result, resource, child.name), 0);
        assertClose(total, got(result, resource, pool.name), ROUNDING, `${resource} inside ${pool.name}`);
        if (pool.name === "pool 0") assertClose(total, Math.min(capacityOf(plan, resource), pool.cap), ROUNDING, `${resource} of the root`);
      });
    }),
    { numRuns: 1000 },
  );
});

test("nobody gets more than limit, demand and size, no pool more than its limit; off is nothing", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      eachPool(plan, (resource, pool, result) => {
        const { limit } = pool.settings;
        if (limit !== -1) assert.ok(got(result, resource, pool.name) <= limit + ROUNDING);
        for (const child of pool.children) assert.ok(got(result, resource, child.name) <= child.cap + ROUNDING, `${resource} of ${child.name}`);
      });
      const result = entitlements(planTree(plan));
      for (const [row, vm] of plan.vms.entries()) if (!vm.poweredOn) assert.deepEqual([result.vms.cpu.entitled[row], result.vms.memory.entitled[row], result.vms.memory.wanted[row]], [0, 0, 0]);
    }),
    { numRuns: 1000 },
  );
});

test("nobody gets less than it is guaranteed where the guarantees fit; where not, all get the same part", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      eachPool(plan, (resource, pool, result) => {
        const amount = got(result, resource, pool.name);
        const floors = pool.children.reduce((sum, child) => sum + child.floor, 0);
        for (const child of pool.children) {
          const has = got(result, resource, child.name);
          if (floors <= amount) assert.ok(has >= child.floor - ROUNDING, `${resource} of ${child.name}: ${has}, guaranteed ${child.floor}`);
          else assertClose(has, (child.floor * amount) / floors, ROUNDING, `${resource} of ${child.name}`);
        }
      });
    }),
    { numRuns: 1000 },
  );
});

test("with room for everything everyone is entitled to what it wants", () => {
  fc.assert(
    fc.property(plans, (drawn) => {
      const plan = { ...drawn, capacity: { cpuMhz: 1e9, memoryMb: 1e9 }, pools: drawn.pools.map((pool) => ({ ...pool, cpu: { ...pool.cpu, limit: -1 }, memory: { ...pool.memory, limit: -1 } })) };
      const result = entitlements(planTree(plan));
      for (const columns of [result.vms.cpu, result.vms.memory]) for (const [row, wanted] of columns.wanted.entries()) assertClose(columns.entitled[row] as number, wanted, ROUNDING, `VM ${row}`);
    }),
    { numRuns: 500 },
  );
});

test("more capacity takes nothing from anybody", () => {
  fc.assert(
    fc.property(plans, fc.nat({ max: 5000 }), (plan, more) => {
      const before = entitlements(planTree(plan));
      const after = entitlements(planTree({ ...plan, capacity: { cpuMhz: plan.capacity.cpuMhz + more, memoryMb: plan.capacity.memoryMb + more } }));
      for (const resource of RESOURCES) {
        for (const [row, amount] of before.vms[resource].entitled.entries()) assert.ok((after.vms[resource].entitled[row] as number) >= amount - ROUNDING, `${resource} of VM ${row}`);
        for (const [row, amount] of before.pools[resource].entitled.entries()) assert.ok((after.pools[resource].entitled[row] as number) >= amount - ROUNDING, `${resource} of pool ${row}`);
      }
    }),
    { numRuns: 500 },
  );
});

test("shares count among themselves alone: multiplied all by one number they say the same", () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 2, max: 1000 }), (plan, factor) => {
      const times = <A extends { readonly shares: number }>(settings: A): A => ({ ...settings, shares: settings.shares * factor });
      const multiplied: Plan = { ...plan, pools: plan.pools.map((pool) => ({ ...pool, cpu: times(pool.cpu), memory: times(pool.memory) })), vms: plan.vms.map((vm) => ({ ...vm, cpu: times(vm.cpu), memory: times(vm.memory) })) };
      assertSame(entitlements(planTree(plan)), entitlements(planTree(multiplied)), ROUNDING);
    }),
    { numRuns: 500 },
  );
});

test("the order of siblings says nothing", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      // VMs in reverse; sibling pools in reverse as far as parents still stand first: level by level.
      const depth = (row: number): number => (row === 0 ? 0 : 1 + depth((plan.pools[row] as Plan["pools"][number]).parent));
      const order = plan.pools.map((_, row) => row).sort((a, b) => depth(a) - depth(b) || b - a);
      const rowOfPool = (old: number): number => order.indexOf(old);
      const turned: Plan = {
        ...plan,
        pools: order.map((old) => plan.pools[old] as Plan["pools"][number]).map((pool) => ({ ...pool, parent: pool.parent === -1 ? -1 : rowOfPool(pool.parent) })),
        vms: plan.vms.map((vm) => ({ ...vm, pool: rowOfPool(vm.pool) })).reverse(),
      };
      assertSame(entitlements(planTree(plan)), entitlements(planTree(turned)), ROUNDING, (row) => plan.vms.length - 1 - row, rowOfPool);
    }),
    { numRuns: 500 },
  );
});

test("a slow model that hands out coin by coin agrees, with and without idle memory tax", () => {
  const coins = 4000;
  fc.assert(
    fc.property(plans, fc.constantFrom(0, 0.5, 0.75), (plan, idleTax) => {
      const result = entitlements(planTree(plan), { idleTax });
      for (const resource of RESOURCES) {
        const root = modelTree(plan, resource);
        if (root === undefined) continue;
        const amount = Math.min(capacityOf(plan, resource), root.cap);
        // Each sibling of each level may be a coin off.
        const within = (amount / coins) * (plan.vms.length + plan.pools.length) + ROUNDING;
        for (const [name, expected] of modelShare(root, amount, resource === "cpu" ? 1 : idleCost(idleTax), coins)) assertClose(got(result, resource, name), expected, within, `${resource} of ${name}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("all busy, everyone wants its configured size, whatever it demands", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const busy: Plan = { ...plan, vms: plan.vms.map((vm) => ({ ...vm, cpu: { ...vm.cpu, demandMhz: vm.cpu.sizeMhz }, memory: { ...vm.memory, activeMb: vm.memory.sizeMb, consumedMb: vm.memory.sizeMb } })) };
      assertSame(entitlements(planTree(busy)), entitlements(planTree(plan), { basis: "size" }), 0);
    }),
  );
});

test("a tree that was moved to another thread gives the same, and its entitlements can be moved, too", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const expected = entitlements(planTree(plan));
      const tree = planTree(plan);
      assert.equal(buffersOf(tree).length, 1);
      const moved = structuredClone(tree, { transfer: buffersOf(tree) });
      assert.equal(tree.vms.pool.length, 0, "the columns have gone");
      const result = entitlements(moved);
      assert.deepEqual(structuredClone(result, { transfer: buffersOf(result) }), expected);
    }),
    { numRuns: 50 },
  );
});
