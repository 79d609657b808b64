import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { moref } from "../inventory/moref.js";
import { type Amount, NOTHING, type Resource } from "./amount.js";
import type { HostCandidate, HostPower, HostReach } from "./host-candidate.js";
import { type HostOffer, HostOffers, NO_OFFER } from "./host-offers.js";

/** What moves when a VM, or a hold for one, comes to a host or leaves it. */
export interface Booking {
  /** Reservation with overhead. */
  readonly reserved: Amount;
  /** In use now. */
  readonly active: Amount;
  /** Expected use. */
  readonly demand: Amount;
  /** Whether it counts as a VM that is powered on. */
  readonly poweredOn: boolean;
}

const FIRST_ROWS = 64;
const REACHES: readonly HostReach[] = ["connected", "notResponding", "disconnected"];
const POWERS: readonly HostPower[] = ["poweredOn", "poweredOff", "standBy"];
/** Bits of the column of states beside reach (bits 0 and 1) and power (2 and 3). */
const MAINTENANCE = 16;
const QUARANTINE = 32;

/** One figure of each host for both resources, side by side. */
class Column {
  readonly #figures: Float64Array;

  constructor(rows: number, before?: Column) {
    this.#figures = new Float64Array(2 * rows);
    if (before !== undefined) this.#figures.set(before.#figures);
  }

  at(row: number, resource: Resource): number {
    return this.#figures[resource === "cpuMhz" ? 2 * row : 2 * row + 1] ?? 0;
  }

  set(row: number, amount: Amount): void {
    this.#figures[2 * row] = amount.cpuMhz;
    this.#figures[2 * row + 1] = amount.memoryMb;
  }

  add(row: number, amount: Amount, sign: 1 | -1): void {
    this.#figures[2 * row] = this.at(row, "cpuMhz") + sign * amount.cpuMhz;
    this.#figures[2 * row + 1] = this.at(row, "memoryMb") + sign * amount.memoryMb;
  }
}

/**
 * Every host as one row of a table of typed arrays, kept up to date by the ledger, so that a placement reads figures instead of making an
 * object for each of thousands of hosts. A host keeps its row as long as it is there; the row of one that left is used again.
 *
 * Example: host-21 in row 0 and host-22 in row 1; host-21 leaves and host-23 comes: it gets row 0. `rowsOf` gives a cluster's rows in
 * order of the hosts' *names*, here 1, 0 for `b` and `c`: whoever draws among rows draws the same host whatever order the hosts came in.
 */
export class HostTable {
  readonly #rowByMoid = new Map<string, number>();
  readonly #freeRows: number[] = [];
  readonly #offersKept = new HostOffers();
  #refs: ManagedObjectReference[] = [];
  #names: string[] = [];
  #clusters: string[] = [];
  #offers: HostOffer[] = [];
  readonly #rowsByCluster = new Map<string, Int32Array>();
  #capacity = new Column(FIRST_ROWS);
  #reserved = new Column(FIRST_ROWS);
  #active = new Column(FIRST_ROWS);
  #demand = new Column(FIRST_ROWS);
  #cores = new Int32Array(FIRST_ROWS);
  #coreMhz = new Int32Array(FIRST_ROWS);
  #states = new Uint8Array(FIRST_ROWS);
  #bookings = new Int32Array(FIRST_ROWS);
  #poweredOnVms = new Int32Array(FIRST_ROWS);
  #versions = new Uint32Array(FIRST_ROWS);

  /** Rows in use and free ones. */
  get length(): number {
    return this.#names.length;
  }

  /** All rows as they are now, in a table that stays so: for who tells of them while more is booked here. Nothing is booked there. */
  frozen(): HostTable {
    const copy = new HostTable();
    copy.#refs = this.#refs.slice();
    copy.#names = this.#names.slice();
    copy.#clusters = this.#clusters.slice();
    copy.#offers = this.#offers.slice();
    copy.#cores = this.#cores.slice();
    copy.#coreMhz = this.#coreMhz.slice();
    copy.#states = this.#states.slice();
    copy.#bookings = this.#bookings.slice();
    copy.#poweredOnVms = this.#poweredOnVms.slice();
    copy.#versions = this.#versions.slice();
    const rows = this.#cores.length;
    copy.#capacity = new Column(rows, this.#capacity);
    copy.#reserved = new Column(rows, this.#reserved);
    copy.#active = new Column(rows, this.#active);
    copy.#demand = new Column(rows, this.#demand);
    return copy;
  }

  /** A new host, of which nothing is known but what it can give. */
  add(moid: string, capacity: Amount): void {
    const row = this.#freeRows.pop() ?? this.#names.length;
    if (row >= this.#cores.length) this.#grow();
    this.#rowByMoid.set(moid, row);
    this.#refs[row] = moref("HostSystem", moid);
    this.#names[row] = moid;
    this.#clusters[row] = "";
    this.#offers[row] = NO_OFFER;
    this.#capacity.set(row, capacity);
    this.#touch(row);
  }

  /** What a host is and how it is now. Its capacity stays. */
  describe(host: HostCandidate): void {
    const row = this.row(host.moid);
    if (this.#names[row] !== host.name || this.#clusters[row] !== host.cluster) this.#rowsByCluster.clear();
    this.#names[row] = host.name;
    this.#clusters[row] = host.cluster;
    const before = this.offer(row);
    this.#offers[row] = this.#offersKept.take(host.datastores, host.networks);
    this.#offersKept.giveBack(before);
    this.#cores[row] = host.cores;
    this.#coreMhz[row] = host.coreMhz;
    this.#states[row] = REACHES.indexOf(host.reach) + 4 * POWERS.indexOf(host.power) + (host.inMaintenanceMode ? MAINTENANCE : 0) + (host.inQuarantineMode ? QUARANTINE : 0);
    this.#touch(row);
  }

  /** Forgets a host; nothing may be booked on it. */
  remove(moid: string): void {
    const row = this.row(moid);
    this.#offersKept.giveBack(this.offer(row));
    this.#rowByMoid.delete(moid);
    this.#rowsByCluster.clear();
    this.#clusters[row] = "";
    this.#offers[row] = NO_OFFER;
    for (const column of [this.#capacity, this.#reserved, this.#active, this.#demand]) column.set(row, NOTHING);
    for (const column of [this.#cores, this.#coreMhz, this.#states, this.#bookings, this.#poweredOnVms]) column[row] = 0;
    this.#touch(row);
    this.#freeRows.push(row);
  }

  /** Books (1) or gives back (-1). */
  book(row: number, booking: Booking, sign: 1 | -1): void {
    this.#reserved.add(row, booking.reserved, sign);
    this.use(row, booking, sign);
    this.#bookings[row] = this.bookings(row) + sign;
    if (booking.poweredOn) this.#poweredOnVms[row] = this.poweredOnVms(row) + sign;
    // Demand has fractions, and sums of fractions drift: an empty host starts from nothing.
    if (this.bookings(row) === 0) for (const column of [this.#reserved, this.#active, this.#demand]) column.set(row, NOTHING);
    this.#touch(row);
  }

  /** Counts (1) or takes away (-1) what something on the host uses and is expected to use. */
  use(row: number, { active, demand }: Pick<Booking, "active" | "demand">, sign: 1 | -1): void {
    this.#active.add(row, active, sign);
    this.#demand.add(row, demand, sign);
    this.#touch(row);
  }

  /** The row of a host. Throws for one that is not in the table. */
  row(moid: string): number {
    const row = this.#rowByMoid.get(moid);
    if (row === undefined) throw new Error(`no host ${moid} in the ledger`);
    return row;
  }

  /** The rows of a cluster's hosts, in order of their names. Not to be changed: it is kept for the next one who asks. */
  rowsOf(cluster: string): Int32Array {
    const known = this.#rowsByCluster.get(cluster);
    if (known !== undefined) return known;
    const rows = [...this.#rowByMoid.values()].filter((row) => this.#clusters[row] === cluster).toSorted((left, right) => (this.name(left) < this.name(right) ? -1 : 1));
    const made = Int32Array.from(rows);
    this.#rowsByCluster.set(cluster, made);
    return made;
  }

  ref(row: number): ManagedObjectReference {
    return this.#refs[row] ?? moref("HostSystem", "");
  }

  moid(row: number): string {
    return this.ref(row).value;
  }

  name(row: number): string {
    return this.#names[row] ?? "";
  }

  cluster(row: number): string {
    return this.#clusters[row] ?? "";
  }

  /** What it can reach. */
  offer(row: number): HostOffer {
    return this.#offers[row] ?? NO_OFFER;
  }

  cores(row: number): number {
    return this.#cores[row] ?? 0;
  }

  coreMhz(row: number): number {
    return this.#coreMhz[row] ?? 0;
  }

  reach(row: number): HostReach {
    return REACHES[(this.#states[row] ?? 0) & 3] ?? "disconnected";
  }

  power(row: number): HostPower {
    return POWERS[((this.#states[row] ?? 0) >> 2) & 3] ?? "poweredOff";
  }

  inMaintenanceMode(row: number): boolean {
    return ((this.#states[row] ?? 0) & MAINTENANCE) !== 0;
  }

  inQuarantineMode(row: number): boolean {
    return ((this.#states[row] ?? 0) & QUARANTINE) !== 0;
  }

  capacity(row: number, resource: Resource): number {
    return this.#capacity.at(row, resource);
  }

  /** Reserved by VMs and holds, with overhead. */
  reserved(row: number, resource: Resource): number {
    return this.#reserved.at(row, resource);
  }

  /** Expected use. */
  demand(row: number, resource: Resource): number {
    return this.#demand.at(row, resource);
  }

  /** In use now. */
  active(row: number, resource: Resource): number {
    return this.#active.at(row, resource);
  }

  /** How many VMs and holds lie on the host. */
  bookings(row: number): number {
    return this.#bookings[row] ?? 0;
  }

  poweredOnVms(row: number): number {
    return this.#poweredOnVms[row] ?? 0;
  }

  /** Grows with every change of the row: whoever looked at it before knows whether to look again. */
  version(row: number): number {
    return this.#versions[row] ?? 0;
  }

  #touch(row: number): void {
    this.#versions[row] = this.version(row) + 1;
  }

  #grow(): void {
    const rows = 2 * this.#cores.length;
    this.#capacity = new Column(rows, this.#capacity);
    this.#reserved = new Column(rows, this.#reserved);
    this.#active = new Column(rows, this.#active);
    this.#demand = new Column(rows, this.#demand);
    this.#cores = grown(this.#cores, new Int32Array(rows));
    this.#coreMhz = grown(this.#coreMhz, new Int32Array(rows));
    this.#states = grown(this.#states, new Uint8Array(rows));
    this.#bookings = grown(this.#bookings, new Int32Array(rows));
    this.#poweredOnVms = grown(this.#poweredOnVms, new Int32Array(rows));
    this.#versions = grown(this.#versions, new Uint32Array(rows));
  }
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
