import type { Command } from "commander";
import { importEtcdSnapshot } from "../daemon/index.js";

/** `spheresim import-etcd`: what a real etcd holds, with its revisions, as the store of an emulator. */
export function addImportEtcd(program: Command): void {
  program
    .command("import-etcd")
    .description("make a new data directory from a real etcd's snapshot: same keys, revisions, leases, users and HashKV")
    .argument("<snapshot>", "file of `etcdctl snapshot save`, or a stopped etcd's member/snap/db")
    .requiredOption("--data-dir <directory>", "data directory to make, for `up` and `serve` to use")
    .option("--standalone", "for `serve etcd` with etcd's own flags instead of `up`")
    .action(async (snapshot: string, flags: { readonly dataDir: string; readonly standalone?: boolean }) => {
      const { directory, revision, rows, leases } = await importEtcdSnapshot(snapshot, flags.dataDir, flags.standalone ?? false);
      process.stdout.write(`imported ${directory}: revision ${revision}, ${rows} row${rows === 1 ? "" : "s"} of history, ${leases} lease${leases === 1 ? "" : "s"}\n`);
    });
}
