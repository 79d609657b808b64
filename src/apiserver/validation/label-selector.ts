import type { StatusCause } from "../errors.js";
import { forbiddenField, GoValue, invalidValue, required } from "./field-path.js";
import type { Json } from "./json.js";
import { validateLabels } from "./metadata.js";
import { labelValueComplaints, qualifiedNameComplaints } from "./names.js";

/** `meta/v1 LabelSelector`. */
export function validateLabelSelector(selector: Json, field: string): StatusCause[] {
  const causes = validateLabels(selector?.matchLabels, `${field}.matchLabels`);
  for (const [index, expression] of ((selector?.matchExpressions ?? []) as Json[]).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    const values = (expression.values ?? []) as string[];
    switch (expression.operator) {
      case "In":
      case "NotIn":
        if (values.length === 0) causes.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case "Exists":
      case "DoesNotExist":
        if (values.length > 0) causes.push(forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        break;
      default:
        causes.push(invalidValue(`${at}.operator`, expression.operator ?? "", "not a valid selector operator"));
    }
    causes.push(...qualifiedNameComplaints(expression.key ?? "").map((complaint) => invalidValue(`${at}.key`, expression.key ?? "", complaint)));
    values.forEach((value, number) => causes.push(...labelValueComplaints(value).map((complaint) => invalidValue(`${at}.values[${number}]`, value, complaint))));
  }
  return causes;
}

/**
 * A selector as Go's `%#v` prints it.
 *
 * `{matchLabels:{app:web}}` gives `v1.LabelSelector{MatchLabels:map[string]string{"app":"web"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}`.
 */
export function goSelector(selector: Json): GoValue {
  const quoted = (value: unknown): string => JSON.stringify(value ?? "");
  const strings = (values: readonly string[] | undefined): string => (values ? `[]string{${values.map(quoted).join(", ")}}` : "[]string(nil)");
  const labels = Object.entries((selector?.matchLabels ?? {}) as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector?.matchExpressions as Json[] | undefined)?.map((each) => `v1.LabelSelectorRequirement{Key:${quoted(each.key)}, Operator:${quoted(each.operator)}, Values:${strings(each.values)}}`);
  const labelsText = selector?.matchLabels ? `{${labels.map(([key, value]) => `${quoted(key)}:${quoted(value)}`).join(", ")}}` : "(nil)";
  return new GoValue(`v1.LabelSelector{MatchLabels:map[string]string${labelsText}, MatchExpressions:[]v1.LabelSelectorRequirement${expressions ? `{${expressions.join(", ")}}` : "(nil)"}}`);
}
