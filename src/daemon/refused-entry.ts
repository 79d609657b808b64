import { UserError } from "../base/user-error.js";
import { type FieldPath, readYamlFile } from "./yaml-file.js";

/** An entry of an inventory that vCenter refuses: the user's to mend. */
export class RefusedEntry extends UserError {
  readonly #field: FieldPath;
  readonly #why: string;

  /** `field` is the entry's path in the inventory. */
  constructor(field: FieldPath, why: string, next = "change it in the inventory file") {
    super("cannot-start", `inventory: ${why}`, next);
    this.#field = field;
    this.#why = why;
  }

  /**
   * The error as it is told to who wrote the file; as it is where there is none.
   *
   * Worked example: `inventory lab.yaml, line 4, virtualMachines.0: vCenter refuses virtual machine giant: ...`.
   */
  in(file: string | undefined): UserError {
    return file === undefined ? this : new UserError(this.kind, `${placeIn(file, this.#field)}: ${this.#why}`, this.next);
  }
}

/** A file that changed since it was read may have no such line any more. */
function placeIn(file: string, field: FieldPath): string {
  try {
    return readYamlFile(file, "inventory", "").place(field);
  } catch {
    return `inventory ${file}, ${field.map(String).join(".")}`;
  }
}
