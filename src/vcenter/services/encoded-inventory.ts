import { InventoryServiceService } from "../../gen/spheresim/vcenter/v1/inventory_service.js";

const asIs = (bytes: Buffer): Buffer => bytes;

/** InventoryService with the whole inventory as bytes, which are made a slice at a time. */
export const EncodedInventoryService = { ...InventoryServiceService, getInventory: { ...InventoryServiceService.getInventory, responseSerialize: asIs, responseDeserialize: asIs } };
