// Stands for the program of a plane: it is ready as soon as it has its plan, never answers when it shall flush, and lives as long as its parent.
process.on("message", ({ kind }: { readonly kind?: string }) => kind !== "flush" && process.send?.({ kind: "ready" }));
process.on("disconnect", () => process.exit());
