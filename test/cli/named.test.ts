import assert from "node:assert/strict";
import { test } from "node:test";
import { named, nearNames } from "../../src/cli/named.js";

interface Thing {
  readonly name: string;
  readonly id: string;
}
const things: readonly Thing[] = [
  { name: "esxi-01.lab.test", id: "host-8" },
  { name: "esxi-02.lab.test", id: "host-9" },
  { name: "twin", id: "host-10" },
  { name: "twin", id: "host-11" },
];
const find = (wanted: string, all = things): Thing => named("host", wanted, all, (each) => each);

test("by name, by id and by first label", () => {
  for (const wanted of ["esxi-01.lab.test", "host-8", "esxi-01"]) assert.equal(find(wanted).id, "host-8");
});

test("an unknown name is told of near ones, of all when none is near, and that there is none", () => {
  assert.throws(() => find("esx-01"), { message: 'no host is named "esx-01"; near it: esxi-01.lab.test, esxi-02.lab.test' });
  assert.throws(() => find("zzzzzz"), { message: 'no host is named "zzzzzz"; there are: esxi-01.lab.test, esxi-02.lab.test, twin, twin' });
  assert.throws(() => find("a", []), { message: 'no host is named "a"; there is none at all' });
  const many = Array.from({ length: 9 }, (_, index) => ({ name: `web-${index}`, id: `vm-${index}` }));
  assert.throws(() => find("wbe-0", many), { message: 'no host is named "wbe-0"; there are: web-0, web-1, web-2, web-3, web-4, and 4 more' });
});

test("a name that several have asks for the id", () => {
  assert.throws(() => find("twin"), { message: '2 hosts are named "twin"; name one by id: host-10, host-11' });
  assert.equal(find("host-11").id, "host-11");
});

test("near are slips and parts of names, nearest first", () => {
  assert.deepEqual(nearNames("shop-wbe", ["shop-web", "shop-db", "report"]), ["shop-web", "shop-db"]);
  assert.deepEqual(nearNames("SHOP", ["shop-web", "other"]), ["shop-web"]);
  assert.deepEqual(nearNames("x", ["y", "zz"]), ["y"]);
});
