import { RpcError } from "../base/rpc-error.js";
import { ExplainServiceService } from "../gen/spheresim/scheduler/v1/explain_service.js";
import { serve, type ServedService } from "../rpc/server.js";
import type { Explanations } from "./explanations.js";

/** `spheresim.scheduler.v1.ExplainService`. */
export function explainService(explanations: Explanations): ServedService {
  return serve(ExplainServiceService, {
    explain: ({ namespace, name }) => {
      if (name === "") throw RpcError.invalidArgument("name is required", { field: "name", description: "must name a pod" });
      const where = namespace === "" ? "default" : namespace;
      const explanation = explanations.explain(where, name);
      if (explanation === undefined) throw RpcError.notFound(`pod ${where}/${name} was never tried by this scheduler since it started`);
      return explanation;
    },
  });
}
