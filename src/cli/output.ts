import { Option } from "commander";
import { stringify } from "yaml";

/** Forms of output that reading commands have. */
const outputForms = ["table", "wide", "json", "yaml"] as const;
export type OutputForm = (typeof outputForms)[number];

/** `-o` of a reading command. */
export function outputOption(): Option {
  return new Option("-o, --output <form>", "form of the output").choices(outputForms).default("table");
}

/** Prints a value as JSON or YAML, or by `asTable`. */
export function print(form: OutputForm, value: unknown, asTable: (wide: boolean) => string): void {
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
  }
}
