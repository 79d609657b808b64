// The daemon puts the rooms together: it chooses addresses and processes, makes certificates, fills the inventory, and says when a pod
// can be placed. It is the only place that knows every room; nothing of the article's logic is here.
export { type Daemon, startDaemon } from "./daemon.js";
export { withTemporaryDaemon } from "./temporary-daemon.js";
export { startRoom } from "./single-room.js";
export { isEtcdCommandLine, readEtcdCommandLine } from "./etcd-command-line.js";
export { etcdHelpText, etcdVersionText, startStandaloneEtcd } from "./standalone-etcd.js";
export { importEtcdSnapshot } from "./etcd-import.js";
export { readOptions } from "./options.js";
export { roomNames, type RoomName } from "./room-name.js";
