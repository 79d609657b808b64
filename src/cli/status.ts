import type { Command } from "commander";
import { runningEmulators } from "./connection.js";
import { type OutputForm, outputOption, print } from "./output.js";
import { screen } from "./screen.js";
import { table } from "./table.js";

/** `spheresim status`: emulators of this user that run. */
export function addStatus(program: Command): void {
  program
    .command("status")
    .description("emulators that run on directories of their own name (up --name)")
    .addOption(outputOption())
    .option("--data-dir <directory>", "only the emulator on this data directory")
    .action((flags: { readonly output: OutputForm; readonly dataDir?: string }) => {
      const running = runningEmulators(process.env, flags.dataDir);
      print(flags.output, running, (wide) => {
        if (running.length === 0) return "no emulator is running; start one with: npm start\n";
        const headings = ["name", "pid", "version", "profile", "hosts", "emulator", "apiserver", ...(wide ? ["etcd", "vcenter", "esxi", "data dir"] : ["data dir"])];
        return table(
          headings,
          running.map((line) => [
            line.name,
            String(line.pid),
            line.version,
            line.profile,
            String(line.hosts.length),
            line.endpoints["emulator"] ?? "",
            line.endpoints["apiserver"] ?? "",
            ...(wide ? [line.endpoints["etcd"] ?? "", line.endpoints["vcenter"] ?? "", line.endpoints["esxi"] ?? ""] : []),
            line.dataDir,
          ]),
          screen().columns,
        );
      });
    });
}
