/**
 * A pod as a person names it: `web`, `shop/web` or a UID.
 *
 * Worked example: `podArgument("shop/web", "default")` is `{podUid: "", namespace: "shop", name: "web"}`.
 */
export function podArgument(text: string, namespace: string): { podUid: string; namespace: string; name: string } {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return { podUid: text, namespace: "", name: "" };
  const [first, second] = text.replace(/^pods?\//, "").split("/", 2);
  return second === undefined ? { podUid: "", namespace, name: first ?? "" } : { podUid: "", namespace: first ?? "", name: second };
}
