import { existsSync } from "node:fs";
import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../base/log.js";
import { BoltFile, BoltFileError } from "../bolt/file.js";
import { DataDirectoryError } from "../errors.js";
import { importEtcd } from "../import/import.js";
import { RaftLogError, readRaftLog } from "../import/raft-log.js";

/** Name of our database beside `snap` and `wal` of a real etcd's `member`. */
const BESIDE = "spheresim";

/**
 * Where our database lies for etcd's directory `member`: there, or, where that is a real etcd's, in `spheresim` below it, which is made
 * once of what is in `member/snap/db`. That file stays as it is. So a directory that `etcdctl snapshot restore` made can be started on, as
 * with etcd. What the real etcd acknowledged must be in the file: it writes it behind its write-ahead log, and only a real etcd can catch up.
 * Throws DataDirectoryError with one line.
 *
 * Worked example: a member was killed when `snap/db` said consistent_index 5 and the log had a put as entry 6. The put was acknowledged,
 * so the directory is refused. With consistent_index 6 it is imported.
 */
export async function databaseDirectory(member: string, log: Logger): Promise<string> {
  const database = join(member, "snap", "db");
  if (!existsSync(database) || existsSync(join(member, "CURRENT"))) return member;
  const directory = join(member, BESIDE);
  if (existsSync(directory)) return directory;
  await requireFree(database);
  const { index, members } = await inspect(database);
  if (members > 1) throw new DataDirectoryError(`${member} belongs to one of ${members} members of an etcd cluster; ${INSTEAD}`);
  const { identity, newer } = await raftLog(member, index);
  if (newer !== undefined) throw new DataDirectoryError(`${member} is an etcd's whose last changes may be in its write-ahead log alone (snap/db says it ends at entry ${index}, the log has entry ${newer}); ${INSTEAD}`);
  const { revision, rows, leases } = await importEtcd(database, directory, identity);
  log.info({ from: database, to: directory, revision, rows, leases }, "imported the database of a real etcd, which stays as it is and is not read again");
  return directory;
}

const INSTEAD = "start etcd on it, save it with `etcdctl snapshot save FILE`, and type `spheresim import-etcd FILE --standalone --data-dir NEW`";

/** The index of the last change in the database, and of how many members it knows. */
async function inspect(database: string): Promise<{ readonly index: bigint; readonly members: number }> {
  let file: BoltFile | undefined;
  try {
    file = await BoltFile.open(database);
    let [index, members] = [0n, 0];
    for await (const rows of file.rows("meta")) for (const [key, value] of rows) if (key.toString("latin1") === "consistent_index" && value.length === 8) index = value.readBigUInt64BE();
    for await (const rows of file.rows("members")) members += rows.length;
    return { index, members };
  } catch (error) {
    throw new DataDirectoryError(`cannot import ${database}: ${(error as Error).message}`, error instanceof BoltFileError ? undefined : error);
  } finally {
    await file?.close();
  }
}

async function raftLog(member: string, index: bigint): ReturnType<typeof readRaftLog> {
  const directory = join(member, "wal");
  // Who has the file alone has no log that could say more.
  if (!existsSync(directory)) return { identity: undefined, newer: undefined };
  try {
    return await readRaftLog(directory, index);
  } catch (error) {
    const what = error instanceof RaftLogError ? error.message : (error as Error).message;
    throw new DataDirectoryError(`cannot tell from ${directory} whether ${member} is complete: ${what}; ${INSTEAD}`, error);
  }
}

/** A real etcd that runs holds its database by a lock that only Linux shows. */
async function requireFree(database: string): Promise<void> {
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  const { ino } = await stat(database);
  for (const line of locks.split("\n")) {
    const [, pid, inode] = / FLOCK .* (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
    if (pid !== undefined && inode === String(ino) && (await holds(pid, database))) throw new DataDirectoryError(`${database} is in use by process ${pid}; stop that etcd, or use another --data-dir`);
  }
}

/** Whether a process has the file open: the same inode may be another file's on another disk. A process that does not show it counts as one that has. */
async function holds(pid: string, path: string): Promise<boolean> {
  const descriptors = join("/proc", pid, "fd");
  const names = await readdir(descriptors).catch((error: unknown) => ((error as { code?: string }).code === "ENOENT" ? [] : undefined));
  if (names === undefined) return true;
  const real = await realpath(path);
  const targets = await Promise.all(names.map((name) => readlink(join(descriptors, name)).catch(() => "")));
  return targets.includes(real);
}
