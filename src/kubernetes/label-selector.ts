/** `meta/v1 LabelSelector`: both parts must hold; an empty selector matches everything, an absent one nothing. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** One requirement of a selector in its query form. `gt` and `lt` compare whole numbers (node selectors use them). */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "doesNotExist" | "gt" | "lt";
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** A selector that does not parse; the message is for the caller of the API (400 BadRequest). */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/**
 * Parses the query form: comma means and.
 *
 * Example: `app=web,tier in (front, back),!canary` gives
 * `[{app in [web]}, {tier in [front, back]}, {canary doesNotExist}]`.
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  const requirements: LabelRequirement[] = [];
  let at = 0;

  const skip = (): void => {
    while (text[at] === " " || text[at] === "\t") at += 1;
  };
  const fail = (expected: string): never => {
    const found = at < text.length ? text.slice(at).split(/[\s,()]/, 1)[0] || text[at] : "";
    throw new SelectorError(`unable to parse requirement: found '${found}', expected: ${expected}`);
  };
  const word = (): string => {
    skip();
    const start = at;
    while (at < text.length && !/[\s,()=!<>]/.test(text[at]!)) at += 1;
    return text.slice(start, at);
  };
  const list = (): readonly string[] => {
    skip();
    if (text[at] !== "(") fail("'('");
    at += 1;
    const values: string[] = [];
    for (;;) {
      values.push(word());
      skip();
      if (text[at] === ",") at += 1;
      else if (text[at] === ")") {
        at += 1;
        return [...new Set(values)].sort();
      } else fail("',' or ')'");
    }
  };

  skip();
  if (at === text.length) return requirements;
  for (;;) {
    skip();
    if (text[at] === "!") {
      at += 1;
      const key = word();
      requirements.push({ key: checkKey(key), operator: "doesNotExist", values: [] });
    } else {
      const key = checkKey(word() || fail("identifier"));
      skip();
      if (at === text.length || text[at] === ",") requirements.push({ key, operator: "exists", values: [] });
      else if (text.startsWith("!=", at)) {
        at += 2;
        requirements.push({ key, operator: "notin", values: [checkValue(key, word())] });
      } else if (text.startsWith("==", at) || text[at] === "=") {
        at += text.startsWith("==", at) ? 2 : 1;
        requirements.push({ key, operator: "in", values: [checkValue(key, word())] });
      } else if (text[at] === ">" || text[at] === "<") {
        const operator = text[at] === ">" ? "gt" : "lt";
        at += 1;
        const value = word();
        if (!/^-?\d+$/.test(value)) throw new SelectorError(`values[0][${key}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`);
        requirements.push({ key, operator, values: [value] });
      } else {
        const verb = word();
        if (verb !== "in" && verb !== "notin") {
          at -= verb.length;
          fail("in, notin, =, ==, !=, gt, lt");
        }
        requirements.push({ key, operator: verb as "in" | "notin", values: list().map((value) => checkValue(key, value)) });
      }
    }
    skip();
    if (at === text.length) return requirements;
    if (text[at] !== ",") fail("',' or end of string");
    at += 1;
    skip();
    if (at === text.length) fail("identifier after ','");
  }
}

function checkKey(key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const prefix = key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : undefined;
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(name) || (prefix !== undefined && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(prefix))) {
    throw new SelectorError(
      `key: Invalid value: "${key}": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    );
  }
  return key;
}

function checkValue(key: string, value: string): string {
  if (value === "" || /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(value)) return value;
  throw new SelectorError(
    `values[0][${key}]: Invalid value: "${value}": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
  );
}

/** The query form of a LabelSelector object, for `labelSelector=` and for matching. */
export function requirementsOf(selector: LabelSelector): readonly LabelRequirement[] {
  const operators: Readonly<Record<string, "in" | "notin" | "exists" | "doesNotExist">> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "doesNotExist" };
  return [
    ...Object.entries(selector.matchLabels ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]): LabelRequirement => ({ key, operator: "in", values: [value] })),
    ...(selector.matchExpressions ?? []).map((expression): LabelRequirement => {
      const operator = operators[expression.operator];
      if (operator === undefined) throw new SelectorError(`"${expression.operator}" is not a valid label selector operator`);
      return { key: expression.key, operator, values: expression.values ?? [] };
    }),
  ];
}

/** Writes requirements in query form; `parseLabelSelector` reads it back to the same. */
export function formatLabelSelector(requirements: readonly LabelRequirement[]): string {
  return requirements
    .map(({ key, operator, values }) => {
      switch (operator) {
        case "exists":
          return key;
        case "doesNotExist":
          return `!${key}`;
        case "gt":
          return `${key}>${values[0]}`;
        case "lt":
          return `${key}<${values[0]}`;
        case "in":
          return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
        case "notin":
          return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
      }
    })
    .join(",");
}

/** Whether one requirement holds. `notin` holds also where the label is absent. */
export function matchesRequirement(requirement: LabelRequirement, labels: Labels | undefined): boolean {
  const present = labels !== undefined && Object.hasOwn(labels, requirement.key);
  const value = present ? labels[requirement.key]! : undefined;
  switch (requirement.operator) {
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notin":
      return value === undefined || !requirement.values.includes(value);
    case "exists":
      return present;
    case "doesNotExist":
      return !present;
    case "gt":
    case "lt": {
      const wanted = requirement.values[0];
      if (value === undefined || wanted === undefined || !/^-?\d+$/.test(value) || !/^-?\d+$/.test(wanted)) return false;
      return requirement.operator === "gt" ? BigInt(value) > BigInt(wanted) : BigInt(value) < BigInt(wanted);
    }
  }
}

/** Whether all requirements hold; none at all match everything. */
export function matchesRequirements(requirements: readonly LabelRequirement[], labels: Labels | undefined): boolean {
  return requirements.every((requirement) => matchesRequirement(requirement, labels));
}

/** Whether the labels satisfy a LabelSelector object; an absent selector matches nothing. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  return selector !== undefined && matchesRequirements(requirementsOf(selector), labels);
}
