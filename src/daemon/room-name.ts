/** The rooms that can run, in the order in which they are started. */
export const roomNames = ["etcd", "hostd", "crx", "vcenter", "apiserver", "spherelet", "scheduler", "controllers", "lifecycle", "emulator"] as const;

/** A room that can run. */
export type RoomName = (typeof roomNames)[number];
