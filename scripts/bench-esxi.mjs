// What an ESXi process takes for its pods and hosts: brings the build up to date and hands over to the compiled one.
import { build } from "./build.mjs";

build();
await import("../dist/test/bench/esxi/main.js");
