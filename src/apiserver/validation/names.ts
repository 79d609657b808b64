const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern}$`).test(text);
}

function tooLong(max: number): string {
  return `must be no more than ${max} characters`;
}

function example(rule: string, examples: readonly string[], pattern: string): string {
  return `${rule} (e.g. ${examples.map((text) => `'${text}'`).join(", or ")}, regex used for validation is '${pattern}')`;
}

/** What is wrong with a DNS-1123 label (RFC 1123, at most 63 characters). */
export function labelComplaints(text: string): string[] {
  const found: string[] = [];
  if (text.length > 63) found.push(tooLong(63));
  if (!matches(LABEL, text)) {
    found.push(
      matches(SUBDOMAIN, text)
        ? "must not contain dots"
        : example("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", ["my-name", "123-abc"], LABEL),
    );
  }
  return found;
}

/** What is wrong with a DNS-1123 subdomain (at most 253 characters): the name of most kinds. */
export function subdomainComplaints(text: string): string[] {
  const found: string[] = [];
  if (text.length > 253) found.push(tooLong(253));
  if (!matches(SUBDOMAIN, text)) {
    found.push(
      example("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", ["example.com"], SUBDOMAIN),
    );
  }
  return found;
}

/** What is wrong with a DNS-1035 label: the name of a Service. */
export function label1035Complaints(text: string): string[] {
  const found: string[] = [];
  if (text.length > 63) found.push(tooLong(63));
  if (!matches(LABEL_1035, text)) {
    found.push(
      example(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        ["my-name", "abc-123"],
        LABEL_1035,
      ),
    );
  }
  return found;
}

const QUALIFIED_RULE = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** What is wrong with a qualified name such as a label key: `example.com/my.name`. */
export function qualifiedNameComplaints(text: string): string[] {
  const parts = text.split("/");
  const found: string[] = [];
  const example3 = example(QUALIFIED_RULE, ["MyName", "my.name", "123-abc"], QUALIFIED);
  if (parts.length > 2) {
    return [`a qualified name ${example(QUALIFIED_RULE, ["MyName", "my.name", "123-abc"], QUALIFIED)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === "") found.push("prefix part must be non-empty");
    else found.push(...subdomainComplaints(parts[0]!).map((complaint) => `prefix part ${complaint}`));
  }
  if (name === "") found.push("name part must be non-empty");
  else if (name.length > 63) found.push(`name part ${tooLong(63)}`);
  if (!matches(QUALIFIED, name)) found.push(`name part ${example3}`);
  return found;
}

/** What is wrong with a label's value. */
export function labelValueComplaints(text: string): string[] {
  const found: string[] = [];
  if (text.length > 63) found.push(tooLong(63));
  if (!matches(LABEL_VALUE, text)) {
    found.push(
      example(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ["MyValue", "my_value", "12345"],
        LABEL_VALUE,
      ),
    );
  }
  return found;
}

/** Complaints of a generateName: the part before the random end must itself be able to begin a name. */
export function ofPrefix(complaints: (text: string) => string[]): (text: string, isPrefix: boolean) => string[] {
  return (text, isPrefix) => complaints(isPrefix && text.endsWith("-") ? `${text.slice(0, -1)}a` : text);
}

/** What is wrong with a port's name (IANA_SVC_NAME). */
export function portNameComplaints(text: string): string[] {
  const found: string[] = [];
  if (text.length > 15) found.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]*$/.test(text)) found.push(`must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`);
  if (!/[a-z]/.test(text)) found.push("must contain at least one letter (a-z)");
  if (text.includes("--")) found.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) found.push("must not begin or end with a hyphen");
  return found;
}

/** What is wrong with the name of an environment variable, by the relaxed rule that is the default since 1.32. */
export function environmentNameComplaints(text: string): string[] {
  return /^[ -<>-~]*$/.test(text) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** What is wrong with a key of a ConfigMap or Secret. */
export function configKeyComplaints(text: string): string[] {
  const pattern = "[-._a-zA-Z0-9]+";
  const found: string[] = [];
  if (text.length > 253) found.push(tooLong(253));
  if (!matches(pattern, text)) found.push(example("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", ["key.name", "KEY_NAME", "key-name"], pattern));
  if (text === ".") found.push("must not be '.'");
  if (text === "..") found.push("must not be '..'");
  else if (text.startsWith("..")) found.push("must not start with '..'");
  return found;
}
