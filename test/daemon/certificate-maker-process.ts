// A process that asks for the certificates of hosts and prints them: node certificate-maker-process.js DIRECTORY HOST ...
import { HostCertificateStore } from "../../src/daemon/host-certificates.js";

const [directory = "", ...hosts] = process.argv.slice(2);
const store = new HostCertificateStore(directory, []);
process.stdout.write(JSON.stringify(await Promise.all(hosts.map((host) => store.of(host)))));
