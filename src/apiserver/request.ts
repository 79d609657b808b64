import type { Caller } from "./kinds/kind.js";

/** What to do with unknown and duplicate fields of a body (`fieldValidation`). */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What every write carries beside its body. */
export interface WriteOptions {
  readonly caller: Caller;
  /** Who is named in managedFields: the `fieldManager` parameter, else the first part of the user agent. */
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Server-side apply may take fields from others. */
  readonly force: boolean;
  /** `status`, `scale` ...; absent for the object itself. */
  readonly subresource?: string;
  /** Collects sentences for the caller. */
  readonly warn: (text: string) => void;
}

/** `meta/v1 DeleteOptions`, decoded. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
}

/** Which objects a list, watch or deletecollection is about. */
export interface Selection {
  readonly labelSelector: string;
  readonly fieldSelector: string;
}
