import { stringify } from "yaml";
import { UserError } from "../base/user-error.js";

/** Forms of output that reading commands have. */
export const outputForms = ["table", "wide", "json", "yaml"] as const;

/** Prints a value as JSON or YAML, or by `asTable`. */
export function print(form: string, value: unknown, asTable: (wide: boolean) => string): void {
  switch (form) {
    case "json":
      process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
      return;
    case "yaml":
      process.stdout.write(stringify(value));
      return;
    case "table":
    case "wide":
      process.stdout.write(asTable(form === "wide"));
      return;
    default:
      throw new UserError("usage", `output form "${form}" is unknown`, `choose one of: ${outputForms.join(", ")}`);
  }
}
