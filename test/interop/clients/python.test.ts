import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { withEmulator } from "../../support/running-emulator.js";
import { assertFollowed, assertSaysNobodyAnswers, assertSaysRefusal, pointedAt, skipUnless, StagedClient } from "./client-program.js";

/** The interpreter; SPHERESIM_PYTHON names another, for example that of a virtual environment. */
const python = process.env["SPHERESIM_PYTHON"] ?? "python3";
const skip = skipUnless(`${python} has no grpcio-tools (pip install grpcio-tools; SPHERESIM_PYTHON names the interpreter)`, [python, "-c", "import grpc, grpc_tools"]);

test("the Python client, with stubs of its own tools, follows a pod through fourteen steps", { skip }, async (t) => {
  const client = new StagedClient(t, "python");
  await client.make(python, ["generate.py"]);
  await withEmulator([], async ({ ready }) => {
    assertFollowed(await client.run(python, ["place.py", client.manifest], pointedAt(ready)));
    writeFileSync(client.manifest, readFileSync(client.manifest, "utf8").replace("stranger", "Bad_Name"));
    assertSaysRefusal(await client.run(python, ["place.py", client.manifest], pointedAt(ready)), "INVALID_ARGUMENT");
  });
  assertSaysNobodyAnswers(await client.run(python, ["place.py", client.manifest, "--emulator", "127.0.0.1:1"]));
});
