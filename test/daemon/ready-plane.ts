// Stands for the program of a plane: it is ready as soon as it has its plan, and lives as long as its parent.
process.on("message", () => process.send?.({ kind: "ready" }));
process.on("disconnect", () => process.exit());
