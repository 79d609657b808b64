/** What bounds the resources of a namespace, of core/v1 as of Kubernetes 1.32. */
export const corePolicy = `
scalars LimitType=string ResourceQuotaScope=string ScopeSelectorOperator=string
LimitRange metadata:1=meta.ObjectMeta spec:2=LimitRangeSpec
ResourceQuota metadata:1=meta.ObjectMeta spec:2=ResourceQuotaSpec status:3=ResourceQuotaStatus
LimitRangeSpec limits:1=[]LimitRangeItem
LimitRangeItem type:1=LimitType max:2=map.Quantity min:3=map.Quantity default:4=map.Quantity defaultRequest:5=map.Quantity
  maxLimitRequestRatio:6=map.Quantity
ResourceQuotaSpec hard:1=map.Quantity scopes:2=[]ResourceQuotaScope scopeSelector:3=*ScopeSelector!
ResourceQuotaStatus hard:1=map.Quantity used:2=map.Quantity
ScopeSelector matchExpressions:1=[]ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement scopeName:1=ResourceQuotaScope operator:2=ScopeSelectorOperator values:3=[]string
`;
