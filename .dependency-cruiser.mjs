// Who may import whom, as data: the table of the house plan. `scripts/check-imports.mjs` applies it to every file of src.

/** The systems of the article. No room imports another one: its arrows are RPCs, so in code they can only be RPCs. */
const rooms = ["etcd", "apiserver", "controllers", "scheduler", "vcenter", "hostd", "spherelet", "crx", "lifecycle", "emulator"];
const anyRoom = `^src/(${rooms.join("|")})/`;

/** The files of a room that may touch a wire. `scheduler` is two systems in one room. */
const wireFiles = `${anyRoom}(?:(?:kube|extension)/)?(?:service\\.ts|client\\.ts|errors\\.ts|index\\.ts|services/|client/)`;

/** The commands that start rooms themselves or work on their data, and the one that runs the contract tests. */
const startingCommands = "^src/cli/(?:up|serve|demo|exec|import-etcd)\\.ts$";
const verifyingCommands = "^src/cli/verify\\.ts$";

/** Every directory of src; a file elsewhere belongs nowhere. */
export const places = ["base", "kubernetes", "rpc", ...rooms, "daemon", "cli", "contract", "gen"];

/** `from` may import itself and `allowed` (paths below src), nothing else of src. `$1` is the first group of `from`. */
const onlyThese = (name, comment, from, allowed) => ({ name, comment, severity: "error", from, to: { path: "^src/", pathNot: allowed } });

export default {
  forbidden: [
    onlyThese("base", "base is the ground: it imports nothing of src", { path: "^src/base/" }, ["^src/base/"]),
    {
      name: "base-packages",
      comment: "base needs nothing but Node's own modules",
      severity: "error",
      from: { path: "^src/base/" },
      to: { dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer", "npm-no-pkg", "npm-unknown"] },
    },
    onlyThese("leaves", "kubernetes and rpc import base and gen", { path: "^src/(kubernetes|rpc)/" }, ["^src/$1/", "^src/(?:base|gen)/"]),
    onlyThese("rooms", "a room imports itself, base, kubernetes and gen; its service, client, errors and index also rpc", { path: anyRoom }, [
      "^src/$1/",
      "^src/(?:base|kubernetes|rpc|gen)/",
    ]),
    {
      name: "domain-without-wires",
      comment: "domain files of a room know no rpc: only service.ts, services/, client.ts, client/, errors.ts and index.ts do",
      severity: "error",
      from: { path: anyRoom, pathNot: wireFiles },
      to: { path: "^src/rpc/" },
    },
    {
      name: "domain-without-services",
      comment: "domain files of a room use message codecs of gen, not service definitions",
      severity: "error",
      from: { path: anyRoom, pathNot: wireFiles },
      to: { path: "^src/gen/.*_service\\.ts$" },
    },
    {
      name: "grpc-behind-rpc",
      comment: "only rpc (and generated code) knows grpc-js; everybody else speaks through it",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(?:rpc|gen)/" },
      to: { path: "node_modules/@grpc/" },
    },
    onlyThese("daemon", "the daemon composes rooms by their index.ts", { path: "^src/daemon/" }, [
      "^src/daemon/",
      "^src/(?:base|kubernetes|rpc|gen)/",
      `${anyRoom}index\\.ts$`,
    ]),
    onlyThese("commands", "commands import base, kubernetes, rpc and gen", { path: "^src/cli/", pathNot: [startingCommands, verifyingCommands] }, [
      "^src/cli/",
      "^src/(?:base|kubernetes|rpc|gen)/",
    ]),
    onlyThese("starting-commands", "up, serve, demo, exec and import-etcd also import the daemon", { path: startingCommands }, ["^src/cli/", "^src/(?:base|kubernetes|rpc|gen|daemon)/"]),
    onlyThese("verifying-commands", "verify also imports the contract tests", { path: verifyingCommands }, ["^src/cli/", "^src/(?:base|kubernetes|rpc|gen|contract)/"]),
    onlyThese("contract", "contract tests know no room", { path: "^src/contract/" }, ["^src/contract/", "^src/(?:base|kubernetes|rpc|gen)/"]),
    onlyThese("generated", "generated code imports generated code, and what its decoders read with", { path: "^src/gen/" }, ["^src/gen/", "^src/base/message-reader\\.ts$"]),
    { name: "no-cycles", comment: "two files that need each other are one noun", severity: "error", from: { pathNot: "^src/gen/" }, to: { circular: true } },
    { name: "resolvable", comment: "an import must lead somewhere", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".js", ".json"], exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
