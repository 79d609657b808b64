import type { ClusterRecommendation, PlacementResult, PlacementSpec, SizePodRequest, SizePodResponse } from "../../gen/spheresim/vcenter/v1/placement.js";
import type { TaskInfo } from "../../gen/spheresim/vim/v1/task.js";

/** What the scheduler extension needs of vCenter. Calls reject with RpcError; a fault's name is its reason. */
export interface Vcenter {
  sizePod(request: SizePodRequest): Promise<SizePodResponse>;
  /** Step 4: DRS places a batch; one result a spec, in order. */
  placeVms(specs: readonly PlacementSpec[]): Promise<readonly PlacementResult[]>;
  /** Step 7: creates and powers on. Answers with the task the owner's VM already has, if it has one. */
  apply(request: { readonly key: ClusterRecommendation["key"]; readonly ownerUid: string; readonly spec: PlacementSpec }): Promise<TaskInfo>;
  /** Gives the owner's hold back. */
  cancel(ownerUid: string): Promise<void>;
  /** Undefined when the owner has no VM. */
  destroyVmOf(ownerUid: string): Promise<TaskInfo | undefined>;
  /** Host names by moid. */
  hosts(): Promise<ReadonlyMap<string, string>>;
  /** The instance uuid, which makes moids unique. */
  instanceUuid(): Promise<string>;
}
