import { isDeepStrictEqual } from "node:util";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/** `imagecontroller.vmware.com/v1 Image`: one image in the cluster's cache, made by the image controller. */
export const imageKind: Kind = {
  group: "imagecontroller.vmware.com",
  version: "v1",
  resource: "images",
  singular: "image",
  kind: "Image",
  namespaced: true,
  shortNames: [],
  categories: [],
  prefix: "/registry/imagecontroller.vmware.com/images/",
  struct: "image.Image",
  hasStatus: true,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [NAME_COLUMN, column("Phase", "string", "Resolving, Fetching, Ready or Failed"), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, object["status"]?.phase ?? "", age(object.metadata.creationTimestamp, nowMs)],
  countsGeneration: (object, old) => !isDeepStrictEqual(object["spec"], old["spec"]),
  prepareCreate(object) {
    delete object["status"];
  },
};
