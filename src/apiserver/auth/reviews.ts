import type { Caller } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";
import type { Expected } from "../rest/body.js";

/** A request that is answered and stored nowhere. */
export interface Review {
  readonly group: string;
  readonly resource: string;
  readonly expected: Expected;
  readonly answer: (request: ApiObject, caller: Caller) => ApiObject;
}

/** `kubectl auth whoami` and `kubectl auth can-i`. */
export const REVIEWS: readonly Review[] = [
  {
    group: "authentication.k8s.io",
    resource: "selfsubjectreviews",
    expected: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", struct: "authentication.SelfSubjectReview" },
    answer: (request, caller) => ({ ...request, status: { userInfo: { username: caller.name, ...(caller.uid ? { uid: caller.uid } : {}), groups: caller.groups } } }),
  },
  {
    group: "authorization.k8s.io",
    resource: "selfsubjectaccessreviews",
    expected: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", struct: "authorization.SelfSubjectAccessReview" },
    // Everything is allowed to everybody who is known; a node's limits depend on the object.
    answer: (request) => ({ ...request, status: { allowed: true } }),
  },
];

/** How a review is listed in discovery (`meta/v1 APIResource` and `apidiscovery.k8s.io`). */
export function reviewSingular(review: Review): string {
  return review.expected.kind.toLowerCase();
}
