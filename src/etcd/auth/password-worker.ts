// A worker thread that does nothing but bcrypt, which takes tens of milliseconds of a processor each time.
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";
import type { PasswordAnswer, PasswordTask } from "./password-hasher.js";

const port = parentPort;
if (port === null) throw new Error("password-worker runs as a worker thread only");
port.on("message", (task: PasswordTask) => {
  const answer: PasswordAnswer = "cost" in task ? hash(task.password, task.cost) : bcrypt.compareSync(task.password, task.hash);
  port.postMessage(answer);
});

/** Go writes version 2a, bcryptjs 2b; for the passwords that both take they mean the same. */
function hash(password: string, cost: number): string {
  return bcrypt.hashSync(password, bcrypt.genSaltSync(cost).replace("$2b$", "$2a$"));
}
