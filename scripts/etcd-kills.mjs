// Kills an etcd of ours many times and checks its clients' records: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/etcd/robustness/main.js");
