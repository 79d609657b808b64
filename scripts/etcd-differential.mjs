// The long differential run beside the etcd that is installed: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/etcd/differential/main.js");
