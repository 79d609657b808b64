import { type FieldRequirement, matchesFieldSelector, parseFieldSelector } from "../../kubernetes/field-selector.js";
import { type LabelRequirement, matchesRequirements, parseLabelSelector, SelectorError } from "../../kubernetes/label-selector.js";
import { badRequest } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";
import type { Selection } from "../request.js";

/** Which objects of a kind a request is about: namespace, labels and fields. */
export class Filter {
  readonly #kind: Kind;
  readonly #namespace: string;
  readonly #labels: readonly LabelRequirement[];
  readonly #fields: readonly FieldRequirement[];

  constructor(kind: Kind, namespace: string, selection: Selection) {
    this.#kind = kind;
    this.#namespace = namespace;
    try {
      this.#labels = parseLabelSelector(selection.labelSelector);
      this.#fields = parseFieldSelector(selection.fieldSelector);
    } catch (error) {
      if (error instanceof SelectorError) throw badRequest(error.message);
      throw error;
    }
    for (const { field } of this.#fields) {
      if (field === "metadata.name" || (field === "metadata.namespace" && kind.namespaced) || Object.hasOwn(kind.fields, field)) continue;
      throw badRequest(`field label not supported: ${field}`);
    }
  }

  /** Whether labels or fields narrow the list: then no remaining count is given. */
  get isSelective(): boolean {
    return this.#labels.length > 0 || this.#fields.length > 0;
  }

  /** The one name the fields ask for, if they do. */
  get name(): string | undefined {
    return this.#fields.find(({ field, operator }) => field === "metadata.name" && operator === "=")?.value;
  }

  matches(object: ApiObject): boolean {
    if (this.#namespace !== "" && object.metadata.namespace !== this.#namespace) return false;
    if (!matchesRequirements(this.#labels, object.metadata.labels)) return false;
    return matchesFieldSelector(this.#fields, (field) => {
      if (field === "metadata.name") return object.metadata.name;
      if (field === "metadata.namespace") return object.metadata.namespace ?? "";
      return this.#kind.fields[field]?.(object) ?? "";
    });
  }
}
