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

/** One sample of a counter: a set of labels with its count. */
export interface Cell {
  /** Adds one, or so many. */
  add(count?: number): void;
}

/**
 * A count by labels that only grows.
 *
 * Worked example: a counter `calls_total` with the labels `method` and `code`, increased once by `count("Txn", "OK")`, prints
 * `calls_total{method="Txn",code="OK"} 1` below its help and type. The label values must be few: each set of them stays for good.
 */
export class Counter implements Metric {
  readonly #named: MetricName;
  readonly #labels: readonly string[];
  readonly #cells = new Map<string, { readonly values: readonly string[]; count: number }>();

  constructor(named: MetricName, labels: readonly string[]) {
    this.#named = named;
    this.#labels = labels;
  }

  /** Adds one; the values stand in the order of the labels. */
  count(...values: readonly string[]): void {
    this.#cell(values).count += 1;
  }

  /** A sample in hand, for whoever counts often; it is printed from now on, also while it is 0. */
  cell(...values: readonly string[]): Cell {
    const cell = this.#cell(values);
    return { add: (count = 1) => void (cell.count += count) };
  }

  text(): string {
    const samples = [...this.#cells.values()].map(({ values, count }) => `${this.#named.name}${labelText(this.#labels, values)} ${count}\n`);
    return heading(this.#named, "counter") + samples.join("");
  }

  #cell(values: readonly string[]): { count: number } {
    const key = values.join("\0");
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const cell = { values, count: 0 };
    this.#cells.set(key, cell);
    return cell;
  }
}

/** One sample of a metric that is read. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** When it was so, milliseconds since 1970; absent: when the page is read. */
  readonly timestampMs?: number;
}

/** What is read when a page is: one value, or samples with labels. */
type Read = () => number | readonly Sample[];

/** Samples in one part of a page; a part takes well below a millisecond. */
const SAMPLES_PER_PART = 250;

/** A metric whose values somebody else keeps. */
class ReadMetric implements Metric {
  readonly #named: MetricName;
  readonly #type: "counter" | "gauge";
  readonly #read: Read;

  constructor(named: MetricName, type: "counter" | "gauge", read: Read) {
    this.#named = named;
    this.#type = type;
    this.#read = read;
  }

  text(): string {
    return [...this.parts()].join("");
  }

  /** The same in parts, for a page of many samples. */
  *parts(): Generator<string, void> {
    const { name } = this.#named;
    const read = this.#read();
    const samples: readonly Sample[] = typeof read === "number" ? [{ labels: {}, value: read }] : read;
    yield heading(this.#named, this.#type);
    for (let index = 0; index < samples.length; index += SAMPLES_PER_PART) {
      yield samples.slice(index, index + SAMPLES_PER_PART).map((sample) => sampleText(name, sample)).join("");
    }
  }
}

/** A count that somebody else keeps and that is read when asked for; with labels it has one sample each. */
export class ReadCounter extends ReadMetric {
  constructor(named: MetricName, read: Read) {
    super(named, "counter", read);
  }
}

/** A value that goes up and down, read when asked for; with labels it has one sample each. */
export class ReadGauge extends ReadMetric {
  constructor(named: MetricName, read: Read) {
    super(named, "gauge", read);
  }
}

/**
 * How values spread: for each bound how many were not larger, their sum and their number.
 *
 * Worked example: bounds 1 and 2, observed 0.5 and 1.5: `_bucket{le="1"} 1`, `_bucket{le="2"} 2`, `_bucket{le="+Inf"} 2`, `_sum 2`, `_count 2`.
 */
export class Histogram implements Metric {
  readonly #named: MetricName;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` rise; the unit is that of the name. */
  constructor(named: MetricName, bounds: readonly number[]) {
    this.#named = named;
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const place = this.#bounds.findIndex((bound) => value <= bound);
    const index = place < 0 ? this.#bounds.length : place;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  text(): string {
    const { name } = this.#named;
    let below = 0;
    const buckets = this.#counts.map((count, index) => {
      below += count;
      return `${name}_bucket{le="${numberText(this.#bounds[index] ?? Infinity)}"} ${below}\n`;
    });
    return `${heading(this.#named, "histogram")}${buckets.join("")}${name}_sum ${numberText(this.#sum)}\n${name}_count ${below}\n`;
  }
}

function heading({ name, help }: MetricName, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return names.length === 0 ? "" : `{${names.map((name, index) => `${name}="${escaped(values[index] ?? "")}"`).join(",")}}`;
}

function sampleText(name: string, { labels, value, timestampMs }: Sample): string {
  return `${name}${labelText(Object.keys(labels), Object.values(labels))} ${numberText(value)}${timestampMs === undefined ? "" : ` ${timestampMs}`}\n`;
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
