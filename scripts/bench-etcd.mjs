// Ours beside the etcd that is installed, under etcd's own load generator: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/bench/etcd/main.js");
