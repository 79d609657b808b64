import { monotonicClock } from "../base/clock.js";

/** A person, a supervisor or the end of the parent asks this command to stop. */
export interface StopRequest {
  /** Aborted at the first request. */
  readonly signal: AbortSignal;
  /** Resolves at the first request. */
  readonly requested: Promise<void>;
  /** Asks. */
  readonly request: () => void;
  /** Listens to signals no longer. */
  readonly release: () => void;
  /** Exit status of a command that was stopped before its work was done: 128 + the signal's number, as shells count. */
  readonly exitCode: number;
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const signalBase = 128;

/** Hears the first INT, TERM or HUP; a second INT ends the process at once. */
export function stopRequest(): StopRequest {
  const stop = new AbortController();
  let exitCode = signalBase + signalNumbers.SIGTERM;
  const heard = (signal: NodeJS.Signals, number: number): void => {
    if (stop.signal.aborted && signal === "SIGINT") process.exit(signalBase + number);
    if (stop.signal.aborted) return;
    exitCode = signalBase + number;
    stop.abort();
  };
  const signals = Object.keys(signalNumbers) as NodeJS.Signals[];
  for (const signal of signals) process.on(signal, heard);
  return {
    signal: stop.signal,
    requested: new Promise((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true })),
    request: () => stop.abort(),
    release: () => {
      for (const signal of signals) process.off(signal, heard);
    },
    get exitCode() {
      return exitCode;
    },
  };
}

const parentPollMs = 200;
/** Taken early: a parent that ends while this process is still loading would not be missed later. */
const parent = process.ppid;

/** Tells when the process that started this one is gone; an orphan gets another parent. The function it returns ends the watch. */
export function watchParent(gone: () => void): () => void {
  const clock = monotonicClock();
  const look = (): void => {
    if (process.ppid !== parent) gone();
    else timer = clock.timer(parentPollMs, look);
  };
  let timer = clock.timer(0, look);
  return () => timer.cancel();
}
