/** What a running emulator says of itself: one JSON line on standard output, and the file `daemon.json` in its data directory. */
export interface ReadyLine {
  readonly ready: true;
  readonly version: string;
  /** Process to signal to stop it. */
  readonly pid: number;
  /** Name it was started under. */
  readonly name: string;
  readonly seed: number;
  readonly profile: string;
  readonly dataDir: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly hosts: ReadonlyArray<{ readonly moid: string; readonly name: string }>;
  /** Address by room; rooms that do not run are absent. `extender` and `apiserver` are URLs. `esxi` is HostD. */
  readonly endpoints: Readonly<Record<string, string>>;
}

/** Name of the file in the data directory. */
export const readyFileName = "daemon.json";
