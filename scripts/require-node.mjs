const wanted = [20, 19];

/** Ends with one line where Node is older than package.json asks for. This file is written for every Node that knows modules. */
export function requireNode() {
  const version = process.versions.node;
  const [major, minor] = version.split(".").map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  console.error(`spheresim: Node ${version} is too old; install Node ${wanted.join(".")} or newer (https://nodejs.org) and run the command again`);
  process.exit(3);
}
