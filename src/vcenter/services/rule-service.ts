import type { ClusterGroup, Rule } from "../../gen/spheresim/vcenter/v1/rule.js";
import { RuleServiceService } from "../../gen/spheresim/vcenter/v1/rule_service.js";
import type { RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Pages } from "../inventory/pages.js";
import type { RuleAdmin } from "../clusters/rule-admin.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface RuleServiceOptions {
  readonly rules: RuleAdmin;
  readonly requests: RequestCache;
  readonly rulePages: Pages<Rule>;
  readonly groupPages: Pages<ClusterGroup>;
}

/** RuleService on the wire. */
export function ruleService(options: RuleServiceOptions): ServedService {
  const { rules, requests, rulePages, groupPages } = options;
  return serve(RuleServiceService, {
    addRule: answering((request) => requests.answer("AddRule", request, async () => rules.addRule(request.cluster, request.rule))),
    updateRule: answering((request) => requests.answer("UpdateRule", request, async () => rules.updateRule(request.cluster, request.rule))),
    removeRule: answering((request) =>
      requests.answer("RemoveRule", request, async () => {
        await rules.removeRule(request.cluster, request.key);
        return {};
      }),
    ),
    listRules: answering((request) => {
      const cluster = rules.cluster(request.cluster);
      const { items, nextPageToken } = rulePages.page(request, () => rules.listRules(cluster, request.vm));
      return { rules: [...items], nextPageToken };
    }),
    putGroup: answering((request) => requests.answer("PutGroup", request, async () => rules.putGroup(request.cluster, request.group))),
    removeGroup: answering((request) =>
      requests.answer("RemoveGroup", request, async () => {
        await rules.removeGroup(request.cluster, request.name);
        return {};
      }),
    ),
    listGroups: answering((request) => {
      const cluster = rules.cluster(request.cluster);
      const { items, nextPageToken } = groupPages.page(request, () => rules.listGroups(cluster));
      return { groups: [...items], nextPageToken };
    }),
  });
}
