// Ends with one line where Node is older than package.json asks for. Written for every Node that knows modules, and imported before
// anything newer is even parsed.
var wanted = [20, 19];
var version = process.versions.node;
var parts = version.split(".").map(Number);
if (parts[0] < wanted[0] || (parts[0] === wanted[0] && parts[1] < wanted[1])) {
  console.error("spheresim: Node " + version + " is too old; install Node " + wanted.join(".") + " or newer (https://nodejs.org) and run the command again");
  process.exit(3);
}
