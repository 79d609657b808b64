// A worker thread that does nothing but bcrypt, which takes tens of milliseconds of a processor each time.
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";
import type { PasswordAnswer, PasswordTask } from "./password-hasher.js";

/** golang.org/x/crypto/bcrypt's default, and so etcd's (--bcrypt-cost). */
const COST = 10;

const port = parentPort;
if (port === null) throw new Error("password-worker runs as a worker thread only");
port.on("message", (task: PasswordTask) => {
  const answer: PasswordAnswer = task.hash === undefined ? hash(task.password) : bcrypt.compareSync(task.password, task.hash);
  port.postMessage(answer);
});

/** Go writes version 2a, bcryptjs 2b; for the passwords that both take they mean the same. */
function hash(password: string): string {
  return bcrypt.hashSync(password, bcrypt.genSaltSync(COST).replace("$2b$", "$2a$"));
}
