import { join, resolve } from "node:path";
import { UserError } from "../base/user-error.js";
import { DataDirectoryError, importEtcd, type Imported } from "../etcd/index.js";

/** The result of an import, and where it lies. */
interface EtcdImport extends Imported {
  readonly directory: string;
}

/**
 * Makes the store of an emulator from a real etcd's snapshot: in `etcd` below a data directory of `up`, or in `member` below one of `serve
 * etcd` with etcd's own flags. Throws UserError, and leaves nothing behind then.
 */
export async function importEtcdSnapshot(snapshot: string, dataDir: string, standalone: boolean): Promise<EtcdImport> {
  const directory = join(resolve(dataDir), standalone ? "member" : "etcd");
  try {
    return { ...(await importEtcd(resolve(snapshot), directory)), directory };
  } catch (error) {
    if (error instanceof DataDirectoryError) throw new UserError("failed", error.message);
    throw error;
  }
}
