import { parseTime } from "../../kubernetes/timestamp.js";
import type { Column } from "./kind.js";

/** A column that is always printed. */
export function column(name: string, type: Column["type"], description: string, format = ""): Column {
  return { name, type, format, description, priority: 0 };
}

/** A column of `-o wide`. */
export function wideColumn(name: string, type: Column["type"], description: string, format = ""): Column {
  return { name, type, format, description, priority: 1 };
}

export const NAME_COLUMN = column("Name", "string", "Name must be unique within a namespace.", "name");
export const AGE_COLUMN = column("Age", "string", "How long ago the object was created.");

/**
 * A span as kubectl prints ages: two units while the larger one is small.
 *
 * 59 s `59s`, 100 s `100s`, 125 s `2m5s`, 12 min `12m`, 3 h 10 min `3h10m`, 30 h `30h`, 3 d 2 h `3d2h`, 20 d `20d`, 3 y `3y`.
 */
export function shortSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  if (days < 2920) return days % 365 === 0 ? `${years}y` : `${years}y${days % 365}d`;
  return `${years}y`;
}

/** The age of a timestamp, `<unknown>` where there is none. */
export function age(timestamp: string | null | undefined, nowMs: number): string {
  const ms = parseTime(timestamp);
  return ms === undefined ? "<unknown>" : shortSpan(nowMs - ms);
}
