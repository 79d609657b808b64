/** A container cannot be made because something its spec names is missing or wrong; the message is what the pod's status and events say. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
}

/** A volume cannot be made. */
export class MountError extends ConfigError {
  override readonly name = "MountError";
  /** Name of the volume. */
  readonly volume: string;
  /** Whether trying again can help: the API server's objects may change, the pod's spec does not. */
  readonly lasting: boolean;

  constructor(volume: string, message: string, options: { readonly lasting: boolean }) {
    super(message);
    this.volume = volume;
    this.lasting = options.lasting;
  }
}
