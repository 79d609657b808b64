/** apimachinery's meta/v1. */
export const meta = `
ObjectMeta name:1=string generateName:2=string namespace:3=string selfLink:4=string uid:5=UID resourceVersion:6=string generation:7=int64
  creationTimestamp:8=Time deletionTimestamp:9=*Time deletionGracePeriodSeconds:10=*int64 labels:11=map.string annotations:12=map.string
  ownerReferences:13=[]OwnerReference~uid@uid finalizers:14=[]string~@ managedFields:17=[]ManagedFieldsEntry
OwnerReference apiVersion:5=string kind:1=string name:3=string uid:4=UID controller:6=*bool blockOwnerDeletion:7=*bool
ManagedFieldsEntry manager:1=string operation:2=string apiVersion:3=string time:4=*Time fieldsType:6=string fieldsV1:7=*FieldsV1 subresource:8=string
LabelSelector matchLabels:1=map.string matchExpressions:2=[]LabelSelectorRequirement
LabelSelectorRequirement key:1=string operator:2=string values:3=[]string
FieldSelectorRequirement key:1=string operator:2=string values:3=[]string
Condition type:1=string status:2=string observedGeneration:3=int64 lastTransitionTime:4=Time reason:5=string message:6=string
DeleteOptions gracePeriodSeconds:1=*int64 preconditions:2=*Preconditions orphanDependents:3=*bool propagationPolicy:4=*string dryRun:5=[]string
  ignoreStoreReadErrorWithClusterBreakingPotential:6=*bool
Preconditions uid:1=*UID resourceVersion:2=*string
`;

/** apps/v1 as of Kubernetes 1.32. */
export const apps = `
scalars DeploymentConditionType=string DeploymentStrategyType=string ReplicaSetConditionType=string
Deployment metadata:1=meta.ObjectMeta spec:2=DeploymentSpec status:3=DeploymentStatus
ReplicaSet metadata:1=meta.ObjectMeta spec:2=ReplicaSetSpec status:3=ReplicaSetStatus
DeploymentSpec replicas:1=*int32 selector:2=*meta.LabelSelector template:3=core.PodTemplateSpec strategy:4=DeploymentStrategy^ minReadySeconds:5=int32
  revisionHistoryLimit:6=*int32 paused:7=bool progressDeadlineSeconds:9=*int32
DeploymentStatus observedGeneration:1=int64 replicas:2=int32 updatedReplicas:3=int32 readyReplicas:7=int32 availableReplicas:4=int32
  unavailableReplicas:5=int32 conditions:6=[]DeploymentCondition~type@type collisionCount:8=*int32
ReplicaSetSpec replicas:1=*int32 minReadySeconds:4=int32 selector:2=*meta.LabelSelector template:3=core.PodTemplateSpec
ReplicaSetStatus replicas:1=int32 fullyLabeledReplicas:2=int32 readyReplicas:4=int32 availableReplicas:5=int32 observedGeneration:3=int64
  conditions:6=[]ReplicaSetCondition~type@type
DeploymentStrategy type:1=DeploymentStrategyType rollingUpdate:2=*RollingUpdateDeployment
DeploymentCondition type:1=DeploymentConditionType status:2=core.ConditionStatus lastUpdateTime:6=Time lastTransitionTime:7=Time reason:4=string
  message:5=string
ReplicaSetCondition type:1=ReplicaSetConditionType status:2=core.ConditionStatus lastTransitionTime:3=Time reason:4=string message:5=string
RollingUpdateDeployment maxUnavailable:1=*IntOrString maxSurge:2=*IntOrString
`;

/** autoscaling/v1 as of Kubernetes 1.32. */
export const autoscaling = `
Scale metadata:1=meta.ObjectMeta spec:2=ScaleSpec status:3=ScaleStatus
ScaleSpec replicas:1=int32
ScaleStatus replicas:1=int32 selector:2=string
`;

/** coordination/v1 as of Kubernetes 1.32. */
export const coordination = `
scalars CoordinatedLeaseStrategy=string
Lease metadata:1=meta.ObjectMeta spec:2=LeaseSpec
LeaseSpec holderIdentity:1=*string leaseDurationSeconds:2=*int32 acquireTime:3=*MicroTime renewTime:4=*MicroTime leaseTransitions:5=*int32
  strategy:6=*CoordinatedLeaseStrategy preferredHolder:7=*string
`;

/** scheduling/v1 as of Kubernetes 1.32. */
export const scheduling = `
PriorityClass metadata:1=meta.ObjectMeta value:2=int32 globalDefault:3=bool description:4=string preemptionPolicy:5=*core.PreemptionPolicy
`;

/** events/v1 as of Kubernetes 1.32. */
export const events = `
Event metadata:1=meta.ObjectMeta eventTime:2=MicroTime series:3=*EventSeries reportingController:4=string reportingInstance:5=string action:6=string
  reason:7=string regarding:8=core.ObjectReference related:9=*core.ObjectReference note:10=string type:11=string deprecatedSource:12=core.EventSource
  deprecatedFirstTimestamp:13=Time deprecatedLastTimestamp:14=Time deprecatedCount:15=int32
EventSeries count:1=int32 lastObservedTime:2=MicroTime
`;

/** policy/v1 as of Kubernetes 1.32. */
export const policy = `
Eviction metadata:1=meta.ObjectMeta deleteOptions:2=*meta.DeleteOptions
`;

/** authentication/v1 as of Kubernetes 1.32. */
export const authentication = `
SelfSubjectReview metadata:1=meta.ObjectMeta status:2=SelfSubjectReviewStatus
SelfSubjectReviewStatus userInfo:1=UserInfo
UserInfo username:1=string uid:2=string groups:3=[]string extra:4=map.[]string
`;

/** authorization/v1 as of Kubernetes 1.32. */
export const authorization = `
SelfSubjectAccessReview metadata:1=meta.ObjectMeta spec:2=SelfSubjectAccessReviewSpec status:3=SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec resourceAttributes:1=*ResourceAttributes nonResourceAttributes:2=*NonResourceAttributes
SubjectAccessReviewStatus allowed:1=bool denied:4=bool reason:2=string evaluationError:3=string
ResourceAttributes namespace:1=string verb:2=string group:3=string version:4=string resource:5=string subresource:6=string name:7=string
  fieldSelector:8=*FieldSelectorAttributes labelSelector:9=*LabelSelectorAttributes
NonResourceAttributes path:1=string verb:2=string
FieldSelectorAttributes rawSelector:1=string requirements:2=[]meta.FieldSelectorRequirement
LabelSelectorAttributes rawSelector:1=string requirements:2=[]meta.LabelSelectorRequirement
`;

/** imagecontroller.vmware.com/v1: a custom resource, so its spec and status keep whatever they are given. */
export const image = `
Image metadata:1=meta.ObjectMeta spec:2=*RawExtension status:3=*RawExtension
ImageDisk metadata:1=meta.ObjectMeta spec:2=*RawExtension
`;
