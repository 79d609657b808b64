/** A container cannot be made because something its spec names is missing or wrong; the message is what the pod's status and events say. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
}

/** A volume cannot be made. */
export class MountError extends ConfigError {
  override readonly name = "MountError";
  /** Name of the volume. */
  readonly volume: string;

  constructor(volume: string, message: string) {
    super(message);
    this.volume = volume;
  }
}

/** A pod waits for some of its volumes. */
export class UnmountedVolumes extends ConfigError {
  override readonly name = "UnmountedVolumes";
  /** One for each of these volumes. */
  readonly failures: readonly MountError[];

  constructor(failures: readonly MountError[]) {
    super(failures.map(({ volume, message }) => `volume ${volume}: ${message}`).join("; "));
    this.failures = failures;
  }
}
