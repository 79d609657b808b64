import { isDeepStrictEqual } from "node:util";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, AGE_COLUMN, column, NAME_COLUMN } from "./object-columns.js";

/**
 * `imagecontroller.vmware.com/v1 ImageDisk`: layers in the cluster's image cache, shared by every Image of that chain. That it is of the
 * cluster and not of a namespace is this project's own choice; VMware does not publish it.
 */
export const imageDiskKind: Kind = {
  group: "imagecontroller.vmware.com",
  version: "v1",
  resource: "imagedisks",
  singular: "imagedisk",
  kind: "ImageDisk",
  namespaced: false,
  shortNames: [],
  categories: [],
  prefix: "/registry/imagecontroller.vmware.com/imagedisks/",
  struct: "image.ImageDisk",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {},
  columns: [NAME_COLUMN, column("ChainID", "string", "Digest of the chain of layers on it"), AGE_COLUMN],
  cells: (object, nowMs) => [object.metadata.name, object["spec"]?.chainID ?? "", age(object.metadata.creationTimestamp, nowMs)],
  countsGeneration: (object, old) => !isDeepStrictEqual(object["spec"], old["spec"]),
};
