/**
 * Replaces `$(NAME)` by its value, as Kubernetes does in command, args, env values and subPathExpr. `$$` is a dollar sign, and a name
 * nobody knows stays as it is written.
 *
 * Example with A=1: `$(A) $$(A) $(B)` becomes `1 $(A) $(B)`.
 */
export function expand(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (written, name: string | undefined) => (name === undefined ? "$" : (valueOf(name) ?? written)));
}
