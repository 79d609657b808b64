import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withEmulator } from "../../support/running-emulator.js";
import { assertFollowed, assertSaysNobodyAnswers, assertSaysRefusal, pointedAt, skipUnless, StagedClient } from "./client-program.js";

const needed = ["go.etcd.io/etcd/client/v3", "google.golang.org/grpc/cmd/protoc-gen-go-grpc", "google.golang.org/protobuf/cmd/protoc-gen-go"];
const skip = skipUnless("go is not installed, is older than 1.24, or has not downloaded the modules of examples/clients/go (go mod download)", ["go", "-C", "go", "list", "-deps", ...needed], { GOPROXY: "off", GOTOOLCHAIN: "local" });

test("the Go client, linked with etcd's own client, follows a pod through fourteen steps and reads them from etcd", { skip }, async (t) => {
  const client = new StagedClient(t, "go");
  await client.make("go", ["generate"]);
  await client.make("go", ["build", "-o", "place", "."]);
  const place = join(client.folder, "place");
  await withEmulator([], async ({ ready }) => {
    const ending = await client.run(place, [client.manifest], pointedAt(ready));
    assertFollowed(ending);
    assert.match(ending.stdout, /^etcd holds 14 steps of default\/stranger under \/spheresim\/placements\/[0-9a-f-]{36}\/$/m);
    writeFileSync(client.manifest, readFileSync(client.manifest, "utf8").replace("stranger", "Bad_Name"));
    assertSaysRefusal(await client.run(place, [client.manifest], pointedAt(ready)), "InvalidArgument");
  });
  assertSaysNobodyAnswers(await client.run(place, ["-emulator", "127.0.0.1:1", client.manifest]));
});
