/** `GET /version`: kubectl's dispatcher chooses its client by major and minor. */
export function versionInfo(): object {
  return {
    major: "1",
    minor: "32",
    gitVersion: "v1.32.0+spheresim",
    gitCommit: "0000000000000000000000000000000000000000",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "none",
    compiler: "tsc",
    platform: "spheresim",
  };
}
