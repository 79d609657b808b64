/** Something a process counts, as Prometheus reads it. */
export interface Metric {
  /** The lines of the text exposition format 0.0.4, help and type first. */
  text(): string;
}

/** What every metric of a page says of itself. */
export interface MetricName {
  /** Snake case, the unit last, then `_total`: the real component's name where it has one. */
  readonly name: string;
  readonly help: string;
}

/** The media type of a page of metrics. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * A count by labels that only grows.
 *
 * Worked example: a counter `calls_total` with the labels `method` and `code`, increased once by `count("Txn", "OK")`, prints
 * `calls_total{method="Txn",code="OK"} 1` below its help and type. The label values must be few: each set of them stays for good.
 */
export class Counter implements Metric {
  readonly #named: MetricName;
  readonly #labels: readonly string[];
  readonly #counts = new Map<string, number>();

  constructor(named: MetricName, labels: readonly string[]) {
    this.#named = named;
    this.#labels = labels;
  }

  /** Adds one; the values stand in the order of the labels. */
  count(...values: readonly string[]): void {
    const key = values.join("\0");
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  text(): string {
    const samples = [...this.#counts].map(([key, count]) => {
      const values = key.split("\0");
      return `${this.#named.name}{${this.#labels.map((label, index) => `${label}="${escaped(values[index] ?? "")}"`).join(",")}} ${count}\n`;
    });
    return heading(this.#named) + samples.join("");
  }
}

/** A count that somebody else keeps and that is read when asked for. */
export class ReadCounter implements Metric {
  readonly #named: MetricName;
  readonly #read: () => number;

  constructor(named: MetricName, read: () => number) {
    this.#named = named;
    this.#read = read;
  }

  text(): string {
    return `${heading(this.#named)}${this.#named.name} ${this.#read()}\n`;
  }
}

function heading({ name, help }: MetricName): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
